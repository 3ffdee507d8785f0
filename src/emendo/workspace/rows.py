"""The rows of the database as records, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from ..types import Character, Correction, Polygon, Reading, Verdict
from .schema import units


class Kind(StrEnum):
    """What a unit is: a text line, a licence plate, or a document whose text is its fields as JSON."""

    LINE = "line"
    PLATE = "plate"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that was cut from a page, or another picture that is read and corrected as a whole (see `Kind`).

    `id` is the start of its crop's SHA-256; `document` the path of the note in the workspace without its ending
    (`trips/journal`); `number` counts the crops of the document from 1, `text_line` the lines of `note.txt` from 1,
    `page` from 1; `polygon` and `box` (x0, y0, x1, y1) are pixels of the page image; `image` is the path of the crop
    in the workspace. `present` is False when a later reading of the document no longer has this line. `attributes` is
    what else is known of it (the track of a plate, say): JSON values by name.
    """

    id: str
    document: str
    number: int
    text_line: int
    page: int
    image: str
    sha256: str
    region: int = 0
    polygon: Polygon = ()
    box: tuple[float, float, float, float] = (0, 0, 0, 0)
    page_width: int = 0
    page_height: int = 0
    present: bool = True
    kind: Kind = Kind.LINE
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log: `number` grows, `data` is a JSON object."""

    number: int
    at: datetime
    kind: str
    data: Mapping[str, Any]


def now() -> datetime:
    """The time that is recorded: UTC."""
    return datetime.now(UTC)


def unit_values(line: Line) -> dict[str, Any]:
    """A line as a row of `units`."""
    values = {column.name: getattr(line, column.name) for column in units.columns}
    return values | {
        "polygon": json.dumps(line.polygon),
        "box": json.dumps(line.box),
        "present": int(line.present),
        "kind": line.kind.value,
        "attributes": json.dumps(dict(line.attributes), ensure_ascii=False),
    }


def reading_values(unit: str, reading: Reading) -> dict[str, Any]:
    """A reading as a row of `readings`."""
    characters = [[c.text, c.probability, c.start, c.end] for c in reading.characters]
    return {
        "unit": unit,
        "model": reading.model,
        "text": reading.text,
        "confidence": reading.confidence,
        "characters": json.dumps(characters, ensure_ascii=False),
        "at": now().isoformat(),
    }


def to_line(row: Row[Any]) -> Line:
    """A row of `units`."""
    values = {column.name: getattr(row, column.name) for column in units.columns}
    polygon = tuple((float(x), float(y)) for x, y in json.loads(row.polygon))
    x0, y0, x1, y1 = json.loads(row.box)
    plain = {"polygon": polygon, "box": (x0, y0, x1, y1), "present": bool(row.present)}
    return Line(**values | plain | {"kind": Kind(row.kind), "attributes": json.loads(row.attributes)})


def to_reading(row: Row[Any]) -> Reading:
    """A row of `readings`."""
    characters = tuple(Character(str(t), float(p), float(s), float(e)) for t, p, s, e in json.loads(row.characters))
    return Reading(row.text, row.confidence, characters, row.model)


def to_correction(row: Row[Any]) -> Correction:
    """A row of `corrections`."""
    return Correction(
        line=row.unit,
        reading=row.reading,
        text=row.text,
        verdict=Verdict(row.verdict),
        author=row.author,
        at=datetime.fromisoformat(row.at),
        version=row.version,
        source=row.source,
    )


def to_event(row: Row[Any]) -> Event:
    """A row of `events`."""
    return Event(row.id, datetime.fromisoformat(row.at), row.kind, json.loads(row.data))
