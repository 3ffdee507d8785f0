"""The advisor: how much better the model gets with more corrected lines, from this author's own learning curve.

The CER after training on n lines follows a saturating power law (Hestness et al. 2017, "Deep learning scaling is
predictable, empirically"; Viering & Loog 2022, "The shape of learning curves"):

    cer(n) = start * (floor + (1 - floor) * (1 + n / scale) ** -power)

Its parameters have a prior, set by hand around the probes of DESIGN.md (one French notebook; no blind test entered), so
that there is a forecast before the first run. Each measured run then weighs the parameters by its likelihood
(importance sampling over DRAWS seeded draws): log-normal noise of RUN_NOISE between two trainings on as many
lines, and the sampling error of a CER on so many characters. Intervals are of the posterior prediction: they hold
what the next run will measure, its noise included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DRAWS = 40_000
RUN_NOISE = 0.07
"""Relative spread between trainings on different lines of the same number."""
ERRORS_CLUSTER = 2.0
"""Character errors come in bursts: the variance of their number is this many times that of independent ones."""
LEVEL = 0.8
STEPS = (10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000)
WORTH = 0.15
"""Relative gain of CER for which an author is asked to correct more lines."""
LITTLE = 0.05
"""Below this relative gain from the largest step, correcting more lines is said to bring little."""
PAGES = (5, 10, 15, 30, 50, 100)
LINES_PER_PAGE = 25.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """A measured model: trained on `lines` corrected lines, `cer` (0 up) on `characters` characters it never saw."""

    lines: int
    cer: float
    characters: int


@dataclass(frozen=True, slots=True)
class Expected:
    """Forecast of the CER after training on `lines` lines: median, and interval at LEVEL."""

    lines: int
    cer: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Advice:
    """What the curve says: `now` is where the author stands, `then` after correcting `more` further lines.

    `curve` is for plotting (0 to twice the range of interest), `pages` the CER expected at each of PAGES pages.
    """

    sentence: str
    measured: tuple[Point, ...]
    now: Expected
    more: int
    then: Expected
    curve: tuple[Expected, ...]
    pages: tuple[tuple[int, Expected], ...]

    def figures(self) -> dict[str, Any]:
        """The advice for JSON."""
        return {
            "advice": self.sentence,
            "level": LEVEL,
            "measured": [asdict(p) for p in self.measured],
            "now": asdict(self.now),
            "more": self.more,
            "then": asdict(self.then),
            "curve": [asdict(e) for e in self.curve],
            "pages": [{"pages": pages, **asdict(e)} for pages, e in self.pages],
        }


class LearningCurve:
    """The posterior of one author's curve.

    `start` is the CER of the model before any of the author's lines (a guess will do, it is one more unknown);
    `points` are the measured runs, in any order. The same input gives the same figures.
    """

    def __init__(self, points: Sequence[Point], *, start: float = 0.25, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self._scale = np.exp(random.normal(math.log(40), 0.8, DRAWS))
        self._power = np.exp(random.normal(math.log(0.75), 0.35, DRAWS))
        self._floor = random.beta(1.2, 9.0, DRAWS)
        measured = [p.cer for p in points if p.lines == 0 and p.cer > 0]
        centre, spread = (measured[0], 0.15) if measured else (max(start, 1e-3), 0.5)
        self._start = centre * np.exp(random.normal(0, spread, DRAWS))
        self._weights = self._weigh(points)

    def expected(self, lines: int, *, characters: int = 20_000) -> Expected:
        """What the next run on `lines` lines will measure on `characters` characters."""
        level = self._level(lines)
        noise = np.random.default_rng(lines).normal(0, 1, DRAWS) * _spread(level, characters)
        low, middle, high = _quantiles(level * np.exp(noise), self._weights, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
        return Expected(lines, middle, low, high)

    def gain(self, lines: int, more: int) -> float:
        """Expected relative gain of CER from `more` further lines, 0 to 1, without the noise of runs."""
        before, after = self._level(lines), self._level(lines + more)
        return float(np.sum(self._weights * (1 - after / before)))

    def _level(self, lines: int) -> Floats:
        shape = (1 + lines / self._scale) ** -self._power
        level: Floats = self._start * (self._floor + (1 - self._floor) * shape)
        return level

    def _weigh(self, points: Sequence[Point]) -> Floats:
        log_weight = np.zeros(DRAWS)
        for point in points:
            level = self._level(point.lines)
            spread = _spread(level, point.characters)
            seen = max(point.cer, 0.5 / max(point.characters, 1))
            log_weight -= 0.5 * ((math.log(seen) - np.log(level)) / spread) ** 2 + np.log(spread)
        weights: Floats = np.exp(log_weight - log_weight.max())
        weights /= weights.sum()
        return weights


def advise(
    points: Sequence[Point], *, lines: int | None = None, start: float = 0.25, lines_per_page: float = LINES_PER_PAGE
) -> Advice:
    """Advice for an author whose model was last trained on `lines` lines (default: the most of any point).

    Without points it rests on the prior alone and `start`, the CER that the present model is thought to have.
    """
    curve = LearningCurve(points, start=start)
    reached = max((p.lines for p in points), default=0) if lines is None else lines
    more = next((step for step in STEPS if curve.gain(reached, step) >= WORTH), STEPS[-1])
    now, then = curve.expected(reached), curve.expected(reached + more)
    measured = [p for p in points if p.lines == reached]
    known = Expected(reached, measured[-1].cer, now.low, now.high) if measured else now
    far = 2 * (reached + more)
    grid = sorted({0, reached, reached + more, *(round(far * k / 24) for k in range(25))})
    return Advice(
        sentence=_sentence(known, more, then, little=curve.gain(reached, STEPS[-1]) < LITTLE),
        measured=tuple(sorted(points, key=lambda p: p.lines)),
        now=known,
        more=more,
        then=then,
        curve=tuple(curve.expected(n) for n in grid),
        pages=tuple((pages, curve.expected(round(pages * lines_per_page))) for pages in PAGES),
    )


def _sentence(now: Expected, more: int, then: Expected, *, little: bool) -> str:
    if little:
        return f"Correcting more lines will bring little: at {_percent(now.cer)} CER this model is near its best."
    return (
        f"Correct about {more} more lines, expect CER from {_percent(now.cer)} to {_percent(then.cer)} "
        f"({100 * LEVEL:.0f} % interval {_percent(then.low)} to {_percent(then.high)})."
    )


def _spread(level: Floats, characters: int) -> Floats:
    """Standard deviation of the logarithm of a measured CER."""
    rate = np.clip(level, 1e-4, 0.99)
    sampling = ERRORS_CLUSTER * (1 - rate) / (rate * max(characters, 1))
    spread: Floats = np.sqrt(RUN_NOISE**2 + sampling)
    return spread


def _quantiles(values: Floats, weights: Floats, wanted: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    places = np.minimum(np.searchsorted(reached, wanted), len(values) - 1)
    return [float(values[order[place]]) for place in places]


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
