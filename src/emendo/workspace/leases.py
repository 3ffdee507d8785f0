"""Lines in work: who has one, until when; two people are not given the same line.

A lease is a promise for some minutes, not a lock: it is renewed while its line is shown, ends with the verdict, and one
that ran out is free for everybody. What holds in the end is the version that a save names (see `store.Stale`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Text, bindparam, func, select

from ..errors import WorkspaceError
from .database import Database, inserting
from .rows import now
from .schema import leases, units

MINUTES = 10.0
# put together once: that costs more than the statements themselves
_IDS = bindparam("ids", expanding=True)
_OTHERS = select(leases.c.unit).where(leases.c.until >= bindparam("at"), leases.c.author != bindparam("who"))
_HOLDERS = select(leases).where(leases.c.unit.in_(_IDS), leases.c.until >= bindparam("at"))
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
        return self._database.work(lambda connection: self.take_in(connection, lines, author)) if lines else set()

    def take_in(self, connection: Connection, lines: Sequence[str], author: str) -> set[str]:
        """The same as part of a transaction."""
        if not lines:
            return set()
        at = now()
        given = {"ids": lines, "who": author, "at": _stamp(at), "end": _stamp(at + self._span)}
        return set(connection.execute(_take(connection.dialect.name), given).scalars())

    def free(self, lines: Sequence[str], author: str) -> int:
        """Give lines back; returns how many of them `author` had."""
        mine = leases.delete().where(leases.c.unit.in_(lines), leases.c.author == author)
        return self._database.work(lambda connection: connection.execute(mine).rowcount)

    def holders(self, lines: Sequence[str]) -> dict[str, Lease]:
        """Who has which of the lines in work."""
        with self._database.read() as connection:
            return holders_in(connection, lines)

    def in_work(self) -> dict[str, int]:
        """How many lines each person has in work."""
        query = select(leases.c.author, func.count().label("lines")).where(leases.c.until >= _stamp(now()))
        with self._database.read() as connection:
            return {row.author: int(row.lines) for row in connection.execute(query.group_by(leases.c.author))}


def holders_in(connection: Connection, lines: Sequence[str]) -> dict[str, Lease]:
    """Who has which of the lines in work."""
    rows = connection.execute(_HOLDERS, {"ids": lines, "at": _stamp(now())})
    return {row.unit: _lease(row.unit, row.author, row.until) for row in rows}


def others_in(connection: Connection, author: str) -> frozenset[str]:
    """All lines that somebody else than `author` has in work."""
    return frozenset(connection.execute(_OTHERS, {"at": _stamp(now()), "who": author}).scalars())


def release(connection: Connection, line: str, author: str) -> None:
    """End the lease of a line that `author` gives a verdict on. Raises InWork when somebody else has it."""
    held = connection.execute(_RELEASE, {"line": line}).first()
    if held and held.author != author and held.until >= _stamp(now()):
        raise InWork(_lease(line, held.author, held.until))


@cache
def _take(dialect: str) -> Any:
    """The statement that leases lines which nobody else has."""
    who, end = bindparam("who", type_=Text), bindparam("end", type_=Text)
    # in one order everywhere, so that two who want the same lines never wait for each other
    wanted = select(units.c.id, who, end).where(units.c.id.in_(_IDS)).order_by(units.c.id)
    insert = inserting(dialect, leases).from_select(["unit", "author", "until"], wanted)
    free = (leases.c.until < bindparam("at")) | (leases.c.author == who)
    new = {"author": insert.excluded.author, "until": insert.excluded.until}
    return insert.on_conflict_do_update(index_elements=["unit"], set_=new, where=free).returning(leases.c.unit)


def _stamp(at: datetime) -> str:
    """A time whose text sorts as it does."""
    return at.isoformat(timespec="microseconds")


def _lease(line: str, author: str, until: str) -> Lease:
    return Lease(line, author, datetime.fromisoformat(until))
