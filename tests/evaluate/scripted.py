"""A recogniser that says what a test tells it, and sample sets to go with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emendo.errors import ImageError
from emendo.formats import Reject
from emendo.types import Image, Reading, Sample, Split


@dataclass(frozen=True)
class Lines:
    """A small data set in memory."""

    samples: tuple[Sample, ...]
    name: str = "lines"
    hash: str = "0123456789abcdef"
    rejects: tuple[Reject, ...] = ()


class Scripted:
    """Reads image number n (its first pixel) as the n-th text."""

    def __init__(self, model: str, texts: Sequence[str]) -> None:
        self.model = model
        self.texts = texts
        self.largest_batch = 0

    def read(self, images: Sequence[Image]) -> list[Reading]:
        self.largest_batch = max(self.largest_batch, len(images))
        return [Reading(self.texts[int(image[0, 0, 0])], 0.5, (), self.model) for image in images]


def lines(texts: Sequence[str | None], **attributes: Sequence[str]) -> Lines:
    """One sample per text; attributes `language`, `group`, `split` go to the fields, others to the attributes."""
    samples = []
    for number, text in enumerate(texts):
        values = {key: column[number] for key, column in attributes.items()}
        fields = {key: values.pop(key) for key in ("language", "group") if key in values}
        split = Split(values.pop("split")) if "split" in values else None
        samples.append(
            Sample(id=f"s{number}", image=Path(f"{number}.png"), text=text, split=split, attributes=values, **fields)
        )
    return Lines(tuple(samples))


def pixels(sample: Sample) -> Image:
    """An image that carries its number; `broken.png` cannot be read."""
    if sample.image.stem == "broken":
        raise ImageError("is not an image", where=sample.image)
    return np.full((12, 40, 3), int(sample.image.stem), dtype=np.uint8)
