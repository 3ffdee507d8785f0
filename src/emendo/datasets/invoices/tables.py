"""The table of what was sold, over as many pages as it takes."""

from __future__ import annotations

from decimal import Decimal

from ...fields.schema import LineItem
from .extras import sentence
from .heads import WHITE
from .style import Setting

REGION = "line_items_table"
_WEIGHTS = {
    "position": 0.45, "code": 1.0, "description": 3.6, "quantity": 0.8, "unit": 0.7, "unit_price": 1.15,
    "row_discount": 1.0, "tax_rate": 0.75, "amount": 1.25,
}  # fmt: skip
_LEFT = frozenset({"position", "code", "description", "unit"})
_PALE = (0.93, 0.94, 0.96)
Column = tuple[str, float, float]
"""Name, and where it begins and ends."""


def set_table(page: Setting) -> None:
    """Heading, rows, and where a page ends the sum carried forward."""
    columns = _placed(page)
    top = _heading(page, columns)
    running = Decimal(0)
    carries = page.rng.random() < 0.5
    noted = page.rng.random() < 0.2
    settle = float(page.rng.choice([0.0, 0.5, 1.0], p=[0.75, 0.15, 0.1]))
    for at, item in enumerate(page.document.lines):
        lines = _wrapped(page, item.description or "", columns)
        if page.y + page.step * len(lines) > page.bottom:
            if carries:
                _carry(page, "carried", running)
            _frame(page, columns, top)
            page.sheet.new_page()
            page.y = page.style.margin + page.style.size
            top = _heading(page, columns)
            if carries:
                _carry(page, "brought", running)
        _row(page, columns, at, item, lines, settle)
        if noted and page.rng.random() < 0.3 and page.y + page.step <= page.bottom:
            x0, x1 = next((x0, x1) for name, x0, x1 in columns if name == "description")
            note = sentence(page.rng, page.content.place, page.writing)
            page.write(x0 + 2, _fitted(page, note, x1 - x0 - 4), size=0.85, region=REGION)
            page.y += page.step
        running += item.amount or Decimal(0)
    _frame(page, columns, top)
    page.y += page.step * 0.6


def _fitted(page: Setting, text: str, room: float) -> str:
    while len(text) > 3 and page.width(text, size=0.85) > room:
        text = text[:-1].rstrip()
    return text


def _placed(page: Setting) -> list[Column]:
    wide = page.right - page.left
    whole = sum(_WEIGHTS[name] for name in page.style.order)
    columns, x = [], page.left
    for name in page.style.order:
        end = x + wide * _WEIGHTS[name] / whole
        columns.append((name, x, end))
        x = end
    return columns


def _heading(page: Setting, columns: list[Column]) -> float:
    """Write the heading; where the table begins."""
    style = page.style
    top, below = page.y - style.size * 1.05, page.y + style.size * 0.55
    if style.heading == "band":
        page.sheet.box(page.left, top, page.right, below, fill=style.accent)
    elif style.heading == "box":
        page.sheet.box(page.left, top, page.right, below, fill=_PALE, edge=style.accent)
    colour = WHITE if style.heading == "band" else style.accent
    for name, x0, x1 in columns:
        label = "#" if name == "position" else page.term(name)
        size = 1.0
        while page.width(label, bold=True, size=size) > x1 - x0 - 3 and size > 0.6:
            size *= 0.92
        at, align = (x0 + 2, "left") if name in _LEFT else (x1 - 2, "right")
        page.write(at, label, bold=True, size=size, align=align, colour=colour, region=REGION)
    if style.heading == "rule":
        page.sheet.rule(page.left, below, page.right, below, colour=style.accent)
    page.y += page.step * 1.35
    return top


def _wrapped(page: Setting, text: str, columns: list[Column]) -> list[str]:
    x0, x1 = next((x0, x1) for name, x0, x1 in columns if name == "description")
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and page.width(longer) <= x1 - x0 - 4:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _row(
    page: Setting, columns: list[Column], at: int, item: LineItem, lines: list[str], settle: float
) -> None:  # fmt: skip
    """A row; beside a description of several lines its cells stand at the first (0), in the middle, or at the last."""
    style = page.style
    top = page.y - style.size * 1.0
    deep = page.step * len(lines)
    if style.grid == "zebra" and at % 2:
        page.sheet.box(page.left, top, page.right, top + deep, fill=_PALE)
    for name, x0, x1 in columns:
        place, align = (x0 + 2, "left") if name in _LEFT else (x1 - 2, "right")
        if name == "description":
            for number, line in enumerate(lines):
                page.write(place, line, meaning=f"lines.{at}.description", region=REGION, y=page.y + number * page.step)
            continue
        text = _cell(page, name, at, item)
        meaning = "" if name == "position" else f"lines.{at}.{'discount' if name == 'row_discount' else name}"
        size = 1.0
        while text and page.width(text, size=size) > x1 - x0 - 2 and size > 0.7:
            size *= 0.95
        y = page.y + settle * (deep - page.step)
        page.write(place, text, align=align, size=size, meaning=meaning, region=REGION, y=y)
    page.y += deep
    if style.grid in ("lines", "boxes"):
        page.sheet.rule(page.left, top + deep, page.right, top + deep, width=0.3)


def _cell(page: Setting, name: str, at: int, item: LineItem) -> str:
    writing = page.writing
    if name == "position":
        return str(at + 1)
    value = getattr(item, "discount" if name == "row_discount" else name)
    if value is None:
        return ""
    if name in ("unit_price", "amount", "row_discount"):
        shown = -value if name == "row_discount" else value
        return writing.amount(shown, plain=not page.style.signs)
    if name == "quantity":
        return writing.quantity(value)
    if name == "tax_rate":
        return f"{writing.quantity(value)}%" if page.style.signs else f"{writing.quantity(value)} %"
    return str(value)


def _carry(page: Setting, name: str, amount: Decimal) -> None:
    page.write(page.left + 2, page.term(name), bold=True, region=REGION)
    page.write(page.right - 2, page.writing.amount(amount, plain=True), bold=True, align="right", region=REGION)
    page.y += page.step


def _frame(page: Setting, columns: list[Column], top: float) -> None:
    style = page.style
    below = page.y - style.size * 0.9
    if style.grid == "boxes":
        page.sheet.box(page.left, top, page.right, below, edge=style.accent)
        for _, x0, _ in columns[1:]:
            page.sheet.rule(x0, top, x0, below, width=0.3)
    elif style.grid != "none":
        page.sheet.rule(page.left, below, page.right, below, colour=style.accent)
