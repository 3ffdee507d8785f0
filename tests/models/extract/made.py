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


def typed(*lines: str, kind: str = "receipt", sure: float = 0.98) -> tuple[tuple[Word, ...], Tags]:
    """Words and tags of a page that is typed line by line; a word's meaning stands behind it: `46.90<total>`.

    Two blanks make a wide gap. The confidence of its reader stands before that: `46.9O^0.6<total>`.
    """
    words: list[Word] = []
    meanings: list[str] = []
    for at, line in enumerate(lines):
        x = 0.0
        for part in line.split(" "):
            if part:
                shown, _, meaning = part.partition("<")
                text, _, confidence = shown.partition("^")
                box = (x, at * 24.0, x + 10 * len(text), at * 24.0 + 16)
                words.append(Word(text, box, at, 1, float(confidence or 1)))
                meanings.append(meaning.rstrip(">"))
                x = box[2]
            x += 8
    return tuple(words), tags_of(meanings, kind, sure)
