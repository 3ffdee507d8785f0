"""What the flow `monitor` looks at: a function and a row of `LOOKS` each.

A look is given the captures from a time on and says what it saw.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from ...monitor import Captures, Outcome
from ...settings import Settings

Found = dict[str, Any]
"""What a look saw: `figures` (rows with the same keys), `curves` (name -> values, evenly along `across`), `alerts`
(sentences)."""
Look = Callable[[Captures, datetime | None, Settings], Found]


def traffic(captures: Captures, since: datetime | None, settings: Settings) -> Found:
    """Images a day by what became of them."""
    days: dict[str, Counter[str]] = {}
    for one in captures.seen(since):
        days.setdefault(one.at.date().isoformat(), Counter())[one.outcome.value] += 1
    rows: list[dict[str, Any]] = [
        {"day": day, **{one.value: days[day][one.value] for one in Outcome}} for day in sorted(days)
    ]
    curves = {one.value: [float(row[one.value]) for row in rows] for one in Outcome}
    return {"figures": rows, "curves": curves, "across": "day", "alerts": []}


def sureness(captures: Captures, since: datetime | None, settings: Settings) -> Found:
    """How sure the model was of its lines, day by day: mean, and the least sure tenth."""
    days: dict[str, list[float]] = {}
    for one in captures.seen(since):
        if one.outcome is Outcome.READ:
            days.setdefault(one.at.date().isoformat(), []).extend(line.confidence for line in one.lines)
    rows: list[dict[str, Any]] = []
    for day, values in sorted(days.items()):
        if values:
            ordered = sorted(values)
            low = ordered[len(ordered) // 10]
            rows.append({"day": day, "lines": len(values), "mean": statistics.fmean(values), "lowest_tenth": low})
    curves = {name: [float(row[name]) for row in rows] for name in ("mean", "lowest_tenth")}
    return {"figures": rows, "curves": curves, "across": "day", "alerts": []}


LOOKS: Final[Mapping[str, Look]] = {"traffic": traffic, "confidence": sureness}
"""What is looked at, by name; each runs as a step of its own."""
