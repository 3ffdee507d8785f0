"""Alerts that do not flap: raised after enough looks with an alarm, ended after enough quiet ones, told at least once.

    captures/monitor.json   {"looks": 17, "alerts": [...], "measures": {...}, "history": {...}}
    captures/outbox.json    events that some channel has not taken yet
    captures/alerts.jsonl   every event, as the log channel wrote it

An event is in the outbox before the state that follows from it is written, and leaves it channel by channel after each
has taken it. A crash anywhere between repeats a delivery and never loses one; a repeated event has the same `id`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from ..errors import FormatError
from ..settings import AlertSettings
from ..tools.files import write_json

STATE: Final = "monitor.json"
OUTBOX: Final = "outbox.json"
RAISED, CLEARED = "raised", "cleared"
MOST_WAITING: Final = 1000
"""Events that wait to be delivered; past that the oldest are dropped, and that is told."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look found of one thing that is watched: its name, whether it is an alarm, and a sentence."""

    name: str
    alarm: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that stands: what it says now, and since when (UTC, ISO 8601)."""

    name: str
    since: str
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """An alert that was raised or cleared. `id` is the same however often it is delivered."""

    id: str
    name: str
    state: str
    at: str
    message: str
    source: str


@dataclass(frozen=True, slots=True)
class State:
    """What is known between two looks: how many there were, the alerts that stand, the last figures by name, and of
    each thing that is watched whether the last looks were alarms, the newest last. `until` is the time of the last page
    that a look has seen (ISO 8601; empty before the first)."""

    looks: int = 0
    alerts: tuple[Alert, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    until: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "looks": self.looks,
            "alerts": [asdict(one) for one in self.alerts],
            "measures": dict(self.measures),
            "history": {name: list(held) for name, held in self.history.items()},
            "until": self.until,
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        """The state in a file, the first one where there is none. Raises FormatError for a damaged file."""
        try:
            row = json.loads(path.read_bytes())
            return cls(
                int(row["looks"]),
                tuple(Alert(**one) for one in row["alerts"]),
                {str(name): float(value) for name, value in row["measures"].items()},
                {str(name): tuple(map(bool, held)) for name, held in row["history"].items()},
                str(row["until"]),
            )
        except FileNotFoundError:
            return cls()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FormatError(
                "is no state of the monitor", where=path, remedy="remove it; alerts begin anew"
            ) from error


def look(
    state: State,
    found: Sequence[Observation],
    settings: AlertSettings,
    *,
    now: datetime,
    source: str,
    measures: Mapping[str, float] | None = None,
    until: str = "",
) -> tuple[State, tuple[Event, ...]]:
    """Take in what one look found: the state after it, and the events that follow.

    What is watched no more keeps its alert until it is watched again and quiet.
    """
    at = now.isoformat(timespec="seconds")
    standing = {one.name: one for one in state.alerts}
    history = dict(state.history)
    events: list[Event] = []
    kept = max(settings.of, settings.clear_after)
    number = state.looks + 1

    def happened(one: Observation, what: str) -> Event:
        return Event(f"{number}-{one.name}-{what}", one.name, what, at, one.message, source)

    for one in found:
        held = history[one.name] = (*history.get(one.name, ()), one.alarm)[-kept:]
        alert = standing.get(one.name)
        if alert is None and sum(held[-settings.of :]) >= min(settings.raise_after, settings.of):
            standing[one.name] = Alert(one.name, at, one.message)
            events.append(happened(one, RAISED))
        elif alert is not None and len(held) >= settings.clear_after and not any(held[-settings.clear_after :]):
            del standing[one.name]
            history[one.name] = ()
            events.append(happened(one, CLEARED))
        elif alert is not None and one.alarm and one.message:
            standing[one.name] = replace(alert, message=one.message)
    after = State(
        number,
        tuple(standing.values()),
        dict(measures if measures is not None else state.measures),
        history,
        until or state.until,
    )
    return after, tuple(events)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event and the names of the channels that have not taken it yet."""

    event: Event
    channels: tuple[str, ...]


class Outbox:
    """The events on their way out, in one file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = 0

    def waiting(self) -> tuple[Waiting, ...]:
        """What is still to be delivered, oldest first. Raises FormatError for a damaged file."""
        try:
            rows = json.loads(self.path.read_bytes())
            return tuple(Waiting(Event(**row["event"]), tuple(row["channels"])) for row in rows)
        except FileNotFoundError:
            return ()
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError("is no outbox of alerts", where=self.path, remedy="remove it") from error

    def add(self, events: Sequence[Event], channels: Sequence[str]) -> None:
        """Put events in, on the disk when this returns; one that waits already (after a crash) is not put in twice."""
        held = self.waiting()
        known = {one.event.id for one in held}
        new = [Waiting(one, tuple(channels)) for one in events if one.id not in known]
        if not new or not channels:
            return
        every = [*held, *new]
        self.dropped += max(len(every) - MOST_WAITING, 0)
        self._write(every[-MOST_WAITING:])

    def taken(self, event: str, channel: str) -> None:
        """A channel has taken an event."""
        every = [
            replace(one, channels=tuple(name for name in one.channels if name != channel))
            if one.event.id == event
            else one
            for one in self.waiting()
        ]
        self._write([one for one in every if one.channels])

    def _write(self, every: Sequence[Waiting]) -> None:
        rows = [{"event": asdict(one.event), "channels": list(one.channels)} for one in every]
        write_json(self.path, rows)


def write_state(path: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    write_json(path, state.to_dict())
