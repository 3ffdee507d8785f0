"""Taking rows out of the database for good: those of a document, or those of a person.

All of it is one transaction. What is deleted can still lie in the free pages of the file until `Database.scrub`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, Table, or_, select

from .database import Database
from .rows import Kind, Line, to_line
from .schema import corrections, doubts, efforts, events, inputs, leases, readings, seconds, units, users
from .transaction import CHUNK

ERASED: Final = "(erased)"
"""What stands in the log in place of what was erased."""
LEAST: Final = 8
"""Characters from which a text is looked for inside of other strings: shorter ones stand everywhere."""
_OF_UNITS: Final[tuple[Table, ...]] = (readings, corrections, seconds, efforts, doubts, leases)


def units_of(database: Database, names: Collection[str], files: Collection[str]) -> list[Line]:
    """Every unit, present or not, of the documents called `names`, or that lies in one of `files`.

    A file may hold several documents (`file#2`).
    """
    inside = [units.c.document.startswith(f"{one}#", autoescape=True) for one in files]
    query = select(units).where(or_(units.c.document.in_(list(names)), units.c.document.in_(list(files)), *inside))
    with database.read() as connection:
        return [to_line(row) for row in connection.execute(query.order_by(units.c.id))]


def units_by(database: Database, author: str) -> list[Line]:
    """Every unit that a person gave a verdict on or read a second time, in any version."""
    first = select(corrections.c.unit).where(corrections.c.author == author)
    second = select(seconds.c.unit).where(seconds.c.author == author)
    query = select(units).where(or_(units.c.id.in_(first), units.c.id.in_(second))).order_by(units.c.id)
    with database.read() as connection:
        return [to_line(row) for row in connection.execute(query)]


def texts_of(database: Database, lines: Iterable[str]) -> set[str]:
    """Every text that was read in some units or given to them, in any version; of fields their values."""
    found: set[str] = set()
    with database.read() as connection:
        for some in _chunks(lines):
            for table in (readings, corrections, seconds):
                found.update(connection.execute(select(table.c.text).where(table.c.unit.in_(some))).scalars())
    return values_of(found)


def texts_by(database: Database, author: str) -> set[str]:
    """Every text that a person gave to a unit and that was not read there before."""
    own = select(corrections.c.text).where(corrections.c.author == author, corrections.c.text != corrections.c.reading)
    second = select(seconds.c.text).where(seconds.c.author == author)
    with database.read() as connection:
        return values_of(text for query in (own, second) for text in connection.execute(query).scalars())


def file_verdicts(database: Database, documents: Collection[str]) -> list[tuple[str, str, str, str]]:
    """(document, author, text, source) of every verdict that came from a file of these notes, the first first."""
    query = (
        select(units.c.document, corrections.c.author, corrections.c.text, corrections.c.source)
        .join(units, units.c.id == corrections.c.unit)
        .where(units.c.document.in_(list(documents)), corrections.c.source != "", units.c.kind == Kind.LINE.value)
        .order_by(corrections.c.id)
    )
    with database.read() as connection:
        return [(r.document, r.author, r.text or "", r.source) for r in connection.execute(query)]


def erase_units(database: Database, lines: Collection[str], names: Collection[str], texts: Collection[str]) -> int:
    """Delete units with all that was read in them or said of them, and every mention of it in the log.

    `names` are those of their documents. Returns the number of rows that went.
    """
    with database.write() as connection:
        gone = 0
        for some in _chunks(lines):
            for table in _OF_UNITS:
                gone += connection.execute(table.delete().where(table.c.unit.in_(some))).rowcount
            gone += connection.execute(units.delete().where(units.c.id.in_(some))).rowcount
        gone += connection.execute(inputs.delete().where(inputs.c.document.in_(list(names)))).rowcount
        _erase_mentions(connection, {*lines, *names}, texts)
    return gone


def erase_person(database: Database, author: str, texts: Collection[str]) -> int:
    """Delete every verdict, second reading and effort of a person, the person, and their mentions in the log.

    What others said of the same units stays. Returns the number of rows that went.
    """
    with database.write() as connection:
        gone = 0
        for table in (corrections, seconds, efforts, leases):
            gone += connection.execute(table.delete().where(table.c.author == author)).rowcount
        gone += connection.execute(users.delete().where(users.c.name == author)).rowcount
        connection.execute(seconds.update().where(seconds.c.judge == author).values(judge=ERASED))
        connection.execute(doubts.update().where(doubts.c.settled == author).values(settled=ERASED))
        _erase_mentions(connection, {author}, texts)
    return gone


def _erase_mentions(connection: Connection, names: Collection[str], texts: Collection[str]) -> None:
    """Write `ERASED` over every string of the log that is one of `names`, begins with it, or holds one of `texts`."""
    starts = tuple(f"{name}{mark}" for name in names for mark in ("#", ".", ":", " ", "="))
    known, held = set(names), [text for text in texts if len(text) >= LEAST]

    def mentions(value: str) -> bool:
        return value in known or value.startswith(starts) or any(text in value for text in held)

    for row in connection.execute(select(events.c.id, events.c.kind, events.c.data)).all():
        if row.kind.startswith("forgotten"):
            continue  # the wish itself, which keeps that the same is used again
        before = json.loads(row.data)
        after = _redacted(before, mentions)
        if after != before:
            text = json.dumps(after, ensure_ascii=False)
            connection.execute(events.update().where(events.c.id == row.id).values(data=text))


def values_of(texts: Iterable[str | None]) -> set[str]:
    """Texts as they are, and of the fields of documents what stands in them: names and words, no dates and amounts."""
    found: set[str] = set()
    for text in texts:
        fields = None
        if text and text.startswith("{"):
            with suppress(ValueError):
                fields = json.loads(text)
        if isinstance(fields, dict):
            found.update(one for one in _strings(fields) if any(map(str.isalpha, one)))
        elif text:
            found.add(text)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        inside = [one for name, one in value.items() if name != "schema"] if isinstance(value, dict) else value
        for one in inside:
            yield from _strings(one)


def _redacted(value: Any, mentions: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        return ERASED if mentions(value) else value
    if isinstance(value, list):
        return [_redacted(one, mentions) for one in value]
    if isinstance(value, dict):
        return {_redacted(key, mentions): _redacted(one, mentions) for key, one in value.items()}
    return value


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    every = list(ids)
    return (every[start : start + CHUNK] for start in range(0, len(every), CHUNK))
