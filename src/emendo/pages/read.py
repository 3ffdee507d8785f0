"""One document to its reading: pages, lines, texts, and the files of the note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from emendo.image.pixels import cv2

from ..errors import BadInput
from ..image.load import Document, open_document
from ..settings import Settings
from ..tools.files import sha256_bytes, sha256_file
from ..types import Image, Point, Recognizer
from ..types import Reading as LineReading
from .given import layout_file
from .note import Job, NoteFiles, Reading, discard, note_files, put_in_place
from .order import Placed
from .segment import Finder, line_image, segment

AT_ONCE = 8
"""Lines handed to the recogniser at a time: enough to tell the language, few enough that the progress moves."""

Status = Literal["read", "unchanged", "kept"]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class NoteResult:
    """What became of one document.

    `status`: `read` now, `unchanged` since the last reading, or `kept` because a person has edited it. `pages` and
    `lines` count what was read now.
    """

    document: Path
    text: Path
    folder: Path
    status: Status
    pages: int = 0
    lines: int = 0


def read_document(
    path: Path,
    *,
    recognizer: Recognizer,
    detector: Finder | None = None,
    out: Path | None = None,
    settings: Settings | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> NoteResult:
    """Read one document and write its note beside it (or into `out`): text, untouched copy, line pictures, manifest.

    A document that was read before with the same model is not read again unless `again` or its content, its layout
    file or the resolution changed; a note that a person has edited is never touched. A reading that was stopped goes
    on after its last whole page. `progress` is called with lines done, lines expected, and a short text.

    Raises ImageError, DocumentError or FormatError for bad input, BadInput when a text that is not ours stands where
    the reading would go, Busy when another process reads the same document.
    """
    settings = settings or Settings()
    with open_document(path, settings.limits, dpi=settings.read.dpi) as document:
        files = note_files(path, out)
        try:
            job = Job(path.name, sha256_file(path), _hash(layout_file(path)), recognizer.model, settings.read.dpi)
            with files.lock():
                status = _standing(files, job, again=again)
                if status is not None:
                    return NoteResult(path, files.text, files.folder, status)
                reading = Reading(files, job)
                lines = _Pages(path, document, recognizer, detector, settings, progress).read(reading)
                reading.finish()
        except OSError as error:
            place = error.filename or files.folder
            raise BadInput(
                f"cannot be read or written ({(error.strerror or str(error)).lower()})", where=place
            ) from error
    return NoteResult(path, files.text, files.folder, "read", len(document), lines)


def _standing(files: NoteFiles, job: Job, *, again: bool) -> Status | None:
    """Why nothing is to be read; None when the document is due."""
    put_in_place(files)
    if files.text.exists() and not files.original.exists():
        remedy = f"rename {files.text.name} or read with --out"
        raise BadInput("stands where the reading would go and is not ours", where=files.text, remedy=remedy)
    if files.job() == job and not again and files.text.exists():
        discard(files.reading)
        return "unchanged"
    return "kept" if files.is_edited() else None


@dataclass(slots=True)
class _Pages:
    """The pages of one document on their way into a reading."""

    path: Path
    document: Document
    recognizer: Recognizer
    detector: Finder | None
    settings: Settings
    progress: Progress | None
    lines: int = 0

    def read(self, reading: Reading) -> int:
        """Read the pages that are not done yet; the number of lines of all."""
        done = reading.pages()
        self.lines = sum(len(reading.rows(page)) for page in range(done))
        for page in range(done, len(self.document)):
            self._show(page, 0)
            reading.add(page, *self._page(page))
        return self.lines

    def _page(self, number: int) -> tuple[list[dict[str, Any]], list[bytes]]:
        page = self.document.frame(number)
        own = self.path if len(self.document) == 1 else None
        placed = segment(page, self.detector, image=own, limits=self.settings.limits)
        size = (page.shape[1], page.shape[0])
        rows: list[dict[str, Any]] = []
        files: list[bytes] = []
        for start in range(0, len(placed), AT_ONCE):
            part = placed[start : start + AT_ONCE]
            pictures = [line_image(page, one.line) for one in part]
            for one, picture, reading in zip(part, pictures, self.recognizer.read(pictures), strict=True):
                files.append(png(picture))
                self.lines += 1
                blank = one.blank or (not rows and number > 0)
                rows.append(
                    line_row(one, reading, files[-1], number=self.lines, page=number + 1, size=size, blank=blank)
                )
            self._show(number, len(placed))
        return rows, files

    def _show(self, page: int, on_page: int) -> None:
        if self.progress is None:
            return
        pages = len(self.document)
        seen = page + (1 if on_page else 0)
        expected = max(self.lines, on_page, round(self.lines / seen * pages) if seen else 0)
        text = self.path.name if pages == 1 else f"{self.path.name}, page {page + 1} of {pages}"
        self.progress(self.lines, expected, text)


def line_row(
    one: Placed, reading: LineReading, picture: bytes, *, number: int, page: int, size: tuple[int, int], blank: bool
) -> dict[str, Any]:
    """The row of the manifest for line `number` of a document, on a page of `size` (width, height) counted from 1.

    `picture` is its PNG file, `line_NNN.png`. `polygon` is what to show, `reach` what was cut out along `baseline`.
    """
    digest = sha256_bytes(picture)
    return {
        "id": digest[:16],
        "number": number,
        "text_line": 0,
        "page": page,
        "region": one.region,
        "polygon": _rounded(one.line.polygon),
        "reach": _rounded(one.line.reach),
        "baseline": _rounded(one.line.baseline),
        "height": round(one.line.height, 1),
        "box": [round(value, 1) for value in one.line.box],
        "page_width": size[0],
        "page_height": size[1],
        "image": f"line_{number:03d}.png",
        "sha256": digest,
        "text": " ".join(reading.text.split()),
        "confidence": round(reading.confidence, 4),
        "model": reading.model,
        "characters": [
            [c.text, round(c.probability, 4), round(c.start, 1), round(c.end, 1)] for c in reading.characters
        ],
        "blank": blank,
    }


def _rounded(points: Sequence[Point]) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in points]


def png(picture: Image) -> bytes:
    """A picture as a PNG file: the same bytes for the same pixels."""
    done, data = cv2.imencode(".png", picture[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 4])
    assert done
    return bytes(np.asarray(data).tobytes())


def _hash(path: Path | None) -> str:
    return sha256_file(path) if path is not None else ""
