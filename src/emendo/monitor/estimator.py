"""From what readings show of themselves to an error rate with an interval, learned on readings whose truth is known.

A model's own doubt, summed over a page, is near the share of characters that are wrong, but off by a factor that
differs between models, writers and kinds of page (for shares of right answers: Guillory et al., "Predicting with
confidence on unseen distributions", 2021; Garg et al., "Leveraging unlabeled data to predict out-of-distribution
performance", 2022).
The factor is learned by a regression with group effects (`mixed`) on labelled pages, and the interval holds what is not
known of a new group: its own factor, its pages', chance, and the weights where its pages look unlike the labelled ones.
How far groups lie off when they are left out stretches it further (jackknife+: Barber et al. 2021; by group: Dunn,
Wasserman & Ramdas, "Distribution-free prediction sets for two-layer hierarchical models", 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import DataError
from .indicators import INDICATORS, Floats, indicators
from .mixed import Mixed, Prior, Rows, Variances, fit, residuals
from .units import Unit

LEVEL: Final = 0.9
NORMAL: Final = 1.645
"""Standard deviations that hold `LEVEL` of a normal distribution, half of the rest on either side."""
DRAWS: Final = 2000
LEAST_UNITS: Final = 3
"""Fewer labelled pages than this teach nothing."""
FACTOR_SPREAD, DOUBT_SPREAD, OTHER_SPREAD = 0.5, 0.1, 0.03
"""Before any page: how far log(errors / doubt) may lie off in all, and for each standard deviation of an indicator."""
SPREADS: Final = (0.5, 1.0, 2.0, 4.0)
"""Of the latter two the multiple is taken that explains the labelled pages best (type II maximum likelihood): with few
groups the indicators say little, with many they say more."""
USUAL: Final = Variances(between=0.05, within=0.03, clumping=2.5)
LEAST_SCALE: Final = 0.2
"""Indicators that hardly differ between the labelled pages are held against this spread: a page that differs looks
strange, but not infinitely so."""
RANKED: Final = 19
"""Groups from which the quantile of how far they lie off is taken as it is."""
STRANGE: Final = 3.5
"""Standard deviations from which a page is said to look unlike those that the estimator was fitted on."""
PULL: Final = 4.0
"""Groups that the variances of an earlier estimator are worth when it is fitted further."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A CER that nobody counted: 0 up, with the interval that holds it at `level`.

    `raw` is what the model itself thinks. `strange` names the indicators by which the pages look unlike those that the
    estimator was fitted on: the interval is wider for it already, but it is said.
    """

    cer: float
    low: float
    high: float
    level: float
    units: int
    lines: int
    characters: int
    raw: float
    strange: tuple[str, ...] = ()


class Estimator(BaseModel):
    """Weights on the indicators and what is not known, as fitted; see `emendo.monitor.mixed`.

    `model` is the model whose readings it was fitted on (`NAME@ID`, or `NAME` for all of that name; empty: any),
    `source` says on which pages. `stretch` widens what is not known of a new group.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["emendo-estimator/1"] = "emendo-estimator/1"
    model: str = ""
    source: str = ""
    made: str = ""
    indicators: tuple[str, ...] = INDICATORS
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    between: float = Field(gt=0)
    within: float = Field(gt=0)
    clumping: float = Field(gt=0)
    stretch: float = Field(1.0, ge=1)
    groups: int = Field(ge=0)
    units: int = Field(ge=0)
    lines: int = Field(ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        width = len(INDICATORS)
        shapes = {len(self.centre), len(self.scale), len(self.mean) - 1, *(len(row) - 1 for row in self.covariance)}
        if self.indicators != INDICATORS or shapes != {width} or len(self.covariance) != width + 1:
            raise ValueError(f"its indicators are {', '.join(self.indicators)}, expected {', '.join(INDICATORS)}")
        return self

    def estimate(self, units: Sequence[Unit], *, level: float = LEVEL, seed: int = 0) -> Estimate:
        """The error rate of all units together; the same units always give the same figures.

        Raises DataError when they hold no character.
        """
        characters = np.array([one.characters for one in units], dtype=np.float64)
        if not characters.sum():
            raise DataError("no character was read", remedy="give readings that hold text")
        raw = np.stack([indicators(one) for one in units])
        x = _design(raw, np.array(self.centre), np.array(self.scale))
        rates = self._drawn(raw[:, 0], x, characters, [one.group for one in units], np.random.default_rng(seed))
        low, middle, high = np.quantile(rates, [(1 - level) / 2, 0.5, (1 + level) / 2])
        doubt = float(characters @ [one.doubt for one in units] / characters.sum())
        strange = np.abs(characters @ x[:, 1:]) / characters.sum() > STRANGE
        return Estimate(
            cer=float(middle),
            low=float(low),
            high=float(high),
            level=level,
            units=len(units),
            lines=sum(len(one.lines) for one in units),
            characters=int(characters.sum()),
            raw=doubt,
            strange=tuple(name for name, far in zip(INDICATORS, strange, strict=True) if far),
        )

    def _drawn(
        self, doubts: Floats, x: Floats, characters: Floats, groups: Sequence[str], rng: np.random.Generator
    ) -> Floats:
        """Rates of all units together that might be, shape (DRAWS,)."""
        centre = doubts + x @ np.array(self.mean)
        factor = np.linalg.cholesky(np.array(self.covariance) + 1e-12 * np.eye(x.shape[1]))
        unsure = x @ factor @ rng.standard_normal((x.shape[1], DRAWS))
        names = {name: at for at, name in enumerate(dict.fromkeys(groups))}
        effects = np.sqrt(self.between) * rng.standard_normal((len(names), DRAWS))
        unsure += effects[[names[name] for name in groups]]
        chance = np.sqrt(self.within + self.clumping / (np.exp(centre) * characters + 0.5))
        noise = self.stretch * unsure + chance[:, None] * rng.standard_normal((len(groups), DRAWS))
        rates: Floats = characters @ np.exp(centre[:, None] + noise) / characters.sum()
        return rates


def fit_estimator(
    units: Sequence[Unit], *, start: Estimator | None = None, model: str = "", source: str = "", made: str = ""
) -> Estimator:
    """Fit on units with a truth; those of one `group` count as alike.

    `start` is an estimator to begin from: its weights are the prior, and its factor may be as far off as a new group's.
    Raises DataError for fewer than `LEAST_UNITS` labelled units.
    """
    held = [one for one in units if one.truth is not None and one.truth.characters]
    if len(held) < LEAST_UNITS:
        raise DataError(f"{len(held)} pages with a truth are too few, {LEAST_UNITS} are needed", where=source)
    raw = np.stack([indicators(one) for one in held])
    centre, scale = (np.array(start.centre), np.array(start.scale)) if start else _spread(raw)
    x = _design(raw, centre, scale)
    priors = [_prior_from(start)] if start else [_prior(x.shape[1], times) for times in SPREADS]
    edits = np.array([one.truth.edits for one in held if one.truth], dtype=np.float64)
    characters = np.array([one.truth.characters for one in held if one.truth], dtype=np.float64)
    groups = tuple(one.group for one in held)
    tried = [(prior, *_fit(raw[:, 0], x, edits, characters, groups, prior)) for prior in priors]
    prior, fitted, rows = max(tried, key=lambda one: one[1].evidence)
    variances = fitted.variances
    return Estimator(
        model=model,
        source=source,
        made=made,
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        mean=tuple(fitted.mean.tolist()),
        covariance=tuple(tuple(row) for row in fitted.covariance.tolist()),
        between=variances.between,
        within=variances.within,
        clumping=variances.clumping,
        stretch=_stretch(np.abs(residuals(rows, prior, variances)), start.stretch if start else 1.0),
        groups=fitted.groups,
        units=len(held),
        lines=sum(len(one.lines) for one in held),
    )


def for_any_model(pooled: Estimator, each: Sequence[Estimator]) -> Estimator:
    """An estimator for models that it was not fitted on: the factor in all is as unsure as those of `each`, fitted on
    one model each, lie apart. Raises ValueError for fewer than two."""
    apart = float(np.var([one.mean[0] for one in each], ddof=1)) if len(each) > 1 else 0.0
    if not apart:
        raise ValueError("it takes two models at least to tell how far models lie apart")
    covariance = np.array(pooled.covariance)
    covariance[0, 0] += apart
    rows = tuple(tuple(row) for row in covariance.tolist())
    return pooled.model_copy(update={"model": "", "covariance": rows})


def _fit(
    doubts: Floats, x: Floats, edits: Floats, characters: Floats, groups: tuple[str, ...], prior: Prior
) -> tuple[Mixed, Rows]:
    """Twice: the second time chance is that of the edits expected by the first, not of those counted, which would make
    pages with few errors by luck look certain."""
    y = np.log((edits + 0.5) / characters) - doubts
    rows = Rows(x, y, np.exp(doubts) * characters, groups)
    first = fit(rows, prior)
    rows = Rows(x, y, np.exp(doubts + x @ first.mean) * characters, groups)
    return fit(rows, prior), rows


def _stretch(off: Floats, before: float) -> float:
    """What brings `LEVEL` of the groups into the interval, from how far each lies off when it is left out: with
    `RANKED` groups their finite-sample quantile, with fewer that of Student's t of their root mean square (the first
    term of its Cornish-Fisher expansion), since the largest of a few says little; with one, what was known before."""
    groups = len(off)
    if groups < 2:
        return before
    if groups >= RANKED:
        return max(1.0, float(np.sort(off)[ceil(LEVEL * (groups + 1)) - 1]) / NORMAL)
    student = 1 + (NORMAL**2 + 1) / 4 / (groups - 1)
    return max(1.0, student * float(np.sqrt(np.mean(off**2))))


def _spread(raw: Floats) -> tuple[Floats, Floats]:
    """Mean and spread of the indicators; of one that is nowhere known, 0 and 1."""
    known = ~np.isnan(raw)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, raw, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(known, (raw - centre) ** 2, 0.0).sum(axis=0) / count)
    return centre, np.where(known.any(axis=0), np.maximum(spread, LEAST_SCALE), 1.0)


def _design(raw: Floats, centre: Floats, scale: Floats) -> Floats:
    """A column of ones, then the indicators in standard deviations; what is not known is as usual: (units, 1 + K)."""
    z = (raw - centre) / scale
    return np.column_stack([np.ones(len(z)), np.where(np.isnan(z), 0.0, z)])


def _prior(width: int, times: float) -> Prior:
    spreads = np.array([FACTOR_SPREAD, times * DOUBT_SPREAD, *[times * OTHER_SPREAD] * (width - 2)])
    return Prior(np.zeros(width), np.diag(spreads**2), USUAL)


def _prior_from(start: Estimator) -> Prior:
    covariance = np.array(start.covariance)
    covariance[0, 0] += start.stretch**2 * start.between
    variances = Variances(start.between, start.within, start.clumping)
    return Prior(np.array(start.mean), covariance, variances, PULL)
