"""Real documents with the texts of others: a network is to learn where names and goods stand, not who they were.

A handful of real documents is seen dozens of times, and a network soon knows them by heart. Here names, addresses,
numbers and goods of a document give way to those of made-up documents, with everything else where it was; amounts and
days stay, for sums must hold. As the words of a place change, what is left to learn from is the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

import numpy as np

from emendo.fields.schema import Document
from emendo.models.extract.labels import INDEX
from emendo.types import Origin, Sample, Word

from .documents import Drawn, TrainingDocument
from .noise import Made

REFILLED: Final = tuple(
    INDEX[name]
    for name in (
        "seller", "seller_address", "buyer", "buyer_address", "number", "order_number", "lines[].description",
        "lines[].code",
    )
)  # fmt: skip
"""Labels whose texts are given away."""
_MOST: Final = 500
"""Documents whose passages are given, about."""
_TRIES: Final = 6
"""Passages among which the one of the likest length is taken."""
_SHORTEST: Final = 3
"""Letters of a word that is given away wherever else it stands."""
Pool = dict[int, list[tuple[str, ...]]]
"""Passages by label, each as its words."""


def refilled(
    documents: Sequence[TrainingDocument], others: Sequence[TrainingDocument], share: float
) -> list[TrainingDocument]:
    """The real ones of `documents` give their texts away for those of `others`, in this share of the times."""
    if not share or not others:
        return list(documents)
    pool = pool_of(others[:: max(1, len(others) // _MOST)])
    return [one if one.sample.origin is Origin.SYNTHETIC else Refilled(one, pool, share) for one in documents]


def pool_of(documents: Sequence[TrainingDocument]) -> Pool:
    """The passages of some documents."""
    found: Pool = {label: [] for label in REFILLED}
    for number, document in enumerate(documents):
        for label, places in _passages(document.draw(np.random.default_rng(number), 0.0)):
            found[label].append(tuple(made.word.text for made in places))
    return found


@dataclass(frozen=True, slots=True)
class Refilled:
    """A document that gives its texts away in a share of the times that it is seen."""

    inner: TrainingDocument
    pool: Pool
    share: float

    @property
    def sample(self) -> Sample:
        """Where it is from."""
        return self.inner.sample

    @property
    def size(self) -> int:
        """Its words."""
        return self.inner.size

    @property
    def truth(self) -> Document:
        """What it tells."""
        return self.inner.truth

    def shown(self) -> list[Word]:
        """Its own words."""
        return self.inner.shown()

    def draw(self, rng: np.random.Generator, noise: float) -> Drawn:
        """The document as it is shown once."""
        drawn = self.inner.draw(rng, noise)
        if rng.random() >= self.share:
            return drawn
        texts: dict[str, str] = {}
        for label, made in _passages(drawn):
            held = self.pool[label]
            if not held or all(one.word.text in texts for one in made):
                continue
            wanted = sum(len(one.word.text) for one in made)
            tried = [held[int(rng.integers(len(held)))] for _ in range(_TRIES)]
            chosen = min(tried, key=lambda words: abs(sum(map(len, words)) - wanted))
            for at, one in enumerate(made):
                texts.setdefault(one.word.text, chosen[at % len(chosen)])
        words = [
            replace(one, word=replace(one.word, text=texts[one.word.text]))
            if one.word.text in texts and (len(one.word.text) >= _SHORTEST or set(one.labels) & set(REFILLED))
            else one
            for one in drawn.words
        ]
        return replace(drawn, words=words)


def _passages(drawn: Drawn) -> list[tuple[int, list[Made]]]:
    """Neighbouring words with the one label, or that may be the place of a choice."""
    chosen = {at: label for label, places in drawn.choices for place in places for at in place}

    def told(one: Made) -> tuple[int, int]:
        label = one.labels[0] if len(one.labels) == 1 else chosen.get(one.at, 0)
        return label, one.row

    runs = ((key[0], list(run)) for key, run in groupby(drawn.words, told))
    return [(label, run) for label, run in runs if label in REFILLED]
