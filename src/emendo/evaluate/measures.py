"""Further figures of an evaluation: any metric of the table, and everything once more with differences folded away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ..metrics.table import Pairs, measure, metric
from ..metrics.tokens import tokenizer
from ..text.folds import Fold, fold_of
from ..types import Sample

KINDS: Mapping[str, tuple[str, ...]] = {"plate": ("plates",)}
"""Foldings under which some kinds of lines are compared as well unless others are named: the letter O and the digit 0
look the same on most licence plates, and who writes down the truth can only guess. The kind is a word of the subset
(`plate`, `plate_street`, `synthetic-plate`)."""


def are_plates(samples: Sequence[Sample]) -> bool:
    """Whether all labelled samples are licence plates, by their subset; no samples are none."""
    return kind_of(samples) == "plate"


def kind_of(samples: Sequence[Sample]) -> str:
    """The kind of `KINDS` that all labelled samples are of, empty when there is none."""
    subsets = {sample.subset for sample in samples if sample.text is not None}
    found = {next((word for word in re.split("[_-]", subset) if word in KINDS), "") for subset in subsets}
    return found.pop() if len(found) == 1 else ""


def usual_folds(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The foldings that are usual for samples of their kind."""
    return KINDS.get(kind_of(samples), ())


class Read(Protocol):
    """A line with its two texts."""

    @property
    def reference(self) -> str: ...  # noqa: D102

    @property
    def hypothesis(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Measures:
    """Which metrics to add to a report, in which tokens, and which foldings to compare under as well.

    The plain figures are never folded; the folded ones stand beside them under `normalized`, with the names of the
    foldings and the phrases that count as one sign (as in `text.folds.Fold`), and `exact_folded` is the share of lines
    without an error then, of `exact_folded_samples`. Raises UsageError for a name that is unknown.
    """

    metrics: tuple[str, ...] = ()
    tokens: str = "words"
    folds: tuple[str, ...] = ()
    phrases: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in self.metrics:
            metric(name)
        tokenizer(self.tokens)
        fold_of(self.folds)

    @cached_property
    def fold(self) -> Fold:
        """The foldings as one."""
        return fold_of(self.folds, self.phrases)

    def figures(self, lines: Sequence[Read]) -> dict[str, Any]:
        """`metrics` and `normalized` for these lines, as far as they are wanted."""
        found: dict[str, Any] = {}
        if self.metrics:
            found["metrics"] = measure(self.metrics, self._pairs(lines, Fold()))
        if self.folds or self.phrases:
            names = dict.fromkeys(("cer", "wer", "exact", *self.metrics))
            pairs = self._pairs(lines, self.fold)
            same = sum(a == b for a, b in zip(pairs.references, pairs.hypotheses, strict=True))
            found["exact_folded_samples"] = same
            found["exact_folded"] = same / len(lines) if lines else 0.0
            found["normalized"] = {
                "folds": list(self.fold.names),
                **({"phrases": [list(pair) for pair in self.phrases]} if self.phrases else {}),
                **measure(names, pairs),
            }
        return found

    def _pairs(self, lines: Sequence[Read], fold: Fold) -> Pairs:
        return Pairs(
            [line.reference for line in lines], [line.hypothesis for line in lines], tokens=self.tokens, fold=fold
        )

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`."""
        phrases = {"phrases": [list(pair) for pair in self.phrases]} if self.phrases else {}
        return {"metrics": list(self.metrics), "tokens": self.tokens, "folds": list(self.folds), **phrases}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measures:
        """What `to_dict` made; a report without it had none."""
        return cls(
            tuple(values.get("metrics", ())),
            str(values.get("tokens", "words")),
            tuple(values.get("folds", ())),
            tuple((str(phrase), str(sign)) for phrase, sign in values.get("phrases", ())),
        )
