"""A judgement of a model of fields for the page: totals, each field, and the documents that moved, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..evaluate.fields import FieldComparison
from ..evaluate.fields.beside import Beside, beside
from ..evaluate.fields.compare import FieldPair
from ..evaluate.fields.outcome import Outcome
from ..fields.schema import Document, read_document

MOST_DOCUMENTS: Final = 25


def field_comparison(seen: FieldComparison) -> dict[str, Any]:
    """Errors of both models on the test documents, of each field, and the documents to look at.

    `worse` are documents that the new model reads with more errors, `better` those with fewer, `worst` the others that
    still have errors; each list is led by the largest and holds `MOST_DOCUMENTS` at most, beside its full number.
    """
    shown = {new.id for _, new in seen.worse}
    wrong = (pair for pair in seen.pairs if pair[1].all.errors and pair[1].id not in shown)
    worst = sorted(wrong, key=lambda pair: (-pair[1].all.errors, pair[1].id))
    old, new = seen.a.counts, seen.b.counts
    fields = [
        {
            "name": name,
            "values": sum(one.of(name).values for one, _ in seen.pairs),
            "old": sum(one.of(name).errors for one, _ in seen.pairs),
            "new": sum(one.of(name).errors for _, one in seen.pairs),
        }
        for name in seen.a.fields
    ]
    return {
        "documents": len(seen.pairs),
        "values": old.values,
        "old": old.errors,
        "new": new.errors,
        "confidence_better": seen.paired.confidence_better,
        "fields": [one for one in fields if one["values"] or one["old"] or one["new"]],
        "worse": _documents(seen.worse),
        "better": _documents(seen.better),
        "worst": _documents(worst),
    }


def _documents(pairs: Sequence[FieldPair]) -> dict[str, Any]:
    return {"count": len(pairs), "documents": [_document(pair) for pair in pairs[:MOST_DOCUMENTS]]}


def _document(pair: FieldPair) -> dict[str, Any]:
    """The values of the truth that either model reads otherwise, with what each reads."""
    sides = [{one.path: one for one in _against_truth(outcome)} for outcome in pair]
    paths = [path for path in dict.fromkeys((*sides[0], *sides[1])) if _moved(sides[0].get(path), sides[1].get(path))]
    return {
        "id": pair[1].id,
        "old": pair[0].all.errors,
        "new": pair[1].all.errors,
        "values": [
            {
                "path": path,
                "truth": next((side[path].left for side in sides if path in side), ""),
                **{name: _said(side.get(path)) for name, side in zip(("old", "new"), sides, strict=True)},
            }
            for path in paths
        ],
    }


def _against_truth(outcome: Outcome) -> list[Beside]:
    truth = read_document(outcome.truth).document
    found = read_document(outcome.found).document if outcome.found is not None else Document()
    return beside(truth, found, tuple(outcome.counts))


def _moved(old: Beside | None, new: Beside | None) -> bool:
    return any(one is not None and one.verdict != "same" for one in (old, new))


def _said(one: Beside | None) -> dict[str, Any]:
    """What a model reads there, and whether that is right; nothing where neither truth nor reading has a value."""
    return {"text": one.right if one else "", "right": one is None or one.verdict == "same"}
