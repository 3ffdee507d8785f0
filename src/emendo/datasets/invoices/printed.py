"""What of a document stands on its sheet: the truth that a reader can find, no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...fields.schema import Document, LineItem, TaxRow
from .places import Writing
from .sheet import Word


def printed(document: Document, words: Sequence[Word], writing: Writing) -> Document:
    """The document without what was not printed, names of goods as they were; its sums hold as before.

    The currency is kept where an amount carries its sign or code; what is due follows from the total of an invoice.
    """
    told: dict[str, list[str]] = {}
    for word in words:
        if word.meaning:
            told.setdefault(word.meaning, []).append(word.text)
    kept: dict[str, Any] = {}
    for name in Document.model_fields:
        value = getattr(document, name)
        if name == "lines":
            kept[name] = [_row(row, at, told) for at, row in enumerate(value)]
        elif name == "taxes":
            kept[name] = [row for row in (_tax(row, at, told) for at, row in enumerate(value)) if row != TaxRow()]
        elif name == "type" or name in told:
            kept[name] = value
    if document.type == "receipt" and "buyer" in told:
        kept["buyer"] = " ".join(told["buyer"])
    if document.total is not None and "total" in told and document.type != "receipt":
        kept.setdefault("due", document.total - (document.prepaid or 0))  # where nothing is said, all of the rest
    if writing.sign != "{0}":
        kept["currency"] = document.currency
    return Document.model_validate(kept)


def _row(row: LineItem, at: int, told: dict[str, list[str]]) -> LineItem:
    kept = {name: getattr(row, name) for name in LineItem.model_fields if f"lines.{at}.{name}" in told}
    if "description" in kept:
        kept["description"] = " ".join(told[f"lines.{at}.description"])
    return LineItem(**kept)


def _tax(row: TaxRow, at: int, told: dict[str, list[str]]) -> TaxRow:
    return TaxRow(**{name: getattr(row, name) for name in TaxRow.model_fields if f"taxes.{at}.{name}" in told})
