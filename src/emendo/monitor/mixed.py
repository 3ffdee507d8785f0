"""A regression on the logarithm of error rates whose errors come in groups, with what is known beforehand.

    log(edits / characters) = x . weights + group + page + chance

The weights have a normal prior; `group` and `page` are normal with variances `between` and `within`, and chance has the
variance `clumping` / expected edits: errors come in clumps, so more than one per counted error. Variances are chosen by
the marginal likelihood under weak priors, weights are then normal (Gelman & Hill 2007, chapter 18). Where the data says
nothing of a direction of x, the prior's variance stays: far from what was seen the regression is unsure by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BETWEEN = (0.0025, 0.01, 0.02, 0.04, 0.08, 0.16)
WITHIN = (0.0025, 0.01, 0.02, 0.04, 0.08)
CLUMPING = (1.5, 2.0, 3.0, 4.5, 7.0)


@dataclass(frozen=True, slots=True)
class Variances:
    """Variances on the logarithm: between groups, between the pages of one, and of chance per expected edit."""

    between: float
    within: float
    clumping: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is thought of weights and variances before seeing data; `pull` says how many groups that is worth."""

    mean: Floats
    covariance: Floats
    variances: Variances
    pull: float = 2.0


@dataclass(frozen=True, slots=True)
class Mixed:
    """Weights with their covariance, variances, and the number of groups behind them. `evidence` is the logarithm of
    the marginal density of what was seen, up to a constant: of two priors the one with more explains it better."""

    mean: Floats
    covariance: Floats
    variances: Variances
    groups: int
    evidence: float


@dataclass(frozen=True)
class Rows:
    """Pages: x (P, K), the logarithm of their error rate (P,), expected edits (P,), and the group of each."""

    x: Floats
    y: Floats
    expected: Floats
    groups: tuple[str, ...]

    @cached_property
    def members(self) -> Floats:
        """Which pages each group has: (groups, P) of 0 and 1."""
        names = list(dict.fromkeys(self.groups))
        return np.array([[float(one == name) for one in self.groups] for name in names]).reshape(len(names), -1)

    def where(self, keep: Sequence[bool]) -> Rows:
        """Some of the rows."""
        at = np.flatnonzero(keep)
        return Rows(self.x[at], self.y[at], self.expected[at], tuple(self.groups[i] for i in at))


def fit(rows: Rows, prior: Prior, variances: Variances | None = None) -> Mixed:
    """Fit on the rows; `variances` are kept when given. Without rows the prior comes back."""
    groups = len(set(rows.groups))
    tried = [variances] if variances else [Variances(*one) for one in product(BETWEEN, WITHIN, CLUMPING)]
    found = [_likelihood(rows, prior, one) + _plausible(one, prior) for one in tried]
    best = int(np.argmax(found))
    variances = tried[best]
    precision, shift = _normal_equations(rows, variances, rows.x, rows.y)
    before = np.linalg.inv(prior.covariance)
    covariance = np.asarray(np.linalg.inv(before + precision), dtype=np.float64)
    mean = covariance @ (before @ prior.mean + shift)
    return Mixed(mean, covariance, variances, groups, found[best])


def residuals(rows: Rows, prior: Prior, variances: Variances) -> Floats:
    """For each group, fitted on all others, how many standard deviations its mean lies off: shape (groups,)."""
    found = []
    for group in dict.fromkeys(rows.groups):
        mine = [one == group for one in rows.groups]
        rest, own = fit(rows.where([not one for one in mine]), prior, variances), rows.where(mine)
        noise = variances.within + variances.clumping / (own.expected + 0.5)
        share = (1 / noise) / (1 / noise).sum()
        x = share @ own.x
        spread = variances.between + float((share**2) @ noise) + float(x @ rest.covariance @ x)
        found.append(float(share @ (own.y - own.x @ rest.mean)) / np.sqrt(spread))
    return np.array(found)


def _normal_equations(rows: Rows, variances: Variances, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """x' V^-1 x (K, K) and x' V^-1 y (K,), V being block diagonal by group (Sherman & Morrison 1950)."""
    weight = _weights(rows, variances)
    wx, wy = weight[:, None] * x, weight * y
    share = variances.between / (1 + variances.between * (rows.members @ weight))
    sums = rows.members @ wx
    return x.T @ wx - sums.T @ (share[:, None] * sums), x.T @ wy - sums.T @ (share * (rows.members @ wy))


def _likelihood(rows: Rows, prior: Prior, variances: Variances) -> float:
    """Logarithm of the marginal density of y, weights and group effects integrated out, up to a constant."""
    r = rows.y - rows.x @ prior.mean
    precision, shift = _normal_equations(rows, variances, rows.x, r)
    (square,), _ = _normal_equations(rows, variances, r[:, None], r)
    weight = _weights(rows, variances)
    size = float(square[0]) - float(np.log(weight).sum())
    size += float(np.log1p(variances.between * (rows.members @ weight)).sum())
    inner = np.eye(len(prior.mean)) + prior.covariance @ precision
    size += float(np.linalg.slogdet(inner)[1]) - float(shift @ np.linalg.solve(inner, prior.covariance @ shift))
    return -0.5 * size


def _plausible(variances: Variances, prior: Prior) -> float:
    """Logarithm of a weak prior density: an inverse gamma for both variances, worth `prior.pull` groups."""
    found = 0.0
    for value, usual in (
        (variances.between, prior.variances.between),
        (variances.within, prior.variances.within),
        (variances.clumping, prior.variances.clumping),
    ):
        found -= prior.pull / 2 * (np.log(value) + usual / value)
    return float(found)


def _weights(rows: Rows, variances: Variances) -> Floats:
    """The inverse of each page's own variance, (P,)."""
    found: Floats = 1 / (variances.within + variances.clumping / (rows.expected + 0.5))
    return found
