"""Who corrects: people with their roles, and the tokens by which they are known.

A token is told once, to whoever makes it; the database holds its SHA-256 only. Tokens have 192 random bits, so no salt
or slow hash is needed against guessing.
"""

from __future__ import annotations

import hashlib
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, Update, select

from ..errors import UsageError
from .database import Database, insert_into
from .roles import Person, Role
from .rows import now
from .schema import users

__all__ = ["Member", "People", "Person", "Role", "clean_name"]

LONGEST_NAME = 64
TOKEN_BYTES = 24
REMEMBERED_SECONDS = 2.0
"""How long a person is known without looking into the database again: so soon is out who was disabled elsewhere."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the team as the database knows them; `since` is when they got their present token."""

    person: Person
    active: bool
    since: datetime

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        name, role = self.person.name, self.person.role.value
        return {"name": name, "role": role, "active": self.active, "since": self.since.isoformat(timespec="seconds")}


class People:
    """The people of a workspace. Safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database, self._clock, self._lock = database, clock, Lock()
        self._known: tuple[tuple[bytes, Person], ...] = ()
        self._until = -1.0

    def members(self) -> list[Member]:
        """Everybody, by name."""
        with self._database.read() as connection:
            return [_member(row) for row in connection.execute(select(users).order_by(users.c.name))]

    def add(self, name: str, role: Role) -> str:
        """Make a person known; returns their token, which cannot be had again.

        Raises UsageError for a name that is taken or cannot be.
        """
        name, token = clean_name(name), secrets.token_urlsafe(TOKEN_BYTES)
        row = {"name": name, "role": role.value, "token": _digest(token), "active": 1, "at": now().isoformat()}

        def added(connection: Connection) -> bool:
            made = insert_into(connection, users).values(row).on_conflict_do_nothing(index_elements=["name"])
            return connection.execute(made.returning(users.c.name)).first() is not None

        if not self._database.work(added):
            raise UsageError(f"there is a person {name!r} already", remedy="renew their token or take another name")
        self._forget()
        return token

    def renew(self, name: str) -> str:
        """A new token; the one before is worth nothing any more. Raises UsageError for an unknown name."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._change(name, users.update().values(token=_digest(token), at=now().isoformat()))
        return token

    def set_role(self, name: str, role: Role) -> None:
        """Give a person another role. Raises UsageError for an unknown name."""
        self._change(name, users.update().values(role=role.value))

    def set_active(self, name: str, active: bool) -> None:
        """Let a person in, or keep them out; what they did stays. Raises UsageError for an unknown name."""
        self._change(name, users.update().values(active=int(active)))

    def remove(self, name: str) -> None:
        """Forget a person; what they did stays under their name. Raises UsageError for an unknown name."""
        gone = users.delete().where(users.c.name == name)
        if not self._database.work(lambda connection: connection.execute(gone).rowcount):
            raise _unknown(name)
        self._forget()

    def holder(self, token: str) -> Person | None:
        """The active person who holds a token; every hash is compared, in a time that does not tell how far."""
        given, found = _digest(token).encode(), None
        for known, person in self._active():
            if secrets.compare_digest(known, given):
                found = person
        return found

    def _active(self) -> tuple[tuple[bytes, Person], ...]:
        with self._lock:
            if self._clock() >= self._until:
                query = select(users).where(users.c.active == 1)
                with self._database.read() as connection:
                    rows = connection.execute(query).all()
                self._known = tuple((row.token.encode(), _member(row).person) for row in rows)
                self._until = self._clock() + REMEMBERED_SECONDS
            return self._known

    def _change(self, name: str, update: Update) -> None:
        one = update.where(users.c.name == name)
        if not self._database.work(lambda connection: connection.execute(one).rowcount):
            raise _unknown(name)
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._until = -1.0


def clean_name(name: str) -> str:
    """A name as it is kept: NFC, single spaces. Raises UsageError for one that cannot be told from others."""
    clean = unicodedata.normalize("NFC", " ".join(name.split()))
    if not clean or len(clean) > LONGEST_NAME or any(unicodedata.category(char)[0] == "C" for char in clean):
        raise UsageError(
            f"the name {name[:LONGEST_NAME]!r} cannot be", remedy=f"use 1 to {LONGEST_NAME} visible characters"
        )
    return clean


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _member(row: Row[Any]) -> Member:
    return Member(Person(row.name, Role(row.role)), bool(row.active), datetime.fromisoformat(row.at))


def _unknown(name: str) -> UsageError:
    return UsageError(f"there is no person {name[:LONGEST_NAME]!r}", remedy="see `emendo people list`")
