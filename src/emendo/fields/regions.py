"""The fields of a document by the part of it in which they stand."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from ..errors import FormatError
from .names import REGIONS
from .schema import ROWS, Document

PAGE: Final = ""
"""Names no region: a whole page, on which every field can stand."""
EVERY: Final = tuple(name for name in Document.model_fields if name != "sources")
"""The fields of a document in the order of the schema."""

UNSAID: Final = ("type", "currency")
"""Fields that follow from the document as a whole, wherever on it they are looked for."""


def regions_of(document: Document) -> dict[str, dict[str, Any]]:
    """The fields of a document by region (see `names.REGIONS`), as JSON values, without regions where none stands."""
    values = document.values()
    found = {region: {name: values[name] for name in names if name in values} for region, names in REGIONS.items()}
    return {region: fields for region, fields in found.items() if fields}


def names_of(region: str) -> tuple[str, ...]:
    """The fields that can stand in a region, or on a whole page (`PAGE`). Raises FormatError for an unknown region."""
    if region == PAGE:
        return EVERY
    if region not in REGIONS:
        close = difflib.get_close_matches(region, REGIONS, n=1)
        hint = f"did you mean {close[0]!r}" if close else f"use {', '.join(REGIONS)}"
        raise FormatError(f"the region {region[:60]!r} is unknown", remedy=hint)
    return REGIONS[region]


def region_of(name: str) -> str:
    """The region in which a field stands; `PAGE` for a field that the schema does not know."""
    return next((region for region, names in REGIONS.items() if name in names), PAGE)


def strangers(names: Iterable[str], region: str) -> dict[str, str]:
    """Those of the names that do not stand in a region, with where they do (`PAGE`: nowhere)."""
    own = {*names_of(region), "sources"}
    if region == PAGE:
        return {}
    return {name: region_of(name) for name in names if name not in own}


def standing(fields: Mapping[str, Any], paths: Collection[str]) -> dict[str, Any]:
    """Of some fields as JSON values those that stand at one of the paths (`total`, `lines.2.amount`), or are unsaid."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if name in ROWS:
            rows = [{c: one for c, one in row.items() if f"{name}.{at}.{c}" in paths} for at, row in enumerate(value)]
            kept[name] = [row for row in rows if row]
        elif name in paths or name in UNSAID:
            kept[name] = value
    return {name: value for name, value in kept.items() if value}
