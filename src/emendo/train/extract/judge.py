"""How well a network tells the fields of documents, as serving does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emendo.fields.compare import ROW_MARK, Comparison, FieldCounts, compare_documents
from emendo.fields.schema import ROWS, Document, specs
from emendo.models.extract.certainty import LEAST_FIELDS, fit_certainty, judged
from emendo.models.extract.certainty import Judged as Field
from emendo.models.extract.decode import decode
from emendo.models.extract.tagger import Tagger

from .documents import TrainingDocument


@dataclass(frozen=True, slots=True)
class Judged:
    """Counts by field; of each document only the fields of which its truth speaks."""

    comparison: Comparison

    @property
    def error(self) -> float:
        """1 - F1 over all fields."""
        return 1 - (self.comparison.of(self.comparison.fields).f1 or 0.0)

    def figures(self) -> dict[str, float]:
        """F1 of all fields together, of those outside tables, and of each."""
        fields = self.comparison.fields
        head = [name for name in fields if ROW_MARK not in name]
        shown = {"all": fields, "head": head, "lines": ["lines"], **{name: [name] for name in sorted(fields)}}
        rated = {name: self.comparison.of(names).f1 for name, names in shown.items()}
        return {name: f1 for name, f1 in rated.items() if f1 is not None}


def judge(tagger: Tagger, documents: Sequence[TrainingDocument]) -> Judged:
    """Read the fields of some documents and count what is right."""
    total = Comparison({})
    for one in documents:
        words = one.shown()
        found = decode(words, tagger.tag(words), tagger.decoding).document
        total = total + spoken(compare_documents(one.truth, found), one.truth)
    return Judged(total)


def calibrated(tagger: Tagger, documents: Sequence[TrainingDocument]) -> dict[str, Any]:
    """How sure fields are, fitted on documents that were not trained on; empty when they are too few."""
    rows: list[Field] = []
    for number, one in enumerate(documents):
        words = one.shown()
        found = decode(words, tagger.tag(words), tagger.decoding)
        rows += judged(one.truth, found.document, found.evidence, number)
    return fit_certainty(rows) if len(rows) >= LEAST_FIELDS and len({one.right for one in rows}) == 2 else {}


def spoken(comparison: Comparison, truth: Document) -> Comparison:
    """Only the fields that the truth has: of others nobody knows whether they are right."""
    names = {spec.name for spec in specs(Document) if getattr(truth, spec.name) is not None}
    for table, part in ROWS.items():
        for row in getattr(truth, table):
            names |= {f"{table}{ROW_MARK}.{spec.name}" for spec in specs(part) if getattr(row, spec.name) is not None}
    kept: dict[str, FieldCounts] = {name: one for name, one in comparison.fields.items() if name in names}
    return Comparison(kept)
