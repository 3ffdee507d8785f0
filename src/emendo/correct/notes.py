"""The files of a note in a workspace: its line manifest, its reading, and every form of corrections beside it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ..errors import BadInput, FormatError
from ..settings import Limits
from ..tools.sync import conflict_of
from ..types import Character, Reading
from ..workspace.folder import HIDDEN
from ..workspace.store import Line
from .texts import State, clean, decode, numbered, read_file

LINES_FOLDER = "_lines"
MANIFEST = "lines.jsonl"
MANIFEST_LIMIT = 256_000_000
"""Bytes of a line manifest."""
CROP_TEXT = ".gt.txt"
TAKEN_OUT = ".layout"
"""Folder of the pictures of lines that a person took out in the page."""
MADE, DRAFT = "made", "draft"
"""How a line was made by a person (`split`, `merge`, ...), and the text that it had before it was."""
KEPT_KEYS = (MADE, DRAFT)
_IMAGE = re.compile(r"^[^/\\\0]+$")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the manifest: the line and what was read in it."""

    line: Line
    reading: Reading


@dataclass(frozen=True, slots=True)
class Note:
    """One document that was read: `folder` holds the crops, `name` is its path in the workspace without ending."""

    name: str
    folder: Path

    @property
    def stem(self) -> Path:
        """The path that all files of the note share the start of."""
        return self.folder.with_name(self.folder.name.removesuffix(LINES_FOLDER))

    @property
    def manifest(self) -> Path:
        """`journal_lines/lines.jsonl`."""
        return self.folder / MANIFEST

    @property
    def text(self) -> Path:
        """`journal.txt`, the reading that people edit."""
        return self.stem.with_name(self.stem.name + ".txt")

    @property
    def original(self) -> Path:
        """`journal.txt.orig`, the untouched copy."""
        return self.stem.with_name(self.stem.name + ".txt.orig")

    @property
    def corrected(self) -> tuple[Path, ...]:
        """The other names under which people save a corrected text, the first that is there is used."""
        return tuple(self.stem.with_name(self.stem.name + end) for end in ("_corrected.txt", ".corrected.txt"))

    def crop_texts(self) -> list[Path]:
        """`line_003.gt.txt` files beside the crops."""
        return sorted(path for path in self.folder.iterdir() if path.name.endswith(CROP_TEXT))

    def taken_out(self) -> list[Path]:
        """Pictures of lines that a person took out; some may have been put back since."""
        return sorted((self.folder / TAKEN_OUT).glob("line_*.*"))

    def inputs(self) -> list[Path]:
        """Every file that corrections of this note can come from."""
        return [self.manifest, self.text, self.original, *self.corrected, *self.crop_texts()]

    def signature(self, about: str) -> str:
        """A hash of the state of all inputs and of `about` (what else the result rests on)."""
        digest = hashlib.sha256(about.encode())
        for path in self.inputs():
            digest.update(f"\0{path.name}\0{_state(path)}".encode())
        return digest.hexdigest()

    def unsettled(self, seconds: float) -> bool:
        """Whether an input changed less than `seconds` ago: it may still be on its way."""
        now = time.time()
        states = (_state(path) for path in self.inputs())
        return any(state is not None and abs(now - state.changed / 1e9) < seconds for state in states)


def find_notes(root: Path) -> Iterator[Note]:
    """All notes under `root`, by name; hidden folders and links are not entered."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith("."))
        here = Path(folder)
        if here.name.endswith(LINES_FOLDER) and MANIFEST in files and here != root:
            stem = here.with_name(here.name.removesuffix(LINES_FOLDER))
            if conflict_of(here.name, _names(here.parent)) is None:
                yield Note(stem.relative_to(root).as_posix(), here)
            names[:] = []


def note_named(root: Path, name: str) -> Note:
    """The note of a document, by its path in the workspace without ending."""
    return Note(name, root / f"{name}{LINES_FOLDER}")


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def conflict_copies(root: Path) -> list[tuple[Path, str]]:
    """Conflict copies that a sync client left under `root`, each with the name of the file it is a copy of."""
    found = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith(".") or name == HIDDEN)
        beside = {*files, *names}
        for name in sorted(beside):
            original = conflict_of(name, beside)
            if original is not None:
                found.append((Path(folder) / name, original))
    return found


def read_rows(note: Note, root: Path, limits: Limits) -> list[Row]:
    """The lines of the manifest in order. Raises FormatError naming the first row that is damaged."""
    return [row for row, _ in manifest_rows(note, root, limits)]


def manifest_rows(note: Note, root: Path, limits: Limits) -> list[tuple[Row, dict[str, Any]]]:
    """As `read_rows`, each with the JSON object as it stands there."""
    content = read_file(note.manifest, MANIFEST_LIMIT)
    rows: list[tuple[Row, dict[str, Any]]] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        if len(line) > limits.manifest_line_bytes:
            raise FormatError(f"is longer than {limits.manifest_line_bytes:,} bytes", where=note.manifest, line=number)
        try:
            found = json.loads(line.decode("utf-8"))
            rows.append((_row(found, note, root), found))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"lacks {error}" if isinstance(error, KeyError) else f"is damaged ({error})"
            remedy = "read the document again (`emendo read --again`) or restore the file"
            raise FormatError(what, where=note.manifest, line=number, remedy=remedy) from error
    if not rows:
        raise FormatError("holds no lines", where=note.manifest, remedy="read the document again")
    return rows


def read_lines(path: Path, limits: Limits) -> list[tuple[int, str]]:
    """The numbered, cleaned, non-blank lines of a text file."""
    return numbered(decode(read_file(path, limits.note_bytes), path))


def _row(row: Mapping[str, Any], note: Note, root: Path) -> Row:
    image = str(row["image"])
    if not _IMAGE.match(image) or image in (".", ".."):
        raise ValueError(f"image {image!r} is no plain file name")
    x0, y0, x1, y1 = (_pixels(value) for value in row.get("box") or (0, 0, 0, 0))
    line = Line(
        id=str(row["id"]),
        document=note.name,
        number=int(row["number"]),
        text_line=int(row["text_line"]),
        page=int(row["page"]),
        region=int(row.get("region") or 0),
        polygon=tuple((_pixels(x), _pixels(y)) for x, y in row.get("polygon") or ()),
        box=(x0, y0, x1, y1),
        page_width=int(row.get("page_width") or 0),
        page_height=int(row.get("page_height") or 0),
        image=(note.folder / image).relative_to(root).as_posix(),
        sha256=str(row["sha256"]),
        attributes={key: clean(str(row[key])) for key in KEPT_KEYS if row.get(key)},
    )
    characters = tuple(
        Character(str(text), float(probability), float(start), float(end))
        for text, probability, start, end in row.get("characters") or ()
    )
    text = clean(str(row["text"] or ""))
    reading = Reading(text, float(row.get("confidence") or 0.0), characters, str(row.get("model") or ""))
    return Row(line, reading)


def _pixels(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{number} is no place on a page")
    return number


def _state(path: Path) -> State | None:
    try:
        return State.of(path)
    except BadInput:
        return None
