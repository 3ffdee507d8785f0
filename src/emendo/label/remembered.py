"""What the reader says of a document together with what earlier documents of the same seller tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..fields import Document, read_document
from ..models.extract.memory import CONSTANT, TOLD, Recalled

SURE = 0.95
"""How often what is recalled is right: of the receipts of shops that were seen before in `receipts` (train and
validation), 201 of 211 values."""
DOUBTED = 0.9
"""A field of which the reader is less sure gives way to what is recalled."""
LEAST_SHARE = 0.5
"""Share of the earlier documents that must agree on where a value stands."""


def together(
    document: Document, certainty: Mapping[str, float], recalled: Mapping[str, Recalled]
) -> tuple[Document, dict[str, float], tuple[str, ...]]:
    """The document with what is recalled, how sure each field is, and the fields that were recalled.

    What a seller's documents share is as the person wrote it. What changes is taken where the reader has nothing or
    doubts. Where both say the same, both would have to be wrong for it to be wrong.
    """
    values = document.values(sources=True)
    sources = dict(values.get("sources", {}))
    sure, learnt = dict(certainty), []
    for name, one in sorted(recalled.items()):
        if one.share < LEAST_SHARE:
            continue
        said, trust = getattr(document, name), SURE * one.share
        if said == one.value:
            sure[name] = round(1 - (1 - certainty.get(name, 0.0)) * (1 - trust), 4)
            continue
        if name not in (*CONSTANT, *TOLD) and said is not None and certainty.get(name, 0.0) >= DOUBTED:
            continue
        values[name], sure[name] = _plain(one.value), round(trust, 4)
        learnt.append(name)
        sources.pop(name, None)
        if one.source is not None:
            sources[name] = one.source.model_dump()
    return read_document({**values, "sources": sources}).document, sure, tuple(learnt)


def _plain(value: Any) -> str:
    return f"{value:f}" if hasattr(value, "as_tuple") else str(value)
