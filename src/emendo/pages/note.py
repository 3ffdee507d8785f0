"""The files of one note on disk, and how they change: a page at a time, then all at once.

    note.pdf                       the document, never touched
    note.txt  note.txt.orig        its reading, to be corrected, and the untouched copy
    note_lines/line_001.png ...    the picture of each line
    note_lines/lines.jsonl         one row a line; there only while everything else is whole
    note_lines/.read.json          what was read: hash of the document, model
    note_lines/.reading/           a reading on its way: one folder a page, gone when it is done
    note_lines/.layout/            pictures of lines that a person took out; there once people changed the lines

Each page of a reading on its way is one folder that appears whole; a reading that was stopped goes on after its last
page whose pictures match their hashes. A finished reading is put in place by renames in a fixed order that can be
taken up again at any point; `lines.jsonl` goes first and comes back last, so that whoever looks for it never meets
crops of one reading beside the text of another.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput, Busy
from ..tools.files import PARTIAL, sha256_file, sync_folder, write_bytes, write_text

LINES_FOLDER = "_lines"
MANIFEST = "lines.jsonl"
STATE = ".read.json"
READING = ".reading"
LAYOUT = ".layout"
ROWS = "rows.json"
READY = "ready.json"
CORRECTED = ("_corrected.txt", ".corrected.txt")


@dataclass(frozen=True, slots=True)
class Job:
    """What a reading depends on: two readings with equal jobs are the same."""

    source: str
    document: str
    layout: str
    model: str
    dpi: int


@dataclass(frozen=True, slots=True)
class NoteFiles:
    """Where the files of a note lie. `stem` is the path they share the start of."""

    stem: Path

    @property
    def text(self) -> Path:
        """`note.txt`."""
        return self.stem.with_name(self.stem.name + ".txt")

    @property
    def original(self) -> Path:
        """`note.txt.orig`."""
        return self.stem.with_name(self.stem.name + ".txt.orig")

    @property
    def folder(self) -> Path:
        """`note_lines`."""
        return self.stem.with_name(self.stem.name + LINES_FOLDER)

    @property
    def manifest(self) -> Path:
        """`note_lines/lines.jsonl`."""
        return self.folder / MANIFEST

    @property
    def reading(self) -> Path:
        """`note_lines/.reading`, the reading on its way."""
        return self.folder / READING

    @property
    def taken_out(self) -> Path:
        """`note_lines/.layout`, the pictures of lines that a person took out."""
        return self.folder / LAYOUT

    def job(self) -> Job | None:
        """What the reading in place was made from; None when there is none or its record is damaged."""
        return _job(read_object(self.folder / STATE).get("job"))

    def is_edited(self) -> bool:
        """Whether a person has worked on the reading in place, in any of the ways that corrections are given."""
        given = self.taken_out.exists() or any(self.stem.with_name(self.stem.name + end).exists() for end in CORRECTED)
        return given or any(self.folder.glob("*.gt.txt")) or _bytes(self.text) not in (None, _bytes(self.original))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the note while the block runs. Raises Busy when another process reads it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy(
                    "another emendo is reading this document", where=self.stem, remedy="wait for it to end"
                ) from error
            except OSError:
                pass  # a network share without locks
            try:
                yield
            finally:
                with suppress(OSError):  # only an empty folder goes
                    self.folder.rmdir()
        finally:
            os.close(handle)


def note_files(document: Path, out: Path | None = None) -> NoteFiles:
    """The files of the note of `document`: beside it, or in `out`.

    `note.pdf` and `note.jpg` would both be `note.txt`: where another document holds that name already, the whole file
    name is used (`note.jpg.txt`, `note.jpg_lines`).
    """
    folder = out if out is not None else document.parent
    short, long = NoteFiles(folder / document.stem), NoteFiles(folder / document.name)
    if long.folder.exists():
        return long
    holder = short.job() or _job(read_object(short.reading / "job.json"))
    taken = holder is not None and holder.source != document.name and (document.parent / holder.source).exists()
    return long if taken else short


class Reading:
    """A reading on its way in `note_lines/.reading`: pages are added one by one, then everything is put in place."""

    def __init__(self, files: NoteFiles, job: Job) -> None:
        self.files = files
        self.job = job
        self.folder = files.reading
        if _job(read_object(self.folder / "job.json")) != job:
            discard(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "job.json").exists():
            write_text(self.folder / "job.json", json.dumps(asdict(job)) + "\n")
        self._done: list[list[dict[str, Any]]] = []
        while (rows := self._whole_page(len(self._done))) is not None:
            self._done.append(rows)

    def pages(self) -> int:
        """Pages that are done and whole, counted from the first without a hole."""
        return len(self._done)

    def rows(self, page: int) -> list[dict[str, Any]]:
        """The rows of page `page` (from 0)."""
        return self._done[page]

    def add(self, page: int, rows: Sequence[dict[str, Any]], crops: Sequence[bytes]) -> None:
        """Keep a page, whole or not at all: its rows and, by their `image`, the PNG files of its lines."""
        aside = self.folder / f"{PARTIAL}page"
        for leftover in (aside, self._page(page)):
            shutil.rmtree(leftover, ignore_errors=True)
        aside.mkdir()
        for row, crop in zip(rows, crops, strict=True):
            (aside / str(row["image"])).write_bytes(crop)
        (aside / ROWS).write_text(json.dumps(list(rows), ensure_ascii=False), encoding="utf-8")
        aside.replace(self._page(page))
        self._done.append(list(rows))

    def finish(self) -> None:
        """Put all pages in place as the note's reading."""
        rows = [row for page in self._done for row in page]
        text = number_lines(rows).encode()
        before = _bytes(self.files.original)
        os.sync()  # once for all pictures: one by one they would cost seconds on a slow disk
        stage(self.files, rows, text, text, before=before, job=asdict(self.job), pages=self.pages())
        put_in_place(self.files)

    def _page(self, page: int) -> Path:
        return self.folder / f"page_{page + 1:04d}"

    def _whole_page(self, page: int) -> list[dict[str, Any]] | None:
        """Rows of a page whose pictures are all there; None when it is missing or was torn by a power cut."""
        try:
            rows = json.loads((self._page(page) / ROWS).read_text(encoding="utf-8"))
            for row in rows:
                if sha256_file(self._page(page) / row["image"]) != row["sha256"]:
                    return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return list(rows)


