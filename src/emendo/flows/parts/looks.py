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


def errors(captures: Captures, since: datetime | None, settings: Settings) -> Found:
    """CER day by day: counted where truths came, with its interval, and estimated of the rest."""
    from ...monitor.estimate import estimators_at
    from ...monitor.timeline import timeline
    from ...monitor.units import units_of

    units = units_of(captures.seen(since), captures.truths(since))
    rows: list[dict[str, Any]] = []
    for period in timeline(units, estimators_at(captures.folder)):
        told, guess = period.counted, period.estimate
        rows.append(
            {
                "day": period.start.isoformat(),
                "pages": period.pages,
                "counted_cer": told.cer if told else None,
                "counted_low": told.cer_low if told else None,
                "counted_high": told.cer_high if told else None,
                "estimated_cer": guess.cer if guess else None,
                "estimated_low": guess.low if guess else None,
                "estimated_high": guess.high if guess else None,
            }
        )
    names = ("counted_cer", "estimated_cer")
    curves = {name: [float("nan") if row[name] is None else row[name] for row in rows] for name in names}
    return {"figures": rows, "curves": curves, "across": "day", "alerts": []}


def drift(captures: Captures, since: datetime | None, settings: Settings) -> Found:
    """Whether traffic left its baseline: the evidence page by page (1: an alarm), and each measure beside before.

    Without a baseline there is nothing to compare with, and nothing is said.
    """
    from ...monitor.baseline import NAME, read_baseline
    from ...monitor.drift import find_drift
    from ...monitor.labelled import judged_pages

    path = captures.folder / NAME
    if not path.is_file():
        return {"figures": [], "curves": {}, "across": "page", "alerts": []}
    seen = list(captures.seen(since))
    judged = judged_pages(seen, captures.truths(since))
    found = find_drift(seen, read_baseline(path), settings.alerts, judged=judged)
    rows = [
        {
            "kind": one.kind,
            "measure": row.title,
            "before": row.before,
            "low": row.low,
            "high": row.high,
            "now": row.now,
            "stability": row.index,
        }
        for one in found.kinds
        for row in one.measures
    ]
    curves = {one.kind: [step.evidence / one.threshold for step in one.steps] for one in found.kinds}
    alerts = [sentence for sentence in found.sentences() if sentence.startswith("ALARM")]
    return {"figures": rows, "curves": curves, "across": "page", "alerts": alerts}


LOOKS: Final[Mapping[str, Look]] = {"traffic": traffic, "confidence": sureness, "errors": errors, "drift": drift}
"""What is looked at, by name; each runs as a step of its own."""
