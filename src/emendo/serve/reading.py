"""What is read of one image (a line, a plate, all lines of a page) or document, by a model that is loaded and warm."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import DocumentError, UsageError
from ..fields import read_document
from ..fields.validate import Finding, validate_document
from ..image.load import LayeredPages, open_content
from ..image.quality import Quality, measure
from ..models.bundle import FIELDS_FAMILY, Bundle
from ..models.detector import Detector
from ..models.plates import load_plate_recognizer
from ..models.probe import drawn_line
from ..models.references import (
    AUTO,
    CHAMPION_FIELDS,
    champion_folder,
    embedded_names,
    find_model,
    load_recognizer,
)
from ..monitor.seen import new_id
from ..pages.fields import load_document_reader
from ..pages.order import Placed
from ..pages.read import AT_ONCE
from ..pages.segment import line_image, segment
from ..settings import Settings
from ..tools.counts import counted
from ..types import Character, DocumentReader, Image, Point, Reading, Recognizer
from ..workspace.folder import FIRST, Workspace
from .queue import Rejected

Stopped = Callable[[], bool]
"""Whether nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Task:
    """One image to read: a file's content, which errors call `name`; of one with several frames `frame` (from 0).

    Of a document all frames are read together, or `frame` alone. `characters` says whether the answer has them: there
    are many, and who does not want them need not keep them. `id` names the answer, by which its truth can be told
    later; `document` names what belongs together, as the client says; `caller` is who sent it.
    """

    kind: str
    content: bytes
    name: str = "image"
    frame: int | None = None
    characters: bool = False
    document: str = ""
    caller: str = ""
    id: str = field(default_factory=new_id)

    def bare(self) -> Task:
        """The same without the content, once that was read."""
        return replace(self, content=b"")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page, in its pixels. `blank` asks for a blank line before it; `region` counts blocks from 0."""

    reading: Reading
    placed: Placed


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read of an image of `size` (width, height); of a page each line, in reading order.

    Of a document `findings` are what its validator holds against the fields, and `size` is that of the first of its
    `pages`. `id` is that of the task.
    """

    reading: Reading
    size: tuple[int, int]
    lines: tuple[Line, ...] | None = None
    findings: tuple[Finding, ...] | None = None
    pages: int = 1
    id: str = ""
    quality: Quality | None = None
    """Of the image, or the first page, where it was asked for."""

    def bare(self) -> Answer:
        """The same without characters."""
        lines = self.lines
        if lines is not None:
            lines = tuple(Line(replace(one.reading, characters=()), one.placed) for one in lines)
        return replace(self, reading=replace(self.reading, characters=()), lines=lines)

    def to_dict(self, *, characters: bool) -> dict[str, Any]:
        """The answer as JSON; with `characters` each with its probability and its columns."""
        said = {**_said(self.reading, characters), "width": self.size[0], "height": self.size[1], "id": self.id}
        if self.findings is not None:
            return {**said, **_fields(self.reading), "findings": [one.to_dict() for one in self.findings],
                    "pages": self.pages}  # fmt: skip
        if self.lines is None:
            return said
        said.pop("characters", None)
        return {**said, "lines": [_line(one, characters) for one in self.lines]}