def stage(
    files: NoteFiles,
    rows: Sequence[dict[str, Any]],
    original: bytes,
    text: bytes,
    *,
    before: bytes | None,
    job: Mapping[str, Any],
    pages: int,
) -> None:
    """Make what lies in `.reading` ready to be put in place, from when on it will be, whatever happens.

    The pictures lie there already, on the disk, in folders `page_*`. `text` is put in the place of note.txt if that
    still holds `before`.
    """
    folder = files.reading
    manifest = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    for path, content in ((files.text, text), (files.original, original), (files.manifest, manifest)):
        write_bytes(folder / path.name, content)
    ready = {
        "job": job,
        "crops": [row["image"] for row in rows],
        "before": hashlib.sha256(before).hexdigest() if before is not None else None,
        "pages": pages,
    }
    write_text(folder / READY, json.dumps(ready))


def put_in_place(files: NoteFiles) -> bool:
    """Finish a reading that is ready, also one that was stopped in the middle of this; False when none is ready.

    A note.txt that a person changed meanwhile stays as it is.
    """
    reading = files.reading
    ready = read_object(reading / READY)
    if not ready:
        return False
    crops = set(map(str, ready["crops"]))
    if (reading / MANIFEST).exists():
        files.manifest.unlink(missing_ok=True)
        sync_folder(files.folder)
        for crop in reading.glob("page_*/line_*.png"):
            crop.replace(files.folder / crop.name)
        for old in files.folder.glob("line_*.png"):
            if old.name not in crops:
                old.unlink()
        sync_folder(files.folder)
        _move(reading / files.original.name, files.original)
        now = _bytes(files.text)
        if now is None or hashlib.sha256(now).hexdigest() == ready["before"]:
            _move(reading / files.text.name, files.text)
        sync_folder(files.text.parent)
        if crops:
            (reading / MANIFEST).replace(files.manifest)
        else:
            (reading / MANIFEST).unlink()
        sync_folder(files.folder)
    write_text(
        files.folder / STATE, json.dumps({"job": ready["job"], "pages": ready["pages"], "lines": len(crops)}) + "\n"
    )
    discard(reading)
    return True


def finish_stopped(files: NoteFiles) -> bool:
    """Bring to its end what was being put in place when its process was stopped, unless another one is at it.

    Returns whether there was such a thing.
    """
    stopped = (files.reading / READY).exists()
    if stopped:
        with suppress(Busy), files.lock():
            put_in_place(files)
    return stopped


def discard(reading: Path) -> None:
    """Remove a reading on its way; a crash leaves a hidden folder that the next reading removes."""
    aside = reading.with_name(f"{PARTIAL}{READING[1:]}")
    shutil.rmtree(aside, ignore_errors=True)
    _move(reading, aside)
    shutil.rmtree(aside, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.replace(target)


def number_lines(rows: list[dict[str, Any]]) -> str:
    """Write the number of its line in the text into each row, and return the text.

    A row that says `blank` has an empty line before it; that key is taken out.
    """
    lines: list[str] = []
    for row in rows:
        if row.pop("blank") and lines:
            lines.append("")
        lines.append(str(row["text"]))
        row["text_line"] = len(lines)
    return "".join(line + "\n" for line in lines)


def _bytes(path: Path) -> bytes | None:
    """Content of a plain file; None when there is none. Raises BadInput for a link or special file by that name."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise BadInput("is not a plain file", where=path, remedy="move it away")
    return path.read_bytes() if path.exists() else None


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object of ours; empty when it is missing or damaged, for then the work is simply done again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _job(content: object) -> Job | None:
    try:
        job = Job(**content) if isinstance(content, dict) else None
    except TypeError:
        return None
    plain = job is not None and isinstance(job.source, str) and isinstance(job.dpi, int)
    return job if plain else None
