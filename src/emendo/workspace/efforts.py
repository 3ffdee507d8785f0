"""What correcting has cost: keys and seconds of each verdict in the page, summed by person and day.

A key is one press (a held key counts once; Shift, Ctrl and their like, and dead keys, do not count), from when the line
is shown until its verdict. Seconds are those in which the person was at it: the time between two presses, clicks,
movements of the mouse or turns of its wheel, but never more than 30 s of it, and none while the page is hidden. A day
is one of UTC. Characters are those of the text that was saved, so figures per 1,000 characters can be laid beside those
of `emendo.metrics.effort`, which simulates an author.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, literal_column, select

from ..types import Correction, Verdict
from .schema import corrections, efforts
from .store import Store

_ADD = efforts.insert()


@dataclass(frozen=True, slots=True)
class Effort:
    """Key presses and active seconds that one verdict took."""

    keys: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What one person spent on one day (`day` as 2026-11-29; empty: on all days).

    `lines` counts verdicts, `accepted` those that left the reading as it was, `edited` those that changed it; the rest
    was skipped. `characters` are those of the saved texts.
    """

    author: str
    day: str
    lines: int
    accepted: int
    edited: int
    characters: int
    keys: int
    seconds: float

    @property
    def accepted_share(self) -> float | None:
        """Share of the saved lines that were right as read; None when none was saved."""
        saved = self.accepted + self.edited
        return self.accepted / saved if saved else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; rates are per 1,000 characters, None where there are none."""
        per = 1000 / self.characters if self.characters else None
        return {
            "author": self.author,
            "day": self.day,
            "lines": self.lines,
            "accepted": self.accepted,
            "edited": self.edited,
            "accepted_share": self.accepted_share,
            "characters": self.characters,
            "keys": self.keys,
            "seconds": round(self.seconds, 1),
            "keys_per_thousand": None if per is None else round(self.keys * per, 1),
            "seconds_per_thousand": None if per is None else round(self.seconds * per, 1),
        }


def add_effort(connection: Connection, correction: Correction, effort: Effort) -> None:
    """Record what a verdict took, in the transaction that records the verdict."""
    row = {
        "unit": correction.line,
        "version": correction.version,
        "author": correction.author,
        "keys": effort.keys,
        "seconds": effort.seconds,
        "characters": len(correction.text or ""),
        "at": correction.at.isoformat(),
    }
    connection.execute(_ADD, row)


def spent(store: Store, author: str | None = None) -> list[Spent]:
    """What each person (or one) spent, day by day, the first day first."""
    day = func.substr(efforts.c.at, literal_column("1"), literal_column("10")).label("day")
    query = (
        select(
            efforts.c.author,
            day,
            func.count().label("lines"),
            func.sum(_is(Verdict.ACCEPTED)).label("accepted"),
            func.sum(_is(Verdict.EDITED)).label("edited"),
            func.sum(efforts.c.characters).label("characters"),
            func.sum(efforts.c["keys"]).label("keys"),
            func.sum(efforts.c.seconds).label("seconds"),
        )
        .join(corrections, (corrections.c.unit == efforts.c.unit) & (corrections.c.version == efforts.c.version))
        .group_by(efforts.c.author, day)
        .order_by(day, efforts.c.author)
    )
    if author is not None:
        query = query.where(efforts.c.author == author)
    with store.database.read() as connection:
        return [Spent(**{**row._mapping, "seconds": float(row.seconds)}) for row in connection.execute(query)]


def totals(rows: Iterable[Spent]) -> list[Spent]:
    """The sum of each person over all days, in the order of their names."""
    by_author: dict[str, list[Spent]] = {}
    for row in rows:
        by_author.setdefault(row.author, []).append(row)
    return [_sum(by_author[name]) for name in sorted(by_author)]


def _sum(rows: Sequence[Spent]) -> Spent:
    names = ("lines", "accepted", "edited", "characters", "keys", "seconds")
    return Spent(rows[0].author, "", **{name: sum(getattr(row, name) for row in rows) for name in names})


def _is(verdict: Verdict) -> Any:
    return case((corrections.c.verdict == verdict.value, 1), else_=0)
