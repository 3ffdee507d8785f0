"""Tables of goods as they come: any columns in any order, rows with explanations, codes and parts below them.

`tables` sets the usual ones; here the columns, where a cell stands in its row, how figures are written, and what else
the rows say are drawn by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from ...fields.schema import LineItem
from .extras import sentence
from .heads import WHITE
from .style import Setting
from .tables import REGION

Rng = np.random.Generator
_WIDE = {
    "position": 0.5, "code": 1.2, "description": 3.4, "quantity": 0.9, "unit": 0.7, "unit_price": 1.1,
    "row_discount": 0.9, "tax_rate": 0.9, "amount": 1.2, "day": 1.0, "taxed": 1.0, "gross": 1.1, "none": 0.7,
}  # fmt: skip
_PALE = (0.92, 0.92, 0.93)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it holds, its edges, how it is aligned, and the lines of its heading."""

    name: str
    x0: float
    x1: float
    align: str
    heading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Looks:
    """How one table looks and writes."""

    heading: str
    grid: str
    gap: float
    drop: float
    """How much lower than the row its amount stands, in lines."""
    details: float
    """Share of the rows with something below them."""
    code: str
    """Where a code stands: in brackets before the name, below it, nowhere; a column of its own is another thing."""
    unit: str
    counted: int
    """Decimals of a count, -1 for as many as it has."""
    priced: int
    rate: str
    signs: bool
    sections: bool
    settle: float
    """Where the other cells of a row stand beside a description of several lines: 0 at its first, 1 at its last; 2 in a
    line of their own below it.
    """


def set_ledger(page: Setting) -> None:
    """Heading and rows over as many pages as it takes."""
    looks = _looks(page)
    columns = _columns(page)
    if page.y + 6 * page.step > page.bottom:
        _next(page)
    _head(page, looks, columns)
    since, every = _ZERO, int(page.rng.integers(2, 7))
    for at, item in enumerate(page.document.lines):
        below = _below(page, looks, item)
        name = _wrapped(page, _named(looks, item, columns), _of(columns, "description"))
        depth = page.step * (len(name) + len(below) * 0.9 + looks.gap + (looks.settle > 1))
        if page.y + depth > page.bottom and at:
            _next(page)
            _head(page, looks, columns)
        if looks.sections and at % every == 0:
            _section(page, since if at else None)
            since = _ZERO
        _row(page, looks, columns, at, name, below)
        since += item.amount or _ZERO
    if looks.sections:
        _subtotal(page, since)
    if looks.grid != "none":
        page.sheet.rule(page.left, page.y - page.style.size * 0.8, page.right, page.y - page.style.size * 0.8)
    page.y += page.step * float(page.rng.uniform(0.3, 1.5))


def _next(page: Setting) -> None:
    page.sheet.new_page()
    page.y = page.style.margin + page.style.size


def _looks(page: Setting) -> _Looks:
    rng = page.rng
    return _Looks(
        heading=str(
            rng.choice(["band", "dark", "rule", "plain", "box", "absent"], p=[0.22, 0.15, 0.22, 0.18, 0.15, 0.08])
        ),
        grid=str(rng.choice(["none", "lines", "none", "zebra"])),
        gap=float(rng.choice([0.1, 0.3, 0.6, 1.2, 2.0], p=[0.3, 0.3, 0.2, 0.12, 0.08])),
        drop=float(rng.choice([0.0, 0.45, 0.9], p=[0.86, 0.08, 0.06])),
        details=float(rng.choice([0.0, 0.3, 1.0], p=[0.5, 0.2, 0.3])),
        code=str(rng.choice(["bracket", "below", "none", "before"])),
        unit=str(rng.choice(["joined", "column", "none", "small"])),
        counted=int(rng.choice([-1, 2, 3, 0], p=[0.62, 0.24, 0.06, 0.08])),
        priced=int(rng.choice([-1, 4, 3], p=[0.82, 0.13, 0.05])),
        rate=str(rng.choice(["{0} %", "{0}%", "{0}", "{0},00", "{0} % {1}", "{1} {0}%", "{0} % ({2})"])),
        signs=bool(rng.random() < 0.3),
        sections=bool(rng.random() < 0.08) and len(page.document.lines) < 30,
        settle=float(rng.choice([0.0, 0.5, 1.0, 2.0], p=[0.66, 0.18, 0.1, 0.06])),
    )


