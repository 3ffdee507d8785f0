"""A process that reads: it loads the model once, then answers each piece of work with its rows.

What reads is imported by the functions that use it: the process that gives out the work needs none of it.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import EmendoError
from ...image.load import read_frame, sample_image
from ...settings import Settings
from ...types import Image, Recognizer
from .plan import Item

if TYPE_CHECKING:
    from ...models.detector import Detector

Row = dict[str, Any]
"""One line of a shard: `id`, and `text`, `confidence`, `model` (of a page also `lines`), or `error`."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads: a model reference, the workspace in which it is looked up, and the settings."""

    model: str
    workspace: Path | None = None
    settings: Settings = field(default_factory=Settings)

    def load(self) -> Recognizer:
        """The recogniser, one thread. Errors as for `load_recognizer`."""
        from ...models.references import load_recognizer

        read = self.settings.read
        return load_recognizer(
            self.model, workspace=self.workspace, threads=1, language=read.language, engine=read.engine
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a process cannot read at all."""

    error: EmendoError


READY = "ready"
"""What a process says once its model is loaded."""


def serve(pipe: Connection, reader: Reader) -> None:
    """Answer lists of items with lists of rows until None comes or the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives the work
    with suppress(EOFError, OSError):
        try:
            work = Work(reader.load(), reader.settings)
        except EmendoError as error:
            pipe.send(Fault(error))
            return
        pipe.send(READY)
        while (items := pipe.recv()) is not None:
            pipe.send(work.read(items))


@dataclass
class Work:
    """A loaded model and what it needs to read pages."""

    recognizer: Recognizer
    settings: Settings

    @cached_property
    def detector(self) -> Detector:
        """The line detector, loaded with the first page."""
        from ...models.detector import Detector

        return Detector(threads=1)

    def read(self, items: Sequence[Item]) -> list[Row]:
        """One row for each item, in order; what cannot be decoded has its sentence."""
        rows: dict[str, Row] = {}
        lines: list[tuple[Item, Image]] = []
        for item in items:
            try:
                if item.kind == "page":
                    rows[item.id] = self._page(item)
                else:
                    lines.append((item, sample_image(item.sample, self.settings.limits)))
            except EmendoError as error:
                rows[item.id] = error_row(item, str(error))
        readings = self.recognizer.read([picture for _, picture in lines]) if lines else []
        for (item, _), reading in zip(lines, readings, strict=True):
            confidence = round(reading.confidence, 4)
            rows[item.id] = {**_head(item), "text": reading.text, "confidence": confidence, "model": reading.model}
        return [rows[item.id] for item in items]

    def _page(self, item: Item) -> Row:
        from ..read import AT_ONCE
        from ..segment import line_image, segment

        page = read_frame(Path(item.file), item.frame, self.settings.limits, dpi=self.settings.read.dpi)
        placed = segment(page, self.detector)
        lines: list[Row] = []
        text = ""
        for start in range(0, len(placed), AT_ONCE):
            part = placed[start : start + AT_ONCE]
            readings = self.recognizer.read([line_image(page, one.line) for one in part])
            for one, reading in zip(part, readings, strict=True):
                said = " ".join(reading.text.split())
                text += ("\n" * (1 + one.blank) if lines else "") + said
                box = [round(value, 1) for value in one.line.box]
                lines.append({"text": said, "confidence": round(reading.confidence, 4), "box": box})
        sure = min((line["confidence"] for line in lines), default=1.0)
        size = {"width": page.shape[1], "height": page.shape[0]}
        return {
            **_head(item),
            "text": text,
            "confidence": sure,
            "model": self.recognizer.model,
            **size,
            "lines": lines,
        }


def error_row(item: Item, sentence: str) -> Row:
    """The row of an item that could not be read."""
    return {**_head(item), "error": " ".join(sentence.split())}


def _head(item: Item) -> Row:
    return {"id": item.id, "file": item.file, **({"page": item.frame + 1} if item.kind == "page" else {})}
