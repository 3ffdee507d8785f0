"""Drift: which subset got worse since a baseline report, by more than is allowed and more than chance explains.

Where both reports hold the same lines the comparison is paired; where they do not (new pages, a later month) both
sides are resampled by themselves. An alert needs both: a rise beyond the threshold, and confidence that there is a
rise at all. What rose beyond the threshold without that confidence is named as well, but raises no alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ...metrics.bootstrap import Ratios, independent_bootstrap, paired_bootstrap
from ...settings import DriftSettings
from ...tools.counts import counted
from ..report import Line, Report
from .subsets import MEASURES, errors_of, line_errors, subsets_of, title

FORMAT = "emendo-drift/1"
CHARACTERS_NAMED = 3


class State(StrEnum):
    """What is to be said of a subset's measure; only ALERT is an alarm."""

    ALERT = "alert"
    UNSURE = "unsure"
    WITHIN = "within"
    SMALL = "small"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Change:
    """One measure of one subset: before and now, the change with its 95 % interval, and what was allowed.

    `paired` says that both reports hold the same lines. `confidence` in [0, 1] is the share of resamples in which the
    measure rose. `characters` are those whose count grew most, with that growth per 1,000 true characters.
    """

    slice: str
    value: str
    measure: str
    state: State
    lines: int
    lines_before: int
    before: float = 0.0
    now: float = 0.0
    low: float = 0.0
    high: float = 0.0
    confidence: float = 0.0
    allowed: float = 0.0
    paired: bool = False
    characters: tuple[tuple[str, float], ...] = ()

    @property
    def rise(self) -> float:
        """Now less before; above 0 is worse."""
        return self.now - self.before

    def sentence(self) -> str:
        """The change for a person."""
        name = title(self.slice, self.value)
        if self.state is State.NEW:
            return f"{name}: {counted(self.lines, 'line')}, not in the baseline"
        if self.state is State.GONE:
            return f"{name}: {counted(self.lines_before, 'line')} of the baseline, none now"
        told = (
            f"{name}: {MEASURES[self.measure]} {100 * self.before:.2f} % -> {100 * self.now:.2f} %"
            f" ({100 * self.rise:+.2f} points, {100 * self.low:+.2f} to {100 * self.high:+.2f};"
            f" {100 * self.allowed:.2f} allowed)"
        )
        if self.state is State.SMALL:
            told += f", on {min(self.lines, self.lines_before)} lines: too few for an alert"
        elif self.state is State.UNSURE:
            told += f", but a rise is only {100 * self.confidence:.0f} % sure"
        if self.characters and self.state in (State.ALERT, State.UNSURE):
            told += "; most: " + ", ".join(f"{char!r} {rise:+.1f} per 1,000" for char, rise in self.characters)
        return told


@dataclass(frozen=True)
class Drift:
    """All changes between two reports, in the order of their slices."""

    baseline: str
    now: str
    changes: tuple[Change, ...]

    @property
    def alerts(self) -> list[Change]:
        """Those beyond the threshold and beyond chance, largest rise first."""
        return sorted((one for one in self.changes if one.state is State.ALERT), key=lambda one: -one.rise)

    def sentences(self) -> list[str]:
        """One alert a subset, of what rose most there; its other alerts are named at the end."""
        told: dict[tuple[str, str], list[Change]] = {}
        for one in self.alerts:
            told.setdefault((one.slice, one.value), []).append(one)
        return [
            first.sentence() + "".join(f"; also {MEASURES[one.measure]} {100 * one.rise:+.2f} points" for one in rest)
            for first, *rest in told.values()
        ]

    @property
    def ok(self) -> bool:
        """True without an alert."""
        return not self.alerts

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "ok": self.ok,
            "baseline": self.baseline,
            "now": self.now,
            "alerts": self.sentences(),
            "changes": [{**asdict(one), "rise": one.rise} for one in self.changes],
        }


def drift(
    now: Report, baseline: Report, settings: DriftSettings | None = None, *, slices: Sequence[str] | None = None
) -> Drift:
    """Compare every subset of a report with the same subset of the baseline. `slices` None: all that lines carry."""
    settings = settings or DriftSettings()
    here, there = subsets_of(now, slices), subsets_of(baseline, slices)
    changes: list[Change] = []
    for name in dict.fromkeys((*here, *there)):
        left, right = there.get(name, {}), here.get(name, {})
        for value in dict.fromkeys((*right, *left)):
            changes += _changes(name, value, left.get(value, ()), right.get(value, ()), settings)
    return Drift(f"{baseline.model} on {baseline.dataset}", f"{now.model} on {now.dataset}", tuple(changes))


def _changes(
    name: str, value: str, before: Sequence[Line], now: Sequence[Line], settings: DriftSettings
) -> list[Change]:
    if not before or not now:
        return [Change(name, value, "cer", State.GONE if before else State.NEW, len(now), len(before))]
    return [_change(name, value, measure, before, now, settings) for measure in MEASURES]


def _change(
    name: str, value: str, measure: str, before: Sequence[Line], now: Sequence[Line], settings: DriftSettings
) -> Change:
    allowed = settings.subsets.get(title(name, value), float(getattr(settings, measure)))
    known = {line.id: line for line in before}
    paired = len(known) == len(now) and all(
        line.id in known and known[line.id].reference == line.reference for line in now
    )
    left = [known[line.id] for line in now] if paired else list(before)
    a, b = _ratios(left, measure), _ratios(now, measure)
    if paired:
        found = paired_bootstrap(a.errors, b.errors, b.sizes, groups=b.groups)
        low, high, confidence = found.low, found.high, found.confidence_above(1e-12)
    else:
        apart = independent_bootstrap(a, b)
        low, high, confidence = apart.low, apart.high, apart.confidence_above
    was, became = (sum(one.errors) / max(sum(one.sizes), 1) for one in (a, b))
    state = State.WITHIN
    if became - was > allowed:
        few = min(len(before), len(now)) < settings.min_lines
        state = State.SMALL if few else State.ALERT if confidence >= settings.confidence else State.UNSURE
    return Change(
        slice=name,
        value=value,
        measure=measure,
        state=state,
        lines=len(now),
        lines_before=len(before),
        before=was,
        now=became,
        low=low,
        high=high,
        confidence=confidence,
        allowed=allowed,
        paired=paired,
        characters=_grown(before, now, measure) if state in (State.ALERT, State.UNSURE) else (),
    )


def _ratios(lines: Sequence[Line], measure: str) -> Ratios:
    return Ratios(
        [line_errors(line, measure) for line in lines],
        [line.counts.characters for line in lines],
        [line.group or line.id for line in lines],
    )


def _grown(before: Sequence[Line], now: Sequence[Line], measure: str) -> tuple[tuple[str, float], ...]:
    """The characters whose errors grew most, per 1,000 true characters."""
    rates: list[dict[str, float]] = []
    for lines in (before, now):
        errors = errors_of(lines)
        counted = errors.false_characters if measure == "false" else errors.missed_characters
        scale = 1000 / max(errors.counts.characters, 1)
        rates.append({char: count * scale for char, count in counted.items()})
    rises = {char: rate - rates[0].get(char, 0.0) for char, rate in rates[1].items()}
    most = sorted(rises.items(), key=lambda item: (-item[1], item[0]))[:CHARACTERS_NAMED]
    return tuple((char, rise) for char, rise in most if rise > 0)
