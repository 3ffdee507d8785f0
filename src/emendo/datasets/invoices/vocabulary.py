"""Words that people use: so that a reader of fields has seen what running text and names of goods are made of.

The words are the frequent ones of `text.wordlists`; what they are put together to is nobody's sentence.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from ...text.wordlists import frequent_words

Rng = np.random.Generator
_FLATTER: Final = 0.6
"""Power of a word's use by which it is drawn."""
_THING: Final = 4
"""Letters that the name of a thing has at least."""
_CAPITALS: Final = 0.4
"""Share of the longer German words that begin with a capital."""


@cache
def _words(language: str) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """The words of a language that the faces of PDF can print, and their chances summed up to each."""
    found = {word: place for word, place in sorted(frequent_words(language).items()) if _printable(word)}
    chances = 10.0 ** (-_FLATTER * np.asarray(list(found.values())) / 100)
    return tuple(found), np.cumsum(chances / chances.sum())


@cache
def _things(language: str) -> tuple[str, ...]:
    return tuple(word for word in _words(language)[0] if len(word) >= _THING)


def _printable(word: str) -> bool:
    try:
        return bool(word.encode("cp1252"))
    except UnicodeEncodeError:
        return False


def usual_words(rng: Rng, language: str, count: int) -> list[str]:
    """So many words as running text has them."""
    words, summed = _words(language)
    places = np.searchsorted(summed, rng.random(count), side="right")
    found = [words[min(int(at), len(words) - 1)] for at in places]
    if language != "de":
        return found
    return [word.capitalize() if len(word) >= _THING and rng.random() < _CAPITALS else word for word in found]


def thing(rng: Rng, language: str) -> str:
    """A word of some length, each as likely, in small letters."""
    words = _things(language)
    return words[int(rng.integers(len(words)))]
