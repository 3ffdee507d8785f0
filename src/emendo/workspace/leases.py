"""Lines in work: who has one, until when; two people are not given the same line.

A lease is a promise for some minutes, not a lock: it is renewed while its line is shown, ends with the verdict, and one
that ran out is free for everybody. What holds in the end is the version that a save names (see `store.Stale`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, literal, select

from ..errors import WorkspaceError
from .database import Database, insert_into
from .rows import now
from .schema import leases, units

MINUTES = 10.0
_RELEASE = leases.delete().where(leases.c.unit == bindparam("line")).returning(leases.c.author, leases.c.until)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a line in work, and until when if they do nothing."""

    line: str
    author: str
    until: datetime


class InWork(WorkspaceError):
    """A line that somebody else has in work."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            f"{lease.author} has line {lease.line} in work until {lease.until:%H:%M} UTC",
            remedy="wait for it or take another line",
        )
        self.lease = lease


class Leases:
    """The leases of a workspace. Safe to share between threads."""

    def __init__(self, database: Database, minutes: float = MINUTES) -> None:
        self._database, self._span = database, timedelta(minutes=minutes)

    def take(self, lines: Sequence[str], author: str) -> set[str]:
        """Those of the lines that `author` has in work from now on: not those that somebody else has. One statement."""
        return self._database.work(lambda connection: self._take(connection, lines, author)) if lines else set()

    def _take(self, connection: Connection, lines: Sequence[str], author: str) -> set[str]:
        at = now()
        columns = (units.c.id, literal(author), literal(_stamp(at + self._span)))
        # in one order everywhere, so that two who want the same lines never wait for each other
        wanted = select(*columns).where(units.c.id.in_(lines)).order_by(units.c.id)
        insert = insert_into(connection, leases).from_select(["unit", "author", "until"], wanted)
        free = (leases.c.until < _stamp(at)) | (leases.c.author == author)
        new = {"author": insert.excluded.author, "until": insert.excluded.until}
        taken = insert.on_conflict_do_update(index_elements=["unit"], set_=new, where=free).returning(leases.c.unit)
        return {row.unit for row in connection.execute(taken)}

    def free(self, lines: Sequence[str], author: str) -> int:
        """Give lines back; returns how many of them `author` had."""
        mine = leases.delete().where(leases.c.unit.in_(lines), leases.c.author == author)
        return self._database.work(lambda connection: connection.execute(mine).rowcount)

    def holders(self, lines: Sequence[str]) -> dict[str, Lease]:
        """Who has which of the lines in work."""
        query = select(leases).where(leases.c.unit.in_(lines), leases.c.until >= _stamp(now()))
        with self._database.read() as connection:
            return {row.unit: _lease(row.unit, row.author, row.until) for row in connection.execute(query)}

    def others(self, author: str) -> frozenset[str]:
        """All lines that somebody else than `author` has in work."""
        query = select(leases.c.unit).where(leases.c.until >= _stamp(now()), leases.c.author != author)
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def in_work(self) -> dict[str, int]:
        """How many lines each person has in work."""
        query = select(leases.c.author, func.count().label("lines")).where(leases.c.until >= _stamp(now()))
        with self._database.read() as connection:
            return {row.author: int(row.lines) for row in connection.execute(query.group_by(leases.c.author))}


def release(connection: Connection, line: str, author: str) -> None:
    """End the lease of a line that `author` gives a verdict on. Raises InWork when somebody else has it."""
    held = connection.execute(_RELEASE, {"line": line}).first()
    if held and held.author != author and held.until >= _stamp(now()):
        raise InWork(_lease(line, held.author, held.until))


def _stamp(at: datetime) -> str:
    """A time whose text sorts as it does."""
    return at.isoformat(timespec="microseconds")


def _lease(line: str, author: str, until: str) -> Lease:
    return Lease(line, author, datetime.fromisoformat(until))
