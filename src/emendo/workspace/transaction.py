"""Work on one connection of a workspace's database: what is written here reaches the disk together or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from ..errors import WorkspaceError
from ..types import Correction, Reading, Verdict
from .database import insert_into
from .rows import (
    Event,
    Kind,
    Line,
    now,
    reading_values,
    to_correction,
    to_line,
    to_reading,
    unit_values,
)
from .schema import corrections, events, inputs, readings, units

TAKEN_OUT = "taken_out"
"""Attribute of a line that a person took out in the page."""

CHUNK = 500
"""Ids in one SQL list (SQLite allows 32,766 variables)."""


# what is asked at every hand-out and save, put together once
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_HELD = select(units.c.id).where(units.c.id.in_(_IDS)).order_by(units.c.id).with_for_update(key_share=True)
_SAID = select(corrections).where(corrections.c.unit.in_(_IDS)).order_by(corrections.c.version)
_JUDGED = select(corrections.c.unit).where(corrections.c.unit.in_(_IDS)).distinct()
_LINES = select(units).where(units.c.id.in_(_IDS))
_READINGS = select(readings).where(readings.c.unit.in_(_IDS)).order_by(readings.c.id)
_ONE = units.c.id == bindparam("line")
_KIND = select(units.c.kind).where(_ONE)
_READ = select(readings.c.text).where(readings.c.unit == units.c.id).order_by(readings.c.id.desc()).limit(1)
_HELD_ONE = select(_READ.scalar_subquery()).where(_ONE).with_for_update(key_share=True)
_SAID_LAST = (
    select(corrections).where(corrections.c.unit == bindparam("line")).order_by(corrections.c.version.desc()).limit(1)
)
_RECORD = corrections.insert()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A verdict to be recorded. `expected` is the version that the person saw (None: whichever is there), `at` when it
    was given (None: now).
    """

    line: str
    reading: str
    text: str | None
    verdict: Verdict
    author: str
    source: str = ""
    expected: int | None = None
    at: datetime | None = None


class UnknownLine(WorkspaceError):
    """A line that the database does not hold."""


class Stale(WorkspaceError):
    """A verdict that rests on a version which is no longer the latest; `current` is the one that holds."""

    def __init__(self, line: str, current: Correction) -> None:
        super().__init__(
            f"line {line} was changed meanwhile by {current.author} (version {current.version})",
            remedy="look at both texts and save again",
        )
        self.current = current


