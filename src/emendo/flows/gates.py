"""What stands in the keys of a stream: the gate of an instrument, the span of it that is to be read, and the result.

    gate:last:{instrument}   {"ts_ms": 1764441600000, "instrument": "desk-7", "admit": true, ..., "span": {...}}
    ocr:last:{instrument}    {"ts_ms": 1764441600000, "instrument": "desk-7", "status": "read", "text": ...}
    ocr:handled:{instrument} the greatest ts_ms that was handled, for it outlives the result

`ts_ms`, `instrument` and `admit` are the producer's, and so is every key that is unknown here; `span` is ours and is
checked to the last key. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError, field_validator

from ..errors import BadInput

GATE, RESULT, HANDLED = "gate:last:", "ocr:last:", "ocr:handled:"
"""Beginnings of the keys; the name of the instrument follows."""
LONGEST_NAME: Final = 200
Kind = Literal["line", "page", "plate", "document"]


class Status(StrEnum):
    """What became of a gate."""

    READ = "read"
    REFUSED = "refused"
    FAILED = "failed"


class Span(BaseModel):
    """What is to be read: a part of an image or document under the root that the consumer was given.

    `source` is a path below the root, with `/`, never an address. `page` counts from 1; for a document None means all
    of its pages. `box` (left, top, right, bottom) is given in shares of the page, 0 to 1, so that it holds at any
    resolution; None is the whole page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    source: str = Field(min_length=1, max_length=1000)
    kind: Kind = "line"
    page: StrictInt | None = Field(None, ge=1, le=100_000)
    box: tuple[float, float, float, float] | None = None

    @field_validator("source")
    @classmethod
    def _below(cls, source: str) -> str:
        parts = PurePosixPath(source).parts
        outside = source.startswith("/") or ".." in parts or "\\" in source or ":" in source or not source.isprintable()
        if outside or not parts:
            raise ValueError("is no path below the root")
        return source

    @field_validator("box")
    @classmethod
    def _on_the_page(cls, box: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
        if box is not None and not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
            raise ValueError("is no (left, top, right, bottom) in shares of the page, 0 to 1")
        return box

    def path(self, root: Path) -> Path:
        """The file under `root`. Raises BadInput when links lead out of it, or it is not there."""
        place = (root / self.source).resolve()
        if not place.is_relative_to(root.resolve()):
            raise BadInput("leads out of the root", where=self.source)
        if not place.is_file():
            raise BadInput("is not there", where=self.source)
        return place


class Gate(BaseModel):
    """The last decision on an instrument: whether what it shows may be read, and what that is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    ts_ms: StrictInt = Field(ge=0, lt=2**53)
    instrument: str = Field(min_length=1, max_length=LONGEST_NAME)
    admit: StrictBool
    reason: str = Field("", max_length=10_000)
    span: Span | None = None


class Result(BaseModel):
    """What was read for the gate of `ts_ms`, or why it was not; `took_ms` is the time of the reading alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    ts_ms: int
    instrument: str
    status: Status
    reason: str = ""
    kind: str = ""
    text: str | None = None
    fields: dict[str, Any] | None = None
    confidence: float | None = None
    model: str = ""
    took_ms: int = 0
    done_ms: int = 0

    def refused(self, reason: str) -> Self:
        """The same, not read, for a reason."""
        return self.model_copy(update={"status": Status.REFUSED, "reason": reason})


class NoTime(BadInput):
    """A gate of which not even the time is known, so that nobody can say which result would be newer."""


def read_gate(instrument: str, content: bytes, most: int) -> Gate | Result:
    """The gate in a key, or the result that refuses it. Raises NoTime for what has no `ts_ms`.

    `most` is the greatest number of bytes.
    """
    where = f"{GATE}{instrument}"
    if len(content) > most:
        raise NoTime(f"is longer than {most:,} bytes", where=where)
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NoTime("is no JSON", where=where) from error
    at = row.get("ts_ms") if isinstance(row, dict) else None
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < 2**53:
        raise NoTime("has no ts_ms in milliseconds", where=where)
    nothing = Result(ts_ms=at, instrument=instrument, status=Status.REFUSED)
    try:
        gate = Gate.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        return nothing.refused(f"the gate is not valid: {place}: {first['msg'].lower()}")
    if gate.instrument != instrument:
        return nothing.refused(f"the gate is of {gate.instrument[:60]!r} and stands in the key of {instrument!r}")
    return gate


def refusal(gate: Gate, now_ms: int, max_age_ms: int, skew_ms: int) -> str:
    """Why a gate is not to be read now; empty when it is. Clocks may be `skew_ms` apart either way."""
    age = now_ms - gate.ts_ms
    if age > max_age_ms + skew_ms:
        return f"stale: {age} ms old, at most {max_age_ms} ms are taken"
    if age < -skew_ms:
        return f"from the future: {-age} ms ahead of this clock, at most {skew_ms} ms are tolerated"
    if not gate.admit:
        return f"not admitted{': ' if gate.reason else ''}{gate.reason}"
    if gate.span is None:
        return "nothing to read: the gate has no span"
    return ""
