"""Sellers that are known: what a reader made of a name or an address is put right where it is nearly that of one.

Who pays invoices pays the same sellers again and again. The names and addresses that people confirmed lie in the model
that learnt from them, so that a misread letter in a known name costs nobody a correction. Nothing is put right that is
not nearly the same: an address with more figures, or with more or fewer words, stays as it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import fuzz

from emendo.fields.compare import plain
from emendo.fields.schema import MOST_CHARACTERS, Document

MOST_PARTIES: Final = 5000
SAME_NAME, SAME_ADDRESS, NEARLY = 84.0, 88.0, 60.0
"""Per cent of likeness at which a name or an address is that of a known seller; and of a name whose address is."""
LENGTH: Final = 0.06
"""Shares by which lengths may differ: letters are misread, words are not."""
FIGURES: Final = 2
"""By how many the numbers of figures of two addresses may differ: letters are read as figures and the other way."""
LEAST: Final = 6
"""Shorter names are like too many others."""


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


def recognised(name: str | None, address: str | None, parties: Sequence[Party]) -> tuple[str | None, str | None]:
    """Name and address as a known seller writes them where they are nearly that, else as they are.

    Of several that are alike the nearest counts; one that is the same as it was read changes nothing.
    """
    read_name, read_address = plain(name or ""), plain(address or "")
    best_name, best_address = (0.0, name), (0.0, address)
    for party in parties:
        known_name, known_address = plain(party.name), plain(party.address)
        alike, placed = _alike(read_name, known_name), _alike(read_address, known_address)
        there = placed >= SAME_ADDRESS and abs(_figures(read_address) - _figures(known_address)) <= FIGURES
        if there:
            alike = max(alike, _within(read_name, known_name))
        if name and alike >= (NEARLY if there else SAME_NAME) and alike > best_name[0]:
            best_name = alike, party.name
        if address and there and alike >= NEARLY and placed > best_address[0]:
            best_address = placed, party.address
    return best_name[1], best_address[1]


def _within(read: str, known: str) -> float:
    """How well the shorter of two names lies in the longer one, in per cent where it does; for those of one address."""
    if min(len(read), len(known)) < LEAST:
        return 0.0
    found = float(fuzz.partial_ratio(read, known))
    return found if found >= SAME_NAME else 0.0


def _alike(read: str, known: str) -> float:
    """Likeness in per cent; none for short texts and those of other lengths."""
    longer = max(len(read), len(known))
    if min(len(read), len(known)) < LEAST or abs(len(read) - len(known)) > max(1.0, LENGTH * longer):
        return 0.0
    return float(fuzz.ratio(read, known))


def _figures(text: str) -> int:
    return sum(char.isdigit() for char in text)
