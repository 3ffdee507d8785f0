"""Folds for cross-validation: no document and no text on both sides of a fold.

Samples that share a document (group, writer, book) or a text, with blanks and case folded, belong together. Where that
leaves pieces small enough, whole pieces are dealt out, and no text is in two folds. Where texts that come again ("le",
a page heading) tie nearly everything together, documents are dealt out, and a sample whose text is in the held-out
part is kept out of training for that fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np

from ..errors import DataError
from ..formats.rows import Codes, Names, unit_of
from ..text.folds import fold_of
from ..types import Sample

LARGEST = 1.5
"""A piece of more than this many times the size of a fold makes the folds too uneven."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Indices of the samples that are held out, and of those to train on; neither shares a document or a text."""

    held: Codes
    train: Codes


@dataclass(frozen=True, slots=True)
class Folds:
    """All folds; each sample is held out exactly once. `dealt` says what was dealt out whole."""

    folds: tuple[Fold, ...]
    dealt: Literal["documents and texts", "documents"]


def make_folds(samples: Sequence[Sample], count: int, seed: int = 0) -> Folds:
    """`count` folds of about the same size, the same for the same seed. Raises DataError for too few documents."""
    fold = fold_of(["case", "blanks"])
    units, texts = Names(), Names()
    unit = np.array([units.code(unit_of(sample)) for sample in samples], dtype=np.int64)
    text = np.array([texts.code(fold(sample.text or f"id:{sample.id}")) for sample in samples], dtype=np.int64)
    if count < 2 or len(units.codes) < count:
        raise DataError(
            f"{len(units.codes)} documents do not make {count} folds",
            remedy="use fewer folds (2 at least), or give the samples a group",
        )
    pieces = _pieces(unit, text, len(units.codes), len(texts.codes))
    strict = np.bincount(pieces).max() <= LARGEST * len(samples) / count and len(np.unique(pieces)) >= count
    member = _deal(pieces if strict else unit, count, seed)
    folds = []
    for at in range(count):
        held = member == at
        rest = ~held & ~np.isin(text, text[held])
        folds.append(Fold(np.flatnonzero(held), np.flatnonzero(rest)))
    return Folds(tuple(folds), "documents and texts" if strict else "documents")


def _pieces(unit: Codes, text: Codes, units: int, texts: int) -> Codes:
    """The connected piece of each sample: units and texts are the nodes, samples the edges (union-find)."""
    parent = list(range(units + texts))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in zip(unit.tolist(), (text + units).tolist(), strict=True):
        parent[root(a)] = root(b)
    return np.unique([root(node) for node in unit.tolist()], return_inverse=True)[1]


def _deal(pieces: Codes, count: int, seed: int) -> Codes:
    """The fold of each sample: the largest piece first, each to the smallest fold; ties by a seeded hash."""
    sizes = np.bincount(pieces)
    order = sorted(
        np.flatnonzero(sizes).tolist(), key=lambda one: (-sizes[one], sha256(f"{seed}:{one}".encode()).digest())
    )
    held = [0] * count
    fold = np.zeros(len(sizes), dtype=np.int64)
    for piece in order:
        fold[piece] = min(range(count), key=lambda at: held[at])
        held[fold[piece]] += int(sizes[piece])
    return fold[pieces]
