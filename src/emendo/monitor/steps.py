"""What each page did to the evidence, and the alarms among these steps, those that hold and those that are over.

The detector's evidence falls when pages are like those of the baseline again: its last step alone does not say that
there ever was an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """After one page: the evidence (0 or more; an alarm from the detector's threshold on) and, when it is one, the
    measures that bring it with their parts (-1 to 1, negative for a fall), the largest first."""

    group: str
    at: datetime
    evidence: float
    alarm: bool
    causes: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """Pages in a row that left an alarm, from the `first` to the `last`: `after` counts the pages until it came, the
    first of it among them, `pages` those that it lasted, and `since` those that followed (0: it holds)."""

    first: Step
    last: Step
    after: int
    pages: int
    since: int

    @property
    def over(self) -> bool:
        """Whether it holds no more."""
        return self.since > 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "since": self.first.group,
            "at": self.first.at.isoformat(),
            "after_pages": self.after,
            "pages": self.pages,
            "over": self.over,
            "last": self.last.group,
            "last_at": self.last.at.isoformat(),
            "pages_since": self.since,
        }


def spans_of(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """The pages (from 0), first and last, of each alarm."""
    found: list[tuple[int, int]] = []
    for at, step in enumerate(steps):
        if not step.alarm:
            continue
        if found and found[-1][1] == at - 1:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def alarms_of(steps: Sequence[Step]) -> tuple[Alarm, ...]:
    """Every alarm, the earliest first."""
    return tuple(
        Alarm(steps[first], steps[last], first + 1, last - first + 1, len(steps) - 1 - last)
        for first, last in spans_of(steps)
    )
