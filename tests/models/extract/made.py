"""Made-up documents as the words and tags of a reader that knows what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from emendo.datasets.invoices.build import make_document
from emendo.fields.schema import Document
from emendo.models.extract.labels import INDEX, LABELS, TYPES, label_of
from emendo.models.extract.tagger import Tags
from emendo.types import Word

Printed = tuple[str, tuple[float, float, float, float], int, str]
"""Text, box, page, meaning."""


@dataclass(frozen=True)
class Example:
    document: Document
    words: tuple[Word, ...]
    meanings: tuple[str, ...]

    @property
    def tags(self) -> Tags:
        return tags_of(self.meanings, self.document.type)


@cache
def example(index: int, seed: int = 3) -> Example:
    made = make_document(seed, index)
    printed = [(word.text, box, word.page, word.meaning) for word, box in made.words()]
    return Example(made.document, lined(printed), tuple(meaning for *_, meaning in printed))


def lined(printed: Sequence[Printed]) -> tuple[Word, ...]:
    """Words with the numbers of lines: a new one where the height changes or a wide gap stands between."""
    words: list[Word] = []
    line = -1
    for at, (text, box, page, _) in enumerate(printed):
        before = printed[at - 1] if at else None
        tall = box[3] - box[1]
        if before is None or page != before[2]:
            line = 0
        elif abs(box[1] - before[1][1]) > 0.4 * tall or not -0.5 * tall <= box[0] - before[1][2] <= 1.5 * tall:
            line += 1
        words.append(Word(text, box, line, page))
    return tuple(words)


def tags_of(meanings: Sequence[str], kind: str | None, sure: float = 0.98) -> Tags:
    """Tags that know what each word means."""
    known = [label_of(meaning) for meaning in meanings]
    labels = np.full((len(known), len(LABELS)), (1 - sure) / (len(LABELS) - 1), np.float32)
    labels[np.arange(len(known)), [INDEX[label] for label, _ in known]] = sure
    table = np.array([hash((label.partition("[")[0], row)) if row >= 0 else 0 for label, row in known])
    same: npt.NDArray[np.bool_] = (table[:, None] == table) & (table != 0)
    kinds = np.full(len(TYPES), 0.01, np.float32)
    kinds[TYPES.index(kind) if kind in TYPES else 0] = 0.98
    return Tags(labels, np.where(same, sure, 1 - sure).astype(np.float32), kinds)
