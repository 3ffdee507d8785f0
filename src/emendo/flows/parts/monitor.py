"""The steps of the flow `monitor`: looks at what the service read, side by side, and one page of what they found.

A look is a function and a row of `LOOKS`; it is given the captures from a time on and says what it saw.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ...errors import DataError, UsageError
from ...monitor import Captures, Outcome
from ...settings import Settings
from ...tools.files import write_text
from ...workspace.folder import Workspace
from ..orders import RESULT, MonitorOrder

Found = dict[str, Any]
"""What a look saw: `figures` (rows with the same keys), `curves` (name -> values, evenly along `across`), `alerts`
(sentences)."""
Look = Callable[[Captures, datetime | None, Settings], Found]


def window(order: MonitorOrder) -> dict[str, Any]:
    """From when on to look, and at how many readings. Raises UsageError outside of a workspace, DataError for none."""
    if order.root is None:
        raise UsageError("is in no workspace", where=order.out, remedy="give the --workspace whose service is watched")
    since = datetime.now(UTC) - timedelta(days=order.days) if order.days else None
    readings = sum(1 for _ in _captures(order).seen(since))
    if not readings:
        when = f" in the last {order.days} days" if order.days else ""
        raise DataError(f"nothing was captured{when}", where=order.root, remedy="let the service capture readings")
    return {"since": since.isoformat() if since else "", "readings": readings, "looks": list(LOOKS)}


def look(order: MonitorOrder, found: Mapping[str, Any], name: str) -> Found:
    """One of `LOOKS`."""
    since = datetime.fromisoformat(found["since"]) if found["since"] else None
    return {"name": name, **LOOKS[name](_captures(order), since, order.settings)}


def gather(order: MonitorOrder, found: Mapping[str, Any], looks: Sequence[Found]) -> tuple[dict[str, Any], str]:
    """All looks as one result (`OUT/result.json`) and one card."""
    from ..cards.monitor import monitor_card

    alerts = [f"{one['name']}: {sentence}" for one in looks for sentence in one["alerts"]]
    result = {**found, "alerts": alerts, "seen": {one["name"]: one["figures"] for one in looks}}
    page = monitor_card(result, looks)
    write_text(order.cards / "monitor.html", page)
    result["cards"] = [str(order.cards / "monitor.html")]
    write_text(order.out / RESULT, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    return result, page


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


def _captures(order: MonitorOrder) -> Captures:
    assert order.root is not None
    return Captures(Workspace.open(order.root).captures)
