"""Sums below the goods as they come: in full or short, in rows, strips and boxes, beside tables of taxes and payments.

`sums` sets the usual ones; here which sums are told, in which words and where they stand are drawn by chance. The full
list is that of EN 16931 (sum of lines, allowances, charges, net, tax, gross, paid, due), which many programs print with
its zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from .extras import company_line, reference, sentence
from .heads import WHITE
from .sheet import BLACK
from .style import Setting
from .sums import TAXES, TOTALS, Row, total_rows

Rng = np.random.Generator
_ZERO: Final = Decimal(0)
_SHADE = (0.92, 0.92, 0.93)


def set_balance(page: Setting) -> None:
    """Taxes and totals, in either order or side by side, and what was or is to be paid."""
    rng = page.rng
    taxed = bool(page.document.taxes) and (page.style.tax_table or rng.random() < 0.3)
    rows = balance_rows(page)
    shape = str(rng.choice(["rows", "rows", "rows", "strip", "stacked", "left", "wide", "boxes"]))
    wide_step = float(rng.choice([1.05, 1.3, 1.8, 2.4], p=[0.45, 0.3, 0.15, 0.1]))
    depth = (len(rows) * wide_step + (2.2 * len(page.document.taxes) + 3 if taxed else 0) + 2) * page.step
    if page.y + depth > page.bottom:
        page.sheet.new_page()
        page.y = page.style.margin + page.style.size
    page.y += page.step * 0.8
    beside = taxed and shape == "rows" and rng.random() < 0.4
    above = taxed and not beside and rng.random() < 0.7
    if above:
        tax_table(page, page.left, (page.right - page.left) * float(rng.uniform(0.5, 1.0)))
        if rng.random() < 0.1:
            page.sheet.new_page()
            page.y = page.style.margin + page.style.size
    top = page.y
    if beside:
        tax_table(page, page.left, (page.right - page.left) * 0.5)
    low, page.y = page.y, top
    if shape in ("strip", "stacked"):
        (_strip if shape == "strip" else _stacked)(page, rows, wide_step)
    else:
        _rows(page, rows, wide_step, shape)
    page.y = max(low, page.y)
    if taxed and not beside and not above:
        page.y += page.step
        if page.y + (2.4 * len(page.document.taxes) + 4) * page.step > page.sheet.height - page.style.margin:
            page.sheet.new_page()
            page.y = page.style.margin + page.style.size
        tax_table(page, page.left, (page.right - page.left) * float(rng.uniform(0.5, 1.0)))
    _payment(page)


def balance_rows(page: Setting) -> list[Row]:
    """The lines of the totals: those of `total_rows`, in other words and with others around them."""
    rng, document = page.rng, page.document
    rows = [_reworded(page, row) for row in total_rows(page)]
    if rng.random() < 0.15 and len(document.taxes) == 1 and not document.rounding:
        rows = [row for row in rows if row.meaning != "net"] or rows
    if rng.random() < 0.25:
        rows = _in_full(page, rows)
    told = {row.meaning for row in rows}
    if "due" not in told and document.total is not None and document.type == "invoice":
        if rng.random() < 0.25:
            shown = page.amount(document.total)
            rows.append(Row(page.term("due"), shown, "due", rng.random() < 0.7))
        elif rng.random() < 0.12:
            rows = [row._replace(label=page.term("due")) if row.meaning == "total" else row for row in rows]
    if rng.random() < 0.06:
        rows = [*_earlier(page), *rows]
    if rng.random() < 0.08:
        names = [row.meaning for row in rows]
        if "total" in names and "due" not in names and names.index("total") == len(names) - 1:
            rows.insert(0, rows.pop())  # the total first, below it what is in it
    return rows


def _reworded(page: Setting, row: Row) -> Row:
    """The label with the currency, and taxes with their base, as some print them."""
    rng, document = page.rng, page.document
    if row.region == TAXES and row.rate and rng.random() < 0.25:
        base = document.net if row.meaning == "tax" else None
        if base is not None:
            joint = str(rng.choice(["on", "of", "auf", "sur", "de", "/"]))
            return row._replace(after=f"{joint} {page.amount(base)}")
    if row.meaning in ("total", "due", "net") and rng.random() < 0.12:
        return row._replace(label=f"{row.label} {rng.choice(['{0}', '({0})', 'in {0}']).format(document.currency)}")
    if rng.random() < 0.2:
        return row._replace(label=row.label + ":")
    return row


def _in_full(page: Setting, rows: list[Row]) -> list[Row]:
    """With the sum of the lines before all, and a nothing for what there is not."""
    document = page.document
    told = {row.meaning for row in rows}
    whole = sum((row.amount or _ZERO for row in document.lines), _ZERO)
    before = [Row(page.phrase("lines"), page.amount(whole), "")]
    zero = page.amount(_ZERO) if page.rng.random() < 0.75 else ""
    for name, phrase, sign in (("charges", "no_charges", ""), ("discount", "no_discount", "-")):
        if name not in told and page.rng.random() < 0.8:
            before.append(Row(page.phrase(phrase), f"{sign if zero else ''}{zero}", ""))
    if "prepaid" not in told and document.total is not None and document.type == "invoice":
        after = [
            Row(page.phrase("no_prepaid"), zero, ""),
            Row(page.term("due"), page.amount(document.total), "due", True),
        ]
        rows = [*rows, *(after if document.due is None else [])]
    return [*before, *rows]


def _earlier(page: Setting) -> list[Row]:
    """What was billed and paid before, as those write who bill each month."""
    sum_before = Decimal(int(page.rng.integers(500, 60000))) / 100
    return [
        Row(page.phrase("before"), page.amount(sum_before), ""),
        Row(page.phrase("received"), page.amount(-sum_before), ""),
        Row(page.phrase("forward"), page.amount(_ZERO), ""),
    ]


def _rows(page: Setting, rows: Sequence[Row], wide_step: float, shape: str) -> None:
    """One below the other: at the right, at the left or over the width of the page."""
    rng, style = page.rng, page.style
    labels = max(row.wide(page) for row in rows)
    values = max(page.width(row.value, bold=row.bold) for row in rows)
    room = labels + values + float(rng.choice([14.0, 30.0, 60.0, 120.0]))
    left = page.left if shape in ("wide", "left") else max(page.left, page.right - room)
    right = min(page.right, page.left + room) if shape == "left" else page.right - 2
    size = min(1.0, (right - left) / max(1.0, labels + values + 6))
    to_right, ruled = bool(rng.random() < 0.3), bool(rng.random() < 0.35)
    dark, dotted = shape == "boxes" or rng.random() < 0.15, not to_right and rng.random() < 0.06
    top = page.y - style.size * 1.2
    for row in rows:
        last = dark and row.bold
        if last:
            page.sheet.box(left - 4, page.y - style.size, right + 2, page.y + style.size * 0.45, fill=style.accent)
        start = max(left, right - values * size - 10 - row.wide(page, size)) if to_right else left
        row.write(page, start, right, WHITE if last else BLACK, size)
        free = right - start - row.wide(page, size) - page.width(row.value, bold=row.bold, size=size)
        if dotted and free > 30:
            dots = "." * int((free - 12) / page.width("."))
            page.write(start + row.wide(page, size) + 5, dots, region=row.region)
        if ruled:
            low = page.y + style.size * 0.5
            page.sheet.rule(left, low, right, low, width=0.4)
        page.y += page.step * wide_step
    if shape == "boxes":
        page.sheet.box(left - 6, top, right + 4, page.y - style.size * 0.7, edge=style.accent)


def _strip(page: Setting, rows: Sequence[Row], wide_step: float) -> None:
    """Labels side by side, each above its value."""
    wide, rng = (page.right - page.left) / len(rows), page.rng
    align = str(rng.choice(["left", "right", "centre"]))
    share = {"left": 0.03, "right": 0.97, "centre": 0.5}[align]
    if rng.random() < 0.5:
        low = page.y + page.style.size * 0.5
        page.sheet.box(page.left, page.y - page.style.size, page.right, low, fill=_SHADE)
    top = page.y
    for at, row in enumerate(rows):
        x = page.left + (at + share) * wide
        label = f"{row.label} {row.rate}".strip()
        size = page.shrunk(label, 0.92 * wide, bold=row.bold, size=0.9)
        if row.rate:
            left = x - {"left": 0.0, "right": 1.0, "centre": 0.5}[align] * page.width(label, bold=row.bold, size=size)
            end = page.write(left, row.label, bold=row.bold, size=size, region=row.region)
            page.write(end + page.width(" ", size=size), row.rate, bold=row.bold, size=size, meaning=row.rate_meaning,
                       region=row.region)  # fmt: skip
        else:
            page.write(x, label, bold=row.bold, size=size, align=align, region=row.region)
        size = page.shrunk(row.value, 0.92 * wide, bold=row.bold)
        page.write(x, row.value, bold=row.bold, size=size, align=align, meaning=row.meaning, region=row.region,
                   y=top + page.step * max(1.2, 0.8 * wide_step))  # fmt: skip
    page.y = top + page.step * (1.8 + wide_step)


def _stacked(page: Setting, rows: Sequence[Row], wide_step: float) -> None:
    """Each label above its value, one below the other."""
    x = page.right - 120 if page.rng.random() < 0.6 else page.left
    for row in rows:
        row.write(
            page, x, x + 120, BLACK, page.shrunk(f"{row.label} {row.rate}", 118, bold=row.bold, size=0.8), below=True
        )
        page.y += page.step * max(1.25, 0.8 * wide_step)


def tax_table(page: Setting, left: float, room: float) -> None:
    """Base, rate and amount of each tax, in any order, at times with more around them."""
    rng, document = page.rng, page.document
    names = ["base", "rate", "amount"]
    names = [names[int(at)] for at in rng.permutation(3)]
    for name, chance, at in (("category", 0.5, 0), ("goods", 0.12, 1), ("gross", 0.25, 9)):
        if rng.random() < chance:
            names.insert(min(at, len(names)), name)
    labels = {
        "rate": f"{page.term('tax_rate')}", "base": page.term("tax_base"), "amount": page.term("tax"),
        "category": page.phrase("breakdown") if rng.random() < 0.4 else page.term("tax"), "goods": page.phrase("lines"),
        "gross": page.term("total"),
    }  # fmt: skip
    size, wide = float(rng.uniform(0.8, 1.0)), room / len(names)
    if rng.random() < 0.4:
        page.write(left, page.phrase("breakdown"), bold=True, region=TAXES)
        page.y += page.step * 1.2
    if rng.random() < 0.85:
        if rng.random() < 0.4:
            low = page.y + page.style.size * 0.5
            page.sheet.box(left, page.y - page.style.size, left + room, low, fill=_SHADE)
        for at, name in enumerate(names):
            _tax_cell(page, left + at * wide, wide, labels[name], size, bold=True, first=name == "category")
        page.y += page.step * 1.2
    gap = float(rng.choice([1.0, 1.0, 1.4, 2.2]))
    percent, sign = str(rng.choice(["{0} %", "{0}%", "{0}"])), bool(rng.random() < 0.3)
    for at, tax in enumerate(document.taxes):
        base, amount = tax.base or _ZERO, tax.amount or _ZERO
        cells = {
            "rate": (percent.format(page.writing.quantity(tax.rate or _ZERO)), f"taxes.{at}.rate"),
            "base": (page.amount(base, plain=not sign), f"taxes.{at}.base"),
            "amount": (page.amount(amount, plain=not sign), f"taxes.{at}.amount"),
            "category": (page.phrase("category"), ""),
            "goods": (page.amount(base, plain=True), ""),
            "gross": (page.amount(base + amount, plain=not sign), ""),
        }
        for place, name in enumerate(names):
            text, meaning = cells[name]
            _tax_cell(page, left + place * wide, wide, text, size, meaning=meaning, first=name == "category")
        page.y += page.step * gap
    if rng.random() < 0.2 and document.net is not None and document.tax is not None:
        sums = {"base": document.net, "amount": document.tax, "gross": document.net + document.tax}
        for place, name in enumerate(names):
            if name in sums:
                _tax_cell(page, left + place * wide, wide, page.amount(sums[name], plain=not sign), size, bold=True)
        page.y += page.step
    page.y += page.step * 0.6


def _tax_cell(
    page: Setting, x: float, wide: float, text: str, size: float, *, bold: bool = False, first: bool = False,
    meaning: str = "",
) -> None:  # fmt: skip
    size = page.shrunk(text, wide - 5, bold=bold, size=size)
    at, align = (x + 2, "left") if first else (x + wide - 2, "right")
    page.write(at, text, bold=bold, size=size, align=align, meaning=meaning, region=TAXES)


def _payment(page: Setting) -> None:
    """How it was or is to be paid: a sum once more, instalments, lines about the bank."""
    rng, document = page.rng, page.document
    if rng.random() > 0.4:
        return
    page.y += page.step
    lines: list[str] = []
    last = page.amount(document.due if document.due is not None else document.total or _ZERO)
    shape = rng.random()
    if shape < 0.3:
        lines.append(f"{page.phrase('method')}: {last}")
    elif shape < 0.5:
        lines.append(
            f"{page.phrase('payment')}   {page.writing.written_day(document.date)}   {last}" if document.date else last
        )
    elif shape < 0.65:
        lines.append(f"{page.phrase('words')}: {sentence(rng, page.content.place, page.writing)}"[:70])
    for _ in range(int(rng.integers(0, 3))):
        label, value = reference(rng, page.content.place, page.writing)
        lines.append(
            f"{label}{page.style.colon} {value}" if rng.random() < 0.5 else company_line(rng, page.content.place)
        )
    if lines and rng.random() < 0.5:
        lines.insert(0, page.phrase("payment"))
    for line in lines:
        if page.y + page.step > page.bottom:
            return
        page.write(page.left, line, size=page.shrunk(line, page.right - page.left), region=TOTALS)
        page.y += page.step
