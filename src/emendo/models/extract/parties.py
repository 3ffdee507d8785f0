"""Sellers and buyers that are known: the names and addresses that people confirmed, in the model that learnt from them.

Who pays invoices pays the same sellers again and again, and is the buyer of nearly all of them, so that a misread
letter in a known name costs nobody a correction twice (see `known`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from emendo.fields.compare import plain
from emendo.fields.schema import MOST_CHARACTERS, Document

MOST_PARTIES: Final = 5000
Role = Literal["seller", "buyer"]
ROLES: Final[tuple[Role, ...]] = ("seller", "buyer")


class Party(BaseModel):
    """A seller or buyer as people wrote it down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = "seller"
    name: str = Field(max_length=MOST_CHARACTERS)
    address: str = Field("", max_length=MOST_CHARACTERS)

    @property
    def key(self) -> tuple[str, str, str]:
        """The same for all spellings that differ in case, blanks and punctuation only."""
        return self.role, plain(self.name), plain(self.address)


def learn_parties(documents: Iterable[Document], known: Sequence[Party] = ()) -> list[Party]:
    """The parties of some documents after those known before, each spelling once, the latest MOST_PARTIES."""
    found = {one.key: one for one in known}
    for document in documents:
        for role in ROLES:
            if name := getattr(document, role):
                party = Party(role=role, name=name, address=getattr(document, f"{role}_address") or "")
                found.setdefault(party.key, party)
    return list(found.values())[-MOST_PARTIES:]
