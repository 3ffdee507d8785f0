"""The fields of a document by the part of it in which they stand."""

from __future__ import annotations

from typing import Any

from .names import REGIONS
from .schema import Document


def regions_of(document: Document) -> dict[str, dict[str, Any]]:
    """The fields of a document by region (see `names.REGIONS`), as JSON values, without regions where none stands."""
    values = document.values()
    found = {region: {name: values[name] for name in names if name in values} for region, names in REGIONS.items()}
    return {region: fields for region, fields in found.items() if fields}
