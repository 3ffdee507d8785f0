"""Two models on the same lines: which is better, by how much, where, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..metrics import Paired, paired_bootstrap
from ..settings import Limits
from ..tools.counts import counted
from ..tools.files import write_json
from ..types import Recognizer, Split
from .report import Line, Report, by_slice, figures
from .run import Load, Progress, SampleSet, evaluate_many

FORMAT = "emendo-comparison/1"
Pair = tuple[Line, Line]


@dataclass(frozen=True)
class Comparison:
    """`a` is the model in use, `b` the other; the differences are B - A, so below 0 means that B is better."""

    a: Report
    b: Report

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Both readings of each line, in the order of the data set."""
        other = {line.id: line for line in self.b.lines}
        return tuple((line, other[line.id]) for line in self.a.lines)

    @cached_property
    def paired(self) -> Paired:
        """Paired bootstrap of the CER over all lines."""
        return paired(self.pairs)

    @cached_property
    def better(self) -> list[Pair]:
        """Lines that B reads with fewer edits, largest gain first."""
        return _moved(self.pairs, -1)

    @cached_property
    def worse(self) -> list[Pair]:
        """Lines that B reads with more edits, largest loss first."""
        return _moved(self.pairs, 1)

    def sliced(self, name: str) -> dict[str, tuple[Pair, ...]]:
        """The pairs by value of one slice."""
        other = {line.id: line for line in self.b.lines}
        return {
            value: tuple((line, other[line.id]) for line in lines)
            for value, lines in by_slice(self.a.lines, name).items()
        }

    def figures(self) -> dict[str, Any]:
        """The comparison for JSON: both models' figures, the difference, and each slice's."""
        return {
            "format": FORMAT,
            "a": self.a.figures(),
            "b": self.b.figures(),
            **paired_figures(self.paired),
            "lines_better": len(self.better),
            "lines_worse": len(self.worse),
            "lines_same": len(self.pairs) - len(self.better) - len(self.worse),
            "slices": {
                name: {
                    value: {
                        "a": figures([a for a, _ in pairs]),
                        "b": figures([b for _, b in pairs]),
                        **paired_figures(paired(pairs)),
                    }
                    for value, pairs in self.sliced(name).items()
                }
                for name in self.a.slices
            },
        }

    def write(self, folder: Path) -> None:
        """Write both reports (folders `a` and `b`) and `comparison.json`, last."""
        self.a.write(folder / "a")
        self.b.write(folder / "b")
        write_json(folder / "comparison.json", self.figures())


def compare(
    a: Recognizer,
    b: Recognizer,
    dataset: SampleSet,
    *,
    split: Split | None = None,
    slices: Sequence[str] = (),
    limits: Limits | None = None,
    load: Load | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Read the data set with both models, each image loaded once. Takes and raises what `evaluate` does."""
    first, second = evaluate_many(
        [a, b], dataset, split=split, slices=slices, limits=limits, load=load, progress=progress
    )
    return Comparison(first, second)


def compare_reports(a: Report, b: Report) -> Comparison:
    """Compare two reports of the same data set. Raises DataError when they are not of the same lines."""
    left, right = {(x.id, x.reference) for x in a.lines}, {(x.id, x.reference) for x in b.lines}
    if left != right:
        raise DataError(
            f"the reports differ in {counted(len(left ^ right), 'line')} ({a.dataset} and {b.dataset})",
            remedy="evaluate both models on the same data set and split",
        )
    return Comparison(a, b)


def paired(pairs: Sequence[Pair], *, seed: int = 0) -> Paired:
    """Paired bootstrap of the CER of some pairs, by group where there are enough groups."""
    return paired_bootstrap(
        [a.counts.edits for a, _ in pairs],
        [b.counts.edits for _, b in pairs],
        [a.counts.characters for a, _ in pairs],
        groups=[a.group or a.id for a, _ in pairs],
        seed=seed,
    )


def paired_figures(one: Paired) -> dict[str, Any]:
    """A paired bootstrap for JSON."""
    return {
        "difference": one.difference,
        "difference_low": one.low,
        "difference_high": one.high,
        "confidence_better": one.confidence_better,
        "p_value": one.p_value,
        "unit": one.unit,
        "units": one.units,
    }


def _moved(pairs: Sequence[Pair], sign: int) -> list[Pair]:
    moved = [(a, b) for a, b in pairs if sign * (b.counts.edits - a.counts.edits) > 0]
    return sorted(moved, key=lambda pair: (-abs(pair[1].counts.edits - pair[0].counts.edits), pair[0].id))
