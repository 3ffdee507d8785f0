"""What the foreign layouts share: reading JSON within limits, finding images by name, and rows to samples."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ..base import Collector, Content, Folder, ReadOptions, Refusal
from ..jsonl import samples_of_row

Row = dict[str, Any]
Rows = Callable[[Path, "Images", int], Iterator[tuple[int, Row | Refusal]]]
"""(path, images, most bytes of a JSON file) -> (number of the entry from 1, row or why there is none)."""

HEAD = 1 << 16
MOST_FILES = 2_000_000


class Images:
    """Images of a data set by the name that its annotations use, wherever below the folder they lie."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._places: dict[str, list[str]] | None = None

    def find(self, name: object, *folders: str) -> str:
        """The path below the root; `folders` are tried first, then the one file of that name. Raises Refusal."""
        if not isinstance(name, str) or not name:
            raise Refusal("the entry names no image")
        for folder in folders:
            if (self.root / folder / name).is_file():
                return f"{folder}/{name}" if folder else name
        found = self._by_name().get(name.rpartition("/")[2], [])
        if len(found) > 1:
            found = [place for place in found if f"/{place}".endswith(f"/{name}")]
        if len(found) != 1:
            what = "no file" if not found else f"{len(found)} files"
            raise Refusal(f"image {name[:200]!r}: {what} of that name below {self.root}", "put the images there")
        return found[0]

    def by_stem(self, stem: str, suffixes: tuple[str, ...]) -> str:
        """The image of that name with one of these suffixes. Raises Refusal."""
        for suffix in suffixes:
            for name in (stem + suffix, stem + suffix.upper()):
                if name in self._by_name():
                    return self.find(name)
        raise Refusal(f"no image {stem!r} below {self.root}", "put the images there")

    def _by_name(self) -> dict[str, list[str]]:
        if self._places is None:
            self._places = {}
            count = 0
            for folder, _, names in os.walk(self.root):
                below = os.path.relpath(folder, self.root)
                for name in names:
                    count += 1
                    if count > MOST_FILES:
                        raise FormatError(f"holds more than {MOST_FILES:,} files", where=self.root)
                    self._places.setdefault(name, []).append(name if below == "." else f"{below}/{name}")
        return self._places


def read(rows: Rows, path: Path, options: ReadOptions) -> Content:
    """The samples of a foreign layout; with `unit="line"`, one for each region of a page."""
    root = options.root or (path if path.is_dir() else path.parent)
    collector = Collector(path, strict=options.strict)
    folder = Folder(root)
    for number, row in rows(path, Images(root), options.limits.json_bytes):
        try:
            if isinstance(row, Refusal):
                raise row
            for sample in samples_of_row(row, folder, options, collector, number):
                collector.add(sample, number)
        except Refusal as refusal:
            collector.reject(number, f"entry {number}: {refusal.what}", refusal.remedy)
    return collector.content()


def head(path: Path) -> bytes:
    """The first bytes of a `.json` file, empty for anything else."""
    if path.suffix != ".json" or not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(HEAD)


def jsons(path: Path) -> list[Path]:
    """A `.json` file itself, or those directly in a folder, by name."""
    return sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix == ".json" else []


def load(path: Path, kind: type[Any], limit: int) -> Any:
    """The content of a JSON file that holds a `kind` (list or dict). Raises FormatError."""
    size = path.stat().st_size
    if size > limit:
        raise FormatError(
            f"is {size:,} bytes long, the limit is {limit:,}", where=path, remedy="raise limits.json_bytes"
        )
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is not JSON ({error})", where=path) from error
    if not isinstance(content, kind):
        raise FormatError("holds no JSON list" if kind is list else "holds no JSON object", where=path)
    return content


def members(content: Row, key: str, path: Path) -> list[Any]:
    """The list under a key. Raises FormatError."""
    found = content.get(key)
    if not isinstance(found, list):
        raise FormatError(f"has no list {key!r}", where=path)
    return found


def entry_of(value: object) -> Row:
    """An entry of an annotation list. Raises Refusal unless it is an object."""
    if not isinstance(value, dict):
        raise Refusal("is not an object")
    return value


def part(entry: Row, key: str, kind: type[Any]) -> Any:
    """A member of an entry. Raises Refusal when it is missing or of another kind."""
    value = entry.get(key)
    if not isinstance(value, kind):
        raise Refusal(f"has no {key!r}" if value is None else f"{key!r} is of another kind than expected")
    return value


def scalars(values: Row) -> Row:
    """The members that can be slices: texts, numbers, truth values."""
    return {key: value for key, value in values.items() if isinstance(value, str | int | float | bool)}
