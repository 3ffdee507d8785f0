"""The whole course of a run, planned before it starts: which lines are in which batch of which step.

Step `k` is the same batch, pixel for pixel, for the same seed and data, so a run that was killed goes on with exactly
what it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from emendo.image.augment import Augmentation, augment_line
from emendo.image.camera import photographed
from emendo.image.line import LineGeometry, network_input, normalize_line, pad_to
from emendo.types import Image

from .selection import TrainingLine
from .splice import HEIGHT, Piece, splice

_CHUNK = 12
"""Batches among which lines are sorted by width: narrow enough to pad little, wide enough to mix."""

_BATCH_COLUMNS = 128
"""Widths of batches are multiples of this: activations of few sizes find their place in the heap again. With 32, a run
took a third more memory."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One line of one batch: `index` into the lines, `turn` counts how often it came before."""

    index: int
    turn: int


def plan_batches(widths: Sequence[int], steps: int, batch: int, seed: int) -> list[tuple[Draw, ...]]:
    """`steps` batches of `batch` lines of like width; every line comes once before any comes again.

    The last batch of a chunk is filled up with lines of the next pass, so all batches are of equal size.
    """
    planned: list[tuple[Draw, ...]] = []
    stream = _endless(len(widths), seed)
    rng = np.random.default_rng((seed, 3))
    while len(planned) < steps:
        drawn = [next(stream) for _ in range(batch * min(_CHUNK, steps - len(planned)))]
        drawn.sort(key=lambda draw: widths[draw.index])
        cut = [tuple(drawn[at : at + batch]) for at in range(0, len(drawn), batch)]
        planned += [cut[i] for i in rng.permutation(len(cut))]
    return planned


def _endless(count: int, seed: int) -> Any:
    turn = 0
    while True:
        for index in np.random.default_rng((seed, 1, turn)).permutation(count):
            yield Draw(int(index), turn)
        turn += 1


def scaled(strength: float) -> Augmentation:
    """The default augmentation made weaker or stronger; 0 changes nothing, chances stay below 1."""
    plain = Augmentation()
    return Augmentation(**{f.name: min(getattr(plain, f.name) * strength, 0.95) for f in fields(plain)})


class BatchDataset(Dataset[dict[str, Any]]):
    """Item `k` is the batch of step `k`: `images` (N, 3, 48, W) float32, `targets` (sum of lengths,), `lengths` (N,).

    Own lines come from `plan`, general lines (replay) from `rehearsal`, which has as many entries or is empty. A share
    `spliced` of the own lines is put together from `pieces` instead, about as long as the line it stands for. Widths of
    batches are multiples of `multiple`.
    """

    def __init__(
        self,
        own: Sequence[TrainingLine],
        general: Sequence[TrainingLine],
        plan: Sequence[tuple[Draw, ...]],
        rehearsal: Sequence[tuple[Draw, ...]],
        *,
        pieces: Sequence[Piece] = (),
        spliced: float = 0.0,
        geometry: LineGeometry,
        encode: Callable[[str], list[int]],
        augment: float,
        camera: float = 0.0,
        seed: int,
        multiple: int = _BATCH_COLUMNS,
    ) -> None:
        self._multiple = multiple
        self._own, self._general, self._plan, self._rehearsal = own, general, plan, rehearsal
        self._geometry, self._encode, self._seed = geometry, encode, seed
        self._strength = scaled(augment) if augment > 0 else None
        self._camera = camera
        self._pieces, self._spliced = pieces, spliced if pieces else 0.0

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, step: int) -> dict[str, Any]:
        images, labels = [], []
        parts = [(self._own, self._plan[step], 0)]
        if self._rehearsal:
            parts.append((self._general, self._rehearsal[step], 1))
        for lines, draws, kind in parts:
            for draw in draws:
                line = lines[draw.index]
                rng = np.random.default_rng((self._seed, kind, draw.index, draw.turn))
                image, text = line.image, line.text
                if kind == 0 and rng.random() < self._spliced:
                    share = HEIGHT / (self._geometry.height * self._geometry.stretch)
                    image, text = splice(self._pieces, round(line.columns * share), rng)
                images.append(self._picture(image, rng))
                labels.append(self._encode(text))
        width = -(-max(image.shape[1] for image in images) // self._multiple) * self._multiple
        batch = torch.from_numpy(network_input([pad_to(image, width) for image in images], self._geometry))
        return {
            "images": batch.contiguous(memory_format=torch.channels_last),
            "targets": torch.tensor([label for one in labels for label in one], dtype=torch.long),
            "lengths": torch.tensor([len(one) for one in labels], dtype=torch.long),
        }

    def _picture(self, image: Image, rng: np.random.Generator) -> Image:
        if self._camera:
            image = photographed(image, self._camera, rng)
        if self._strength is None:
            return normalize_line(image, self._geometry)
        return augment_line(image, self._geometry, self._strength, rng)


def first(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The collator: an item is a whole batch already."""
    return items[0]
