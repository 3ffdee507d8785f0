"""The one pass over a large manifest that checks every row and notes what `Rows` needs of it.

Rows are taken in blocks: a block of plain rows, which nearly all are, is parsed in one go and checked column by column,
some two microseconds a row. A block with anything out of the plain way is looked at row by row, and a row out of the
plain way goes through the same function that reads small manifests, so that both accept and refuse the same rows in
the same words.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from functools import partial
from io import BytesIO
from json.scanner import make_scanner
from pathlib import Path
from secrets import token_hex
from typing import Any
from unicodedata import is_normalized

import numpy as np
import numpy.typing as npt

from ..types import Sample
from .base import Collector, Content, Folder, ReadOptions, Refusal, conflict, line_blocks, lines_of, repetition
from .jsonl import BOM, DECODER, parse, sample_of_row
from .rows import SPLIT_CODES, SPLITS, Codes, Columns, Names, Place, Rows, Source, text_code, unit_of

_RARE = frozenset({"pdf", "frame", "crop", "fields", "images", "source", "origin"})
Scanner = Callable[[str, int], tuple[Any, int]]
CELLS = 9
BLOCK = 1 << 20
"""Bytes that are read at once."""
_ODD_NAME = re.compile(r"[\x00-\x1f\x7f\\:]")
_SPLIT_WORDS: dict[Any, int] = {None: 0, "": 0, **{str(s): SPLIT_CODES[s] for s in SPLITS if s is not None}}


class _Known(Folder):
    """Image paths that were looked for before."""

    def find(self, name: object, key: str = "image") -> Path:
        return self.root / str(name)


def _sample(line: bytes, number: int, *, folder: Folder, where: Path) -> Sample:
    row = parse(line.removeprefix(BOM) if number == 1 else line)
    return sample_of_row(row, folder, Collector(where), number)


class _Scan:
    """Columns in the making: `cells` holds CELLS numbers a row, one row after the other."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.languages, self.subsets, self.units = Names(["und"]), Names([""]), Names()
        self.cells = array("q")
        self._heads: dict[str, frozenset[str]] = {}
        self._mark = token_hex(8)
        self._blocks: list[npt.NDArray[np.int64]] = []
        self._scan: Scanner = make_scanner(DECODER)  # type: ignore[arg-type]  # the stubs take it for a class

    def block(self, piece: bytes, offset: int, number: int, limit: int) -> int:
        """Take in the lines of a block behind `number` lines when all are plain; how many, 0 when they are not."""
        lines = piece.split(b"\n")
        if not lines[-1]:
            lines.pop()
        lengths = np.fromiter(map(len, lines), np.int64, len(lines))
        rows = None if b"\r" in piece or lengths.max() > limit else self._parsed(piece, len(lines))
        columns = rows and self._columns(rows)
        if not columns:
            return 0
        ends = np.cumsum(lengths + 1)
        places = (offset + ends - lengths - 1, lengths, np.arange(number + 1, number + 1 + len(lines)))
        self._flush()
        self._blocks.append(np.array((*places, *columns), dtype=np.int64))
        return len(lines)

    def _parsed(self, piece: bytes, count: int) -> list[dict[str, Any]] | None:
        """The rows of a block, parsed together; None when a line is not an object by itself.

        Between the lines stands a mark that no file can know, so that no two lines make one value or one line two.
        """
        try:
            joined = piece.decode().removesuffix("\n").replace("\n", f',"{self._mark}",')
            found, end = self._scan(f"[{joined}]", 0)
        except (ValueError, StopIteration, RecursionError, Refusal):
            return None
        rows: list[dict[str, Any]] = found[::2]
        sound = end == len(joined) + 2 and len(found) == 2 * count - 1 and set(map(str, found[1::2])) <= {self._mark}
        return rows if sound and set(map(type, rows)) == {dict} else None

    def _columns(self, rows: list[dict[str, Any]]) -> tuple[list[int], ...] | None:
        """Language, subset, unit, split, and the hashes of text and id of plain rows; None when some are not."""
        keys = set().union(*rows)
        if not _RARE.isdisjoint(keys) or not keys >= {"image", "text"}:
            return None
        images: list[Any] = [row.get("image") for row in rows]
        texts: list[Any] = [row.get("text") for row in rows]
        names = [row.get("id", image) for row, image in zip(rows, images, strict=True)] if "id" in keys else images
        if {*map(type, images), *map(type, texts), *map(type, names)} != {str}:
            return None
        joined = " ".join(texts)
        if not joined.isprintable() or not (joined.isascii() or is_normalized("NFC", joined)):
            return None
        if not self._plain_names(names, images) or not all(map(self._there, {*images})):
            return None
        units = self._units(rows, names, keys)
        if units is None:
            return None
        languages, subsets = self.languages.codes, self.subsets.codes
        # printable texts have no other blank than the space, so this is text_code, quicker
        spaced = "  " in joined or joined[:1] == " " or joined[-1:] == " "
        try:
            return (
                [languages[row.get("language", "und")] for row in rows],
                [subsets[row.get("subset", "")] for row in rows],
                units,
                [_SPLIT_WORDS[row.get("split")] for row in rows],
                list(map(text_code if spaced else hash, texts)),
                list(map(hash, names)),
            )
        except (KeyError, TypeError):
            return None

    @staticmethod
    def _plain_names(names: list[Any], images: list[Any]) -> bool:
        joined = "" if names is images else "".join(names)
        return joined.isascii() and joined.isprintable()

    def _there(self, image: str) -> bool:
        head, _, tail = image.rpartition("/")
        names = self._heads.get(head)
        return tail in (self._head(head, image) if names is None else names)

    def _units(self, rows: list[dict[str, Any]], names: list[Any], keys: set[str]) -> list[int] | None:
        """The numbers of what must not be split; None when a name has to be looked at closely."""
        units: list[Any] = [None] * len(rows)
        for key in ("page", "document", "group"):  # the last counts most
            if key in keys:
                found = [row.get(key) for row in rows]
                if not {*map(type, found)} <= {str, type(None)}:
                    return None
                units = [one or other for one, other in zip(found, units, strict=True)] if any(units) else found
        codes = self.units.codes
        new = "".join(unit for unit in {*units} if unit and unit not in codes)
        if not new.isascii() or not new.isprintable():
            return None
        if not all(units):
            units = [unit or f"id:{name}" for unit, name in zip(units, names, strict=True)]
        for unit in dict.fromkeys(units):
            codes.setdefault(unit, len(codes))
        return [codes[unit] for unit in units]

    def plain(self, line: bytes, offset: int, number: int) -> bool:
        """Take in a row of the plain kind; False when it has to be looked at closely."""
        try:
            written = line.decode()
            row, end = self._scan(written, 0)
        except (ValueError, StopIteration, RecursionError, Refusal):
            return False
        if end != len(written) or type(row) is not dict or not _RARE.isdisjoint(row):
            return False
        image, text = row.get("image"), row.get("text")
        name = row.get("id", image)
        if type(image) is not str or type(text) is not str or type(name) is not str:
            return False
        if not self._there(image):
            return False
        if not text.isprintable() or not (text.isascii() or is_normalized("NFC", text)):
            return False
        if name is not image and not (name.isascii() and name.isprintable()):
            return False
        try:
            language = self.languages.codes[row.get("language", "und")]
            subset = self.subsets.codes[row.get("subset", "")]
            split = _SPLIT_WORDS[row.get("split")]
        except (KeyError, TypeError):
            return False
        unit = self._unit(row, name)
        if unit < 0:
            return False
        # printable texts have no other blank than the space, so this is text_code, quicker
        spaced = "  " in text or text[:1] == " " or text[-1:] == " "
        code = text_code(text) if spaced else hash(text)
        self.cells.extend((offset, len(line), number, language, subset, unit, split, code, hash(name)))
        return True

    def closely(self, sample: Sample, line: bytes, offset: int, number: int) -> None:
        """Take in a row by its sample."""
        language, subset = self.languages.code(sample.language), self.subsets.code(sample.subset)
        unit, split = self.units.code(unit_of(sample)), SPLIT_CODES[sample.split]
        code = text_code(sample.text)
        self.cells.extend((offset, len(line), number, language, subset, unit, split, code, hash(sample.id)))

    def _unit(self, row: dict[str, Any], name: str) -> int:
        """The number of what must not be split; -1 when its name has to be looked at closely."""
        group = row.get("group")
        if group is None or group == "":
            group = row.get("document")
            if group is None or group == "":
                group = row.get("page")
                if group is None or group == "":
                    return self.units.code(f"id:{name}")
        if type(group) is not str:
            return -1
        code = self.units.codes.get(group)
        if code is not None:
            return code
        return self.units.code(group) if group.isascii() and group.isprintable() else -1

    def _head(self, head: str, image: str) -> frozenset[str]:
        """The plain names in the folder of an image that was found; none when it was not."""
        try:
            self.folder.find(image)
        except Refusal:
            return frozenset()
        self._heads[head] = frozenset(n for n in self.folder.names(head) if n != ".." and not _ODD_NAME.search(n))
        return self._heads[head]

    def _flush(self) -> None:
        """Put the rows that were taken in one by one behind the blocks."""
        if self.cells:
            self._blocks.append(np.array(self.cells, dtype=np.int64).reshape(-1, CELLS).T)
            self.cells = array("q")

    def columns(self) -> tuple[Place, Columns, Codes]:
        """Where the rows stand, their columns, and the hashes of their ids."""
        self._flush()
        parts = self._blocks or [np.empty((CELLS, 0), np.int64)]
        offset, length, number, language, subset, unit, split, text, name = (
            np.concatenate([part[at] for part in parts]) for at in range(CELLS)
        )
        self._blocks.clear()
        columns = Columns(
            languages=language,
            subsets=subset,
            units=unit,
            splits=split,
            texts=text,
            language_names=self.languages.names,
            subset_names=self.subsets.names,
            unit_names=self.units.names,
        )
        return Place(offset, length.astype(np.uint32), number.astype(np.uint32)), columns, name


