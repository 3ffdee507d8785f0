"""All lines of a workspace in memory, folded for searching, and kept up with the database by its marks.

Several servers may work on one database: what any of them writes is found at the next question, for each asks how far
the database is and loads what is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ..text.searched import folded, words_of
from ..workspace.rows import Kind
from ..workspace.schema import corrections, events, inputs, readings, units
from ..workspace.store import Store

WAITING = "waiting"
"""Stands for a verdict where there is none yet."""
LATE = 500
"""Rows below the highest number that are looked at again: in PostgreSQL a slower writer may have taken a lower one."""


@dataclass(slots=True)
class Known:
    """One line as it is searched: where it stands, its text (the corrected one, else the reading), what was said."""

    id: str
    document: str
    page: int
    number: int
    text: str
    folded: str
    reading: str = ""
    given: str | None = None
    """The text of the last verdict, if that has one."""
    confidence: float = 0.0
    verdict: str = WAITING
    author: str = ""
    said: int = 0
    """Grows with the time of the last verdict; 0 when there is none."""

    @property
    def place(self) -> tuple[str, int, int]:
        """Orders lines as they stand in the documents."""
        return self.document, self.page, self.number


@dataclass(frozen=True, slots=True)
class _Marks:
    """How far the database was at the last look."""

    corrections: int = 0
    readings: int = 0
    events: int = 0
    inputs: str = ""


class Index:
    """The lines of one database; may be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._marks: _Marks | None = None
        self._lines: dict[str, Known] = {}
        self._sorted: list[Known] = []
        self._passed: set[str] = set()
        """Units with readings that are no present lines: plates, documents, what was taken out."""

    def lines(self) -> list[Known]:
        """All present lines as they stand in the documents, as of now."""
        with self._lock, self._store.database.read() as connection:
            now = _marks(connection)
            if self._marks is None or (now.events, now.inputs) != (self._marks.events, self._marks.inputs):
                self._load(connection)
            elif now != self._marks or not self._store.database.is_sqlite:
                self._follow(connection, self._marks, 0 if self._store.database.is_sqlite else LATE)
            self._marks = now
            return self._sorted

    def search(self, query: str) -> list[Known]:
        """The lines that hold every word of a query (in quotes: the words as they follow each other), in order."""
        words, found = words_of(query), self.lines()  # loads what is new even when nothing is asked for yet
        for word in sorted(words, key=len, reverse=True):
            found = [line for line in found if word in line.folded]
        return found if words else []

    def _load(self, connection: Connection) -> None:
        """Everything anew: at the first question, and when documents came or lines were moved."""
        columns = (units.c.id, units.c.document, units.c.page, units.c.number)
        query = select(*columns).where(units.c.present == 1, units.c.kind == Kind.LINE.value)
        before = self._lines
        self._lines = {}
        for row in connection.execute(query):
            old = before.get(row.id)
            text, fold = (old.text, old.folded) if old else ("", "")
            self._lines[row.id] = Known(row.id, row.document, row.page, row.number, text, fold)
        newest = select(func.max(readings.c.id)).group_by(readings.c.unit)
        self._read(connection.execute(_readings().where(readings.c.id.in_(newest))))
        latest = select(func.max(corrections.c.id)).group_by(corrections.c.unit)
        self._judge(connection.execute(_corrections().where(corrections.c.id.in_(latest))))
        for line in self._lines.values():
            _settle(line)
        self._sorted = sorted(self._lines.values(), key=lambda line: line.place)

    def _follow(self, connection: Connection, marks: _Marks, late: int) -> None:
        """What was read and said since the last look, and the last `late` rows before once more."""
        new = list(connection.execute(_readings().where(readings.c.id > marks.readings - late)))
        unknown = {row.unit for row in new} - self._lines.keys() - self._passed
        if unknown:
            self._load(connection)
            self._passed |= unknown - self._lines.keys()
            return
        said = _corrections().where(corrections.c.id > marks.corrections - late)
        touched = self._read(new) + self._judge(connection.execute(said.order_by(corrections.c.id)))
        for line in touched:
            _settle(line)

    def _read(self, rows: Iterable[Row[Any]]) -> list[Known]:
        touched = []
        for row in rows:
            line = self._lines.get(row.unit)
            if line is not None:
                line.reading, line.confidence = row.text, row.confidence
                touched.append(line)
        return touched

    def _judge(self, rows: Iterable[Row[Any]]) -> list[Known]:
        touched = []
        for row in rows:
            line = self._lines.get(row.unit)
            if line is not None:
                line.given, line.verdict, line.author, line.said = row.text, row.verdict, row.author, row.id
                touched.append(line)
        return touched


def _settle(line: Known) -> None:
    """The text that is searched, folded again only when it is another one."""
    text = line.reading if line.given is None else line.given
    if text != line.text:
        line.text, line.folded = text, folded(text)


def _readings() -> Any:
    return select(readings.c.unit, readings.c.text, readings.c.confidence).order_by(readings.c.id)


def _corrections() -> Any:
    return select(corrections.c.id, corrections.c.unit, corrections.c.verdict, corrections.c.author, corrections.c.text)


def _marks(connection: Connection) -> _Marks:
    def highest(column: Any) -> Any:
        return select(func.max(column)).scalar_subquery()

    found = connection.execute(
        select(highest(corrections.c.id), highest(readings.c.id), highest(events.c.id), highest(inputs.c.at))
    ).one()
    return _Marks(found[0] or 0, found[1] or 0, found[2] or 0, found[3] or "")
