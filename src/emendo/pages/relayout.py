"""The lines of one page as a person changed them, written into the files of their note.

A line that stays keeps its picture, the name of that and with it everything that was ever said of it; a line that is
made anew is cut from the page and read, under a name that no line of the note had before. What a person wrote into
note.txt goes with its line. All of it is put in place as a new reading is (`note.put_in_place`): whole, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..correct.carry import NoteText
from ..correct.notes import CROP_TEXT, DRAFT, MADE, Row, manifest_rows, note_named
from ..correct.texts import State, read_file
from ..errors import BadInput, UsageError
from ..settings import Limits
from ..tools.files import write_bytes
from ..types import Image, Polygon, Reading, Recognizer
from .lines import BODY, TextLine, along_spine
from .note import STATE, NoteFiles, discard, number_lines, put_in_place, read_object, stage
from .order import Placed
from .outlines import FAR, LEAST_SIDE, drawn
from .read import line_row, png
from .segment import line_image

Entry = dict[str, Any]
"""A row of the manifest, with `blank`: whether an empty line stands before it in the text."""
_NOTHING = Reading("", 0.0)
_NUMBER = re.compile(r"line_(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A line that a person made: where it lies and in which block, and `how` (split, merge, add, shape).

    `draft` is what a person had said of it before it was made, `filed` what it is in note.txt where somebody had
    corrected it there.
    """

    line: TextLine
    region: int
    how: str
    blank: bool = False
    draft: str = ""
    filed: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """All rows of a note as they stand in its manifest, and the state of that file; never changed."""

    entries: tuple[Entry, ...]
    known: Mapping[str, Row]
    state: State | None

    @classmethod
    def load(cls, root: Path, name: str, limits: Limits) -> Manifest:
        """That of a note in the workspace `root`. Raises BadInput when it is not there or damaged."""
        note = note_named(root, name)
        state = State.of(note.manifest)
        found = manifest_rows(note, root, limits)
        before = (0, 0)
        known: dict[str, Row] = {}
        for row, entry in found:
            line = row.line
            # the empty line between two pages belongs to neither
            entry["blank"] = line.page == before[0] and line.text_line > before[1] + 1
            before = line.page, line.text_line
            known.setdefault(line.id, row)
            entry |= {"number": line.number, "page": line.page, "region": line.region, "text": row.reading.text}
            entry |= {"page_width": line.page_width, "page_height": line.page_height, "model": row.reading.model}
        return cls(tuple(entry for _, entry in found), known, state)

    def holds(self, root: Path, name: str) -> bool:
        """Whether the file is still the one that was loaded."""
        return self.state == State.of(note_named(root, name).manifest)