def scan(manifest: Path, options: ReadOptions) -> Content:
    """Check every row of a manifest; its samples are made when asked for. Rejects and raises as the plain reader."""
    collector = Collector(manifest, strict=options.strict)
    root = options.root or manifest.parent
    folder, limit = Folder(root), options.limits.manifest_line_bytes
    source = Source(manifest, partial(_sample, folder=_Known(root), where=manifest))
    found = _Scan(folder)
    seen = 0
    for offset, piece in line_blocks(manifest, limit, BLOCK):
        seen += found.block(piece, offset, seen, limit) or _one_by_one(found, piece, collector, limit, offset, seen)
    place, columns, ids = found.columns()
    kept = _kept(ids, place, source, collector)
    rows = Rows(source, place, columns.take(kept), kept)
    return collector.finished(rows, rows.lines)


def _one_by_one(found: _Scan, piece: bytes, collector: Collector, limit: int, offset: int, seen: int) -> int:
    """Take in the lines of a block that may not be plain; how many there are."""
    number = seen
    for number, at, line in lines_of(BytesIO(piece), limit, seen, offset):
        try:
            if line is None:
                what = f"the line is longer than {limit:,} bytes"
                raise Refusal(what, "raise limits.manifest_line_bytes if it is right")
            if not found.plain(line, at, number):
                if not line.strip():
                    continue
                row = parse(line.removeprefix(BOM) if number == 1 else line)
                found.closely(sample_of_row(row, found.folder, collector, number), line, at, number)
        except Refusal as refusal:
            collector.reject(number, refusal.what, refusal.remedy)
    return number - seen


