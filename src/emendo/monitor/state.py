"""What the monitor says now, for others to show: one small file beside the captures.

    captures/monitor.json     {"alerts": [{"name": "drift.confidence", ...}, ...], "measures": {"cer": 0.041, ...}}

An alert is an object with a `name`, or the name alone. The service shows it among its counts (`serve.metrics`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = "monitor.json"
MOST: Final = 200
"""Most alerts and most measures that are shown."""
MOST_BYTES: Final = 1_000_000
"""Larger files are none of the monitor."""


@dataclass(frozen=True, slots=True)
class State:
    """The names of the alerts that stand, and what is measured, by name."""

    alerts: tuple[str, ...]
    measures: Mapping[str, float]


class Watch:
    """Reads the file in a folder of captures when it has changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._stamp: tuple[int, int] | None = None
        self._state: State | None = None

    def state(self) -> State | None:
        """What the monitor says; None where it has not looked yet, or what lies there is no state."""
        try:
            status = self.path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if stamp != self._stamp:
                self._stamp, self._state = stamp, _parsed(self.path) if status.st_size <= MOST_BYTES else None
        except OSError:
            self._stamp = self._state = None
        return self._state

    def age(self) -> float:
        """Seconds since it was written."""
        return max(0.0, time.time() - self._stamp[0] / 1e9) if self._stamp is not None else math.inf


def _parsed(path: Path) -> State | None:
    try:
        row = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    measures, alerts = row.get("measures"), row.get("alerts")
    numbers = {
        str(name): float(value)
        for name, value in (measures.items() if isinstance(measures, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    names = [_name(one) for one in alerts] if isinstance(alerts, list) else []
    return State(tuple(name for name in names if name)[:MOST], dict(list(numbers.items())[:MOST]))


def _name(alert: Any) -> str:
    return str((alert.get("name") or "") if isinstance(alert, dict) else alert)
