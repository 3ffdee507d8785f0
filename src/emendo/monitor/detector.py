"""When a stream of pages has left its baseline: an e-detector, whose false alarms are bounded by construction.

Each measure, upward and downward, is watched by e-values: with x the score of a page less the upper bound of its mean,
and s an upper bound of its second moment, exp(lambda x) divided by the most that its expectation can be (Bennett's
inequality: x has a largest value, for scores are clipped) has an expectation of at most 1, whatever the distribution.
The Shiryaev-Roberts recursion M <- (1 + M) e turns them into an e-detector (Shin, Ramdas & Rinaldo, "E-detectors: a
nonparametric framework for sequential change detection", 2023), and so does their weighted mean over lambdas,
directions, measures and families. An alarm at M >= A comes, as long as nothing has changed, on average after A pages or
more, without any assumption of normality or of independent measures.

What the baseline cannot tell is no drift: mean and variance are those of the baseline plus what its few pages leave
open (`Norm.slack`, `Norm.variance`), so a small baseline makes the detector slow, not loud.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from .features import MEASURES
from .norm import CLIP, Norm

LAMBDAS: Final = (0.2, 0.3, 0.5)
"""Bets: small ones find small shifts of many pages, large ones great shifts of few. Chosen, with `LEVEL`, on training
pages."""
LEVEL: Final = 0.15
"""Chance that any bound of a mean is wrong, over all measures and directions together."""
VARIANCE_LEVEL: Final = 0.1
"""Chance that the bound of one measure's variance is wrong."""
CEILING: Final = 10.0
"""Times the threshold at which evidence stops to grow, so that it can fall within some pages of the end of a shift."""
Floats = npt.NDArray[np.float64]


class Detector:
    """Watches some measures of pages; fed page by page.

    `norms` are those of the baseline, `weights` the parts (summing to 1) that the measures have in the evidence,
    `per_thousand` the false alarms on 1,000 pages that are allowed, `upward` watches for rises only.
    """

    def __init__(
        self,
        norms: Mapping[str, Norm],
        *,
        per_thousand: float,
        weights: Mapping[str, float] | None = None,
        upward: bool = False,
    ) -> None:
        self.threshold = 1000 / per_thousand
        self._names = tuple(norms)
        self._centres = np.array([norm.centre for norm in norms.values()])
        self._spreads = np.array([norm.spread for norm in norms.values()])
        self._bets = np.array(LAMBDAS)
        self._scaled = [MEASURES[name].scaled if name in MEASURES else float for name in norms]
        signs = (1.0,) if upward else (1.0, -1.0)
        level = LEVEL / max(len(self._names) * len(signs), 1)
        shape = (len(self._names), len(signs))
        self._signs = np.array(signs)
        self._offsets = np.zeros(shape)
        self._bounds = np.zeros((*shape, len(LAMBDAS)))
        for at, norm in enumerate(norms.values()):
            slack = norm.slack(level)
            for side, sign in enumerate(signs):
                offset = sign * norm.mean + slack
                self._offsets[at, side] = offset
                self._bounds[at, side] = _bennett(max(CLIP - offset, 1e-6), norm.variance(VARIANCE_LEVEL) + slack**2)
        even = {name: 1 / len(self._names) for name in self._names}
        weights = weights or even
        self._weights = np.array([weights[name] for name in self._names])
        self._evidence = np.zeros((*shape, len(LAMBDAS)))

    def reset(self) -> None:
        """Forget all evidence."""
        self._evidence[:] = 0.0

    def step(self, values: Mapping[str, float]) -> float:
        """Take in one page (natural units; what is missing says nothing) and return the evidence, 0 or more; from
        `threshold` on it is an alarm."""
        there = np.array([name in values for name in self._names], np.bool_)
        scaled = [scale(values.get(name, 1.0)) for name, scale in zip(self._names, self._scaled, strict=True)]
        scores = np.clip((np.array(scaled) - self._centres) / self._spreads, -CLIP, CLIP)
        excess = scores[:, None] * self._signs - self._offsets
        grown = (1 + self._evidence) * np.exp(excess[..., None] * self._bets) / self._bounds
        self._evidence = np.where(there[:, None, None], grown, self._evidence)
        total = self.evidence
        most = CEILING * self.threshold
        if total > most:
            self._evidence *= most / total
        return min(total, most)

    @property
    def evidence(self) -> float:
        """The weighted mean over measures, directions and bets."""
        return float((self.by_measure * self._weights[:, None]).sum() / len(self._signs)) if self._names else 0.0

    @property
    def by_measure(self) -> Floats:
        """Evidence (measure, direction), before weighting."""
        found: Floats = self._evidence.mean(axis=2)
        return found

    def shares(self) -> dict[str, float]:
        """The part of the evidence that each measure brings, -1 to 1: positive for a rise, negative for a fall."""
        parts = self.by_measure * self._weights[:, None]
        whole = float(parts.sum())
        if not whole:
            return dict.fromkeys(self._names, 0.0)
        best = parts.argmax(axis=1)
        return {name: float(parts[at, best[at]] / whole * self._signs[best[at]]) for at, name in enumerate(self._names)}


def family_weights(names: Mapping[str, object]) -> dict[str, float]:
    """Equal parts for the families that are there, and within each for its measures."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(MEASURES[name].family, []).append(name)
    return {name: 1 / len(families) / len(held) for held in families.values() for name in held}


def _bennett(most: float, moment: float) -> Floats:
    """The largest E exp(lambda x), for each lambda, of any x <= `most` with mean at most 0 and second moment at most
    `moment` (Bennett 1962; the two-point distribution reaches it)."""
    bets = np.array(LAMBDAS)
    low = moment / most
    found: Floats = (most**2 * np.exp(-bets * low) + moment * np.exp(bets * most)) / (most**2 + moment)
    return found