def _kept(ids: Codes, place: Place, source: Source, collector: Collector) -> Codes:
    """Indices of the rows whose id is theirs alone, or that came first with the same text. The others are rejected."""
    order = np.argsort(ids, kind="stable")
    same = ids[order][1:] == ids[order][:-1]
    keep = np.ones(len(ids), dtype=bool)
    for start, end in _runs(same):
        first: dict[str, tuple[int, Sample]] = {}
        conflicts: set[str] = set()
        for row in order[start:end]:
            number = int(place.numbers[row])
            sample = source.make(source.line(int(place.offsets[row]), int(place.lengths[row])), number)
            at, earlier = first.setdefault(sample.id, (int(row), sample))
            if at == row:
                continue
            keep[row] = False
            line = int(place.numbers[at])
            if earlier.text == sample.text:
                collector.reject(number, *repetition(sample.id, line))
                continue
            collector.reject(number, *conflict(sample.id, line))
            keep[at] = False
            if sample.id not in conflicts:
                conflicts.add(sample.id)
                collector.reject(line, f"id {sample.id!r} stands again in line {number}, with another text")
    return np.flatnonzero(keep)


def _runs(same: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Stretches [start, end) of equal neighbours, at least two long."""
    padded = np.concatenate(([False], same, [False])).astype(np.int8)
    change = np.diff(padded)
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return [(int(start), int(end) + 1) for start, end in zip(starts, ends, strict=True)]
