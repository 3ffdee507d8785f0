"""What a model answered, as a document: mended JSON, values of the schema, and only the fields that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .regions import PAGE, strangers
from .repair import Span, mend
from .schema import ROWS, Document, Fault, read_document


@dataclass(frozen=True, slots=True)
class Answer:
    """A document, everything that was mended or left out, and where in the text its values stand, by their path."""

    document: Document
    faults: tuple[Fault, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)


def read_answer(text: str, *, region: str = PAGE, **known: Any) -> Answer:
    """A document from the text of a model that was asked for the fields of a region, or of a page.

    `known` are the conventions of `read_document`. What is cut off or no JSON is mended as `repair.mend` says; a field
    that does not stand in the region is left out. Raises FormatError when the text holds no JSON object.
    """
    mended = mend(text)
    read = read_document(mended.values, **known)
    values = read.document.values()
    strange = strangers(values, region)
    faults = [*mended.faults, *read.faults]
    for name, own in strange.items():
        where = f"it is one of {own}" if own else "the schema does not know it"
        faults.append(Fault(name, f"is no field of {region}: {where}; it was left out"))
    kept = {name: value for name, value in values.items() if name not in strange}
    document = read_document(kept).document
    renamed = read.renamed or {}
    spans = {_known(path, renamed): span for path, span in mended.spans.items()}
    there = {*paths_of(document)}
    return Answer(document, tuple(faults), {path: span for path, span in spans.items() if path in there})


def paths_of(document: Document) -> list[str]:
    """The paths of the single values that a document has: `total`, `lines.2.amount`."""
    found = []
    for name, value in document.values().items():
        if name in ROWS:
            found += [f"{name}.{at}.{cell}" for at, row in enumerate(value) for cell in row]
        else:
            found.append(name)
    return found


def _known(path: str, renamed: Mapping[str, str]) -> str:
    """The path of a value under the names of the schema."""
    first, dot, rest = path.partition(".")
    first = renamed.get(first, first)
    if not dot:
        return first
    row, _, cell = rest.partition(".")
    return f"{first}.{row}.{renamed.get(f'{first}.{row}.{cell}', cell)}"
