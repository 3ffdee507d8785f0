"""Values of documents side by side: the truth and readings of it, or the readings of two models of one document."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import BadInput
from ...fields.compare import cells, equal, only
from ...fields.schema import Document, read_document
from ...fields.validate import validate_document
from ...types import DocumentReader, Image, Reading

Verdict = Literal["same", "other", "missing", "extra"]


@dataclass(frozen=True, slots=True)
class Beside:
    """One value on both sides, empty where a side has none; `verdict` is how the right one is to the left.

    `path` is where it stands (`lines.2.amount`, rows from 0) on the left, or on the right where the left has none.
    """

    path: str
    left: str
    right: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Read:
    """What a model reads of one document: its fields, what the validator holds against them, and how sure it is."""

    model: str
    document: Document | None
    findings: tuple[dict[str, Any], ...]
    exact: bool
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "model": self.model,
            "fields": self.document.values() if self.document else None,
            "findings": list(self.findings),
            "exact": self.exact,
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class TwoReadings:
    """One document read by two models."""

    a: Read
    b: Read
    values: tuple[Beside, ...]

    @property
    def differing(self) -> tuple[Beside, ...]:
        """The values in which they differ."""
        return tuple(one for one in self.values if one.verdict != "same")

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        rows = [
            {"path": one.path, "a": one.left or None, "b": one.right or None, "same": one.verdict == "same"}
            for one in self.values
        ]
        return {"a": self.a.to_dict(), "b": self.b.to_dict(), "differing": len(self.differing), "values": rows}


def beside(left: Document, right: Document | None, names: Collection[str] | None = None) -> list[Beside]:
    """The values of two documents, rows of tables aligned; with `names` only those of some fields."""
    if names is not None:
        left, right = only(left, names), only(right, names) if right else None
    shown = left.values(), right.values() if right else {}
    out = []
    for cell in cells(left, right):
        verdict: Verdict = "same"
        if cell.truth is None or cell.found is None:
            verdict = "extra" if cell.truth is None else "missing"
        elif not equal(cell.truth, cell.found):
            verdict = "other"
        sides = (value_at(shown[0], cell.truth_path), value_at(shown[1], cell.found_path))
        out.append(Beside(cell.truth_path or cell.found_path, *sides, verdict))
    return out


def read_both(a: DocumentReader, b: DocumentReader, pages: Sequence[Image]) -> TwoReadings:
    """Read one document with two models."""
    (first,), (second,) = a.read_documents([pages]), b.read_documents([pages])
    one, other = _read(first), _read(second)
    return TwoReadings(one, other, tuple(beside(one.document or Document(), other.document)))


def value_at(values: Mapping[str, Any], path: str) -> str:
    """The value at a path of what `Document.values` gives, as text; empty for an empty path."""
    found: Any = values
    for key in path.split(".") if path else ():
        found = found[int(key)] if isinstance(found, list) else found[key]
    return str(found) if path else ""


def _read(reading: Reading) -> Read:
    if reading.fields is None:
        finding = {"rule": "present", "severity": "missing", "what": "nothing could be read", "paths": []}
        return Read(reading.model, None, (finding,), False, reading.confidence)
    try:
        read = read_document(reading.fields)
    except BadInput as error:
        finding = {"rule": "value", "severity": "error", "what": str(error), "paths": []}
        return Read(reading.model, None, (finding,), False, reading.confidence)
    checked = validate_document(read)
    findings = tuple(one.to_dict() for one in checked.findings)
    return Read(reading.model, read.document, findings, checked.exact, reading.confidence)
