"""All shards as one output, once it is certain that each item is in it once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from ...errors import FormatError
from ...tools.files import write_text
from .child import Row
from .plan import SHARDS, Plan

READINGS: Final = "readings.jsonl"
TEXTS: Final = "texts"


@dataclass(frozen=True, slots=True)
class Merged:
    """The whole output: items read and not, lines in them, and a sentence on each item that was not read."""

    readings: Path
    items: int
    lines: int
    errors: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "readings": str(self.readings),
            "items": self.items,
            "read": self.items - len(self.errors),
            "lines": self.lines,
            "failed": len(self.errors),
            "failures": list(self.errors),
        }


def shard_rows(plan: Plan, name: str) -> list[Row]:
    """What was read of a shard: each of its items once, in order. Raises FormatError when the file says otherwise."""
    path = plan.file(name)
    remedy = "remove the file and run the batch again"
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = [str(row["id"]) for row in rows]
    except FileNotFoundError as error:
        raise FormatError("was not read yet", where=path, remedy="run the batch again") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"is damaged ({error})", where=path, remedy=remedy) from error
    if found != [item.id for item in plan.shard(name).items]:
        raise FormatError("does not hold each of its items once", where=path, remedy=remedy)
    return rows


def merge(plan: Plan) -> Merged:
    """Write `OUT/readings.jsonl`, a row an item in the order of the plan, and of documents `OUT/texts/NAME.txt`.

    Shards of earlier plans are removed. Raises FormatError when a shard is missing or damaged, and writes nothing then.
    """
    parts: list[str] = []
    errors: list[str] = []
    documents: dict[str, list[str]] = {}
    items = lines = 0
    for name in plan.names:
        for row in shard_rows(plan, name):
            parts.append(json.dumps(row, ensure_ascii=False) + "\n")
            items += 1
            if "error" in row:
                errors.append(str(row["error"]))
                continue
            lines += len(row.get("lines", [row]))
            if "page" in row:
                documents.setdefault(str(row["file"]), []).append(str(row["text"]))
    if items != plan.items:
        raise FormatError(f"holds {items} items, the plan {plan.items}", where=plan.out, remedy="run the batch again")
    for place, (_, pages) in zip(_text_files(plan.out, list(documents)), documents.items(), strict=True):
        write_text(place, "\n\n".join(pages) + "\n")
    write_text(plan.out / READINGS, "".join(parts))
    for leftover in (plan.out / SHARDS).glob("*.jsonl"):
        if leftover.stem not in plan.names:
            leftover.unlink(missing_ok=True)
    return Merged(plan.out / READINGS, items, lines, tuple(errors))


def _text_files(out: Path, documents: list[str]) -> Iterator[Path]:
    """A file for the text of each document: its name, with a number where it is taken."""
    used: set[str] = set()
    for document in documents:
        stem = Path(document).stem
        name = next(one for at in count(1) if (one := stem if at == 1 else f"{stem}-{at}") not in used)
        used.add(name)
        yield out / TEXTS / f"{name}.txt"
