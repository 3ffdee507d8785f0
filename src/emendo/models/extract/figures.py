"""Figures as an OCR reader sees them, read as amounts and dates: what cannot be read as it stands is repaired.

Each way to read a text has a cost: nothing where it stands as people write it, more for each character that has to be
something else. Only texts that look like figures are repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Generic, TypeVar

from emendo.fields.validate import AHEAD, FIRST_DAY
from emendo.fields.values import Order, parse_amount, parse_date

V = TypeVar("V", Decimal, date)
_LIKE_FIGURES: Final = str.maketrans({
    "O": "0", "o": "0", "Q": "0", "D": "0", "U": "0", "l": "1", "I": "1", "i": "1", "|": "1", "!": "1", "S": "5",
    "s": "5", "B": "8", "Z": "2", "z": "2", "G": "6", "b": "6", "g": "9", "q": "9", "A": "4", "T": "7",
})  # fmt: skip
"""Characters that are taken for figures, and the figure."""
_NUMBER = re.compile(r"[-−–(]?\s?\d(?:[\d.,']*\d)?")
_EDGES = " :;*=#/\\_~\"'`|<>[]{}"
_MESSY = re.compile(r"[\dOoQDUlIi|!SsBZzGbgqAT.,:'~_ -]+")
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+[.,]\d{2}")
GLUED: Final = re.compile(r"(\d+([.,])\d\d)(\d+\2\d\d)")
"""Two amounts of neighbouring columns that were read as one word."""
_DAY = re.compile(
    r"(?<!\d)(?:\d{1,2}\s?([-/.])\s?\d{1,2}\s?\1\s?(?:\d{4}|\d{2})"
    r"|(?:19|20)\d\d\s?([-/.])\s?\d{1,2}\s?\2\s?\d{1,2})(?!\d)"
)
_GLUED_DAY = re.compile(r"(?<!\d)(\d{1,2}([-/.])\d{1,2}\2(?:19|20)\d\d)(?=\d{1,2}:\d\d)")
_LOOSE_DAY = re.compile(r"(\d\d([-/.])\d\d\2(?:(?:19|20)\d\d|\d\d))(?!\d)")
_TORN_DAY = re.compile(r"(?<!\d)(?:(\d\d)(\d\d)[-/.]|(\d\d)[-/.](\d\d))((?:19|20)\d\d)(?!\d)")
_NAMED_DAY = re.compile(
    r"(?<!\d)\d{1,2}(?:st|nd|rd|th|\.)?[-/ .]*[^\W\d_]{3,10}[-/ .,']*(?:(?:19|20)\d\d|\d\d)(?!\d)"
    r"|[^\W\d_]{3,10}[-/ .]*\d{1,2}[-/ ,.]+(?:19|20)\d\d(?!\d)"
)
_TORN = 4.0
"""What it costs to take a part where all characters look like figures."""
PART, REPAIR, SPLIT, ODD = 0.4, 1.2, 0.5, 2.5
"""Costs: taken out of a longer text; a character changed; pieces joined; a value that hardly can be."""


@dataclass(frozen=True, slots=True)
class Figure(Generic[V]):
    """A way to read a text: its value, what that costs (0: as it stands), and for a date in figures its order."""

    value: V
    cost: float
    order: Order | None = None


def read_amounts(text: str, mark: str = "") -> list[Figure[Decimal]]:
    """The numbers that a text can be, the cheapest first; `mark` is the decimal mark of the document."""
    found: dict[Decimal, Figure[Decimal]] = {}
    for plain, cost in _amount_texts(text, mark):
        try:
            value = parse_amount(plain, mark=mark)
        except ValueError:
            continue
        if value not in found or cost < found[value].cost:
            found[value] = Figure(value, cost)
    return sorted(found.values(), key=lambda one: one.cost)


def _amount_texts(text: str, mark: str) -> Iterator[tuple[str, float]]:
    plain = text.strip().strip(_EDGES).replace("%", "").strip()
    if plain.count("(") != plain.count(")") or "%" in text:
        plain = plain.replace("(", "").replace(")", "")
    yield plain.rstrip(".,-") if plain[-1:] in ".," else plain, 0.0
    bare = re.sub(r"^(?:RM|EUR|USD|GBP|CHF|[€$£])\s*", "", plain)
    messy = any(char.isdecimal() for char in bare) and _MESSY.fullmatch(bare)
    for part in _NUMBER.findall(plain):
        if part != plain:
            rest = sum(char.isalnum() for char in plain) - sum(char.isalnum() for char in part)
            cost = PART + 0.1 * min(rest, 15) + (_TORN if messy else 0.0)
            yield (part if part.count("(") == part.count(")") else part.strip("(")), cost
    if glued := GLUED.fullmatch(bare):
        cost = SPLIT if mark == glued[2] else REPAIR + SPLIT
        yield from ((glued[1], cost), (glued[3], cost))
    if _GROUPED.fullmatch(plain):
        yield f"{re.sub('[.,]', '', plain[:-3])}.{plain[-2:]}", REPAIR
    if messy:
        yield from _repaired(bare)


def _repaired(plain: str) -> Iterator[tuple[str, float]]:
    """Look-alikes as figures, blanks taken out, a strange mark as a decimal one; a letter at the end as no figure."""
    changed = plain.translate(_LIKE_FIGURES)
    swaps = sum(one != other for one, other in zip(plain, changed, strict=True))
    digits = sum(char.isdecimal() for char in plain)
    tight = re.sub(r"\s+", "", changed)
    tight = re.sub(r"[.,:']*([.,:])[.,:']*(\d{2})$", r".\2", tight) if re.search(r"[.,:']{2,}\d\d$", tight) else tight
    cost = REPAIR * swaps + SPLIT * (tight != changed)
    if swaps <= max(1, digits):
        yield tight, cost
        if strange := re.fullmatch(r"(-?\d+)([-~_:])(\d{2})", tight):
            yield f"{strange[1]}.{strange[3]}", cost + (ODD if strange[2] == ":" else REPAIR)
    ended = re.fullmatch(r"(.*\d[.,]\d\d)[A-Za-z]{1,2}", plain)
    if ended:
        yield ended[1], PART


def read_days(text: str, today: date) -> list[Figure[date]]:
    """The dates that a text can be, the cheapest first; one in figures that can be read in two orders has both."""
    found: dict[tuple[date, Order | None], Figure[date]] = {}
    for plain, cost in _day_texts(text):
        for figure in _orders(plain, cost, today):
            key = (figure.value, figure.order)
            if key not in found or figure.cost < found[key].cost:
                found[key] = figure
    return sorted(found.values(), key=lambda one: one.cost)


def _day_texts(text: str) -> Iterator[tuple[str, float]]:
    plain = text.strip().strip(_EDGES + ",").strip("()")
    yield plain, 0.0
    for pattern, cost in ((_GLUED_DAY, PART), (_DAY, PART), (_NAMED_DAY, PART), (_LOOSE_DAY, 2 * PART)):
        for match in pattern.finditer(plain):
            part = match[1] if pattern in (_GLUED_DAY, _LOOSE_DAY) else match[0]
            if part != plain:
                yield part, cost
    if torn := _TORN_DAY.search(plain):
        yield f"{torn[1] or torn[3]}/{torn[2] or torn[4]}/{torn[5]}", REPAIR
    if year := re.fullmatch(r"(.*[-/. ])(?:2[1-9]|[13-9]0)(\d\d)", plain):
        yield f"{year[1]}20{year[2]}", REPAIR
    if sum(char.isdecimal() for char in plain) >= 3:
        changed = plain.translate(_LIKE_FIGURES)
        swaps = sum(one != other for one, other in zip(plain, changed, strict=True))
        for match in _DAY.finditer(changed):
            if swaps:
                yield match[0], REPAIR * min(swaps, 3)
        spaced = re.sub(r"\s*([-/.])\s*", r"\1", plain)
        spaced = re.sub(r"[-/.]+([-/.])|([-/.])[-/.]+", lambda found: found[0][0], spaced)
        if spaced != plain:
            yield spaced, SPLIT


def _orders(plain: str, cost: float, today: date) -> Iterator[Figure[date]]:
    both: list[tuple[date, Order]] = []
    orders: tuple[Order, ...] = ("dmy", "mdy")
    for order in orders:
        try:
            both.append((parse_date(plain, order=order), order))
        except ValueError:
            continue
    days = {day for day, _ in both}
    for day in sorted(days):
        held = [order for one, order in both if one == day]
        odd = 0.0 if FIRST_DAY + timedelta(days=365 * 40) <= day <= today + AHEAD else ODD
        if day >= FIRST_DAY:
            yield Figure(day, cost + odd, held[0] if len(days) > 1 else None)