def _columns(page: Setting) -> list[Column]:
    """The columns from left to right."""
    names = _order(page)
    rng, whole = page.rng, sum(_WIDE[name] for name in names)
    usual = str(rng.choice(["right", "right", "right", "centre", "left"]))
    wrapped = bool(rng.random() < 0.6)
    found, x = [], page.left
    for name in names:
        end = x + (page.right - page.left) * _WIDE[name] / whole
        align = "left" if name in ("description", "code", "position", "day", "unit") else usual
        if name == "amount" and rng.random() < 0.8:
            align = "right"
        label = _label(page, name)
        lines = _cut(page, label, end - x - 4) if wrapped else (label,)
        found.append(Column(name, x, end, align, lines))
        x = end
    return found


def _order(page: Setting) -> list[str]:
    rng, lines = page.rng, page.document.lines
    names = ["description", "amount"]
    full = rng.random()
    if full < 0.78:
        names[1:1] = ["quantity", "unit_price"] if rng.random() < 0.75 else ["unit_price", "quantity"]
    elif full < 0.86:
        names.insert(1, "quantity" if rng.random() < 0.5 else "unit_price")
    if "quantity" in names and any(row.unit for row in lines) and rng.random() < 0.25:
        names.insert(names.index("quantity") + 1, "unit")
    if any(row.discount for row in lines) and {"quantity", "unit_price"} <= set(names):
        names.insert(names.index("amount"), "row_discount")
    elif rng.random() < 0.06:
        names.insert(names.index("amount"), "none")
    if rng.random() < 0.4:
        last = names.index("amount")
        early = rng.random() < 0.2
        names.insert(int(rng.integers(1, last + 1)) if early else last + int(rng.random() < 0.15), "tax_rate")
    if any(row.code for row in lines) and rng.random() < 0.5:
        names.insert(int(rng.integers(2)), "code")
    if rng.random() < 0.2 and "quantity" in names:
        names.remove("quantity")
        names.insert(0, "quantity")
    if rng.random() < 0.08:
        names.insert(int(rng.integers(2)), "day")
    if rng.random() < 0.3:
        names.insert(0, "position")
    if rng.random() < 0.1:
        names.insert(names.index("amount") + 1, "taxed")
        if rng.random() < 0.6:
            names.insert(names.index("taxed") + 1, "gross")
    return names


def _label(page: Setting, name: str) -> str:
    if name == "position":
        return str(page.rng.choice(["#", "Pos", "Pos.", "No", "Nr.", ""]))
    if name in ("day", "none", "taxed", "gross"):
        return page.term({"day": "date", "none": "row_discount", "taxed": "tax", "gross": "total"}[name])
    label = page.term(name)
    if name in ("amount", "unit_price") and page.rng.random() < 0.12:
        label += f" ({page.document.currency})" if page.rng.random() < 0.5 else f" {page.document.currency}"
    return label


def _head(page: Setting, looks: _Looks, columns: Sequence[Column]) -> None:
    if looks.heading == "absent":
        return
    style = page.style
    deep = max(len(column.heading) for column in columns)
    top, low = page.y - style.size * 1.05, page.y + (deep - 1) * page.step + style.size * 0.5
    if looks.heading in ("band", "dark"):
        page.sheet.box(page.left, top, page.right, low, fill=style.accent if looks.heading == "dark" else _PALE)
    elif looks.heading == "box":
        page.sheet.box(page.left, top, page.right, low, edge=style.accent)
    colour = WHITE if looks.heading == "dark" else style.accent
    bold = looks.heading != "plain"
    for column in columns:
        first = page.y + (deep - len(column.heading)) / 2 * page.step
        for number, text in enumerate(column.heading):
            size = page.shrunk(text, column.x1 - column.x0 - 4, bold=bold)
            page.write(_edge(column), text, bold=bold, size=size, align=column.align, colour=colour, region=REGION,
                       y=first + number * page.step)  # fmt: skip
    if looks.heading == "rule":
        page.sheet.rule(page.left, low, page.right, low, colour=style.accent)
    page.y += page.step * (deep + 0.45)


def _edge(column: Column) -> float:
    """The place that a cell's text is aligned to."""
    return {"left": column.x0 + 2, "right": column.x1 - 2}.get(column.align, (column.x0 + column.x1) / 2)