Reader = Callable[[Any, Stopped], Answer]
"""Takes an image (H, W, 3), or of a document the images of its pages."""
DOCUMENT: Final = "document"
LINE_KINDS: Final = ("line", "page", "plate")
"""What a model that reads lines is asked for, unless the settings say."""


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A model that answers: the reference that named it, its own name, and what reads each kind of image.

    `since` is ISO 8601 UTC, `seconds` how long a warm reading of each kind took.
    """

    reference: str
    model: str
    readers: Mapping[str, Reader]
    since: str
    seconds: Mapping[str, float]

    def read(
        self, task: Task, settings: Settings, stopped: Stopped = lambda: False, *, measured: bool = False
    ) -> Answer:
        """Decode and read, with `measured` also how good the picture is.

        Raises ImageError or DocumentError for a bad image, Rejected when `stopped` says so.
        """
        with open_content(task.content, task.name, settings.limits, dpi=settings.read.dpi) as document:
            if task.frame is not None and task.frame >= len(document):
                what = f"has {counted(len(document), 'page')}, and no page {task.frame + 1}"
                raise DocumentError(what, where=task.name, remedy="ask for a page that it has")
            if task.kind == DOCUMENT:
                frames = range(len(document)) if task.frame is None else (task.frame,)
                pages: Sequence[Image] = [document.frame(at) for at in frames]
                if settings.read.text_layer == "auto":
                    pages = LayeredPages(pages, lambda at: document.layer(frames[at]))
                answer = self.readers[DOCUMENT](pages, stopped)
                return replace(answer, quality=measure(pages[0])) if measured else answer
            if task.frame is None and len(document) > 1:
                what = f"has {len(document)} pages, and one image is read at once"
                raise DocumentError(what, where=task.name, remedy="send it as a job")
            image = document.frame(task.frame or 0)
        answer = self.readers[task.kind](image, stopped)
        return replace(answer, quality=measure(image)) if measured else answer


def frames_of(content: bytes, name: str, settings: Settings) -> int:
    """Pages of a document. Raises ImageError or DocumentError when it cannot be opened."""
    with open_content(content, name, settings.limits, dpi=settings.read.dpi) as document:
        return len(document)


def named_now(reference: str, workspace: Path | None) -> str:
    """What a reference means at this moment: the champion's folder where it means the champion (`auto` where that is
    the base), else itself.

    Raises WorkspaceError or BundleError when the pointer to the champion is damaged.
    """
    if workspace is None or reference not in {"", "champion", CHAMPION_FIELDS}:
        return reference or AUTO
    if reference == CHAMPION_FIELDS:
        folder = champion_folder(workspace, kind="fields")
        return str(folder) if folder is not None else FIRST["fields"]
    folder = champion_folder(workspace)
    if folder is not None:
        return str(folder)
    return AUTO if Workspace(workspace).champion() is not None else reference or AUTO


def load_served(reference: str, workspace: Path | None, settings: Settings) -> Served:
    """The model that `reference` names, loaded and warmed up for the kinds that the settings name, one thread each.

    Errors as for `load_recognizer`.
    """
    name = named_now(reference, workspace)
    read = settings.read
    fields = _reads_fields(name, workspace)
    kinds = settings.serve.kinds or ((DOCUMENT,) if fields else LINE_KINDS)
    readers: dict[str, Reader] = {}
    model = ""
    if fields or DOCUMENT in kinds:
        documents = load_document_reader(name if fields else "", workspace=workspace, threads=1, engine=read.engine)
        readers[DOCUMENT], model = _document_reader(documents), documents.model
    rest = [kind for kind in kinds if kind != DOCUMENT]
    if rest:
        lines = load_recognizer(name, workspace=workspace, threads=1, language=read.language, engine=read.engine)
        readers |= {kind: _READERS[kind](lines, name, workspace, settings) for kind in rest}
        model = lines.model
    readers = {kind: readers[kind] for kind in kinds}
    seconds = {kind: _warm_up(reader, kind) for kind, reader in readers.items()}
    return Served(reference, model, readers, datetime.now(UTC).isoformat(timespec="seconds"), seconds)


def _reads_fields(name: str, workspace: Path | None) -> bool:
    """Whether a reference names a model that reads documents and no lines."""
    if name in {AUTO, *embedded_names()}:
        return False
    try:
        found = find_model(name, workspace=workspace)
    except UsageError:  # several models, plates, a service: what `load_recognizer` knows
        return False
    return isinstance(found, Bundle) and found.info.family == FIELDS_FAMILY


def _document_reader(documents: DocumentReader) -> Reader:
    def read(pages: Sequence[Image], stopped: Stopped) -> Answer:
        if stopped():
            raise Rejected("expired", "the deadline passed before the document was read")
        reading = documents.read_documents([pages])[0]
        found = validate_document(read_document(reading.fields)).findings if reading.fields is not None else ()
        return Answer(reading, (pages[0].shape[1], pages[0].shape[0]), findings=tuple(found), pages=len(pages))

    return read


def _line_reader(lines: Recognizer, name: str, workspace: Path | None, settings: Settings) -> Reader:
    return _whole(lines)


def _plate_reader(lines: Recognizer, name: str, workspace: Path | None, settings: Settings) -> Reader:
    alphabet, engine = settings.plates.alphabet, settings.read.engine
    return _whole(load_plate_recognizer(name, alphabet, workspace=workspace, threads=1, engine=engine))


def _page_reader(lines: Recognizer, name: str, workspace: Path | None, settings: Settings) -> Reader:
    detector = Detector(threads=1)

    def read(page: Image, stopped: Stopped) -> Answer:
        placed = segment(page, detector)
        found: list[Line] = []
        for start in range(0, len(placed), AT_ONCE):
            if stopped():
                raise Rejected("expired", "the deadline passed while the page was read")
            part = placed[start : start + AT_ONCE]
            readings = lines.read([line_image(page, one.line) for one in part])
            found += [Line(reading, one) for reading, one in zip(readings, part, strict=True)]
        text = "".join(
            ("\n" * (1 + one.placed.blank) if at else "") + _clean(one.reading) for at, one in enumerate(found)
        )
        sure = min((one.reading.confidence for one in found), default=1.0)
        return Answer(Reading(text, sure, (), lines.model), (page.shape[1], page.shape[0]), tuple(found))

    return read


_READERS: Final[Mapping[str, Callable[[Recognizer, str, Path | None, Settings], Reader]]] = {
    "line": _line_reader,
    "page": _page_reader,
    "plate": _plate_reader,
}
SIZES: Final = {"line": (640, 1), "page": (800, 10), "plate": (160, 1), DOCUMENT: (800, 10)}
"""Columns and drawn lines of the pictures with which each kind is warmed up."""


SLOW: Final = 0.5
"""Seconds of a reading beside which those of opening a model do not matter."""


def _whole(recognizer: Recognizer) -> Reader:
    def read(image: Image, stopped: Stopped) -> Answer:
        return Answer(recognizer.read([image])[0], (image.shape[1], image.shape[0]))

    return read


def _warm_up(reader: Reader, kind: str) -> float:
    """Read a drawn picture, and once more unless that took long, for the first reading opens and plans; seconds."""
    width, height = SIZES[kind]
    picture = np.concatenate([drawn_line(width)] * height)
    shown = [picture] if kind == DOCUMENT else picture
    seconds = 0.0
    for _ in range(2):
        started = time.monotonic()
        reader(shown, lambda: False)
        seconds = time.monotonic() - started
        if seconds > SLOW:
            break
    return seconds


def _clean(reading: Reading) -> str:
    return " ".join(reading.text.split())


def _said(reading: Reading, characters: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "text": reading.text,
        "confidence": round(reading.confidence, 4),
        "model": reading.model,
    }
    if characters:
        said["characters"] = [_character(one) for one in reading.characters]
    return said


def _fields(reading: Reading) -> dict[str, Any]:
    """The fields of a document, how sure each is, and what could not be read."""
    return {
        "fields": dict(reading.fields) if reading.fields is not None else None,
        "certainty": {path: round(chance, 4) for path, chance in reading.certainty.items()},
        "faults": dict(reading.faults),
        "text_layer": list(reading.text_layer),
    }


def _character(one: Character) -> dict[str, Any]:
    return {
        "text": one.text,
        "probability": round(one.probability, 4),
        "start": round(one.start, 1),
        "end": round(one.end, 1),
    }


def _line(one: Line, characters: bool) -> dict[str, Any]:
    line = one.placed.line
    return {
        **_said(one.reading, characters),
        "text": _clean(one.reading),
        "box": [round(value, 1) for value in line.box],
        "polygon": _rounded(line.polygon),
        "baseline": _rounded(line.baseline),
        "region": one.placed.region,
        "blank": one.placed.blank,
    }


def _rounded(points: Sequence[Point]) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in points]
