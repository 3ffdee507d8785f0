"""A document as a form: headings, and below each of them labels with their values, as programs print what they hold."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from .balances import balance_rows, set_balance
from .content import Content
from .extras import DATED, FORM, SHIP, company_line, reference, sentence
from .heads import CLIENT, FACTS, VENDOR
from .ledgers import set_ledger
from .sheet import Sheet
from .style import A4, Setting, Style
from .sums import TOTALS
from .tables import REGION

Rng = np.random.Generator
_SHADE = (0.92, 0.92, 0.93)
_BLOCKED = ("lines", "stacked")
"""Ways to set facts in which names and addresses stand without labels."""
Pair = tuple[str, str, str, str]
"""Label, value, its meaning, its region."""


def set_form(content: Content, style: Style, rng: Rng) -> Setting:
    """A form on pages of A4."""
    page = Setting(content, style, Sheet(*A4), rng)
    seller, buyer, *_ = FORM[content.place.language]
    if rng.random() < 0.4:
        seller, buyer = page.phrase("from"), page.term("buyer")
    blocked = style.facts in _BLOCKED
    value = page.left + float(rng.uniform(0.32, 0.45)) * (page.right - page.left)
    beside = bool(rng.random() < 0.15)
    if rng.random() < 0.5:
        page.write(page.left, sentence(rng, content.place, page.writing)[:70], size=0.85)
        page.y += page.step * 2
    _title(page)
    _pairs(page, _facts(page), value, beside)
    document = page.document
    sold = _party(page, "seller", document.seller, document.seller_address, document.seller_tax_id, VENDOR)
    _section(page, seller)
    _pairs(page, sold, page.left if blocked else value, beside)
    if document.buyer:
        _section(page, buyer)
        bought = _party(page, "buyer", document.buyer, document.buyer_address, document.buyer_tax_id, CLIENT)
        _pairs(page, bought, page.left if blocked else value, beside)
        if rng.random() < 0.3:
            _section(page, str(rng.choice([*SHIP[content.place.language], page.phrase("contact")])))
            lines = [*(document.buyer_address or "").splitlines(), content.phone][: int(rng.integers(1, 5))]
            lines = [document.buyer, *lines] if rng.random() < 0.5 else lines
            _pairs(page, [("", line, "", CLIENT) for line in lines], page.left if blocked else value, beside)
    if rng.random() < 0.3:
        _section(page, page.phrase("notes"))
    for _ in range(int(rng.choice([0, 1, 3]))):
        page.write(value, sentence(rng, content.place, page.writing)[:46])
        page.y += page.step
    if rng.random() < 0.5:
        _items(page)
    else:
        _section(page, FORM[content.place.language][4])
        set_ledger(page)
    if rng.random() < 0.4:
        _totals(page)
    else:
        _section(page, FORM[content.place.language][5])
        set_balance(page)
    return page


def _title(page: Setting) -> None:
    document = page.document
    end = page.write(page.left, page.term(document.type or "invoice"), bold=True, size=1.3)
    if page.rng.random() < 0.3:
        end = page.write(end + 6, f"({page.rng.choice(['380', '381', '326', '384', '389'])})", bold=True, size=1.3)
    if document.number:
        end = page.write(end + 6, str(page.rng.choice(["Nr.", "No.", "n°"])), bold=True, size=1.3)
        end = page.write(end + 6, document.number, bold=True, size=1.3, meaning="number", region=FACTS)
    if document.date:
        end = page.write(end + 6, DATED[page.content.place.language][0], bold=True, size=1.3)
        day = page.writing.written_day(document.date)
        page.write(end + 6, day, bold=True, size=1.3, meaning="date", region=FACTS)
    page.y += page.step * 2.5


def _facts(page: Setting) -> list[Pair]:
    document, found = page.document, list[Pair]()
    if document.due_date:
        found.append((page.term("due_date"), page.writing.written_day(document.due_date), "due_date", FACTS))
    if document.order_number:
        found.append((page.term("order_number"), document.order_number, "order_number", FACTS))
    for _ in range(int(page.rng.integers(0, 6))):
        label, value = reference(page.rng, page.content.place, page.writing)
        found.insert(int(page.rng.integers(len(found) + 1)), (label, value, "", FACTS))
    return found


def _party(
    page: Setting, who: str, name: str | None, address: str | None, tax_id: str | None, region: str
) -> list[Pair]:
    _, _, named, placed, *_ = FORM[page.content.place.language]
    if page.style.facts in _BLOCKED:  # a block below its heading, as in a letter
        named = placed = ""
    pairs: list[Pair] = []
    for _ in range(int(page.rng.integers(0, 3))):
        label, value = reference(page.rng, page.content.place, page.writing)
        pairs.append((label, value, "", region))
    pairs.append((named, name or "", who, region))
    for at, line in enumerate((address or "").splitlines()):
        pairs.append((placed if at == 0 else "", line, f"{who}_address", region))
    if tax_id:
        pairs.append((page.term("seller_tax_id"), tax_id, f"{who}_tax_id", region))
    if who == "seller" and page.rng.random() < 0.5:
        pairs.append((page.term("phone"), page.content.phone, "", region))
    return pairs


def _section(page: Setting, heading: str) -> None:
    _room(page, 4)
    page.y += page.step * float(page.rng.uniform(0.6, 1.6))
    low = page.y + page.style.size * 0.4
    if page.style.heading == "box":
        page.sheet.box(page.left - 2, page.y - page.style.size, page.right, low, fill=_SHADE)
    end = page.write(page.left, heading, bold=page.style.heading != "plain", size=1.1)
    if page.style.heading in ("plain", "rule"):
        page.sheet.rule(page.left, low, end if page.style.heading == "plain" else page.right, low)
    page.y += page.step * 1.4


def _room(page: Setting, lines: float) -> None:
    """A new page where so many lines have none left."""
    if page.y + lines * page.step > page.bottom:
        page.sheet.new_page()
        page.y = page.style.margin + page.style.size


def _pairs(page: Setting, pairs: list[Pair], x: float, beside: bool) -> None:
    """Values in a column of their own, or right beside their labels."""
    wide = page.step * float(page.rng.choice([1.0, 1.2, 1.6]))
    for label, value, meaning, region in pairs:
        _room(page, 1.6)
        at = page.left
        if label:
            end = page.write(page.left, f"{label[:30]}{page.style.colon}", region=region)
            at = end + 5
        at = at if beside else max(x, at)
        page.write(at, value, size=page.shrunk(value, page.right - at), meaning=meaning, region=region)
        page.y += wide


def _items(page: Setting) -> None:
    """The rows: number, name over the width of its column, price, count, rate and amount; at times a note below."""
    rng, left, whole = page.rng, page.left, page.right - page.left
    _section(page, FORM[page.content.place.language][4])
    columns = {"code": 0.06, "description": 0.22, "unit_price": 0.62, "quantity": 0.72, "tax_rate": 0.86, "amount": 1.0}
    for name, share in columns.items():
        align = "left" if name in ("code", "description") else "right"
        page.write(left + share * whole - (0 if align == "left" else 2), page.term(name)[:12], bold=True, size=0.8,
                   align=align, region=REGION)  # fmt: skip
    page.y += page.step * 1.8
    wide, noted = float(rng.uniform(1.4, 3.0)), bool(rng.random() < 0.4)
    for at, item in enumerate(page.document.lines):
        _room(page, wide + 1.5)
        page.write(left, str(at + 1), size=0.9, region=REGION)
        if item.code:
            page.write(left + 0.06 * whole, item.code, size=0.9, meaning=f"lines.{at}.code", region=REGION)
        shown = _fitting(page, item.description or "-", 0.36 * whole)
        page.write(left + 0.22 * whole, shown, size=0.9, meaning=f"lines.{at}.description", region=REGION)
        cells = {
            "unit_price": page.writing.amount(item.unit_price or Decimal(0), plain=True),
            "quantity": page.writing.quantity(item.quantity or Decimal(1)),
            "tax_rate": f"{page.writing.quantity(item.tax_rate or Decimal(0))}%",
            "amount": page.writing.amount(item.amount or Decimal(0), plain=True),
        }
        for name, text in cells.items():
            page.write(left + columns[name] * whole - 2, text, size=0.9, align="right", meaning=f"lines.{at}.{name}",
                       region=REGION)  # fmt: skip
        if item.unit:
            page.write(left + 0.73 * whole, item.unit[:6], size=0.9, meaning=f"lines.{at}.unit", region=REGION)
        if item.discount:
            page.y += page.step
            x = page.write(left + 0.22 * whole, page.term("row_discount"), size=0.9, region=REGION)
            text = page.writing.amount(item.discount, plain=True)
            page.write(x + 6, text, size=0.9, meaning=f"lines.{at}.discount", region=REGION)
        page.y += page.step * wide
        if noted and rng.random() < 0.5:
            note = _fitting(page, sentence(rng, page.content.place, page.writing), 0.5 * whole)
            page.write(left + 0.22 * whole, note, size=0.9, region=REGION)
            page.y += page.step * 1.2


def _fitting(page: Setting, text: str, room: float) -> str:
    while len(text) > 3 and page.width(text, size=0.9) > room:
        text = text[:-1].rstrip()
    return text


def _totals(page: Setting) -> None:
    rows = balance_rows(page)
    _room(page, len(rows) * 1.3 + 4)
    _section(page, FORM[page.content.place.language][5])
    right = page.right - 2 if page.rng.random() < 0.6 else page.left + 0.6 * (page.right - page.left)
    for row in rows:
        row.write(page, page.left, right, (0.0, 0.0, 0.0))
        page.y += page.step * 1.2
    if page.document.iban:
        _room(page, 2)
        end = page.write(page.left, f"{page.term('iban')}{page.style.colon}", region=VENDOR)
        page.write(end + 5, page.document.iban, meaning="iban", region=VENDOR)
        page.y += page.step
    for _ in range(int(page.rng.integers(0, 4))):
        _room(page, 1)
        page.write(page.left, company_line(page.rng, page.content.place), size=0.85, region=TOTALS)
        page.y += page.step
