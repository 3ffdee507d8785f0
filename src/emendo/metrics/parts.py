"""Corpus metrics taken apart into what each sample adds, so that any of them has an interval.

Most metrics of the table are one sum divided by another (`1 - that` for accuracies). With both terms per sample the
corpus can be resampled: intervals, differences between subsets and paired comparisons follow for every one of them.
BLEU and chrF are no such ratio and have no parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq, Levenshtein

from .bootstrap import Interval, ratio_interval
from .table import Metric, Pairs
from .tokens import Tokenize, tokenizer

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parts:
    """`above[i]` and `below[i]` are what sample i adds; the metric is sum(above) / sum(below), or 1 minus that."""

    above: Floats
    below: Floats
    complement: bool = False

    @property
    def value(self) -> float:
        """The metric of the whole corpus; 0 (or 1) when there is nothing to divide by."""
        return self._turned(float(self.above.sum() / max(float(self.below.sum()), 1.0)))

    def interval(self, groups: Sequence[str] | None = None, *, seed: int = 0) -> Interval:
        """95 % interval of the metric, by group where there are enough (see `emendo.metrics.bootstrap`)."""
        found = ratio_interval(self.above.tolist(), self.below.tolist(), groups=groups, seed=seed)
        bounds = sorted((self._turned(found.low), self._turned(found.high)))
        return Interval(self._turned(found.value), bounds[0], bounds[1], found.level, found.unit)

    def _turned(self, ratio: float) -> float:
        return 1 - ratio if self.complement else ratio


def parts(metric: Metric, pairs: Pairs) -> Parts | None:
    """The parts of a metric over these pairs; None for a metric that is no ratio of sums."""
    made = _PARTS.get(metric.name)
    return made(pairs) if made else None


def _edits(pairs: Pairs) -> Parts:
    return Parts(_floats(pairs.edits), _floats(pairs.lengths[0]))


def _not(made: Parts) -> Parts:
    return Parts(made.above, made.below, not made.complement)


def _token_edits(pairs: Pairs, tokenize: Tokenize) -> Parts:
    both = [(tokenize(a), tokenize(b)) for a, b in zip(pairs.references, pairs.hypotheses, strict=True)]
    return Parts(_floats([Levenshtein.distance(a, b) for a, b in both]), _floats([len(a) for a, _ in both]))


def _ned(pairs: Pairs) -> Parts:
    longer = np.maximum(np.maximum(*pairs.lengths), 1)
    return Parts(_floats(pairs.edits / longer), np.ones(len(pairs)))


def _exact(pairs: Pairs) -> Parts:
    return Parts(_floats(pairs.edits == 0), np.ones(len(pairs)))


def _shared(pairs: Pairs, tokenize: Tokenize, kind: str) -> Parts:
    """Common tokens against those of the references (recall), the hypotheses (precision) or both (F1)."""
    rows = []
    for reference, hypothesis in zip(pairs.references, pairs.hypotheses, strict=True):
        true, read = tokenize(reference), tokenize(hypothesis)
        rows.append((LCSseq.similarity(true, read), len(true), len(read)))
    common, left, right = _floats(rows).reshape(-1, 3).T
    if kind == "f1":
        return Parts(2 * common, left + right)
    return Parts(common, right if kind == "precision" else left)


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _tokens(pairs: Pairs) -> Tokenize:
    return tokenizer(pairs.tokenizer)


_PARTS: Mapping[str, Callable[[Pairs], Parts]] = {
    "cer": _edits,
    "character_accuracy": lambda pairs: _not(_edits(pairs)),
    "wer": lambda pairs: _token_edits(pairs, str.split),
    "ter": lambda pairs: _token_edits(pairs, _tokens(pairs)),
    "token_accuracy": lambda pairs: _not(_token_edits(pairs, _tokens(pairs))),
    "ned": _ned,
    "exact": _exact,
    "character_precision": lambda pairs: _shared(pairs, list, "precision"),
    "character_recall": lambda pairs: _shared(pairs, list, "recall"),
    "character_f1": lambda pairs: _shared(pairs, list, "f1"),
    "precision": lambda pairs: _shared(pairs, _tokens(pairs), "precision"),
    "recall": lambda pairs: _shared(pairs, _tokens(pairs), "recall"),
    "f1": lambda pairs: _shared(pairs, _tokens(pairs), "f1"),
}
