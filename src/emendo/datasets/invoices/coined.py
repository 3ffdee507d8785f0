"""Names that nobody has: syllables put together, so that no reader learns who sells instead of where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from .vocabulary import thing

Rng = np.random.Generator
_STARTS: Final = (  # noqa: SIM905
    "b br bl c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p pl pr r s sch sh sk sl sp st t tr v w y z qu th wh"
).split()
_VOWELS: Final = "a e i o u a e i o ai au ea ee ei ie oa oo ou y".split()  # noqa: SIM905
_ENDS: Final = "b d f g k l m n p r s t x ck ll lt mp nd ng nk nt rd rk rn rt ss st th tz".split()  # noqa: SIM905


def coined(rng: Rng, least: int = 1, most: int = 3) -> str:
    """A word in small letters of so many syllables."""
    parts: list[str] = []
    for _ in range(int(rng.integers(least, most + 1))):
        parts.append(pick(rng, _STARTS) if rng.random() < 0.9 else "")
        parts.append(pick(rng, _VOWELS))
        parts.append(pick(rng, _ENDS) if rng.random() < 0.45 else "")
    return "".join(parts) or "a"


def coined_name(rng: Rng) -> str:
    """A name: as people, places and firms are written, at times in capitals, as initials or with a figure."""
    word = coined(rng, 1, 3).capitalize()
    shape = rng.random()
    if shape < 0.06:
        return "".join(char for char in coined(rng, 2, 4) if char.isalpha())[: int(rng.integers(2, 5))].upper()
    if shape < 0.12:
        return word.upper()
    if shape < 0.16:
        return f"{word}{pick(rng, ['-', ''])}{coined(rng, 1, 2).capitalize()}"
    return f"{int(rng.integers(2, 100))} {word}" if shape < 0.18 else word


def coined_goods(rng: Rng, known: str, language: str) -> str:
    """A thing sold: usual words and words that nobody knows around one that is, with sizes and numbers as goods have
    them.
    """
    words = [known] if rng.random() < 0.45 else []
    usual = float(rng.choice([0.0, 0.5, 1.0]))
    most = 12 if rng.random() < 0.08 else 4
    for _ in range(int(rng.integers(0 if words else 1, most))):
        word = thing(rng, language) if rng.random() < usual else coined(rng, 1, 3)
        words.insert(int(rng.integers(len(words) + 1)), word.capitalize() if rng.random() < 0.5 else word)
    if rng.random() < 0.35:
        number = int(rng.integers(1, 1000))
        forms = (
            *(f"{number}{unit}" for unit in ("g", " ml", "PCS", "%", " cm")),
            *(f"{mark}{number}" for mark in ("A", "#", "- ", "V")),
            f"{number}x{number % 90 + 5}",
            f"({number})",
            f"{number / 10:.1f}L",
        )
        words.append(pick(rng, forms))
    text = " ".join(words)
    return text.upper() if rng.random() < 0.2 else text


def pick(rng: Rng, some: Sequence[str]) -> str:
    """One of some, as `rng.choice` draws it, without an array made of all of them."""
    return some[int(rng.integers(len(some)))]
