"""How a data set writes amounts and dates, told by those that can be read in one way only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

_FIGURES = re.compile(r"\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{2}|\d{4})(?:\D.*)?", re.DOTALL)
_DECIMAL = re.compile(r"\D*\d[\d.,' ]*?([.,])(?:\d{1,2}|\d{4,})\D*")


def conventions(texts: Iterable[str]) -> tuple[str, Literal["dmy", "mdy"] | None]:
    """The decimal mark (empty: not told) and the order of day and month (None: not told) that all of them share."""
    marks: set[str] = set()
    orders: set[Literal["dmy", "mdy"]] = set()
    for text in texts:
        if date := _FIGURES.fullmatch(text):
            first, second = int(date[1]), int(date[2])
            if first > 12 >= second:
                orders.add("dmy")
            elif second > 12 >= first:
                orders.add("mdy")
        elif amount := _DECIMAL.fullmatch(text):
            marks.add(amount[1])
    return (marks.pop() if len(marks) == 1 else ""), (orders.pop() if len(orders) == 1 else None)
