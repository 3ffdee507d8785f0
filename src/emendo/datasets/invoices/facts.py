"""Number, days and references of an invoice, in one of the forms in which programs print them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .extras import reference
from .heads import FACTS
from .style import Setting

Fact = tuple[str, str, str]
"""Name of the field (or nothing), label, value as it is printed."""
SHADE = (0.9, 0.9, 0.92)


@dataclass(frozen=True, slots=True)
class Looks:
    """How the blocks of one document look."""

    heading: str
    facts: str
    gap: float
    bold_labels: bool
    filled: bool
    named: bool
    """Whether the seller's block has a heading."""
    label: str
    """What stands before a name inside a block: nothing, or a word for it."""
    joined: str
    """What joins the lines of an address in one line; nothing where each has its own."""


def next_page(page: Setting) -> None:
    """A new page where this one is full."""
    if page.y > page.sheet.height - page.style.margin:
        page.sheet.new_page()
        page.y = page.style.margin + page.style.size


def drawn_facts(page: Setting) -> list[Fact]:
    """What the document is, number and day first as a rule, among other references."""
    document, rng = page.document, page.rng
    found: list[Fact] = []
    if document.number:
        found.append(("number", page.term("number"), document.number))
    for name, day in (("date", document.date), ("due_date", document.due_date)):
        if day:
            found.append((name, page.term(name), page.writing.written_day(day)))
    if document.order_number:
        found.append(("order_number", page.term("order_number"), document.order_number))
    if rng.random() < 0.25:
        found[2:] = [found[at] for at in 2 + rng.permutation(len(found) - 2)] if len(found) > 2 else []
    for _ in range(int(rng.choice([0, 1, 2, 3, 5]))):
        label, value = reference(rng, page.content.place, page.writing)
        found.insert(int(rng.integers(min(1, len(found)), len(found) + 1)), ("", label[:26], value[:26]))
    if rng.random() < 0.25:
        place = int(rng.integers(len(found) + 1)) if rng.random() < 0.3 else len(found)
        last = document.total if document.due is None else document.due
        word = page.term(str(rng.choice(["due", "total"])))
        found.insert(place, ("", word, page.amount(last or Decimal(0))))
    if rng.random() < 0.15:
        found.insert(min(2, len(found)), ("", page.phrase("currency"), document.currency or ""))
    if len(found) > 1 and found[0][0] == "number" and rng.random() < 0.2:
        found = [*found[1:], found[0]] if rng.random() < 0.4 else [found[1], found[0], *found[2:]]
    return found


def _block(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float) -> None:
    """Labels and values in two columns."""
    apart = bool(page.rng.random() < 0.35)
    wide = min(0.6 * room, max((page.width(label, bold=looks.bold_labels) for _, label, _ in facts), default=0) + 10)
    for at, (name, label, value) in enumerate(facts):
        next_page(page)
        if looks.filled and at % 2 == 0:
            page.sheet.box(x - 2, page.y - page.style.size, x + room, page.y + page.style.size * 0.4, fill=SHADE)
        shown = f"{label}{page.style.colon}"
        size = page.shrunk(shown, wide - 4, bold=looks.bold_labels)
        page.write(x, shown, bold=looks.bold_labels, size=size, region=FACTS)
        size = page.shrunk(value, room - wide)
        end, align = (x + room, "right") if apart else (x + wide, "left")
        page.write(end, value, size=size, align=align, meaning=name, region=FACTS)
        page.y += page.step * looks.gap


def _above(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float, *, columns: int = 1) -> None:
    """Each label above its value, in one or more columns."""
    wide = room / columns
    for first in range(0, len(facts), columns):
        next_page(page)
        for at, (name, label, value) in enumerate(facts[first : first + columns]):
            left = x + at * wide
            size = page.shrunk(label, wide - 6, bold=looks.bold_labels, size=0.85)
            page.write(left, label + page.style.colon.strip(), bold=looks.bold_labels, size=size, region=FACTS)
            page.write(left, value, size=page.shrunk(value, wide - 6), meaning=name, region=FACTS,
                       y=page.y + page.step)  # fmt: skip
        page.y += page.step * (1.9 + 0.4 * looks.gap)


def _two(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float) -> None:
    _above(page, looks, facts, x, room, columns=2)


def _strip(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float) -> None:
    """Labels above their values over the width of the page."""
    top = page.y - page.style.size * 1.1
    page.y += page.style.size * 0.3
    _above(page, looks, facts, x + 3, room - 3, columns=int(page.rng.integers(2, 6)))
    if looks.filled:
        page.sheet.box(x, top, x + room, page.y - page.style.size * 0.8, edge=page.style.accent)


def _lines(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float) -> None:
    _block(page, looks, facts, x, min(room, 260.0))


def _pairs(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float) -> None:
    """Two columns of labels with values, side by side."""
    half, top, lowest = -(-len(facts) // 2), page.y, page.y
    for at, some in enumerate((facts[:half], facts[half:])):
        page.y = top
        _block(page, looks, some, x + at * room / 2, room / 2 - 16)
        lowest = max(lowest, page.y)
    page.y = lowest


def _sentence(page: Setting, looks: Looks, facts: Sequence[Fact], x: float, room: float) -> None:
    """Labels and values one behind the other, as many as a line takes."""
    joint = str(page.rng.choice(["   ", ", ", " | ", " / "]))
    left = x
    for name, label, value in facts:
        next_page(page)
        shown = f"{label}{page.style.colon} "
        if left > x and left + page.width(shown + value + joint) > x + room:
            page.y += page.step * looks.gap
            left = x
        size = page.shrunk(shown + value, room)
        page.write(left, shown.rstrip(), bold=looks.bold_labels, size=size, region=FACTS)
        left += page.width(shown, bold=looks.bold_labels, size=size)
        left = page.write(left, value, size=page.shrunk(value, x + room - left, size=size), meaning=name, region=FACTS)
        if joint.strip():
            page.write(left, joint.strip())
        left += page.width(joint)
    page.y += page.step


FORMS: dict[str, Callable[[Setting, Looks, Sequence[Fact], float, float], None]] = {
    "block": _block, "above": _above, "two": _two, "strip": _strip, "lines": _lines, "pairs": _pairs,
    "sentence": _sentence,
}  # fmt: skip
