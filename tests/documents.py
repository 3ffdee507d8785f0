"""A reader of documents that knows the truth and damages it as a test says, and sets of documents to go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emendo.errors import ImageError
from emendo.fields.schema import canonical, read_document
from emendo.formats import Reject
from emendo.types import Image, Reading, Sample, Split

Damage = Callable[[int, dict[str, Any]], dict[str, Any] | None]
"""What is read of document number n, given its truth; None for nothing."""


@dataclass(frozen=True)
class Documents:
    """A small data set in memory."""

    samples: tuple[Sample, ...]
    name: str = "documents"
    hash: str = "0123456789abcdef"
    rejects: tuple[Reject, ...] = ()


def documents(
    rows: Sequence[Mapping[str, Any] | None], split: Split | None = None, **columns: Sequence[Any]
) -> Documents:
    """One sample for each row of fields; `columns` are further values of the samples, `group` among them."""
    samples = []
    for number, row in enumerate(rows):
        attributes = {key: column[number] for key, column in columns.items()}
        group = str(attributes.pop("group", ""))
        samples.append(
            Sample(
                id=f"d{number}",
                image=Path(f"{number}.png"),
                fields=row,
                group=group,
                split=split,
                attributes=attributes,
            )
        )
    return Documents(tuple(samples))


def pages(sample: Sample) -> list[Image]:
    """A page that carries the number of its document; `broken` cannot be loaded."""
    if sample.attributes.get("broken"):
        raise ImageError("is not an image", where=sample.image)
    return [np.full((30, 20, 3), int(sample.image.stem), dtype=np.uint8)]


class Damaged:
    """Reads document number n (its first pixel) as `damage` makes it of its truth; every value is `certain`."""

    def __init__(
        self, model: str, truths: Sequence[Mapping[str, Any]], damage: Damage | None = None, certain: float = 0.9
    ) -> None:
        self.model = model
        self._truths = truths
        self._damage = damage or (lambda _, truth: truth)
        self._certain = certain
        self.documents = 0

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image."""
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        """One reading per document."""
        return [self._one(int(pages[0][0, 0, 0])) for pages in documents]

    def _one(self, number: int) -> Reading:
        self.documents += 1
        fields = self._damage(number, dict(self._truths[number]))
        if fields is None:
            return Reading("", 0.0, (), self.model)
        document = read_document(fields).document
        paths = [name for name in document.values() if name not in ("lines", "taxes")]
        paths += [f"lines.{at}.{name}" for at, row in enumerate(document.values().get("lines", ())) for name in row]
        certainty = dict.fromkeys(paths, self._certain)
        return Reading(canonical(document), self._certain, (), self.model, document.values(), certainty)
