"""How one measure varies between the pages of a baseline, and how well so many pages can tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from .features import MEASURES

CLIP: Final = 6.0
"""Spreads past which a page counts no more: one odd page must not decide."""


@dataclass(frozen=True, slots=True)
class Norm:
    """How one measure varies between the pages of the baseline, on its scale.

    A page's score is (value - centre) / spread, clipped to plus or minus `CLIP`. `mean` and `deviation` are those of
    the scores of the `pages` that have the measure; `values` are the pages' values in natural units, sorted.
    """

    measure: str
    centre: float
    spread: float
    mean: float
    deviation: float
    pages: int
    values: tuple[float, ...] = field(repr=False, default=())

    def score(self, value: float) -> float:
        """How far a value (natural units) lies from the usual, in spreads, -`CLIP` to `CLIP`."""
        scaled = MEASURES[self.measure].scaled(value) if self.measure in MEASURES else value
        return min(max((scaled - self.centre) / self.spread, -CLIP), CLIP)

    def slack(self, level: float) -> float:
        """How far the true mean of the scores may lie from `mean` at the one-sided error `level`: the half-width of a t
        interval (quantile by the expansion of Cornish & Fisher)."""
        z, free = -NormalDist().inv_cdf(level), max(self.pages - 1, 1)
        t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
        return t * self.deviation / sqrt(self.pages)

    def variance(self, level: float) -> float:
        """Upper bound of the variance of the scores at the error `level`: that of normal scores (the quantile of
        chi-square by Wilson & Hilferty 1931)."""
        free = max(self.pages - 1, 1)
        part = 2 / (9 * free)
        quantile = free * max(1 - part + NormalDist().inv_cdf(level) * sqrt(part), 0.1) ** 3
        return free * self.deviation**2 / quantile

    @property
    def band(self) -> tuple[float, float]:
        """Natural values between which nine of ten pages lie."""
        low, high = np.quantile(self.values, (0.05, 0.95))
        return float(low), float(high)


def norm_of(measure: str, values: Sequence[float], least: float = 0.0) -> Norm:
    """The norm of a measure from the values of at least one page. `least` is the smallest spread.

    Centre and spread are the median and the larger of the normed interquartile range and half the standard deviation,
    so that a few odd pages do not widen it and pages that are nearly all alike do not narrow it to nothing.
    """
    row = MEASURES.get(measure)
    scaled = np.array([row.scaled(value) if row else value for value in values], np.float64)
    quarter, centre, three = (float(one) for one in np.quantile(scaled, (0.25, 0.5, 0.75)))
    least = max(least, row.least if row else 0.0, 1e-9)
    spread = max((three - quarter) / 1.349, float(scaled.std()) / 2, least)
    scores = np.clip((scaled - centre) / spread, -CLIP, CLIP)
    deviation = float(scores.std(ddof=1)) if len(scores) > 1 else 1.0
    # a measure that hardly moved is not known to be without spread: the least spread stands for what was not seen
    return Norm(
        measure,
        centre,
        spread,
        float(scores.mean()),
        max(deviation, 0.5),
        len(scores),
        tuple(sorted(map(float, values))),
    )
