"""The steps of the flow `monitor`: looks at what the service read, side by side, and one page of what they found.

See `looks` for what is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ...errors import DataError, UsageError
from ...monitor import Captures
from ...settings import load_settings
from ...tools.counts import counted
from ...tools.files import write_json, write_text
from ...workspace.folder import Workspace
from ..orders import RESULT, MonitorOrder
from .looks import LOOKS, Found


def window(order: MonitorOrder) -> dict[str, Any]:
    """From when on to look, and at how many readings. Raises UsageError outside of a workspace, DataError for none."""
    if order.root is None:
        raise UsageError("is in no workspace", where=order.out, remedy="give the --workspace whose service is watched")
    since = datetime.now(UTC) - timedelta(days=order.days) if order.days else None
    readings = sum(1 for _ in _captures(order).seen(since))
    if not readings:
        when = f" in the last {counted(order.days, 'day')}" if order.days else ""
        raise DataError(f"nothing was captured{when}", where=order.root, remedy="let the service capture readings")
    return {"since": since.isoformat() if since else "", "readings": readings, "looks": list(LOOKS)}


def look(order: MonitorOrder, found: Mapping[str, Any], name: str) -> Found:
    """One of `LOOKS`."""
    since = datetime.fromisoformat(found["since"]) if found["since"] else None
    return {"name": name, **LOOKS[name](_captures(order), since, load_settings(order.root))}


def gather(order: MonitorOrder, found: Mapping[str, Any], looks: Sequence[Found]) -> tuple[dict[str, Any], str]:
    """All looks as one result (`OUT/result.json`) and one card."""
    from ..cards.monitor import monitor_card

    alerts = [f"{one['name']}: {sentence}" for one in looks for sentence in one["alerts"]]
    result = {**found, "alerts": alerts, "seen": {one["name"]: one["figures"] for one in looks}}
    page = monitor_card(result, looks)
    write_text(order.cards / "monitor.html", page)
    result["cards"] = [str(order.cards / "monitor.html")]
    write_json(order.out / RESULT, result)
    return result, page


def _captures(order: MonitorOrder) -> Captures:
    assert order.root is not None
    return Captures(Workspace.open(order.root).captures)
