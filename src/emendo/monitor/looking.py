"""One look at production: what drift found becomes alerts, figures for `/metrics`, and messages on their way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..settings import AlertSettings
from .alerts import OUTBOX, STATE, Event, Observation, Outbox, State, look, write_state
from .channels import Channel, Delivered, channels_of, deliver
from .drift import Drift
from .steps import Step


@dataclass(frozen=True, slots=True)
class Look:
    """The state after a look, what was raised or cleared, and how telling it went."""

    state: State
    events: tuple[Event, ...]
    delivered: Delivered

    def sentences(self) -> list[str]:
        """What happened, and what stands."""
        told = [f"{one.name} {one.state}: {one.message}" for one in self.events]
        standing = [f"{one.name} stands since {one.since}" for one in self.state.alerts]
        return [*told, *standing, *self.delivered.faults] or ["none stands"]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "looks": self.state.looks,
            "standing": [asdict(one) for one in self.state.alerts],
            "events": [asdict(one) for one in self.events],
            "sent": self.delivered.sent,
            "faults": list(self.delivered.faults),
            "sentences": self.sentences(),
        }


def observations(drift: Drift, until: str) -> tuple[Observation, ...]:
    """What drift says of each kind, for `look`: an alarm that lasts, or one since the last look (`until`, ISO 8601)."""
    sentences = drift.sentences()
    found = []
    for one in drift.kinds:
        watched: Mapping[str, Sequence[Step]] = {"drift": one.steps, "errors": one.error_steps}
        for name, steps in watched.items():
            if not steps:
                continue
            alarm = steps[-1].alarm or any(step.alarm and step.at.isoformat() > until for step in steps)
            told = [text for text in sentences if text.startswith(f"ALARM {one.kind}")]
            errors = [text for text in told if "more errors" in text]
            said = errors if name == "errors" else [text for text in told if text not in errors]
            message = " ".join(said).removeprefix("ALARM ") or (
                "an alarm that is over" if alarm else "as in the baseline"
            )
            found.append(Observation(f"{name}.{one.kind}", alarm, message))
    return tuple(found)


def take_look(
    folder: Path,
    drift: Drift,
    settings: AlertSettings,
    *,
    source: str,
    channels: Sequence[Channel] | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> Look:
    """Turn what drift found into alerts in `folder` (that of the captures) and tell them; one process at a time.

    Events are on the disk before the state that says that they happened, so that a crash repeats and never loses one.
    Raises FormatError where the state or outbox is damaged.
    """
    before = State.read(folder / STATE)
    last = max((step.at for one in drift.kinds for step in (*one.steps, *one.error_steps)), default=None)
    state, events = look(
        before,
        observations(drift, before.until),
        settings,
        now=datetime.now(UTC),
        source=source,
        measures=drift.measures(),
        until=last.isoformat() if last else "",
    )
    outbox = Outbox(folder / OUTBOX)
    ways = channels_of(settings, folder) if channels is None else channels
    outbox.add(events, [one.name for one in ways])
    write_state(folder / STATE, state)
    delivered = deliver(outbox, ways, settings, sleep=sleep)
    if outbox.dropped:
        fault = f"{outbox.dropped} events waited too long and were dropped"
        delivered = Delivered(delivered.sent, (*delivered.faults, fault))
    return Look(state, events, delivered)
