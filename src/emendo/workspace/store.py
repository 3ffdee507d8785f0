"""The memory of a workspace: lines, what models read in them, and what people said of it.

Every method that writes is one transaction that is on the disk when the method returns (SQLite in WAL mode with
synchronous=FULL; PostgreSQL by its own default): a correction that was acknowledged survives kill -9 and a power cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from sqlalchemy import Select, func, select

from ..errors import UsageError
from ..types import Correction, Reading, Verdict
from .database import Database, sqlite_url
from .migrations import migrate
from .rows import (
    Event,
    Kind,
    Line,
    to_correction,
    to_event,
    to_line,
    to_reading,
)
from .schema import corrections, events, inputs, readings, units
from .transaction import TAKEN_OUT, Entry, Stale, Transaction, UnknownLine

__all__ = ["TAKEN_OUT", "Entry", "Event", "Kind", "Line", "Stale", "Store", "Transaction", "UnknownLine", "sqlite_url"]

T = TypeVar("T")


class Store:
    """The database of one workspace. Safe to share between threads; close it when done (or use `with`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        """What else is kept in the same database goes through this (see `people`)."""
        return self._database

    @classmethod
    def open(cls, url: str) -> Store:
        """Open the database at `url` (sqlite or postgresql), creating or updating its tables.

        Raises WorkspaceError when it is locked, damaged, out of reach or newer than this program.
        """
        database = Database(url)
        with database.write() as connection:
            migrate(connection, database.where)
        return cls(database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Several writes as one: all of them on the disk when the block ends, or none."""
        with self._database.write() as connection:
            yield Transaction(connection)

    def work(self, work: Callable[[Transaction], T]) -> T:
        """The same for work that is small, may be done twice, and comes from many threads (see `Database.work`)."""
        return self._database.work(lambda connection: work(Transaction(connection)))

    async def soon(self, work: Callable[[Transaction], T]) -> T:
        """The same for a coroutine (see `Database.soon`)."""
        return await self._database.soon(lambda connection: work(Transaction(connection)))

    def put_document(
        self, document: str, rows: Sequence[tuple[Line, Reading | None]], *, kind: Kind = Kind.LINE
    ) -> None:
        """Record the units of one kind of a document and their readings.

        Those it had before and has no more become not present.
        """
        self.work(lambda transaction: transaction.put_document(document, rows, kind=kind))

    def add_correction(self, entry: Entry) -> tuple[Correction, bool]:
        """Record a verdict; returns the one that holds now and whether it is new (False: it said the same).

        Raises Stale when `entry.expected` is not the latest version, WorkspaceError for an unknown line.
        """
        return self.add_corrections([entry])[0]

    def add_corrections(self, entries: Sequence[Entry]) -> list[tuple[Correction, bool]]:
        """Record verdicts, all or none."""
        return self.work(lambda transaction: transaction.add_corrections(entries))

    def add_event(self, kind: str, data: Mapping[str, Any]) -> Event:
        """Append to the log."""
        with self.transaction() as transaction:
            return transaction.add_event(kind, data)

    def lines(self, document: str | None = None, *, present: bool = True, kind: Kind | None = None) -> list[Line]:
        """Units of one document or of all, by document, page and number; with `present` only those still there.

        `kind` keeps only those of one kind.
        """
        query = select(units).order_by(units.c.document, units.c.page, units.c.number)
        if kind is not None:
            query = query.where(units.c.kind == kind.value)
        if document is not None:
            query = query.where(units.c.document == document)
        if present:
            query = query.where(units.c.present == 1)
        with self._database.read() as connection:
            return [to_line(row) for row in connection.execute(query)]

    def line(self, line: str) -> Line:
        """One line by its id. Raises WorkspaceError when it is unknown."""
        with self._database.read() as connection:
            row = connection.execute(select(units).where(units.c.id == line)).first()
        if row is None:
            raise UnknownLine(f"knows no line {line!r}", where=self._database.where, remedy="run `emendo collect`")
        return to_line(row)

    def readings(self, lines: Iterable[str]) -> dict[str, Reading]:
        """The latest reading of each given line that has one."""
        with self._database.read() as connection:
            return Transaction(connection).readings(lines)

    def corrections(
        self, *, since: int = 0, documents: Iterable[str] | None = None, kind: Kind | None = None
    ) -> list[Correction]:
        """The verdict that holds on each line, in the order they were given.

        `since` leaves out those that were there at an earlier `mark()`; `documents` keeps only lines of these, `kind`
        only units of one kind.
        """
        query = _latest().where(corrections.c.id > since).order_by(corrections.c.id)
        if documents is not None:
            inside = select(units.c.id).where(units.c.document.in_(list(documents)))
            query = query.where(corrections.c.unit.in_(inside))
        if kind is not None:
            query = query.where(corrections.c.unit.in_(select(units.c.id).where(units.c.kind == kind.value)))
        with self._database.read() as connection:
            return [to_correction(row) for row in connection.execute(query)]

    def history(self, line: str) -> list[Correction]:
        """Every verdict on one line, the first first."""
        with self._database.read() as connection:
            return Transaction(connection).history(line)

    def histories(self, lines: Iterable[str]) -> dict[str, list[Correction]]:
        """Every verdict on each given line that has one, the first first."""
        with self._database.read() as connection:
            return Transaction(connection).histories(lines)

    def mark(self) -> int:
        """A number that grows with each verdict: give it to `corrections(since=...)` or `count_new` later."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.coalesce(func.max(corrections.c.id), 0))).scalar_one())

    def count_new(self, since: int = 0, *, verdict: Verdict = Verdict.EDITED) -> int:
        """How many lines got this verdict after a mark, and still have it; documents with fields are no lines."""
        latest = _latest().where(corrections.c.id > since, corrections.c.verdict == verdict.value)
        documents = select(units.c.id).where(units.c.kind == Kind.DOCUMENT.value)
        counted = latest.where(corrections.c.unit.not_in(documents)).subquery()
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(counted)).scalar_one())

    def events(self, kind: str | None = None, *, limit: int = 100) -> list[Event]:
        """The newest rows of the log, newest first."""
        query = select(events).order_by(events.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        with self._database.read() as connection:
            return [to_event(row) for row in connection.execute(query)]

    def documents(self, *, kind: Kind = Kind.LINE) -> list[tuple[str, int]]:
        """Documents that have present units of a kind, by name, each with the first page that has any."""
        query = select(units.c.document, func.min(units.c.page).label("page")).group_by(units.c.document)
        query = query.where(units.c.present == 1, units.c.kind == kind.value).order_by(units.c.document)
        with self._database.read() as connection:
            return [(row.document, int(row.page)) for row in connection.execute(query)]

    def signature(self, document: str) -> str:
        """The state of a note's files that was collected last (empty: never)."""
        with self._database.read() as connection:
            found = connection.execute(select(inputs.c.signature).where(inputs.c.document == document)).scalar()
        return str(found or "")

    def waiting_ids(self, order: str = "document", *, kind: Kind = Kind.LINE, limit: int = 1000) -> list[str]:
        """Ids of the present units of a kind that nobody has given a verdict on, in an order of `queue`."""
        with self._database.read() as connection:
            found = _waiting(order, kind, limit).with_only_columns(units.c.id)
            return [row.id for row in connection.execute(found)]

    def verdict_ids(self, *, kind: Kind = Kind.LINE) -> list[str]:
        """Ids of the present units of a kind that have a verdict, the latest first."""
        latest = select(func.max(corrections.c.id).label("id"), corrections.c.unit).group_by(corrections.c.unit)
        newest = latest.subquery()
        judged = select(units.c.id).join(newest, newest.c.unit == units.c.id)
        query = judged.where(units.c.present == 1, units.c.kind == kind.value).order_by(newest.c.id.desc())
        with self._database.read() as connection:
            return [row.id for row in connection.execute(query)]

    def look_up(self, lines: Sequence[str]) -> tuple[dict[str, Line], dict[str, Reading], dict[str, Correction]]:
        """Lines by id, with their latest reading and the verdict that holds, where there are such."""
        with self._database.read() as connection:
            view = Transaction(connection)
            return view.lines(lines), view.readings(lines), view.latest(lines)

    def counts(self, *, kind: Kind = Kind.LINE) -> tuple[int, int]:
        """Number of present units of a kind, and of those that have a verdict."""
        present = select(func.count()).select_from(units).where(units.c.present == 1, units.c.kind == kind.value)
        judged = present.where(units.c.id.in_(select(corrections.c.unit)))
        with self._database.read() as connection:
            return int(connection.execute(present).scalar_one()), int(connection.execute(judged).scalar_one())

    def queue(self, order: str = "document", *, limit: int = 1000) -> list[tuple[Line, Reading]]:
        """Present lines that nobody has given a verdict on, with their latest reading.

        `order` is `document` (page by page) or `confidence` (least sure first).
        """
        query = _waiting(order, Kind.LINE, limit)
        with self._database.read() as connection:
            return [(to_line(row), to_reading(row)) for row in connection.execute(query)]


def _waiting(order: str, kind: Kind, limit: int) -> Select[Any]:
    if order not in ("document", "confidence"):
        raise UsageError(f"unknown order {order!r}", remedy="use document or confidence")
    # looked up line by line in the indices: PostgreSQL joins whole tables badly before it knows their size
    others = readings.alias()
    newest = select(func.max(others.c.id)).where(others.c.unit == units.c.id).scalar_subquery()
    judged = select(corrections.c.id).where(corrections.c.unit == units.c.id).exists()
    return (
        select(units, readings.c.model, readings.c.text, readings.c.confidence, readings.c.characters)
        .join(readings, readings.c.unit == units.c.id)
        .where(units.c.present == 1, units.c.kind == kind.value, readings.c.id == newest, ~judged)
        .order_by(*([readings.c.confidence] if order == "confidence" else []), units.c.document, units.c.page)
        .order_by(units.c.number)
        .limit(limit)
    )


def _latest() -> Select[Any]:
    others = corrections.alias()
    newest = select(func.max(others.c.id)).where(others.c.unit == corrections.c.unit).scalar_subquery()
    return select(corrections).where(corrections.c.id == newest)