class Transaction:
    """Work on one connection: the writes reach the disk together (see `Store.transaction`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kinds: dict[str, Kind] = {}
        self._held: set[str] = set()

    @property
    def connection(self) -> Connection:
        """For what else is written in the same transaction (leases, efforts)."""
        return self._connection

    def put_document(
        self, document: str, rows: Sequence[tuple[Line, Reading | None]], *, kind: Kind = Kind.LINE
    ) -> None:
        """See `Store.put_document`."""
        gone = units.update().where(units.c.document == document, units.c.kind == kind.value).values(present=0)
        self._connection.execute(gone)
        values = [unit_values(line) for line, _ in rows]
        if values:
            insert = insert_into(self._connection, units)
            columns = [column.name for column in units.columns if column.name != "id"]
            update = {name: insert.excluded[name] for name in columns}
            self._connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=update), values)
        self.add_readings({line.id: reading for line, reading in rows if reading is not None})

    def add_readings(self, said: Mapping[str, Reading]) -> None:
        """Record what a model read of some units; what is the same as the latest reading is not written again."""
        known = self.readings(said)
        news = [reading_values(unit, reading) for unit, reading in said.items() if reading != known.get(unit)]
        if news:
            self._connection.execute(readings.insert(), news)

    def take_out(self, document: str, image: str, aside: str) -> None:
        """Mark the line of a document with this picture, if it is not present: a person took it out.

        Its picture lies at `aside` from now on; its corrections stay and are not used (`TAKEN_OUT` of its attributes).
        """
        row = units.update().where(units.c.document == document, units.c.image == image, units.c.present == 0)
        self._connection.execute(row.values(image=aside, attributes=json.dumps({TAKEN_OUT: True})))

    def lines(self, lines: Iterable[str]) -> dict[str, Line]:
        """The given lines by id."""
        found: dict[str, Line] = {}
        for some in _chunks(lines):
            rows = self._connection.execute(_LINES, {"ids": some})
            found.update({row.id: to_line(row) for row in rows})
        return found

    def kind(self, line: str) -> Kind:
        """The kind of a unit, asked for once. Raises UnknownLine."""
        if line not in self._kinds:
            kind = self._connection.execute(_KIND, {"line": line}).scalar()
            if kind is None:
                raise UnknownLine(f"unknown line {line!r}", remedy="run `emendo collect` first")
            self._kinds[line] = Kind(kind)
        return self._kinds[line]

    def readings(self, lines: Iterable[str]) -> dict[str, Reading]:
        """See `Store.readings`."""
        found: dict[str, Reading] = {}
        for some in _chunks(lines):
            rows = self._connection.execute(_READINGS, {"ids": some})
            found.update({row.unit: to_reading(row) for row in rows})
        return found

    def hold(self, line: str) -> str:
        """Let nobody else give a line a verdict until this transaction ends; returns the text of its latest reading,
        empty when it has none. Raises UnknownLine.
        """
        row = self._connection.execute(_HELD_ONE, {"line": line}).first()
        if row is None:
            raise _unknown(line)
        self._held.add(line)
        return str(row[0] or "")

    def history(self, line: str) -> list[Correction]:
        """See `Store.history`."""
        query = select(corrections).where(corrections.c.unit == line).order_by(corrections.c.version)
        return [to_correction(row) for row in self._connection.execute(query)]

    def add_corrections(self, entries: Sequence[Entry]) -> list[tuple[Correction, bool]]:
        """See `Store.add_corrections`."""
        self._hold({entry.line for entry in entries} - self._held)
        latest = self.latest([entry.line for entry in entries])
        results = []
        for entry in entries:
            before = latest.get(entry.line)
            version = before.version if before else 0
            if before and (before.text, before.verdict) == (entry.text, entry.verdict):
                results.append((before, False))
                continue
            if before and entry.expected is not None and entry.expected != version:
                raise Stale(entry.line, before)
            correction = Correction(
                line=entry.line,
                reading=entry.reading,
                text=entry.text,
                verdict=entry.verdict,
                author=entry.author,
                at=entry.at or now(),
                version=version + 1,
                source=entry.source,
            )
            self._record(correction)
            latest[entry.line] = correction
            results.append((correction, True))
        return results

    def latest(self, lines: Iterable[str], *, source: str = "") -> dict[str, Correction]:
        """The highest version of each given line, among those whose source starts with `source`."""
        every, found = list(lines), dict[str, Correction]()
        if len(every) == 1 and not source:
            rows = self._connection.execute(_SAID_LAST, {"line": every[0]})
            return {row.unit: to_correction(row) for row in rows}
        for some in _chunks(every):
            query = _SAID
            if source:
                query = query.where(corrections.c.source.startswith(source, autoescape=True))
            found.update({row.unit: to_correction(row) for row in self._connection.execute(query, {"ids": some})})
        return found

    def judged(self, lines: Iterable[str]) -> set[str]:
        """Those of the lines that have a verdict."""
        found: set[str] = set()
        for some in _chunks(lines):
            found.update(self._connection.execute(_JUDGED, {"ids": some}).scalars())
        return found

    def histories(self, lines: Iterable[str]) -> dict[str, list[Correction]]:
        """Every verdict on each given line that has one, the first first."""
        found: dict[str, list[Correction]] = {}
        for some in _chunks(lines):
            query = select(corrections).where(corrections.c.unit.in_(some)).order_by(corrections.c.version)
            for row in self._connection.execute(query):
                found.setdefault(row.unit, []).append(to_correction(row))
        return found

    def add_event(self, kind: str, data: Mapping[str, Any]) -> Event:
        """See `Store.add_event`."""
        at = now()
        row = events.insert().values(at=at.isoformat(), kind=kind, data=json.dumps(data, ensure_ascii=False))
        key = self._connection.execute(row).inserted_primary_key
        assert key is not None
        return Event(int(key[0]), at, kind, data)

    def set_signature(self, document: str, signature: str) -> None:
        """Remember the state of a note's files that the corrections of this transaction come from."""
        insert = insert_into(self._connection, inputs).values(
            document=document, signature=signature, at=now().isoformat()
        )
        update = {"signature": insert.excluded.signature, "at": insert.excluded.at}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["document"], set_=update))

    def _hold(self, lines: set[str]) -> None:
        """Let nobody else give these lines a verdict until this transaction ends. Raises UnknownLine."""
        for some in _chunks(sorted(lines)):
            known = set(self._connection.execute(_HELD, {"ids": some}).scalars())
            if missing := [line for line in some if line not in known]:
                raise _unknown(missing[0])

    def _record(self, correction: Correction) -> None:
        row = {
            "unit": correction.line,
            "version": correction.version,
            "verdict": correction.verdict.value,
            "reading": correction.reading,
            "text": correction.text,
            "author": correction.author,
            "source": correction.source,
            "at": correction.at.isoformat(),
        }
        self._connection.execute(_RECORD, row)


def _unknown(line: str) -> UnknownLine:
    return UnknownLine(f"unknown line {line!r}", remedy="run `emendo collect` first")


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    every = list(ids)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]
