"""Sellers that are known: the names and addresses that people confirmed, in the model that learnt from them.

Who pays invoices pays the same sellers again and again, so that a misread letter in a known name costs nobody a
correction twice (see `known`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from emendo.fields.compare import plain
from emendo.fields.schema import MOST_CHARACTERS, Document

MOST_PARTIES: Final = 5000


class Party(BaseModel):
    """A seller as people wrote it down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(max_length=MOST_CHARACTERS)
    address: str = Field("", max_length=MOST_CHARACTERS)


def learn_parties(documents: Iterable[Document], known: Sequence[Party] = ()) -> list[Party]:
    """The sellers of some documents after those known before, each spelling once, the latest MOST_PARTIES."""
    found = {(plain(one.name), plain(one.address)): one for one in known}
    for document in documents:
        if document.seller:
            party = Party(name=document.seller, address=document.seller_address or "")
            found.setdefault((plain(party.name), plain(party.address)), party)
    return list(found.values())[-MOST_PARTIES:]
