"""How a data set writes amounts and dates, told by those that can be read in one way only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, TypeVar

_FIGURES = re.compile(r"\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{2}|\d{4})(?:\D.*)?", re.DOTALL)
_DECIMAL = re.compile(r"\D*\d[\d.,' ]*?([.,])(?:\d{1,2}|\d{4,})\D*")
Value = TypeVar("Value")
NEARLY: Final = 0.95
"""Share of the telling values that must agree: a slip among many does not make all others unreadable."""


def conventions(texts: Iterable[str]) -> tuple[str, Literal["dmy", "mdy"] | None]:
    """The decimal mark (empty: not told) and the order of day and month (None: not told) that nearly all share."""
    marks: Counter[str] = Counter()
    orders: Counter[Literal["dmy", "mdy"]] = Counter()
    for text in texts:
        if date := _FIGURES.fullmatch(text):
            first, second = int(date[1]), int(date[2])
            if first > 12 >= second:
                orders["dmy"] += 1
            elif second > 12 >= first:
                orders["mdy"] += 1
        elif amount := _DECIMAL.fullmatch(text):
            marks[amount[1]] += 1
    return _shared(marks) or "", _shared(orders)


def _shared(counts: Counter[Value]) -> Value | None:
    """What nearly all are; None when they differ or there are none."""
    return next((value for value, count in counts.items() if count >= NEARLY * counts.total()), None)
