"""Second readings: a sample of the lines is read by another person, who does not see what the first one wrote.

Which lines belong to the sample follows from their ids alone, so it does not depend on who asks or when, and nobody
chooses. A reading names the version of the first text that it stands against.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, select

from ..errors import UsageError
from ..types import Correction, Verdict
from .database import Database, insert_into
from .rows import Kind, now, to_correction
from .schema import corrections, seconds, units

GIVEN = (Verdict.ACCEPTED.value, Verdict.EDITED.value)
"""Verdicts that have a text."""


@dataclass(frozen=True, slots=True)
class Second:
    """What a second reader said of a line, beside the `first` verdict that they did not see; `judge` decided."""

    first: Correction
    author: str
    verdict: Verdict
    text: str | None
    at: datetime
    judge: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.text == self.first.text


def drawn(line: str, share: float) -> bool:
    """Whether a line is in the sample: `share` (0 to 1) of all lines are."""
    return int.from_bytes(hashlib.sha256(line.encode()).digest()[:6], "big") < share * 2**48


class Seconds:
    """The second readings of a workspace."""

    def __init__(self, database: Database, share: float) -> None:
        self._database, self._share = database, share

    def waiting(self, author: str, kind: Kind = Kind.LINE) -> list[str]:
        """Lines of the sample that others have given a text and nobody has read a second time, in page order."""
        others, mine = corrections.alias(), corrections.alias()
        latest = select(func.max(others.c.id)).where(others.c.unit == units.c.id).scalar_subquery()
        own = select(mine.c.id).where(mine.c.unit == units.c.id, mine.c.author == author).exists()
        read = select(seconds.c.id).where(seconds.c.unit == units.c.id).exists()
        query = (
            select(units.c.id)
            .join(corrections, corrections.c.unit == units.c.id)
            .where(units.c.present == 1, units.c.kind == kind.value)
            .where(corrections.c.id == latest, corrections.c.verdict.in_(GIVEN), ~own, ~read)
            .order_by(units.c.document, units.c.page, units.c.number)
        )
        with self._database.read() as connection:
            return [row.id for row in connection.execute(query) if drawn(row.id, self._share)]

    def add(self, connection: Connection, line: str, text: str | None, verdict: Verdict, author: str) -> Second:
        """Record a second reading; until somebody has decided, the same reader may change it.

        Raises UsageError when this person may not read this line a second time.
        """
        before = connection.execute(
            select(corrections).where(corrections.c.unit == line).order_by(corrections.c.version)
        )
        history = [to_correction(row) for row in before]
        if not history or not drawn(line, self._share) or author in {one.author for one in history}:
            raise UsageError(f"line {line} is not for a second reading by {author}", remedy="take another line")
        first, at = history[-1], now()
        row = {"unit": line, "version": first.version, "author": author, "at": at.isoformat(), "judge": ""}
        insert = insert_into(connection, seconds).values(row | {"verdict": verdict.value, "text": text})
        new = {name: insert.excluded[name] for name in ("version", "verdict", "text", "at")}
        upsert = insert.on_conflict_do_update(index_elements=["unit", "author"], set_=new, where=seconds.c.judge == "")
        if connection.execute(upsert.returning(seconds.c.id)).first() is None:
            raise UsageError(f"line {line} is decided", remedy="take another line")
        return Second(first, author, verdict, text, at)

    def all(self) -> list[Second]:
        """Every second reading beside its first, in the order they were made."""
        return self._found(_beside().order_by(seconds.c.id))

    def differences(self) -> list[Second]:
        """Those that differ from the first text, on which nobody has decided."""
        return [
            one for one in self._found(_beside().where(seconds.c.judge == "").order_by(seconds.c.id)) if not one.agrees
        ]

    def _found(self, query: Select[tuple[object, ...]]) -> list[Second]:
        with self._database.read() as connection:
            return [
                Second(
                    to_correction(row),
                    row.reader,
                    Verdict(row.second_verdict),
                    row.second_text,
                    datetime.fromisoformat(row.second_at),
                    row.judge,
                )
                for row in connection.execute(query)
            ]


def decide(connection: Connection, line: str, judge: str) -> None:
    """Remember who decided on a line. Raises UsageError when there is nothing to decide any more."""
    open_ones = seconds.update().where(seconds.c.unit == line, seconds.c.judge == "").values(judge=judge)
    if not connection.execute(open_ones).rowcount:
        raise UsageError(f"nothing is to be decided on line {line}", remedy="somebody else was quicker")


def _beside() -> Select[tuple[object, ...]]:
    same = and_(corrections.c.unit == seconds.c.unit, corrections.c.version == seconds.c.version)
    return select(
        corrections,
        seconds.c.author.label("reader"),
        seconds.c.verdict.label("second_verdict"),
        seconds.c.text.label("second_text"),
        seconds.c.at.label("second_at"),
        seconds.c.judge,
    ).join(seconds, same)
