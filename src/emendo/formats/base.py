"""What every format reader shares: safe paths, limits, and the collection of samples and rejects.

A reader never guesses: a row that breaks the format is a `Reject` with its place and reason, counted and shown (or
raised at once when `strict`). A reader opens no image; it only makes sure that the file is there.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Literal

from ..errors import FormatError
from ..settings import Limits
from ..types import Polygon, Sample

Unit = Literal["row", "line"]
"""`row`: one sample per row or page as it stands; `line`: pages that carry lines give one sample per line."""

MOST_REJECTS = 10_000
"""More wrong rows than this and the file is refused as a whole."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PATH_CONTROL = re.compile("[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out: the file, the line (from 1; None where lines mean nothing), and why."""

    where: Path
    line: int | None
    what: str
    remedy: str = ""

    def error(self) -> FormatError:
        """The same as an error to raise."""
        return FormatError(self.what, where=self.where, line=self.line, remedy=self.remedy)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a source is read.

    `root` is the folder to which image paths are relative and which they may not leave; None means the folder of
    the manifest.
    """

    root: Path | None = None
    unit: Unit = "row"
    limits: Limits = field(default_factory=Limits)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader found. `lines[i]` is the line of `where` at which `samples[i]` stands (0: not in lines)."""

    where: Path
    samples: Sequence[Sample]
    lines: Sequence[int]
    rejects: tuple[Reject, ...] = ()
    notes: tuple[Reject, ...] = ()


Reader = Callable[[Path, ReadOptions], Content]
Writer = Callable[[Sequence[Sample], Path], Path]


@dataclass(frozen=True, slots=True)
class Layout:
    """One row of the table of layouts that are only read. `first`: told from a format of ours, so tried before it."""

    name: str
    title: str
    detect: Callable[[Path], bool]
    read: Reader
    first: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Format(Layout):
    """One row of the table of formats. `write` gives the path that a reader of the same format takes."""

    write: Writer


class Refusal(Exception):
    """Inside readers: this row is left out, for this reason."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Collector:
    """Gathers samples in order, and refuses two samples of one id.

    Twice the same id with the same text and fields keeps the first; with different ones neither is kept, since nothing
    says which is right.
    """

    def __init__(self, where: Path, *, strict: bool = False) -> None:
        self.where = where
        self.strict = strict
        self._samples: list[Sample] = []
        self._lines = array("I")
        self._seen: dict[str, int] = {}
        self._conflicts: set[str] = set()
        self._rejects: list[Reject] = []
        self._notes: list[Reject] = []

    def add(self, sample: Sample, line: int = 0) -> None:
        """Keep a sample, or reject it when its id was there before."""
        first = self._seen.setdefault(sample.id, len(self._samples))
        if first == len(self._samples):
            self._samples.append(sample)
            self._lines.append(line)
            return
        before = self._samples[first]
        if (before.text, before.fields) == (sample.text, sample.fields):
            self.reject(line, *repetition(sample.id, self._lines[first]))
            return
        other = "another text" if before.text != sample.text else "other fields"
        self.reject(line, *conflict(sample.id, self._lines[first], other))
        if sample.id not in self._conflicts:
            self._conflicts.add(sample.id)
            self.reject(self._lines[first], f"id {sample.id!r} stands again in line {line}, with {other}")

    def reject(self, line: int | None, what: str, remedy: str = "") -> None:
        """Leave a row out, or raise when strict."""
        reject = Reject(self.where, line or None, what, remedy)
        if self.strict:
            raise reject.error()
        self._rejects.append(reject)
        if len(self._rejects) > MOST_REJECTS:
            first = self._rejects[0]
            raise FormatError(
                f"more than {MOST_REJECTS:,} rows are wrong, the first in line {first.line}: {first.what}",
                where=self.where,
                remedy="make sure that this is the right file",
            )

    def note(self, line: int | None, what: str) -> None:
        """Remember something that was mended while reading."""
        if len(self._notes) < MOST_REJECTS:
            self._notes.append(Reject(self.where, line or None, what))

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """What was left out so far."""
        return tuple(self._rejects)

    def content(self) -> Content:
        """All that was gathered. Raises FormatError when rows were there and none is good."""
        samples, lines = self._samples, self._lines
        if self._conflicts:
            kept = [i for i, sample in enumerate(samples) if sample.id not in self._conflicts]
            samples = [samples[i] for i in kept]
            lines = array("I", (lines[i] for i in kept))
        return self.finished(tuple(samples), lines)

    def finished(self, samples: Sequence[Sample], lines: Sequence[int]) -> Content:
        """These samples, with what was left out. Raises FormatError when rows were there and none is good."""
        if self._rejects and not samples:
            first = self._rejects[0]
            rest = len(self._rejects) - 1
            more = f" ({rest} more rows are wrong too, and none is right)" if rest else ""
            raise FormatError(first.what + more, where=first.where, line=first.line, remedy=first.remedy)
        return Content(self.where, samples, lines, tuple(self._rejects), tuple(self._notes))


def repetition(name: str, line: int) -> tuple[str, str]:
    """What to say, and to do, of an id that stood before at `line` (0: not in lines) with the same text."""
    return f"id {name!r} stands already{_in_line(line)}, with the same text", "remove one of them"


def conflict(name: str, line: int, other: str = "another text") -> tuple[str, str]:
    """The same when the text, or the fields, are others."""
    return f"id {name!r} stands already{_in_line(line)}, with {other}", "both are left out: keep the right one"


def _in_line(line: int) -> str:
    return f" in line {line}" if line else ""


class Folder:
    """Resolves image paths of one manifest: inside the root only, and only files that exist."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)  # strings from here on: a manifest has up to a million paths
        self._names: dict[str, frozenset[str]] = {}

    def find(self, name: object, key: str = "image") -> Path:
        """The file that a manifest means by the relative path `name`. Raises Refusal."""
        if not isinstance(name, str) or not name:
            raise Refusal(f"{key!r} is not a path", "write the path of a file, relative to the manifest")
        if _PATH_CONTROL.search(name):
            raise Refusal(f"{key!r} holds a control character")
        shown = name if len(name) <= 200 else name[:200] + "…"
        remedy = "paths are relative to the manifest; for another folder give label=manifest:root"
        if name.startswith(("/", "\\")) or _DRIVE.match(name):
            raise Refusal(f"{key} {shown!r} is an absolute path", remedy)
        if ".." in name and (".." in PurePosixPath(name).parts or ".." in PureWindowsPath(name).parts):
            raise Refusal(f"{key} {shown!r} leaves the folder", remedy)
        head, _, tail = name.rpartition("/")
        if tail not in self.names(head) and not self._is_file(name):
            raise Refusal(f"{key} {shown!r} is not a file in {self.root}", "put it there or remove the row")
        return self.root / name

    def names(self, head: str) -> frozenset[str]:
        """Names of the regular files in a folder, listed once; links are left to `_is_file`."""
        if head not in self._names:
            folder = f"{self._real}/{head}"
            names: frozenset[str] = frozenset()
            if self._inside(folder) and Path(folder).is_dir():
                with os.scandir(folder) as entries:
                    names = frozenset(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
            self._names[head] = names
        return self._names[head]

    def _is_file(self, name: str) -> bool:
        path = f"{self._real}/{name}"
        if not self._inside(path):
            raise Refusal(f"{name!r} is a link that leaves the folder", "give label=manifest:root with the real folder")
        try:
            return Path(path).is_file()
        except (OSError, ValueError):
            return False

    def _inside(self, path: str) -> bool:
        real = os.path.realpath(path)
        return real == self._real or real.startswith(self._real.rstrip(os.sep) + os.sep)


def clean_text(value: object, key: str = "text") -> tuple[str, bool]:
    """NFC form of a text, and whether it changed. Raises Refusal for what is not a text."""
    if not isinstance(value, str):
        raise Refusal(f"{key!r} is {_kind(value)}, not a text", "write it in quotes")
    if value.isascii() and value.isprintable():
        return value, False
    found = _CONTROL.search(value.replace("\r\n", "\n"))
    if found:
        raise Refusal(f"{key!r} holds the control character U+{ord(found[0]):04X}", "remove it")
    if unicodedata.is_normalized("NFC", value):
        return value, False
    return unicodedata.normalize("NFC", value), True


def label(value: object, key: str) -> str:
    """A short name (language, split, group ...), interned. Raises Refusal."""
    if type(value) is str and len(value) < 100:
        return _label(value, key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refusal(f"{key!r} is {_kind(value)}, not a name", "write it in quotes")
    return sys.intern(clean_text(str(value), key)[0])


@lru_cache(maxsize=65536)
def _label(value: str, key: str) -> str:
    return sys.intern(clean_text(value, key)[0])


def outline(value: object, key: str) -> Polygon:
    """A polygon from [[x, y], ...], flat [x, y, x, y, ...] or a box [x0, y0, x1, y1]. Raises Refusal."""
    if not isinstance(value, list) or not value:
        raise Refusal(f"{key!r} is {_kind(value)}, not a list of points")
    points: list[tuple[float, float]] = []
    if all(isinstance(item, list) for item in value):
        for item in value:
            if len(item) != 2 or not all(_is_number(number) for number in item):
                raise Refusal(f"{key!r} holds a point that is not [x, y]")
            points.append((float(item[0]), float(item[1])))
    elif all(_is_number(item) for item in value) and len(value) == 4:
        x0, y0, x1, y1 = (float(item) for item in value)
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    elif all(_is_number(item) for item in value) and len(value) >= 6 and len(value) % 2 == 0:
        points = [(float(value[i]), float(value[i + 1])) for i in range(0, len(value), 2)]
    else:
        raise Refusal(f"{key!r} is no list of points", "write [[x, y], ...] or [x0, y0, x1, y1]")
    return closed(points, key)


def closed(points: Sequence[tuple[float, float]], key: str) -> Polygon:
    """Drop the last point where it repeats the first; refuse an outline of no area or of wild numbers."""
    while len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    if len(points) < 3:
        raise Refusal(f"{key!r} has {len(points)} points", "an outline needs three")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if max(map(abs, xs + ys)) > 1e6:
        raise Refusal(f"{key!r} holds a coordinate beyond a million pixels")
    if max(xs) - min(xs) <= 0 or max(ys) - min(ys) <= 0:
        raise Refusal(f"{key!r} has no area")
    return tuple(points)


def bounded_lines(path: Path, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """(line number, bytes without the line end) of a file; None for a line longer than `limit` bytes.

    A longer line is passed over in pieces and never held in memory.
    """
    return ((number, line) for number, _, line in offset_lines(path, limit))


def offset_lines(path: Path, limit: int) -> Iterator[tuple[int, int, bytes | None]]:
    """As `bounded_lines`, with the offset in bytes at which each line begins."""
    with path.open("rb") as stream:
        yield from lines_of(stream, limit)


def lines_of(
    stream: IO[bytes], limit: int, number: int = 0, offset: int = 0
) -> Iterator[tuple[int, int, bytes | None]]:
    """The lines of a stream that begins behind `number` lines and `offset` bytes: number, offset, line as above."""
    while piece := stream.readline(limit + 2):
        number += 1
        start = offset
        offset += len(piece)
        if not piece.endswith(b"\n") and len(piece) > limit:
            while piece and not piece.endswith(b"\n"):
                piece = stream.readline(1 << 20)
                offset += len(piece)
            yield number, start, None
        else:
            text = piece.rstrip(b"\r\n")
            yield number, start, None if len(text) > limit else text


def line_blocks(path: Path, limit: int, size: int) -> Iterator[tuple[int, bytes]]:
    """A file in blocks of some `size` bytes that end with a line: the offset of each, and its bytes.

    Of a line that is longer than `limit` bytes just enough is given to see that.
    """
    with path.open("rb") as stream:
        offset = 0
        while piece := stream.read(size):
            if not piece.endswith(b"\n"):
                piece += stream.readline(limit + 2)
            if not piece.endswith(b"\n"):
                while rest := stream.readline(1 << 20):
                    if rest.endswith(b"\n"):
                        piece += b"\n"
                        break
            yield offset, piece
            offset = stream.tell()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
