"""Intervals and paired tests by resampling (Efron & Tibshirani 1993; for paired systems Koehn 2004, Bisani & Ney 2004).

The unit that is drawn with replacement is the line, or the group (document, writer) when there are at least
`MIN_GROUPS` of them: lines of one page are not independent, but a handful of groups says too little about groups.
All draws come from a seeded generator, so the same counts always give the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MIN_GROUPS = 10
RESAMPLES = 2000
_CELLS = 4_000_000
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A ratio with its percentile interval at `level`; `unit` says what was resampled, line or group."""

    value: float
    low: float
    high: float
    level: float
    unit: str


@dataclass(frozen=True, slots=True)
class Paired:
    """Two models on the same lines: `difference` is ratio(B) - ratio(A), below 0 when B makes fewer errors.

    `low` and `high` bound the difference at `level`. `confidence_better` in [0, 1] is the share of resamples in
    which B is strictly better, `p_value` the one-sided chance of seeing that without a difference (never 0: one
    resample is counted against B). `drawn` holds the resampled differences, for other thresholds (`confidence_above`).
    """

    difference: float
    low: float
    high: float
    level: float
    confidence_better: float
    p_value: float
    unit: str
    units: int
    drawn: Floats

    def confidence_above(self, threshold: float) -> float:
        """Share of resamples in which ratio(B) - ratio(A) exceeds `threshold`, 0 to 1."""
        return float(np.mean(self.drawn > threshold))


