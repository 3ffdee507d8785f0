"""Who corrects: a person's name and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do, each role all that the ones before it may.

    An annotator corrects lines; a reviewer also restores earlier texts, decides between two readers and imports or
    exports; an admin also trains, promotes and says who the people are.
    """

    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Grows with what the role may do."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who corrects."""

    name: str
    role: Role = Role.ADMIN

    def may(self, role: Role) -> bool:
        """Whether this person may do what `role` may."""
        return self.role.rank >= role.rank
