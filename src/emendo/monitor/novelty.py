"""How unlike all pages of the baseline one page is, over all measures together.

One measure alone may hide a page among others: where notebooks of two kinds of ink are read, both sharp and soft
pictures are usual, but a soft picture of dark ink is not. A page is compared with the baseline's pages that it is most
like, by their Mahalanobis distance, which counts a departure from how measures go together as much as one from their
usual values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from .norm import Norm

NEIGHBOURS: Final = 3
SHRINKAGE: Final = 0.3
"""Part of the correlations that is taken for chance: few pages tell them badly (Ledoit & Wolf 2004, with a fixed part).
Chosen on training pages."""
FEW: Final = 500
"""Up to so many pages, how measures go together is told anew without the page that is compared."""
Floats = npt.NDArray[np.float64]


class Novelty:
    """The distances of pages to those of a baseline, by the measures of `norms`."""

    def __init__(self, norms: Mapping[str, Norm], pages: Sequence[Mapping[str, float]]) -> None:
        self._norms = dict(norms)
        self._pages = np.array([self._scores(page) for page in pages]).reshape(len(pages), len(self._norms))
        self._whitened = _whitening(self._pages)

    def of(self, values: Mapping[str, float]) -> float:
        """Logarithm of the mean distance of a page (natural units) to the pages of the baseline most like it."""
        return _distance(self._scores(values), self._pages, self._whitened)

    def own(self) -> list[float]:
        """The same of each page of the baseline to the others, as if it had not been among them."""
        found = []
        for at in range(len(self._pages)):
            others = np.delete(self._pages, at, axis=0)
            whitened = _whitening(others) if len(self._pages) <= FEW else self._whitened
            found.append(_distance(self._pages[at], others, whitened))
        return found

    def _scores(self, values: Mapping[str, float]) -> Floats:
        """A missing measure counts as the usual one."""
        return np.array(
            [norm.score(values[name]) if name in values else norm.mean for name, norm in self._norms.items()],
            np.float64,
        )


def _whitening(pages: Floats) -> Floats:
    """The matrix that takes scores to a space where distances are those of Mahalanobis."""
    covariance = np.atleast_2d(np.cov(pages.T))
    own = np.maximum(np.diag(covariance), 0.25)
    covariance = (1 - SHRINKAGE) * covariance
    np.fill_diagonal(covariance, own)
    values, vectors = np.linalg.eigh(covariance)
    found: Floats = vectors / np.sqrt(np.maximum(values, 1e-3))
    return found


def _distance(scores: Floats, pages: Floats, whitened: Floats) -> float:
    squares = (((pages - scores) @ whitened) ** 2).mean(axis=1)
    nearest = np.sort(np.sqrt(squares))[:NEIGHBOURS]
    return log(max(float(nearest.mean()), 1e-6))
