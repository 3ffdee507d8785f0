"""Which texts are likely wrong, as the correction firewall judged them, and whether a person looked at them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, select

from .database import Database, insert_into
from .rows import now
from .schema import corrections, doubts, units

_OF = select(doubts.c.unit, doubts.c.version, doubts.c.wrong, doubts.c.reading, doubts.c.model).where(
    doubts.c.unit.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """The text of `line` at `version` is wrong with the chance `wrong` in [0, 1]; `model` reads `reading` instead."""

    line: str
    version: int
    wrong: float
    reading: str
    model: str


class Doubts:
    """The doubts of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, found: Sequence[Doubt]) -> None:
        """Put these doubts in place of all earlier ones; what a person looked at since is not asked again."""
        with self._database.write() as connection:
            query = select(doubts).where(doubts.c.settled != "")
            settled = {(row.unit, row.version): row.settled for row in connection.execute(query)}
            connection.execute(doubts.delete())
            at = now().isoformat()
            rows = [
                {
                    "unit": one.line,
                    "version": one.version,
                    "wrong": one.wrong,
                    "reading": one.reading,
                    "model": one.model,
                    "settled": settled.get((one.line, one.version), ""),
                    "at": at,
                }
                for one in found
            ]
            if rows:
                connection.execute(insert_into(connection, doubts), rows)

    def open(self) -> list[str]:
        """Lines that nobody has looked at again and whose text is still the doubted one, the likeliest wrong first."""
        latest = select(corrections.c.unit, func.max(corrections.c.version).label("version"))
        newest = latest.group_by(corrections.c.unit).subquery()
        same = and_(newest.c.unit == doubts.c.unit, newest.c.version == doubts.c.version)
        query = select(doubts.c.unit).join(newest, same).join(units, units.c.id == doubts.c.unit)
        query = query.where(units.c.present == 1, doubts.c.settled == "")
        with self._database.read() as connection:
            found = connection.execute(query.order_by(doubts.c.wrong.desc(), doubts.c.unit))
            return [row.unit for row in found]

    def of(self, lines: Iterable[str]) -> dict[str, Doubt]:
        """The doubts about some lines."""
        with self._database.read() as connection:
            return doubts_in(connection, lines)

    def settle(self, line: str, author: str) -> bool:
        """A person looked at a doubted line and left it as it is; False when nobody doubted it."""
        with self._database.write() as connection:
            done = connection.execute(doubts.update().where(doubts.c.unit == line).values(settled=author))
            return bool(done.rowcount)


def doubts_in(connection: Connection, lines: Iterable[str]) -> dict[str, Doubt]:
    """The doubts about some lines."""
    ids = list(lines)
    return {row.unit: Doubt(*row) for row in connection.execute(_OF, {"ids": ids})} if ids else {}
