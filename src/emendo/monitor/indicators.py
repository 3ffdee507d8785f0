"""What a unit shows of its own errors, as numbers: the model's doubt first, then what tells when that is off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from math import log, log1p
from typing import Final

import numpy as np
import numpy.typing as npt

from ..text.lexicon import Lexicon, detect_language
from .units import Unit

Floats = npt.NDArray[np.float64]
INDICATORS: Final = ("doubt", "confidence", "unknown", "length", "sharpness", "contrast", "ink")
"""Names of the numbers of `indicators`, in order; the first is the logarithm of the doubt."""
LEAST_DOUBT: Final = 0.002
"""Added to the doubt before its logarithm: where a model doubts nothing, it still makes some errors."""
LEAST_LETTERS: Final = 40
"""Fewer letters than this say nothing of how many words are unknown."""
_WORD = re.compile(r"[^\W\d_]{2,}")


def indicators(unit: Unit) -> Floats:
    """The numbers of one unit, shape (len(INDICATORS),); NaN for what is not known of it.

    `doubt` is the logarithm of the doubt, `confidence` the log-odds of the mean confidence of a line, `unknown`
    the share of letters in words that the language does not have, `length` the logarithm of a line's mean length, the
    others logarithms of what the picture shows (see `image.quality.Quality`), by the median.
    """
    confidence = min(max(unit.confidence, 1e-3), 1 - 1e-3)
    return np.array(
        [
            log(unit.doubt + LEAST_DOUBT),
            log(confidence / (1 - confidence)),
            unknown_share([line.text for line in unit.lines]),
            log1p(unit.characters / max(1, len(unit.lines))),
            *(_median_log([getattr(one, name) for one in unit.qualities]) for name in ("sharpness", "contrast", "ink")),
        ]
    )


def unknown_share(lines: Sequence[str], language: str = "") -> float:
    """Share of the letters, 0 to 1, that stand in words which `language` does not have; without one it is told from
    the lines. NaN where that cannot be told, there are no words of it, or the lines hold too few letters.
    """
    words = [word.lower() for line in lines for word in _WORD.findall(line)]
    letters = sum(map(len, words))
    code = language or (detect_language(lines) if letters >= LEAST_LETTERS else "")
    if not code or letters < LEAST_LETTERS:
        return float("nan")
    known = sum(len(word) for word in words if _known(code, word))
    return 1 - known / letters


@lru_cache(maxsize=100_000)
def _known(language: str, word: str) -> bool:
    return Lexicon.of(language).frequency(word) > 0


def _median_log(values: Sequence[float]) -> float:
    return log(float(np.median(values)) + 1e-3) if values else float("nan")
