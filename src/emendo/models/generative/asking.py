"""What a vision-language model is asked of a page or a region, and the one text that is right as its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from emendo.fields.grammar import Grammar, grammar_of
from emendo.fields.names import REGIONS
from emendo.fields.regions import PAGE, names_of
from emendo.fields.schema import ROWS, Document, specs

SHOWN: Final[Mapping[str, str]] = {
    PAGE: "This is a page of an invoice or a receipt.",
    "vendor_block": "This is the part of an invoice or a receipt that says who sells.",
    "document": "This is the part of an invoice or a receipt that says what it is: number and dates.",
    "client_info": "This is the part of an invoice or a receipt that says who buys.",
    "line_items_table": "This is the table of what was sold, of an invoice or a receipt.",
    "tax_section": "This is the table of taxes of an invoice or a receipt.",
    "totals_section": "This is the part of an invoice or a receipt with its sums.",
}
"""What the picture shows, by region."""
_ASKED: Final = (
    "Read its fields as JSON and leave out what is not there. The names are {names}. Write every value in quotes: "
    "amounts as 1234.50, dates as 2024-12-31, currencies as EUR."
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: its words (empty: those of the network), and the language of its answers (None: any text)."""

    prompt: str = ""
    grammar: Grammar | None = None


TEXT: Final = Ask()
"""Asks for the text of the picture."""


def prompt_of(region: str) -> str:
    """What is asked of a region, or of a page (`PAGE`). Raises FormatError for an unknown region."""
    shown = [f"{name} (rows of {', '.join(_cells(name))})" if name in ROWS else name for name in names_of(region)]
    return f"{SHOWN[region]} {_ASKED.format(names=', '.join(shown))}"


def _cells(table: str) -> list[str]:
    return [spec.name for spec in specs(ROWS[table])]


@lru_cache(maxsize=2 * (len(REGIONS) + 1))
def ask_for(region: str, *, constrained: bool = True) -> Ask:
    """The question for a region or a page; `constrained` answers keep to the grammar of the schema."""
    return Ask(prompt_of(region), grammar_of(region) if constrained else None)


def answer_of(document: Document, region: str) -> str:
    """The answer that is right: compact JSON of the region's fields in the order of the schema, all values texts."""
    names = names_of(region)
    values = {name: value for name, value in document.values().items() if name in names}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