def ratio_interval(
    errors: Sequence[float],
    sizes: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Interval of sum(errors) / sum(sizes), one entry per line.

    Resamples the groups when there are at least MIN_GROUPS, else the lines. With no lines everything is 0. Raises
    ValueError when the sequences differ in length.
    """
    table, unit = _units((errors, sizes), groups)
    if table.shape[1] == 0:
        return Interval(0.0, 0.0, 0.0, level, unit)
    drawn = _resample(table, resamples, seed)
    ratios = drawn[0] / np.maximum(drawn[1], 1.0)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(_ratio(table[0], table[1]), float(low), float(high), level, unit)


def paired_bootstrap(
    errors_a: Sequence[float],
    errors_b: Sequence[float],
    sizes: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two models whose errors on the same lines are given, in the same order.

    With few units the plain bootstrap is too sure of itself: the resampled differences are spread around the
    observed one by what separates Student's t from the normal distribution at 95 % (see `_widening`). Raises
    ValueError when the sequences differ in length.
    """
    table, unit = _units((errors_a, errors_b, sizes), groups)
    units = table.shape[1]
    if units == 0:
        return Paired(0.0, 0.0, 0.0, level, 0.0, 1.0, unit, 0, np.zeros(resamples))
    observed = _ratio(table[1], table[2]) - _ratio(table[0], table[2])
    drawn = _resample(table, resamples, seed)
    differences = (drawn[1] - drawn[0]) / np.maximum(drawn[2], 1.0)
    if units > 1:
        differences = observed + (differences - observed) * _widening(units)
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    not_better = int(np.count_nonzero(differences > -1e-12))
    return Paired(
        difference=observed,
        low=float(low),
        high=float(high),
        level=level,
        confidence_better=1.0 - not_better / resamples,
        p_value=(1 + not_better) / (1 + resamples),
        unit=unit,
        units=units,
        drawn=differences,
    )


@dataclass(frozen=True, slots=True)
class Apart:
    """Two independent sets of lines: `difference` is ratio(B) - ratio(A), with its interval at `level`.

    `confidence_above` in [0, 1] is the share of resamples in which ratio(B) is strictly the larger one; `p_value` is
    two-sided and never 0. `units` counts what was resampled on both sides.
    """

    difference: float
    low: float
    high: float
    level: float
    confidence_above: float
    p_value: float
    units: int


@dataclass(frozen=True, slots=True)
class Ratios:
    """Errors and sizes of some lines, with the group of each (None: every line is its own)."""

    errors: Sequence[float]
    sizes: Sequence[float]
    groups: Sequence[str] | None = None


def independent_bootstrap(
    a: Ratios, b: Ratios, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Apart:
    """Compare the ratios of two sets that share no line: two subsets, or two evaluations of different lines.

    Each side is resampled by itself (Efron & Tibshirani 1993, chapter 16) and widened for few units as in
    `paired_bootstrap`. With an empty side nothing can be said: difference 0, p-value 1.
    """
    tables = [_units((one.errors, one.sizes), one.groups)[0] for one in (a, b)]
    units = [table.shape[1] for table in tables]
    if not all(units):
        return Apart(0.0, 0.0, 0.0, level, 0.0, 1.0, sum(units))
    spread = []
    for side, (table, count) in enumerate(zip(tables, units, strict=True)):
        drawn = _resample(table, resamples, seed + side)
        ratios = drawn[0] / np.maximum(drawn[1], 1.0)
        spread.append((ratios - _ratio(table[0], table[1])) * (_widening(count) if count > 1 else 1.0))
    observed = _ratio(tables[1][0], tables[1][1]) - _ratio(tables[0][0], tables[0][1])
    differences = observed + spread[1] - spread[0]
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    above = int(np.count_nonzero(differences > 1e-12))
    below = int(np.count_nonzero(differences < -1e-12))
    rarer = min(resamples - above, resamples - below)
    p_value = min(1.0, 2 * (1 + rarer) / (1 + resamples))
    return Apart(observed, float(low), float(high), level, above / resamples, p_value, sum(units))


def ratio_of_ratios(
    a: tuple[Sequence[float], Sequence[float]],
    b: tuple[Sequence[float], Sequence[float]],
    *,
    groups: Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """(sum(a[0]) / sum(a[1])) / (sum(b[0]) / sum(b[1])) with its paired interval: the same lines are drawn for both.

    All sums must be above 0 for the value to mean anything; a resample in which one is not counts as 0 or as infinite.
    Raises ValueError when the four sequences differ in length, or the denominators do not add up to more than 0.
    """
    table, unit = _units((*a, *b), groups)
    if table.shape[1] == 0 or table[1].sum() <= 0 or table[3].sum() <= 0:
        raise ValueError("the denominators must add up to more than 0")

    def relative(sums: Floats) -> Floats:
        gain, cost = np.maximum(sums[0], 0.0) * sums[3], sums[1] * np.maximum(sums[2], 0.0)
        found: Floats = np.divide(gain, cost, out=np.full_like(gain, np.inf), where=cost > 0)
        return found

    drawn = relative(_resample(table, resamples, seed))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return Interval(float(relative(table.sum(axis=1))), float(low), float(high), level, unit)


def wilson(hits: int, trials: int, *, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share of counted successes (Wilson 1927): honest at 0, at 1 and with few trials."""
    if trials <= 0:
        return 0.0, 1.0
    share, z2 = hits / trials, z * z
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = z * float(np.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return max(0.0, middle - half), min(1.0, middle + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for looking at several of them at once (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    held, worst = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        worst = max(worst, min(1.0, p_values[at] * (len(p_values) - rank)))
        held[at] = worst
    return held


def _widening(units: int) -> float:
    """sqrt(n / (n - 1)) for the bootstrap's short variance, times t / z at 95 % with n - 1 degrees of freedom.

    The second factor is the first term of its Cornish-Fisher expansion, 1 + (z^2 + 1) / 4 / (n - 1).
    """
    return float(np.sqrt(units / (units - 1)) * (1 + (1.645**2 + 1) / 4 / (units - 1)))


def _ratio(errors: Floats, sizes: Floats) -> float:
    return float(errors.sum() / max(sizes.sum(), 1.0))


def _units(rows: Sequence[Sequence[float]], groups: Sequence[str] | None) -> tuple[Floats, str]:
    """The rows as (len(rows), units) float64, summed by group when there are enough groups."""
    if len({len(row) for row in rows}) != 1 or (groups is not None and len(groups) != len(rows[0])):
        raise ValueError("errors, sizes and groups must have one entry per line")
    table = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
    if groups is None:
        return table, "line"
    names, member = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    if len(names) < MIN_GROUPS:
        return table, "line"
    return np.stack([np.bincount(member, weights=row, minlength=len(names)) for row in table]), "group"


def _resample(table: Floats, resamples: int, seed: int) -> Floats:
    """Sums over `resamples` draws with replacement: (rows, units) -> (rows, resamples)."""
    random = np.random.default_rng(seed)
    rows, units = table.shape
    sums = np.empty((rows, resamples))
    step = max(1, _CELLS // units)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        picks = random.integers(0, units, size=(size, units), dtype=np.int32)
        for row in range(rows):
            sums[row, start : start + size] = table[row][picks].sum(axis=1)
    return sums