@dataclass
class NotePage:
    """Page `number` (from 1) of a note that is in place, to be changed by `put`."""

    files: NoteFiles
    number: int
    manifest: Manifest
    limits: Limits

    @property
    def entries(self) -> Sequence[Entry]:
        """The rows of the whole note."""
        return self.manifest.entries

    @property
    def known(self) -> Mapping[str, Row]:
        """Its lines by id; of two with the same picture the first."""
        return self.manifest.known

    @property
    def lines(self) -> list[Entry]:
        """The rows of this page in order; of two with the same picture the first."""
        return [entry for entry in self.entries if entry["page"] == self.number and self._first(entry)]

    @property
    def version(self) -> str:
        """Tells two states of the page's lines apart: which they are, where they lie, and in which order."""
        return layout_version(self.lines)

    @property
    def read_pages(self) -> int:
        """Number of pages that were read, as far as it is known."""
        pages = read_object(self.files.folder / STATE).get("pages")
        return pages if isinstance(pages, int) else 1

    @property
    def filed(self) -> dict[str, str]:
        """By line what stands in note.txt, where a person changed it."""
        said = self._text.said() if self._text else {}
        return {id: text for id, text in said.items() if text and text != self.known[id].reading.text}

    def make(self, made: Sequence[Made], page: Image, recognizer: Recognizer | None) -> list[tuple[Entry, bytes]]:
        """Cut new lines out of the page's image and read them: their rows and pictures.

        Raises UsageError when one has the very picture of a line that is there.
        """
        pictures = [line_image(page, one.line) for one in made]
        readings = recognizer.read(pictures) if recognizer is not None else []
        free = self._free_number()
        found: list[tuple[Entry, bytes]] = []
        for at, (one, picture) in enumerate(zip(made, pictures, strict=True)):
            data = png(picture)
            placed = Placed(one.line, one.region, one.blank)
            reading = readings[at] if readings else _NOTHING
            size = (page.shape[1], page.shape[0])
            row = line_row(placed, reading, data, number=free + at, page=self.number, size=size, blank=one.blank)
            row |= {MADE: one.how} | ({DRAFT: one.draft} if one.draft else {})
            if row["id"] in self.known or row["id"] in {other["id"] for other, _ in found}:
                raise UsageError("this is the very same picture as that of another line", remedy="draw another place")
            found.append((row, data))
        return found

    def put(self, lines: Sequence[Entry], pictures: Mapping[str, bytes], filed: Mapping[str, str]) -> None:
        """Make `lines` the rows of this page, on the disk when this returns; the caller holds the note's lock.

        `pictures` are the files of those that are new, by name; `filed` their texts in note.txt where these differ
        from the reading. Rows that were taken out earlier may come back. Raises UsageError when no line would be left.
        """
        before = [entry for entry in self.entries if entry["page"] == self.number]
        every = [entry for entry in self.entries if entry["page"] < self.number]
        every += [*lines, *(entry for entry in self.entries if entry["page"] > self.number)]
        if not every:
            raise UsageError("the last line of a document cannot be deleted", remedy="remove the document instead")
        discard(self.files.reading)
        there, staying = ({str(entry["image"]) for entry in some} for some in (before, lines))
        self._keep_aside([entry for entry in before if entry["image"] not in staying])
        folder = self.files.reading / "page_0001"
        back = [entry for entry in lines if entry["image"] not in there | set(pictures)]
        for name, data in [*pictures.items(), *((str(one["image"]), self._aside(one)) for one in back)]:
            write_bytes(folder / name, data)
        rows, original = _numbered(every)
        person = _content(self.files.text)
        text = original
        if self._text is not None:
            texts = {str(entry["id"]): str(entry["text"]) for entry in lines} | dict(filed)
            new = {str(entry["id"]) for entry in lines} - {str(entry["id"]) for entry in before}
            ids = [str(entry["id"]) for entry in before], [str(entry["id"]) for entry in lines]
            text = self._text.rewritten(*ids, {id: texts[id] for id in new})
        job = read_object(self.files.folder / STATE).get("job") or {}
        stage(self.files, rows, original, text, before=person, job=job, pages=self.read_pages)
        put_in_place(self.files)
        self._crop_texts(rows)

    @cached_property
    def _text(self) -> NoteText | None:
        """The text as a person left it; None when it is the untouched reading, or not there."""
        content = _content(self.files.text)
        original = _content(self.files.original)
        if content is None or content == original:
            return None
        rows = [(id, row.line.text_line, row.reading.text) for id, row in self.known.items()]
        lines = original.decode("utf-8", "replace").split("\n") if original is not None else []
        return NoteText.parse(read_file(self.files.text, self.limits.note_bytes), lines, rows, self.files.text)

    def _first(self, entry: Entry) -> bool:
        return self.known[str(entry["id"])].line.number == int(entry["number"])

    def _free_number(self) -> int:
        """A number that no line of this note ever had, so that no text beside a picture comes to another line."""
        names = [path.name for folder in (self.files.folder, self.files.taken_out) for path in folder.glob("line_*")]
        names += [str(entry["image"]) for entry in self.entries]
        return 1 + max((int(match[1]) for name in names if (match := _NUMBER.match(name))), default=0)

    def _keep_aside(self, gone: Sequence[Entry]) -> None:
        """Copies of the pictures of lines that will be taken out, so that they can come back."""
        self.files.taken_out.mkdir(exist_ok=True)
        for entry in gone:
            picture = self.files.folder / str(entry["image"])
            if picture.is_file():
                write_bytes(self.files.taken_out / picture.name, picture.read_bytes())

    def _aside(self, entry: Entry) -> bytes:
        picture = self.files.taken_out / str(entry["image"])
        if not picture.is_file():
            raise BadInput("is not there any more, so its line cannot come back", where=picture)
        return picture.read_bytes()

    def _crop_texts(self, rows: Sequence[Entry]) -> None:
        """A text beside a picture goes aside with it, and comes back with it."""
        stems = {Path(str(row["image"])).stem for row in rows}
        for path in self.files.folder.glob(f"line_*{CROP_TEXT}"):
            if path.name.removesuffix(CROP_TEXT) not in stems:
                path.replace(self.files.taken_out / path.name)
        for path in self.files.taken_out.glob(f"line_*{CROP_TEXT}"):
            if path.name.removesuffix(CROP_TEXT) in stems:
                path.replace(self.files.folder / path.name)


def layout_version(lines: Sequence[Entry]) -> str:
    """Tells two states of a page's lines apart."""
    told = [[line["id"], line.get("polygon")] for line in lines]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def geometry(entry: Entry) -> TextLine:
    """Where a line of the manifest lies. Rows of older readings tell only the outline of the writing's body."""
    x0, y0, x1, y1 = (float(value) for value in entry.get("box") or (0, 0, 0, 0))
    x1, y1 = max(x1, x0 + LEAST_SIDE), max(y1, y0 + LEAST_SIDE)
    told = _points(entry.get("polygon"))
    outline = told if len(told) >= 3 else ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    reach, baseline, height = _points(entry.get("reach")), _points(entry.get("baseline")), entry.get("height")
    if len(reach) >= 3 and len(baseline) >= 2 and isinstance(height, (int, float)) and 0 < height < FAR:
        return TextLine(outline, reach, baseline, float(height))
    try:
        return drawn(outline, tight=True)
    except UsageError:  # hardly higher than a stroke
        return along_spine(((x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2)), (y1 - y0) / BODY)


def _points(told: object) -> Polygon:
    """Points of the manifest; none where it tells something else."""
    try:
        points = np.asarray(told, dtype=np.float64)
    except (ValueError, TypeError):
        return ()
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        return ()
    return tuple((float(x), float(y)) for x, y in points)


def _numbered(entries: Sequence[Entry]) -> tuple[list[Entry], bytes]:
    """Rows for the manifest with the numbers that follow from their order, and the text of the reading."""
    rows = [dict(entry) for entry in entries]
    page = 0
    for number, row in enumerate(rows, start=1):
        row["number"] = number
        row["blank"] = row["blank"] or row["page"] != page
        page = row["page"]
    return rows, number_lines(rows).encode()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else None
