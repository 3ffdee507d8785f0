"""How far two samples of one measure, or two counts of categories, lie apart: for reports, not for alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt

import numpy as np

BINS = 10
PER_BIN = 5
TERMS = 100


def kolmogorov_smirnov(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Statistic and p-value of the two-sample test of Kolmogorov and Smirnov.

    The p-value is asymptotic with the correction of Stephens (1970), good from about ten values a side; 1 where a side
    is empty.
    """
    if not len(first) or not len(second):
        return 0.0, 1.0
    one, two = np.sort(np.asarray(first, np.float64)), np.sort(np.asarray(second, np.float64))
    every = np.concatenate([one, two])
    below = [np.searchsorted(side, every, side="right") / len(side) for side in (one, two)]
    statistic = float(np.abs(below[0] - below[1]).max())
    size = sqrt(len(one) * len(two) / (len(one) + len(two)))
    return statistic, _survival((size + 0.12 + 0.11 / size) * statistic)


def _survival(x: float) -> float:
    """Kolmogorov's distribution: the chance of a value above x."""
    if x < 0.2:
        return 1.0
    found = 2 * sum((1.0 if k % 2 else -1.0) * exp(-2 * k * k * x * x) for k in range(1, TERMS))
    return min(max(found, 0.0), 1.0)


def stability_index(baseline: Sequence[float], now: Sequence[float]) -> float:
    """Population stability index (the symmetrised Kullback-Leibler divergence, Kullback & Leibler 1951) over bins that
    hold equal parts of the baseline: by custom 0.1 is a change to look at and 0.2 one to act on.

    Bins are at most ten and as few as leave `PER_BIN` values in each, for with fewer chance alone exceeds 0.2.
    """
    if not len(baseline) or not len(now):
        return 0.0
    bins = int(min(max(min(len(baseline), len(now)) // PER_BIN, 2), BINS))
    edges = np.unique(np.quantile(np.asarray(baseline, np.float64), np.linspace(0, 1, bins + 1)[1:-1]))
    counts = [
        np.bincount(np.searchsorted(edges, np.asarray(side, np.float64), side="right"), minlength=len(edges) + 1)
        for side in (baseline, now)
    ]
    return _index(counts[0].tolist(), counts[1].tolist())


def character_index(
    usual: Mapping[str, int], now: Mapping[str, int], *, most: int = 40
) -> tuple[float, tuple[tuple[str, float, float], ...]]:
    """Stability index over the `most` frequent characters of the baseline and all others as one, and the characters
    that bring most of it: (character, share in the baseline, share now), largest part first; all others is ``…``."""
    if not usual or not now:
        return 0.0, ()
    names = sorted(usual, key=lambda char: (-usual[char], char))[:most]
    sides = [[side.get(name, 0) for name in names] for side in (usual, now)]
    rest = [sum(side.values()) - sum(counted) for side, counted in zip((usual, now), sides, strict=True)]
    parts = _parts([*sides[0], rest[0]], [*sides[1], rest[1]])
    totals = [max(sum(side.values()), 1) for side in (usual, now)]
    rows = zip((*names, "…"), (*sides[0], rest[0]), (*sides[1], rest[1]), parts, strict=True)
    ordered = sorted(rows, key=lambda row: -row[3])
    return sum(parts), tuple((name, was / totals[0], became / totals[1]) for name, was, became, part in ordered if part)


def _index(first: Sequence[int], second: Sequence[int]) -> float:
    return sum(_parts(first, second))


def _parts(first: Sequence[int], second: Sequence[int]) -> list[float]:
    """The summands, with half a count more in each bin so that none is empty."""
    shares = [[(count + 0.5) / (sum(side) + 0.5 * len(side)) for count in side] for side in (first, second)]
    return [(b - a) * log(b / a) for a, b in zip(*shares, strict=True)]
