"""Confidence that means something: the chance that a line's text is exactly right.

A logistic curve (Platt 1999, with his smoothed targets) over what the network shows of a line, fitted on validation
lines; how far it is off is the expected calibration error (Naeini et al. 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, log1p

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from emendo.types import Character, Evidence

FEATURES = ("path", "worst", "mean", "length")
LEAST_LINES = 20
"""Fewer validation lines than this tell too little: the earlier calibration is kept."""


class Calibration(BaseModel):
    """Weights of the logistic curve, stored in `bundle.yaml` as `calibration`; without weights the path's own
    probability is the confidence.

    `ece_before` and `ece_after` are expected calibration errors on the `lines` it was fitted on, the latter by
    five-fold cross-validation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float = 0.0
    weights: tuple[float, ...] = Field((), max_length=len(FEATURES))
    lines: int = Field(0, ge=0)
    ece_before: float | None = None
    ece_after: float | None = None

    def confidence(self, evidence: Evidence, characters: Sequence[Character]) -> float:
        """The chance, in [0, 1], that the characters are exactly what the line says."""
        found = features(evidence, characters)
        if len(self.weights) != len(found):
            return exp(found[0])
        score = self.intercept + sum(w * x for w, x in zip(self.weights, found, strict=True))
        return 1 / (1 + exp(-max(-30.0, min(30.0, score))))


def features(evidence: Evidence, characters: Sequence[Character]) -> tuple[float, float, float, float]:
    """Log-probability of the best path, of the worst character, the mean of all characters, and log(1 + length)."""
    path = float(evidence.log_probs.max(axis=1).sum(dtype=np.float64)) if len(evidence.log_probs) else 0.0
    logs = [log(max(character.probability, 1e-6)) for character in characters] or [0.0]
    return max(path, -200.0), min(logs), sum(logs) / len(logs), log1p(len(characters))


def fit(rows: npt.NDArray[np.float64], exact: npt.NDArray[np.bool_]) -> Calibration:
    """Fit on the features of some lines, shape (N, 4), and whether each reading was exactly right, shape (N,).

    Raises ValueError when there are fewer than `LEAST_LINES` lines.
    """
    if len(rows) < LEAST_LINES:
        raise ValueError(f"{len(rows)} lines are too few to calibrate on, {LEAST_LINES} are needed")
    raw = np.exp(np.minimum(rows[:, 0], 0))
    held_out = np.zeros(len(rows))
    folds = np.random.default_rng(0).permutation(len(rows)) % 5
    for fold in range(5):
        inside = folds == fold
        solution = logistic(rows[~inside], exact[~inside])
        held_out[inside] = sigmoid(solution[0] + rows[inside] @ solution[1:])
    solution = logistic(rows, exact)
    return Calibration(
        intercept=float(solution[0]),
        weights=tuple(float(value) for value in solution[1:]),
        lines=len(rows),
        ece_before=expected_calibration_error(raw, exact),
        ece_after=expected_calibration_error(held_out, exact),
    )


def expected_calibration_error(
    confidence: npt.NDArray[np.float64], exact: npt.NDArray[np.bool_], bins: int = 10
) -> float:
    """Mean distance between confidence and the share of right readings over equal bins, weighted by their size."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    total = 0.0
    for number in range(bins):
        held = place == number
        if held.any():
            total += held.sum() * abs(float(confidence[held].mean()) - float(exact[held].mean()))
    return total / max(1, len(confidence))


def logistic(rows: npt.NDArray[np.float64], exact: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Intercept and weights by Newton's method on standardised features with a small ridge."""
    centre, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    x = np.column_stack([np.ones(len(rows)), (rows - centre) / scale])
    right, wrong = int(exact.sum()), int((~exact).sum())
    target = np.where(exact, (right + 1) / (right + 2), 1 / (wrong + 2))
    ridge = np.diag([1e-3, *([1.0] * rows.shape[1])])
    solution = np.zeros(x.shape[1])
    for _ in range(50):
        p = sigmoid(x @ solution)
        gradient = x.T @ (p - target) + ridge @ solution
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, gradient)
        solution = solution - step
        if float(np.abs(step).max()) < 1e-8:
            break
    weights = solution[1:] / scale
    return np.concatenate([[solution[0] - float(weights @ centre)], weights])


def sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Chances of log-odds, element by element."""
    value: npt.NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return value
