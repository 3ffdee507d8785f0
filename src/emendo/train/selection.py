"""Which samples train: parts by split, and lines that a CTC network can learn from."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from emendo.datasets.dataset import Dataset
from emendo.errors import BadInput, DataError
from emendo.image.line import LineGeometry, normalize
from emendo.image.load import sample_image
from emendo.text.signs import find_signs
from emendo.types import VOUCHED, Image, Origin, Sample, Split

LEAST_LINES = 4
"""Fewer lines than this say nothing about a hand."""
HELD_BYTES = 2_000_000_000
"""Most bytes of pictures that a set of lines keeps in memory."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sample that cannot train, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Training samples, validation samples when there are any, and the rows that are no samples."""

    train: tuple[Sample, ...]
    val: tuple[Sample, ...] | None
    left_out: tuple[LeftOut, ...] = ()


def training_parts(data: Sequence[Dataset], val: Dataset | None = None) -> Parts:
    """Training and validation samples of some data sets; those of split `test` are never used.

    Without `val` the samples of split `val` validate. Of a `val` data set, the samples of split `val` are taken, or all
    that are not `test` when it has none; ids in both are left out of training.
    """
    everything = [sample for dataset in data for sample in dataset.samples if sample.split is not Split.TEST]
    if val is None:
        held = [sample for sample in everything if sample.split is Split.VAL]
    else:
        held = [sample for sample in val.samples if sample.split is Split.VAL]
        held = held or [sample for sample in val.samples if sample.split is not Split.TEST]
    ids = {(sample.id, sample.image) for sample in held}
    train = [s for s in everything if s.split is not Split.VAL and (s.id, s.image) not in ids]
    rejects = [reject for dataset in (*data, *([val] if val else ())) for reject in dataset.rejects]
    left_out = [LeftOut(f"{one.where.name}:{one.line}" if one.line else one.where.name, one.what) for one in rejects]
    return Parts(tuple(train), tuple(held) or None, tuple(left_out))


@dataclass(frozen=True, slots=True)
class TrainingLine:
    """One line with its NFC text, the columns it takes when normalised, and the frames that a network emits for it.

    `held` is the crop (H, W, 3); of large sets only the first lines hold theirs, the others are read when wanted.
    """

    sample: Sample
    held: Image | None
    text: str
    columns: int
    frames: int

    @property
    def image(self) -> Image:
        """The crop (H, W, 3)."""
        return self.held if self.held is not None else sample_image(self.sample)


def frames_needed(text: str, signs: Sequence[str] = ()) -> int:
    """Frames that CTC needs at least to emit `text`: one for each character or sign, a blank between equal neighbours.

    `signs` are phrases that it emits as one, the longest first.
    """
    for sign in signs:
        text = text.replace(sign, sign[0])
    return len(text) + sum(a == b for a, b in pairwise(text))


def signs_of(lines: Sequence[TrainingLine]) -> tuple[str, ...]:
    """The phrases that stand as one sign in what an author wrote or a press set; other lines are not asked."""
    real = vouched(lines)
    return find_signs([line.text for line in real], [line.columns for line in real])


def vouched(lines: Sequence[TrainingLine]) -> list[TrainingLine]:
    """The lines for whose text a person stands."""
    return [line for line in lines if line.sample.origin in VOUCHED]


def certain(lines: Sequence[TrainingLine]) -> list[TrainingLine]:
    """The lines that a person has read or a program has drawn, not those that only a model has read."""
    return [line for line in lines if line.sample.origin is not Origin.PSEUDO]


def balanced(lines: Sequence[TrainingLine]) -> list[TrainingLine]:
    """The lines, the certain ones repeated until they are about half as many as those that only a model has read."""
    sure = certain(lines)
    guessed = [line for line in lines if line.sample.origin is Origin.PSEUDO]
    return [*sure * max(1, round(len(guessed) / (2 * len(sure)))), *guessed]


def usable_lines(
    samples: Sequence[Sample], geometry: LineGeometry, *, columns_per_frame: int
) -> tuple[list[TrainingLine], list[LeftOut]]:
    """The samples that can train, with their images, and those left out by name: without text, with an image that
    cannot be read, or with a text longer than CTC can emit.
    """
    read, left_out = readable_lines(samples, geometry, columns_per_frame=columns_per_frame)
    kept, too_long = fitting_lines(read)
    return kept, left_out + too_long


def fitting_lines(lines: Sequence[TrainingLine], signs: Sequence[str] = ()) -> tuple[list[TrainingLine], list[LeftOut]]:
    """The lines that CTC can emit, where `signs` are emitted as one, and those that it cannot."""
    kept: list[TrainingLine] = []
    left_out: list[LeftOut] = []
    for line in lines:
        needed = frames_needed(line.text, signs)
        if needed <= line.frames:
            kept.append(line)
        else:
            reason = f"the text needs {needed} frames and the image has {line.frames}"
            left_out.append(LeftOut(line.sample.id, reason))
    return kept, left_out


def spelled_lines(lines: Sequence[TrainingLine], alphabet: str) -> tuple[list[TrainingLine], list[LeftOut]]:
    """The lines that the characters of `alphabet` can spell (all, when it is empty), and the others by name."""
    if not alphabet:
        return list(lines), []
    strange = [sorted(set(line.text) - set(alphabet)) for line in lines]
    kept = [line for line, odd in zip(lines, strange, strict=True) if not odd]
    out = [
        LeftOut(line.sample.id, f"{odd[0]!r} is not in the alphabet of the recipe")
        for line, odd in zip(lines, strange, strict=True)
        if odd
    ]
    return kept, out


def readable_lines(
    samples: Sequence[Sample], geometry: LineGeometry, *, columns_per_frame: int
) -> tuple[list[TrainingLine], list[LeftOut]]:
    """The samples that have a text and an image, and those left out by name."""
    kept: list[TrainingLine] = []
    left_out: list[LeftOut] = []
    held = 0
    for sample in samples:
        text = unicodedata.normalize("NFC", sample.text or "").strip()
        if not text:
            left_out.append(LeftOut(sample.id, "no text"))
            continue
        try:
            image = sample_image(sample)
        except BadInput as error:
            left_out.append(LeftOut(sample.id, str(error)))
            continue
        line = normalize(image, geometry)
        frames = line.image.shape[1] // columns_per_frame
        held += image.nbytes
        kept.append(TrainingLine(sample, image if held <= HELD_BYTES else None, text, line.used, frames))
    return kept, left_out


def require_lines(kept: Sequence[TrainingLine], left_out: Sequence[LeftOut]) -> None:
    """Raise DataError in one sentence when what is left cannot train a model."""
    if len(kept) >= LEAST_LINES:
        return
    why = f" ({len(left_out)} left out; the first, {left_out[0].id}: {left_out[0].reason})" if left_out else ""
    raise DataError(f"{len(kept)} usable lines with text are too few to train{why}", remedy="correct more lines")
