"""What is to be read, divided into shards whose names follow from what is in them.

    OUT/plan/NAME.jsonl       the items of a shard
    OUT/plan/plan.json        the shards in order; written last
    OUT/shards/NAME.jsonl     what was read of a shard: it appears whole, so a shard is done when it is there

The name of a shard is a hash of its items (where each lies, its size and time) and of what reads them, so a second run
finds what the first has done, and anything else would have another name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, Self

from ...errors import DataError, EmendoError, FormatError
from ...image.load import open_document
from ...settings import Limits
from ...tools.files import write_json, write_text
from ...types import Sample
from ..inputs import expand_inputs

FORMAT: Final = "emendo-batch/1"
PLAN, SHARDS, PLAN_FILE = "plan", "shards", "plan.json"
Kind = Literal["line", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line or page to read: frame `frame` (from 0) of a file, cut to its polygon where it has one.

    `id` is unique in a plan; `stamp` changes when the file does.
    """

    id: str
    file: str
    kind: Kind = "line"
    frame: int = 0
    polygon: tuple[tuple[float, float], ...] | None = None
    stamp: str = ""

    @property
    def sample(self) -> Sample:
        """The same as a sample, which is how its picture is loaded."""
        return Sample(id=self.id, image=Path(self.file), frame=self.frame, polygon=self.polygon)

    def to_dict(self) -> dict[str, Any]:
        """For a line of the plan."""
        return {name: value for name, value in asdict(self).items() if value or name == "id"}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`."""
        polygon = row.get("polygon")
        return cls(**{**row, "polygon": tuple((x, y) for x, y in polygon) if polygon else None})


@dataclass(frozen=True, slots=True)
class Shard:
    """Items that are read together and written as one file."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The shards of one output folder, in order; `reader` says what reads them."""

    out: Path
    reader: Mapping[str, Any]
    names: tuple[str, ...]
    items: int
    refused: tuple[str, ...] = ()
    """Sentences on what was named and is no item."""

    def shard(self, name: str) -> Shard:
        """A shard with its items. Raises FormatError when its file is damaged."""
        path = self.out / PLAN / f"{name}.jsonl"
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            return Shard(name, tuple(Item.from_dict(row) for row in rows))
        except (OSError, ValueError, TypeError) as error:
            raise FormatError(f"is no part of a plan ({error})", where=path, remedy="run the batch again") from error

    def file(self, name: str) -> Path:
        """Where the readings of a shard appear."""
        return self.out / SHARDS / f"{name}.jsonl"

    def open(self) -> tuple[str, ...]:
        """Names of the shards that are not read yet."""
        return tuple(name for name in self.names if not self.file(name).is_file())


def items_of_samples(samples: Sequence[Sample], kind: Kind = "line") -> Iterator[Item]:
    """The pictures of a data set, in its order."""
    for sample in samples:
        yield Item(
            id=sample.id,
            file=str(sample.image.absolute()),
            kind=kind,
            frame=sample.frame,
            polygon=sample.polygon,
            stamp=_stamp(sample.image),
        )


def items_of_pictures(paths: Sequence[Path]) -> Iterator[Item]:
    """Pictures of one line each; the id of one is its path as it was given."""
    for path in paths:
        yield Item(id=str(path), file=str(path.absolute()), stamp=_stamp(path))


def items_of_documents(inputs: Sequence[Path], limits: Limits | None = None) -> tuple[list[Item], tuple[str, ...]]:
    """The pages of files and of the documents in folders, and sentences on what is no document.

    The id of a page is the document's path and `#page=N`, counted from 1. A document that cannot be opened is one item,
    whose reading then says why. Raises UsageError when an input is not there.
    """
    found = expand_inputs(inputs)
    items: list[Item] = []
    for document in found.documents:
        try:
            with open_document(document.path, limits) as opened:
                pages = len(opened)
        except EmendoError:
            pages = 1
        stamp, file = _stamp(document.path), str(document.path.absolute())
        items += [
            Item(id=f"{document.path}#page={at + 1}", file=file, kind="page", frame=at, stamp=stamp)
            for at in range(pages)
        ]
    return items, found.failures


def make_plan(
    out: Path, items: Sequence[Item], reader: Mapping[str, Any], *, shard: int, refused: Sequence[str] = ()
) -> Plan:
    """Divide `items` into shards of `shard` items and write the plan into `out`; what was read there before counts.

    `reader` is all that decides what comes out of a picture. Raises DataError when there is nothing to read or an id
    comes twice.
    """
    if not items:
        raise DataError("there is nothing to read", where=out, remedy="name pictures, documents or a manifest")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise DataError(f"the id {item.id!r} comes twice", remedy="give each line an id of its own")
        seen.add(item.id)
    names = []
    for start in range(0, len(items), shard):
        part = items[start : start + shard]
        names.append(shard_name(part, reader))
        path = out / PLAN / f"{names[-1]}.jsonl"
        if not path.is_file():
            write_text(path, "".join(json.dumps(one.to_dict(), ensure_ascii=False) + "\n" for one in part))
    plan = Plan(out, reader, tuple(names), len(items), tuple(refused))
    content = {
        "format": FORMAT,
        "items": plan.items,
        "reader": dict(reader),
        "shards": names,
        "refused": list(refused),
    }
    write_json(out / PLAN / PLAN_FILE, content)
    for leftover in (out / PLAN).glob("*.jsonl"):
        if leftover.stem not in names:
            leftover.unlink(missing_ok=True)
    return plan


def read_plan(out: Path) -> Plan:
    """The plan of an output folder. Raises FormatError when there is none."""
    path = out / PLAN / PLAN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise FormatError(f"format is {content['format']!r}, not {FORMAT!r}", where=path)
        return Plan(out, content["reader"], tuple(content["shards"]), int(content["items"]), tuple(content["refused"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"is no plan ({error})", where=path, remedy="run the batch again") from error


def shard_name(items: Sequence[Item], reader: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that change with the items and with what reads them."""
    rows = [dict(reader), *(one.to_dict() for one in items)]
    return sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]


def _stamp(path: Path) -> str:
    """Size and time of a file, empty where there is none: its reading will say so."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"