def _of(columns: Sequence[Column], name: str) -> Column:
    return next(column for column in columns if column.name == name)


def _cut(page: Setting, text: str, room: float) -> tuple[str, ...]:
    """A heading in as many lines as it needs."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and page.width(longer, bold=True) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


def _named(looks: _Looks, item: LineItem, columns: Sequence[Column]) -> str:
    """What the column of descriptions says; a code before the name is marked by the first word."""
    own = any(column.name == "code" for column in columns)
    if item.code and not own and looks.code in ("bracket", "before"):
        shown = f"[{item.code}]" if looks.code == "bracket" else item.code
        return f"{shown}\0{item.description or '-'}"
    return item.description or "-"


def _wrapped(page: Setting, text: str, column: Column) -> list[list[tuple[str, str]]]:
    """The lines of a description, each a list of texts with the field that they tell."""
    code, _, name = text.rpartition("\0")
    room = column.x1 - column.x0 - 4
    lines: list[list[tuple[str, str]]] = [[(code, "code")]] if code else [[]]
    for word in name.split(" "):
        shown = " ".join([*(one for one, _ in lines[-1]), word])
        if lines[-1] and page.width(shown) > room:
            lines.append([])
        lines[-1].append((word, "description"))
    return lines


def _below(page: Setting, looks: _Looks, item: LineItem) -> list[tuple[str, str]]:
    """Lines below a row, each with the field that it tells, mostly none."""
    rng, found = page.rng, list[tuple[str, str]]()
    if item.code and looks.code == "below":
        found.append((item.code, "code"))
    if rng.random() >= looks.details:
        return found
    for _ in range(int(rng.choice([1, 1, 2, 3, 5]))):
        shape = rng.random()
        if shape < 0.35:
            found.append((sentence(rng, page.content.place, page.writing), ""))
        elif shape < 0.55:
            price = (item.unit_price or _ZERO) * int(rng.integers(90, 140)) / 100
            text = page.writing.figures(price, int(rng.choice([2, 2, 4])))
            found.append((f"{page.phrase('detail')}{rng.choice([':', ' :', ''])} {text}", ""))
        elif shape < 0.75:
            found.append(
                (f"{page.phrase('period')} {_day(page)} {rng.choice(['-', '–', 'bis', 'to', 'au'])} {_day(page)}", "")
            )
        elif shape < 0.9:
            figures = "".join(str(rng.integers(10)) for _ in range(int(rng.integers(4, 14))))
            found.append((f"{rng.choice(['', '(GTIN) ', 'EAN ', 'S/N ', '* ', '- '])}{figures}", ""))
        else:
            found.append((page.term("terms").format(page.content.place.currency), ""))
    return found


def _day(page: Setting) -> str:
    day = page.document.date or date(2020, 1, 1)
    return page.writing.written_day(day - timedelta(days=int(page.rng.integers(0, 70))))


def _row(
    page: Setting, looks: _Looks, columns: Sequence[Column], at: int, name: Sequence[Sequence[tuple[str, str]]],
    below: Sequence[tuple[str, str]],
) -> None:  # fmt: skip
    item, step = page.document.lines[at], page.step
    if looks.settle > 1:
        settled, below = step * len(name), [("", ""), *below]
    else:
        settled = looks.settle * step * (len(name) + 0.9 * len(below) - 1)
    depth = step * (len(name) + 0.9 * len(below))
    top = page.y - page.style.size
    if looks.grid == "zebra" and at % 2:
        page.sheet.box(page.left, top, page.right, top + depth, fill=_PALE)
    for column in columns:
        if column.name == "description":
            _description(page, column, at, name, below)
            continue
        lower = settled + (looks.drop * step if column.name == "amount" else 0.0)
        room = column.x1 - column.x0 - 3
        pieces = _pieces(page, looks, column.name, at, item)
        size = page.shrunk(" ".join(text for text, _ in pieces), room)
        _pieced(page, column, at, pieces, size, page.y + lower)
    page.y += max(depth, settled + step * (1 + looks.drop)) + step * looks.gap
    if looks.grid == "lines":
        page.sheet.rule(
            page.left, page.y - page.style.size * 1.05, page.right, page.y - page.style.size * 1.05, width=0.3
        )


def _description(
    page: Setting, column: Column, at: int, name: Sequence[Sequence[tuple[str, str]]], below: Sequence[tuple[str, str]]
) -> None:
    y = page.y
    for line in name:
        x, room = column.x0 + 2, column.x1 - column.x0 - 4
        size = page.shrunk(" ".join(text for text, _ in line), room)
        for text, field in line:
            x = page.write(x, text, size=size, meaning=f"lines.{at}.{field}", region=REGION, y=y)
            x += page.width(" ", size=size)
        y += page.step
    for text, field in below:
        if not text:
            y += page.step * 0.9
            continue
        meaning = f"lines.{at}.{field}" if field else ""
        size = page.shrunk(text, column.x1 - column.x0 - 6, size=0.85)
        page.write(column.x0 + 2, text, size=size, meaning=meaning, region=REGION, y=y)
        y += page.step * 0.9


def _pieced(page: Setting, column: Column, at: int, pieces: Sequence[tuple[str, str]], size: float, y: float) -> None:
    """Texts with the fields that they tell, side by side in a cell."""
    whole = page.width(" ".join(text for text, _ in pieces), size=size)
    x = _edge(column) - {"left": 0.0, "right": whole}.get(column.align, whole / 2)
    for text, field in pieces:
        x = page.write(x, text, size=size, meaning=f"lines.{at}.{field}" if field else "", region=REGION, y=y)
        x += page.width(" ", size=size)


def _pieces(page: Setting, looks: _Looks, name: str, at: int, item: LineItem) -> list[tuple[str, str]]:
    """What a cell says."""
    writing, coin = page.writing, Decimal("0.01")
    tax = ((item.amount or _ZERO) * (item.tax_rate or _ZERO) / 100).quantize(coin)
    if name == "quantity":
        counted = item.quantity or Decimal(1)
        exact = counted == counted.to_integral_value() or looks.counted >= 2
        shown = writing.figures(counted, looks.counted) if looks.counted >= 0 and exact else writing.quantity(counted)
        unit = item.unit or ("" if page.rng.random() < 0.8 else "x")
        if looks.unit in ("joined", "small") and unit:
            return [(shown, "quantity"), (unit, "unit" if item.unit else "")]
        return [(shown, "quantity")]
    if name == "tax_rate":
        return _rate(page, looks, writing.quantity(item.tax_rate or _ZERO))
    if name in ("amount", "unit_price", "row_discount"):
        value = {"amount": item.amount, "unit_price": item.unit_price, "row_discount": item.discount}[name]
        if value is None:
            return []
        if name == "unit_price" and looks.priced > 0:
            return [(writing.figures(value, looks.priced), name)]
        if name == "amount":
            return [(page.amount(value, plain=not looks.signs), name)]
        return [(writing.amount(value, plain=not looks.signs), "discount" if name == "row_discount" else name)]
    texts = {
        "position": f"{at + 1:02}" if looks.counted == 2 else str(at + 1),
        "day": _day(page) if name == "day" else "",
        "none": writing.figures(_ZERO, 2),
        "taxed": writing.amount(tax, plain=True),
        "gross": page.amount((item.amount or _ZERO) + tax, plain=True),
    }
    if name in texts:
        return [(texts[name], "")]
    value = getattr(item, name)
    return [(str(value), name)] if value else []


def _rate(page: Setting, looks: _Looks, rate: str) -> list[tuple[str, str]]:
    """A rate of tax, with what may stand beside it."""
    whole = looks.rate.format(rate, page.term("tax"), page.rng.choice(list("ASEKZ")))
    if looks.rate == "{0},00":
        whole = rate if page.writing.decimal in rate else f"{rate}{page.writing.decimal}00%"
    return [
        (word, "tax_rate" if any(char.isdecimal() for char in word) or word == "%" else "") for word in whole.split(" ")
    ]


def _section(page: Setting, before: Decimal | None) -> None:
    """A heading above some of the rows, below what those above it come to."""
    if before is not None:
        _subtotal(page, before)
    word = str(page.rng.choice(["--- {0} ---", "{0}", "{0}:", "* {0}"])).format(page.phrase("section"))
    page.write(page.left + 2, word, bold=True, region=REGION)
    page.y += page.step * 1.2


def _subtotal(page: Setting, value: Decimal) -> None:
    text = f"{page.phrase('subtotal')} {page.amount(value)}"
    page.write(page.right - 2, text, align="right", bold=True, region=REGION)
    page.y += page.step * 1.2
