"""Samples as a generative model is trained on them: read once to be checked, then drawn in a planned order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from emendo.errors import BadInput, DataError
from emendo.image.augment import augment_line
from emendo.image.line import LineGeometry
from emendo.models.generative.asking import TEXT, Ask
from emendo.models.generative.network import Example, Network
from emendo.models.generative.trocr import Trocr
from emendo.types import Image, Sample

from ..batches import Draw, scaled
from ..selection import LEAST_LINES, LeftOut
from .targets import picture_of, targets_of

ENCODED_FILE = "encoded.npy"
HIGHEST = 256
"""Rows of a crop that is augmented at most; encoders see no more of a line."""


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One usable sample: the text that is to be written, how many tokens that takes, and what is asked."""

    sample: Sample
    text: str
    tokens: int
    ask: Ask = TEXT

    @property
    def image(self) -> Image:
        """The picture (H, W, 3), read from disk each time."""
        return picture_of(self.sample)

    def example(self, network: Network) -> Example:
        """The sample as the network is trained on it."""
        return network.example(self.image, self.text, self.ask.prompt)


def usable_samples(
    samples: Sequence[Sample], network: Network, *, longest: int, progress: Callable[[int, int, str], None]
) -> tuple[list[TargetLine], list[LeftOut]]:
    """The samples that can train, and those that cannot, by name: unreadable, without text or fields, or too long."""
    kept, left_out = [], []
    target_of = targets_of(samples)
    for done, sample in enumerate(samples):
        try:
            target = target_of(sample)
            tokens = len(network.label_ids(target.text)) if target.text else 0
            if not target.text:
                left_out.append(LeftOut(sample.id, "no text"))
            elif tokens > longest:
                left_out.append(LeftOut(sample.id, f"the text takes {tokens} tokens and max_target is {longest}"))
            else:
                picture_of(sample)
                kept.append(TargetLine(sample, target.text, tokens, target.ask))
        except (BadInput, DataError) as error:
            left_out.append(LeftOut(sample.id, str(error)))
        if done % 50 == 0:
            progress(0, 0, f"reading the samples, {done} of {len(samples)}")
    return kept, left_out


def require_samples(kept: Sequence[TargetLine], left_out: Sequence[LeftOut]) -> None:
    """Raise DataError in one sentence when what is left cannot train a model."""
    if len(kept) >= LEAST_LINES:
        return
    why = f" ({len(left_out)} left out; the first, {left_out[0].id}: {left_out[0].reason})" if left_out else ""
    remedy = "raise max_target" if left_out and "max_target" in left_out[0].reason else "correct more lines"
    raise DataError(f"{len(kept)} usable samples with text are too few to train{why}", remedy=remedy)


def spread(lines: Sequence[TargetLine], most: int) -> list[TargetLine]:
    """At most so many, evenly."""
    if len(lines) <= most:
        return list(lines)
    return [lines[round(i * (len(lines) - 1) / (most - 1))] for i in range(most)] if most > 1 else [lines[0]]


class Draws(Dataset[Example]):
    """Item `k` is the same sample in the same picture whenever the run is made: the order is planned beforehand.

    `plan` and `rehearsal` are the steps' own and general samples. With `encoded`, (line, view) -> encoder output, no
    image is opened.
    """

    def __init__(
        self,
        network: Network,
        own: Sequence[TargetLine],
        general: Sequence[TargetLine],
        plan: Sequence[tuple[Draw, ...]],
        rehearsal: Sequence[tuple[Draw, ...]],
        *,
        augment: float,
        seed: int,
        encoded: Encoded | None = None,
    ) -> None:
        self._network, self._lines, self._seed, self._encoded = network, (own, general), seed, encoded
        self._augment = augment
        self._draws = [
            (kind, draw)
            for step, row in enumerate(plan)
            for kind, draws in enumerate((row, rehearsal[step] if rehearsal else ()))
            for draw in draws
        ]

    def __len__(self) -> int:
        return len(self._draws)

    def __getitem__(self, at: int) -> Example:
        kind, draw = self._draws[at]
        line = self._lines[kind][draw.index]
        if self._encoded is not None:
            return {"encoded": self._encoded.of(kind, draw), "labels": self._network.label_ids(line.text)}
        image = varied(line.image, self._augment, (self._seed, kind, draw.index, draw.turn))
        return self._network.example(image, line.text, line.ask.prompt)


def varied(image: Image, strength: float, key: tuple[int, ...]) -> Image:
    """The crop as the same hand might have written it another day; the same again for the same key."""
    if strength <= 0:
        return image
    geometry = LineGeometry(height=int(np.clip(image.shape[0], 32, HIGHEST)), crop="none", stretch=1.0, right_pixels=0)
    return augment_line(image, geometry, scaled(strength), np.random.default_rng(key))


class Encoded:
    """What a frozen encoder makes of every line, kept in one file that is mapped and not read as a whole.

    View 0 is the line as it is, further views are augmented; a line's turns go through its views.
    """

    def __init__(
        self,
        network: Trocr,
        parts: tuple[Sequence[TargetLine], Sequence[TargetLine]],
        folder: Path,
        *,
        views: int,
        augment: float,
        seed: int,
        progress: Callable[[int, int, str], None],
    ) -> None:
        self._views = views
        self._first = len(parts[0]) * views
        keys = [(kind, i, view) for kind, lines in enumerate(parts) for i in range(len(lines)) for view in range(views)]
        self._rows: npt.NDArray[np.float32] | None = None
        for at in range(0, len(keys), network.batch):
            progress(0, 0, f"encoding the lines, {at} of {len(keys)}")
            pictures = [
                varied(parts[kind][i].image, augment if view else 0.0, (seed, kind, i, view))
                for kind, i, view in keys[at : at + network.batch]
            ]
            part = network.encode(pictures).numpy()
            if self._rows is None:
                folder.mkdir(parents=True, exist_ok=True)
                shape = (len(keys), *part.shape[1:])
                self._rows = np.lib.format.open_memmap(folder / ENCODED_FILE, "w+", np.float32, shape)
            self._rows[at : at + len(part)] = part

    def of(self, kind: int, draw: Draw) -> npt.NDArray[np.float32]:
        """(positions, width) float32 for one draw."""
        assert self._rows is not None
        row = kind * self._first + draw.index * self._views + draw.turn % self._views
        return np.asarray(self._rows[row])


def tokens_of(network: Network, line: TargetLine) -> list[Any]:
    """The tokens of a line as they are trained."""
    return list(network.tokens(line.example(network)))
