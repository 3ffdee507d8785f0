"""Error rates over time: what was counted where truths came, with intervals, beside what is estimated of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

from ..metrics.bootstrap import ratio_interval
from .estimate import Estimators, estimate_units
from .estimator import LEVEL, Estimate
from .units import Unit, halves

Step = Literal["day", "week"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Error rates that were counted on `pages` units, with intervals at `level` by resampling groups or units."""

    cer: float
    cer_low: float
    cer_high: float
    wer: float
    wer_low: float
    wer_high: float
    level: float
    pages: int
    lines: int
    characters: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Period:
    """One day or week, by its first day: what was counted there and what is estimated of the rest (None: nothing)."""

    start: date
    counted: Counted | None
    estimate: Estimate | None
    pages: int
    lines: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "start": self.start.isoformat(),
            "counted": self.counted.to_dict() if self.counted else None,
            "estimate": asdict(self.estimate) if self.estimate else None,
            "pages": self.pages,
            "lines": self.lines,
        }


def counted(units: Sequence[Unit], *, level: float = LEVEL) -> Counted:
    """What was counted on units with a truth; others are left aside."""
    known, _ = halves(units)
    truths = [one.truth for one in known if one.truth]
    groups = [one.group or one.name for one in known]
    cer = ratio_interval([one.edits for one in truths], [one.characters for one in truths], groups=groups, level=level)
    wer = ratio_interval([one.word_edits for one in truths], [one.words for one in truths], groups=groups, level=level)
    return Counted(
        cer=cer.value,
        cer_low=cer.low,
        cer_high=cer.high,
        wer=wer.value,
        wer_low=wer.low,
        wer_high=wer.high,
        level=level,
        pages=len(known),
        lines=sum(len(one.lines) for one in known),
        characters=sum(one.characters for one in truths),
    )


def timeline(units: Sequence[Unit], estimators: Estimators, step: Step = "day") -> list[Period]:
    """Days or weeks (from Monday) of which something is there, oldest first, by when the readings were made: a truth
    that comes late changes the figure of the day of its reading. Units without a time are left out."""
    periods: dict[date, list[Unit]] = {}
    for one in units:
        if one.at is not None:
            day = one.at.date()
            start = day - timedelta(days=day.weekday()) if step == "week" else day
            periods.setdefault(start, []).append(one)
    return [_period(start, periods[start], estimators) for start in sorted(periods)]


def _period(start: date, units: Sequence[Unit], estimators: Estimators) -> Period:
    known, unknown = halves(units)
    return Period(
        start=start,
        counted=counted(known) if known else None,
        estimate=estimate_units(unknown, estimators),
        pages=len(units),
        lines=sum(len(one.lines) for one in units),
    )
