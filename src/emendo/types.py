"""The nouns that every layer speaks: samples, readings, corrections, and the recogniser that makes readings.

Everything here is frozen and knows nothing of files, networks or databases. Images are `numpy.ndarray` of shape
(height, width, 3), dtype uint8, RGB. Coordinates are pixels of the image they belong to, x to the right, y down.
Times are UTC. Texts are Unicode NFC in logical order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""(height, width, 3) uint8, RGB."""

Point = tuple[float, float]
Polygon = tuple[Point, ...]
"""Closed outline, at least three points, the last not repeated."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the page."""


class Split(StrEnum):
    """Which part of a data set a sample belongs to."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class Origin(StrEnum):
    """Where the text of a sample comes from."""

    GOLD = "gold"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    SYNTHETIC = "synthetic"
    REPLAY = "replay"
    PSEUDO = "pseudo"
    """Read by a model; nobody has looked at it."""


VOUCHED = frozenset({Origin.GOLD, Origin.CORRECTED, Origin.ACCEPTED})
"""Origins of texts for which a person stands; a program drew or read the others."""

UNKNOWN_LANGUAGE = "und"
"""The tag of a language that is not known (BCP 47)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An image, or a part of one, with its reference when known.

    `id` is unique in its data set. `group` names what must never be split between train, val and test (a document,
    a book, a writer). `frame` counts the pages of a PDF or multi-page TIFF from 0. `attributes` holds every further
    key of the manifest row; each can be a slice of an evaluation.
    """

    id: str
    image: Path
    frame: int = 0
    polygon: Polygon | None = None
    text: str | None = None
    fields: Mapping[str, Any] | None = None
    language: str = UNKNOWN_LANGUAGE
    subset: str = ""
    group: str = ""
    split: Split | None = None
    origin: Origin = Origin.GOLD
    source: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Character:
    """One read character: `probability` in [0, 1], and the columns [start, end) of the image that was read."""

    text: str
    probability: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recogniser says of one image. `confidence` in [0, 1] estimates the chance that `text` is exactly right."""

    text: str
    confidence: float
    characters: tuple[Character, ...] = ()
    model: str = ""
    fields: Mapping[str, Any] | None = None
    certainty: Mapping[str, float] = field(default_factory=dict)
    """Calibrated chance that a field is right, by its path (`total`, `lines.2.amount`)."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What could not be read of a document, a sentence each, by the path of a field, or `page 2`."""
    text_layer: tuple[int, ...] = ()
    """Pages of a document (from 1) whose words are those of the text layer of its PDF."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a document. `line` counts the lines of its page from 0 in reading order, `page` the pages from 1.

    `confidence` in [0, 1] is the least probability of its characters.
    """

    text: str
    box: Box
    line: int
    page: int = 1
    confidence: float = 1.0


class Verdict(StrEnum):
    """What a person said of a reading."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's verdict on the reading of one line.

    `line` is the id of the line; `reading` the text the model gave; `text` the text that is right (equal to `reading`
    when accepted, None when skipped or unreadable); `version` counts the verdicts on this line from 1, and the
    highest holds.
    """

    line: str
    reading: str
    text: str | None
    verdict: Verdict
    author: str
    at: datetime
    version: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Per-frame character probabilities of one line image, as a CTC network emits them.

    `log_probs` has shape (frames, 1 + len(alphabet)), float32, natural logarithm, class 0 the CTC blank, class i the
    character `alphabet[i - 1]`. `frame_width` is the number of image columns per frame. Frames run from left to right
    whatever the text does; `direction` says how its lines run (`text.direction`).
    """

    log_probs: npt.NDArray[np.float32]
    alphabet: tuple[str, ...]
    frame_width: float
    direction: Literal["ltr", "rtl"] = "ltr"


@runtime_checkable
class Recognizer(Protocol):
    """Anything that reads line images: torch, ONNX Runtime, an external engine, a remote service."""

    @property
    def model(self) -> str:
        """Name or id that stands in each reading."""
        ...

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image, in order."""
        ...


@runtime_checkable
class EvidenceRecognizer(Recognizer, Protocol):
    """A recogniser that also shows its per-frame probabilities (the CTC family)."""

    def evidence(self, images: Sequence[Image]) -> list[Evidence]:
        """One evidence per image, in order."""
        ...


@runtime_checkable
class DocumentReader(Recognizer, Protocol):
    """A recogniser that reads whole documents into fields."""

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        """One reading per document, each given as its pages in order; `fields` are those of `fields.Document`.

        A document of which nothing could be read has a reading without fields. Pages that can be asked for their text
        layer (`image.load.LayeredPages`) may be read by it.
        """
        ...


@runtime_checkable
class RegionReader(DocumentReader, Protocol):
    """A reader of documents that can be told which region of a document a picture shows (`fields.names.REGIONS`)."""

    def read_regions(self, crops: Sequence[tuple[str, Image]]) -> Reading:
        """One reading of a document given as crops of its regions.

        Raises FormatError for an unknown region.
        """
        ...
