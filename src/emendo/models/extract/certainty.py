"""How sure a field is: a logistic curve over what the words, the tags and the sums show of it.

It is fitted on documents that were not trained on (Platt 1999); how far it is off is the expected calibration error
(Naeini et al. 2015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from emendo.fields.compare import align_rows, equal
from emendo.fields.schema import ROWS, Document

from ..calibration import expected_calibration_error, logistic, sigmoid

FEATURES: Final = ("tags", "worst", "margin", "cost", "reader", "confirmed", "broken", "text", "cell")
"""Mean and least log-odds of the words' tags, distance to the next candidate, cost of reading, logarithm of the OCR
confidence, sums that confirm and contradict, whether the field is a text, and whether it stands in a table."""
LEAST_FIELDS: Final = 50
"""Fewer fields than this tell too little to fit on."""
_FOLDS: Final = 5


class Certainty(BaseModel):
    """The curve, stored in the bundle: its intercept and a weight for each of `FEATURES`.

    `ece_before` and `ece_after` are the expected calibration errors on the `fields` that it was fitted on of the plain
    chance of the tags and of the curve, the latter by five-fold cross-validation over documents.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float = -0.4
    weights: tuple[float, ...] = Field((0.25, 0.15, 0.15, -0.8, 1.0, 0.5, -1.2, -1.0, 0.0), max_length=len(FEATURES))
    fields: int = Field(0, ge=0)
    ece_before: float | None = None
    ece_after: float | None = None

    def chance(self, evidence: Sequence[float]) -> float:
        """The chance, in [0, 1], that a field of this evidence is right."""
        if len(self.weights) != len(evidence):
            return 1 / (1 + exp(-max(-30.0, min(30.0, evidence[0]))))
        score = self.intercept + sum(w * x for w, x in zip(self.weights, evidence, strict=True))
        return 1 / (1 + exp(-max(-30.0, min(30.0, score))))


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence (`FEATURES`) of a field that was read, whether it is right, and its document."""

    evidence: tuple[float, ...]
    right: bool
    document: int = 0


def evidence(
    odds: Sequence[float], *, second: float, cost: float, confidences: Sequence[float], confirmed: int = 0,
    broken: int = 0, text: bool = False, cell: bool = False,
) -> tuple[float, ...]:  # fmt: skip
    """The features of a field from the log-odds and the reader's confidences of its words."""
    held = list(odds) or [0.0]
    mean = sum(held) / len(held)
    reader = min((min(1.0, max(one, 1e-3)) for one in confidences), default=1.0)
    return (
        mean,
        min(held),
        max(-6.0, min(9.0, mean - second)),
        min(cost, 8.0),
        log(reader),
        float(min(confirmed, 3)),
        float(min(broken, 3)),
        float(text),
        float(cell),
    )


def judged(
    truth: Document, found: Document, evidences: Mapping[str, tuple[float, ...]], document: int = 0
) -> list[Judged]:
    """The fields of a reading (`Extraction.evidence`) of which the truth speaks, and whether each is right.

    Rows are aligned first. Of a field that the truth does not have nobody knows whether it is right: it is left out.
    """
    rows = [Judged(evidences[name], equal(getattr(truth, name), value), document)
            for name, value in found if name in evidences and getattr(truth, name) is not None]  # fmt: skip
    for table in ROWS:
        places = {id(row): at for at, row in enumerate(getattr(found, table))}
        for true, read in align_rows(getattr(truth, table), getattr(found, table)):
            if true is None or read is None:
                continue
            for name, value in read:
                path = f"{table}.{places[id(read)]}.{name}"
                if path in evidences and getattr(true, name, None) is not None:
                    rows.append(Judged(evidences[path], equal(getattr(true, name), value), document))
    return rows


def fit_certainty(rows: Sequence[Judged]) -> dict[str, Any]:
    """Constants of `Certainty` fitted on fields of documents that were not trained on.

    Raises ValueError when there are fewer than `LEAST_FIELDS` of them.
    """
    if len(rows) < LEAST_FIELDS:
        raise ValueError(f"{len(rows)} fields are too few to calibrate on, {LEAST_FIELDS} are needed")
    seen = np.array([row.evidence for row in rows], np.float64)
    right = np.array([row.right for row in rows])
    documents = np.array([row.document for row in rows])
    numbers = np.unique(documents)
    folds = np.random.default_rng(0).permutation(len(numbers)) % _FOLDS
    fold_of = folds[np.searchsorted(numbers, documents)] if len(numbers) >= _FOLDS else np.arange(len(rows)) % _FOLDS
    held_out = np.zeros(len(rows))
    for fold in range(_FOLDS):
        inside = fold_of == fold
        solution = logistic(seen[~inside], right[~inside])
        held_out[inside] = sigmoid(solution[0] + seen[inside] @ solution[1:])
    solution = logistic(seen, right)
    return Certainty(
        intercept=float(solution[0]),
        weights=tuple(float(value) for value in solution[1:]),
        fields=len(rows),
        ece_before=expected_calibration_error(sigmoid(seen[:, 0]), right),
        ece_after=expected_calibration_error(held_out, right),
    ).model_dump()
