"""Sellers of documents that a person has confirmed: what a bundle of fields remembers of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from emendo.errors import BundleError
from emendo.fields.compare import plain
from emendo.fields.schema import Document

from ..bundle import Bundle

SELLERS_FILE: Final = "sellers.json"
"""The file of a bundle that holds them."""


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller as a person confirmed it; `count` documents were from it."""

    name: str
    address: str = ""
    count: int = 1


def learn_sellers(documents: Iterable[Document], before: Iterable[Seller] = ()) -> tuple[Seller, ...]:
    """The sellers of confirmed documents, each once in its most frequent spelling, the most frequent first.

    `before` are those that were known already; they count too.
    """
    spelled: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for seller in before:
        key = plain(seller.name), plain(seller.address)
        spelled.setdefault(key, Counter())[seller.name, seller.address] += seller.count
    for one in documents:
        name, address = one.seller or "", one.seller_address or ""
        if name or address:
            spelled.setdefault((plain(name), plain(address)), Counter())[name, address] += 1
    sellers = [Seller(*found.most_common(1)[0][0], found.total()) for found in spelled.values()]
    return tuple(sorted(sellers, key=lambda seller: (-seller.count, seller.name, seller.address)))


def sellers_text(sellers: Sequence[Seller]) -> str:
    """As `sellers.json` has them."""
    return json.dumps([asdict(one) for one in sellers], ensure_ascii=False, indent=0) + "\n"


def bundle_sellers(bundle: Bundle) -> tuple[Seller, ...]:
    """Those that a bundle of fields has learnt. Raises BundleError for a list that cannot be read."""
    if SELLERS_FILE not in bundle.info.files:
        return ()
    return read_sellers(bundle.path(SELLERS_FILE).read_text(encoding="utf-8"))


def read_sellers(text: str) -> tuple[Seller, ...]:
    """Back from `sellers_text`. Raises BundleError for a text that is no such list."""
    try:
        return tuple(Seller(str(row["name"]), str(row["address"]), int(row["count"])) for row in json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{SELLERS_FILE} is no list of sellers", remedy="fetch or write the bundle again") from error
