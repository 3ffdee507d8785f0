"""Receipts as tills print them: a narrow strip, one thing below the other."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from .coined import coined_name
from .content import Content
from .extras import company_line, reference, sentence
from .firms import brand, coded, firm, in_lines
from .heads import CLIENT, FACTS, VENDOR
from .sheet import BLACK, Sheet
from .style import Setting, Style
from .sums import TAXES as TAX_REGION
from .sums import Row, total_rows
from .tables import REGION

Rng = np.random.Generator


def set_receipt(content: Content, style: Style, rng: Rng) -> Setting:
    """A receipt on a strip as long as it needs."""
    wide = float(rng.uniform(190, 290))
    depth = (115 + 4.2 * len(content.document.lines)) * style.size * style.leading
    sheet = Sheet(wide, depth, stretch=float(rng.choice([1.0, 1.0, 0.9, 1.12])))
    page = Setting(content, style, sheet, rng)
    page.y = 26.0
    late = bool(rng.random() < 0.12)
    _head(page)
    if not late:
        _facts(page)
    _rows(page)
    _sums(page)
    if late:
        _facts(page)
    _summary(page)
    _foot(page)
    sheet.height = min(sheet.height, page.y + 24)
    _shorten(sheet, depth)
    return page


def _shorten(sheet: Sheet, drawn_for: float) -> None:
    """The strip cut below what is printed: the drawing was made for a longer one and moves down by what is cut."""
    shift = drawn_for - sheet.height
    sheet.pages = [[f"q 1 0 0 1 0 {-shift:.2f} cm\n".encode(), *parts, b"Q\n"] for parts in sheet.pages]


def _centre(page: Setting, text: str, **how: object) -> None:
    size = float(how.pop("size", 1.0))  # type: ignore[arg-type]
    size = _fitting_size(page, text, page.sheet.width - 12, bold=bool(how.get("bold")), size=size)
    page.write(page.sheet.width / 2, text, align="centre", size=size, **how)  # type: ignore[arg-type]
    page.y += page.step


def _fitting_size(page: Setting, text: str, room: float, *, bold: bool = False, size: float = 1.0) -> float:
    """The size, made smaller until the text has room."""
    while page.width(text, bold=bold, size=size) > room:
        size *= 0.93
    return size


def _head(page: Setting) -> None:
    document, rng = page.document, page.rng
    if rng.random() < 0.15:  # what somebody wrote or stamped on it
        figures = coded(rng, str(rng.choice(["########", "@#####", "@@@ ######", "###-##", "#####"])))
        page.write(float(rng.uniform(8, page.sheet.width / 2)), figures, size=float(rng.uniform(1.0, 1.8)))
        page.y += page.step * float(rng.uniform(1.3, 3.0))
    titled = bool(rng.random() < 0.15)
    if titled:
        _centre(page, page.term("receipt"), bold=bool(rng.random() < 0.5))
    seller = document.seller or ""
    if rng.random() < 0.25:
        other = firm(rng, page.content.place)[0] if rng.random() < 0.5 else coined_name(rng).upper()
        called = " ".join(other.split()[:2]) if rng.random() < 0.6 else brand(seller, rng)
        _centre(page, called, size=float(rng.uniform(1.0, 2.0)), region=VENDOR)
    size, bold = float(rng.uniform(1.0, 1.5)), bool(rng.random() < 0.7)
    lines = in_lines(seller, rng, 0.25)
    if len(lines) == 1 and rng.random() < 0.08:
        _registered(page, seller, size=size, bold=bold)
    else:
        for line in lines:
            _centre(page, line, bold=bold, size=size, meaning="seller", region=VENDOR)
    if rng.random() < 0.1:  # which of its houses
        _centre(
            page, str(rng.choice(["({})", "{}", "Branch: {}", "{} BRANCH"])).format(coined_name(rng)), region=VENDOR
        )
    if rng.random() < 0.5:
        figures = f"{rng.integers(10**5, 10**6)}-{'ABDHKMPTVWX'[int(rng.integers(11))]}"
        forms = (
            f"({figures})",
            f"Co. Reg. No. : {figures}",
            f"ROC No.: ({figures})",
            company_line(rng, page.content.place),
        )
        _centre(page, str(rng.choice(forms)), region=VENDOR)
    for line in (document.seller_address or "").splitlines():
        _centre(page, line, meaning="seller_address", region=VENDOR)
    if rng.random() < 0.7:
        form = str(rng.choice(["{0} {1}", "{0}: {1}", "{0}:{1}", "{0} : {1}  FAX: {1}"]))
        _centre(page, form.format(page.term("phone"), page.content.phone), region=VENDOR)
    if rng.random() < 0.15:
        _centre(page, page.content.mail, region=VENDOR)
    if document.seller_tax_id:
        label, value = f"{page.term('seller_tax_id')}{page.style.colon} ", document.seller_tax_id
        size = _fitting_size(page, label + value, page.sheet.width - 12)
        left = (page.sheet.width - page.width(label + value, size=size)) / 2
        page.write(left, label.rstrip(), size=size, region=VENDOR)
        x = left + page.width(label, size=size)
        page.write(x, value, size=size, meaning="seller_tax_id", region=VENDOR)
        page.y += page.step
    page.y += page.step * 0.5
    if not titled:
        shown = str(rng.choice(["{}", "{}", "{}", "-{}-", "*** {} ***", "[ {} ]"])).format(page.term("receipt"))
        _centre(page, shown, bold=bool(page.rng.random() < 0.5))
    page.y += page.step * 0.3


def _registered(page: Setting, name: str, *, size: float, bold: bool) -> None:
    """The name with the number of a register behind it, in one line."""
    number = coded(page.rng, str(page.rng.choice(["(######-@)", "######-@", "(########)", "(######-@) (@@@)"])))
    size = _fitting_size(page, f"{name} {number}", page.sheet.width - 12, bold=bold, size=size)
    wide = page.width(f"{name} {number}", bold=bold, size=size)
    end = page.write((page.sheet.width - wide) / 2, name, bold=bold, size=size, meaning="seller", region=VENDOR)
    page.write(end + page.width(" ", size=size), number, bold=bold, size=size, region=VENDOR)
    page.y += page.step


def _facts(page: Setting) -> None:
    document, edge = page.document, 8.0
    day = page.writing.written_day(document.date) if document.date else ""
    clock = f"{page.rng.integers(8, 22):02}:{page.rng.integers(60):02}"
    clock += f":{page.rng.integers(60):02}" if page.rng.random() < 0.4 else ""
    facts = [("number", page.term("number"), document.number or ""), ("date", page.term("date"), day)]
    for _ in range(int(page.rng.choice([0, 0, 1, 2, 4]))):
        label, value = reference(page.rng, page.content.place, page.writing)
        facts.insert(int(page.rng.integers(len(facts) + 1)), ("", label, value))
    apart = float(page.rng.uniform(55, 80)) if page.rng.random() < 0.35 else 0.0
    if page.rng.random() < 0.5:
        facts.append(("", page.term("cashier"), str(page.rng.integers(1, 40))))
    if page.rng.random() < 0.4:
        facts.insert(int(page.rng.integers(2)), ("", page.term("till"), f"{page.rng.integers(1, 9):02}"))
    for name, label, value in facts:
        if not value:
            continue
        bare = name == "date" and page.rng.random() < 0.4
        shown = "" if bare else f"{label}{page.style.colon} "
        size = _fitting_size(page, shown + value, page.sheet.width - 2 * edge)
        end = max(edge + page.width(shown, size=size), apart if shown else 0.0)
        if end + page.width(value, size=size) > page.sheet.width - edge:
            end = edge + page.width(shown, size=size)
        if shown:
            page.write(edge, shown.rstrip(), size=size, region=FACTS)
        end = page.write(end, value, size=size, meaning=name, region=FACTS)
        if name == "date" and end + page.width(clock) + 10 < page.sheet.width:
            page.write(end + 6, clock, region=FACTS)
        page.y += page.step
    if document.buyer:
        label, name = f"{page.term('buyer')}{page.style.colon} ", document.buyer[:30]
        size = _fitting_size(page, label + name, page.sheet.width - 2 * edge)
        page.write(edge, label.rstrip(), size=size, region=CLIENT)
        page.write(edge + page.width(label, size=size), name, size=size, meaning="buyer", region=CLIENT)
        page.y += page.step
    _rule(page)


def _rule(page: Setting) -> None:
    if page.rng.random() < 0.5:
        page.sheet.rule(6, page.y - page.step * 0.4, page.sheet.width - 6, page.y - page.step * 0.4, dash="3 2")
    else:
        dashes = "-" if page.rng.random() < 0.7 else "="
        page.write(6, dashes * int((page.sheet.width - 12) / page.width(dashes)))
    page.y += page.step * 0.8


def _rows(page: Setting) -> None:
    rng = page.rng
    if rng.random() < 0.5:
        _row_head(page)
    if rng.random() < 0.25:
        _columns(page)
        _rule(page)
        return
    two_lines = rng.random() < 0.6
    coded = str(rng.choice([" SR", " S", " T1", " ZRL", " *", " A"])) if rng.random() < 0.25 else ""
    right, edge = page.sheet.width - 8 - page.width(coded), 8.0
    many, bare = str(rng.choice(["x", "X", "@", "*"])), bool(rng.random() < 0.12)
    for at, item in enumerate(page.document.lines):
        if coded:
            page.write(right, coded.strip(), region=REGION, y=page.y + (page.step if two_lines else 0.0))
        amount = page.writing.amount(item.amount or Decimal(0), plain=True)
        count = page.writing.quantity(item.quantity or Decimal(1))
        price = page.writing.amount(item.unit_price or Decimal(0), plain=True)
        name = (item.description or "").upper() if page.style.capitals else item.description or ""
        room = right - page.width(amount) - edge - 8
        if item.code and two_lines:
            page.write(edge, item.code, meaning=f"lines.{at}.code", region=REGION)
            page.y += page.step
        if two_lines:
            page.write(edge, _fitting(page, name, right - edge), meaning=f"lines.{at}.description", region=REGION)
            page.y += page.step
            end = page.write(edge + 10, count, meaning=f"lines.{at}.quantity", region=REGION)
            end = page.write(end + 4, many, region=REGION)
            page.write(end + 4, price, meaning=f"lines.{at}.unit_price", region=REGION)
        else:
            end = edge if bare else page.write(edge, count, meaning=f"lines.{at}.quantity", region=REGION)
            fitted = _fitting(page, name, room - (end - edge) - 4)
            page.write(end + 5, fitted, meaning=f"lines.{at}.description", region=REGION)
        page.write(right, amount, align="right", meaning=f"lines.{at}.amount", region=REGION)
        page.y += page.step
    _rule(page)


def _row_head(page: Setting) -> None:
    """The words above the rows."""
    labels = [page.term(name) for name in ("description", "quantity", "unit_price", "amount")]
    places = (8.0, 0.42 * page.sheet.width, 0.6 * page.sheet.width, page.sheet.width - 8)
    for label, x, align in zip(labels, places, ("left", "left", "left", "right"), strict=True):
        page.write(x, label[:9], size=0.85, align=align, region=REGION)
    page.y += page.step


def _columns(page: Setting) -> None:
    """Each thing in a line of its own, below it number, price and amount in columns, at times with its code."""
    right, wide = page.sheet.width - 8, page.sheet.width
    for at, item in enumerate(page.document.lines):
        name = (item.description or "").upper() if page.style.capitals else item.description or ""
        page.write(8.0, _fitting(page, name, right - 8), meaning=f"lines.{at}.description", region=REGION)
        page.y += page.step
        cells = (
            (0.42 * wide, "quantity", page.writing.quantity(item.quantity or Decimal(1))),
            (0.68 * wide, "unit_price", page.writing.amount(item.unit_price or Decimal(0), plain=True)),
            (right, "amount", page.writing.amount(item.amount or Decimal(0), plain=True)),
        )
        if item.code:
            page.write(8.0, item.code, size=0.85, meaning=f"lines.{at}.code", region=REGION)
        for x, field, text in cells:
            page.write(x, text, size=0.92, align="right", meaning=f"lines.{at}.{field}", region=REGION)
        page.y += page.step


def _fitting(page: Setting, text: str, room: float) -> str:
    while len(text) > 4 and page.width(text) > room:
        text = text[:-1].rstrip()
    return text


def _sums(page: Setting) -> None:
    right = page.sheet.width - 8
    rows, behind = _told(page)
    for row in rows:
        _sum(page, row, right)
    total = page.document.total or Decimal(0)
    rounded = page.rng.random() < 0.5
    if page.rng.random() < 0.65:
        given = total if rounded else (total / 10).to_integral_value() * 10 + 10
        _sum(page, Row(page.term("cash"), page.amount(given), ""), right)
        if given != total or page.rng.random() < 0.2:
            _sum(page, Row(page.term("change"), page.amount(given - total), ""), right)
    for row in behind:
        _sum(page, row, right)
    page.y += page.step * 0.5


def _sum(page: Setting, row: Row, right: float) -> None:
    """A line of the sums, larger where it is the total, at times."""
    large = 1.25 if row.bold and page.rng.random() < 0.6 else 1.0
    while row.wide(page, large) + page.width(row.value, bold=row.bold, size=large) > right - 14:
        large *= 0.94
    row.write(page, 8.0, right, BLACK, large)
    page.y += page.step * large


def _told(page: Setting) -> tuple[list[Row], list[Row]]:
    """The sums, and what is told of them behind what was paid."""
    rng, document = page.rng, page.document
    rows, behind = total_rows(page), list[Row]()
    included = page.content.gross and rng.random() < 0.45
    if included and len(document.taxes) == 1:  # only what is to pay, and the tax in it below
        taxed = next(row for row in rows if row.meaning == "tax")
        rows = [row for row in rows if row.meaning not in ("net", "tax")]
        if rng.random() < 0.75:
            behind = [taxed._replace(label=page.phrase("included"), bold=False)]
    extra: list[tuple[float, Row, bool]] = []
    count = sum((row.quantity or Decimal(0) for row in document.lines), Decimal(0))
    label = str(rng.choice(["Total Qty", "Qty(s)", "Item(s)", "No. of items", "Pos.", "QUANTITY"]))
    extra.append((0.35, Row(label, f"{count:.0f}", ""), bool(rng.random() < 0.5)))
    names = [
        "Total Amt Rounded",
        "Nett Total",
        "Total Sales",
        "Amount",
        "Total (Incl.)",
        "EFT",
        "Total",
        "Total Sales Incl. Tax",
    ]
    extra.append((0.3, Row(str(rng.choice(names)), page.amount(document.total or Decimal(0)), ""), False))
    extra.append((0.15, Row(page.term("discount"), page.amount(Decimal(0)), ""), True))
    extra.append((0.1, Row(page.phrase("no_discount"), page.amount(Decimal(0)), ""), True))
    if document.rounding is None:
        extra.append((0.12, Row(page.term("rounding"), page.amount(Decimal(0)), ""), False))
    for chance, row, first in extra:
        if rng.random() < chance:
            rows.insert(0 if first else len(rows) - int(rng.random() < 0.4), row)
    if rng.random() < 0.25:
        mark = str(rng.choice([":", " :", " ="]))
        rows = [row._replace(label=row.label + mark) if not row.rate else row for row in rows]
    return rows, behind


def _summary(page: Setting) -> None:
    """The small table of taxes that some tills print below what was paid."""
    if page.rng.random() > 0.35 or not page.document.taxes:
        return
    page.y += page.step * 0.6
    wide, right = page.sheet.width, page.sheet.width - 8
    for x, label, align in (
        (8.0, f"{page.term('tax')} Summary" if page.content.place.language == "en" else page.term("tax"), "left"),
        (0.68 * wide, page.term("tax_base"), "right"),
        (right, page.term("tax"), "right"),
    ):
        page.write(x, label, size=0.9, align=align, region=TAX_REGION)
    page.y += page.step
    for at, tax in enumerate(page.document.taxes):
        end = page.write(8.0, str(page.rng.choice(["SR @", "A", "", "SR ="])), size=0.9, region=TAX_REGION)
        rate = page.writing.quantity(tax.rate or Decimal(0)) + "%"
        page.write(end + 3, rate, size=0.9, meaning=f"taxes.{at}.rate", region=TAX_REGION)
        for x, name, value in ((0.68 * wide, "base", tax.base), (right, "amount", tax.amount)):
            text = page.writing.amount(value or Decimal(0), plain=True)
            page.write(x, text, size=0.9, align="right", meaning=f"taxes.{at}.{name}", region=TAX_REGION)
        page.y += page.step


def _foot(page: Setting) -> None:
    for _ in range(int(page.rng.choice([0, 0, 1, 2, 4]))):
        _centre(page, sentence(page.rng, page.content.place, page.writing)[:48], size=0.9)
    if page.rng.random() < 0.15:  # the slip of a card
        for label in ("Terminal ID", "Card No.", "Approval Code", "AMOUNT"):
            shown = (
                page.amount(page.document.total or Decimal(0)) if label == "AMOUNT" else coded(page.rng, "XXXX-####")
            )
            page.write(8.0, f"{label}{page.style.colon}")
            page.write(page.sheet.width - 8, shown, align="right")
            page.y += page.step
    if page.rng.random() < 0.85:
        _centre(page, page.term("thanks"))
    if page.rng.random() < 0.3:
        _centre(page, "* " + str(page.rng.integers(10**9, 10**10)) + " *")
