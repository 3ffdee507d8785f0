"""The whole course of a run, planned before it starts: which documents are in which batch of which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from emendo.models.extract.features import SHAPES, Encoded, encode, padded
from emendo.models.extract.labels import LABELS
from emendo.models.extract.numbers import NUMBERS
from emendo.train.batches import Draw

from .documents import Drawn, TrainingDocument
from .recipe import FieldsRecipe

_CHUNK: Final = 24
"""Batches among which documents are sorted by size."""
Batch = dict[str, Any]


def plan(sizes: Sequence[int], steps: int, recipe: FieldsRecipe, words: int, seed: int) -> list[tuple[Draw, ...]]:
    """`steps` batches of documents of like size, each of at most `words` words with padding, or one document.

    Every document comes once before any comes again.
    """
    planned: list[tuple[Draw, ...]] = []
    turn = 0
    while len(planned) < steps:
        order = np.random.default_rng((seed, turn)).permutation(len(sizes))
        draws = [Draw(int(index), turn) for index in order]
        average = max(1.0, float(np.mean([min(size, recipe.longest) for size in sizes])))
        chunk = max(1, round(_CHUNK * words / average))
        fresh: list[tuple[Draw, ...]] = []
        for at in range(0, len(draws), chunk):
            part = sorted(draws[at : at + chunk], key=lambda draw: sizes[draw.index])
            cut = list(_cut(part, sizes, recipe.longest, words))
            fresh += [cut[one] for one in np.random.default_rng((seed, turn, at)).permutation(len(cut))]
        planned += fresh
        turn += 1
    return planned[:steps]


def _cut(draws: Sequence[Draw], sizes: Sequence[int], longest: int, words: int) -> list[tuple[Draw, ...]]:
    found: list[list[Draw]] = [[]]
    for draw in draws:
        size = min(sizes[draw.index], longest)
        if found[-1] and size * (len(found[-1]) + 1) > words:
            found.append([])
        found[-1].append(draw)
    return [tuple(one) for one in found if one]


class DocumentBatches(Dataset[Batch]):
    """Item `k` is the batch of step `k`: what `FieldNetwork` takes, and what is known.

    `allowed` (B, N, C) bool, nothing allowed for padding; `rows` (B, N) int64, -1 where not known; `kinds` (B,) int64,
    -1 where not known; `choices` a list of (document, label, places) with places as lists of words of the batch.
    Replayed documents come from `rehearsal`, which has as many entries as `plan` or is empty.
    """

    def __init__(
        self,
        own: Sequence[TrainingDocument],
        replayed: Sequence[TrainingDocument],
        plan: Sequence[tuple[Draw, ...]],
        rehearsal: Sequence[tuple[Draw, ...]],
        recipe: FieldsRecipe,
    ) -> None:
        self._own, self._replayed, self._plan, self._rehearsal = own, replayed, plan, rehearsal
        self._recipe = recipe

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, step: int) -> Batch:
        recipe = self._recipe
        parts = [(0, self._own, self._plan[step])]
        if self._rehearsal:
            parts.append((1, self._replayed, self._rehearsal[step]))
        drawn: list[tuple[Drawn, Encoded]] = []
        for kind, documents, draws in parts:
            for draw in draws:
                rng = np.random.default_rng((recipe.seed, kind, draw.index, draw.turn))
                one = shortened(documents[draw.index].draw(rng, recipe.noise), recipe.longest, rng)
                drawn.append((one, blinded(encode([made.word for made in one.words]), recipe.blind, rng)))
        return collated(drawn)


def shortened(drawn: Drawn, longest: int, rng: np.random.Generator) -> Drawn:
    """At most so many words: a run of others between beginning and end is left out."""
    over = len(drawn.words) - longest
    if over <= 0:
        return drawn
    first = int(rng.integers(longest // 4, 3 * longest // 4 + 1))
    return replace(drawn, words=drawn.words[:first] + drawn.words[first + over :])


def blinded(encoded: Encoded, share: float, rng: np.random.Generator) -> Encoded:
    """The text of some words hidden, so that the place of a word counts too."""
    if not share:
        return encoded
    hidden = rng.random(len(encoded.pieces)) < share
    pieces, features = encoded.pieces.copy(), encoded.features.copy()
    pieces[hidden] = 0
    features[hidden, : SHAPES + NUMBERS] = 0
    return replace(encoded, pieces=pieces, features=features)


def collated(drawn: Sequence[tuple[Drawn, Encoded]]) -> Batch:
    """Documents side by side, the shorter ones padded."""
    count = max(len(one.words) for one, _ in drawn)
    feeds = [padded(encoded, count).feeds() for _, encoded in drawn]
    batch: Batch = {name: torch.from_numpy(np.stack([feed[name] for feed in feeds])) for name in feeds[0]}
    allowed = np.zeros((len(drawn), count, len(LABELS)), np.bool_)
    rows = np.full((len(drawn), count), -1, np.int64)
    choices: list[tuple[int, int, list[list[int]]]] = []
    for number, (one, _) in enumerate(drawn):
        for at, made in enumerate(one.words):
            allowed[number, at, list(made.labels)] = True
            rows[number, at] = made.row
        choices += _choices(number, one)
    batch["allowed"], batch["rows"] = torch.from_numpy(allowed), torch.from_numpy(rows)
    batch["kinds"] = torch.tensor([one.kind for one, _ in drawn], dtype=torch.long)
    batch["choices"] = choices
    return batch


def _choices(number: int, drawn: Drawn) -> list[tuple[int, int, list[list[int]]]]:
    """The choices of a document whose places are all still there."""
    place = {made.at: at for at, made in enumerate(drawn.words)}
    return [
        (number, label, [[place[at] for at in span] for span in places])
        for label, places in drawn.choices
        if all(at in place for span in places for at in span)
    ]


def encoded_batch(encoded: Encoded) -> dict[str, npt.NDArray[Any]]:
    """One document as a batch of one."""
    return {name: array[None] for name, array in encoded.feeds().items()}
