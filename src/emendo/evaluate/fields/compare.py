"""Two readers on the same documents: which makes fewer errors of fields, by how much, where, and how sure that is.

What is compared is the number of values that are wrong, missed or invented for each value of the truth: unlike F1 it
has the same denominator for both, so that documents can be resampled in pairs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...fields.compare import FieldCounts
from ...metrics import Paired, paired_bootstrap
from ...tools.files import write_json
from ..compare import paired_figures
from .figures import by_slice, groups_of, rates
from .outcome import Outcome
from .report import FieldReport

FORMAT = "emendo-fields-comparison/1"
FieldPair = tuple[Outcome, Outcome]


@dataclass(frozen=True)
class FieldComparison:
    """`a` is the reader in use, `b` the other; the differences are B - A, so below 0 means that B is better."""

    a: FieldReport
    b: FieldReport

    @cached_property
    def pairs(self) -> tuple[FieldPair, ...]:
        """Both outcomes of each document, in the order of the data set."""
        other = {one.id: one for one in self.b.documents}
        return tuple((one, other[one.id]) for one in self.a.documents)

    @cached_property
    def paired(self) -> Paired:
        """Paired bootstrap of the errors of all fields."""
        return paired(self.pairs)

    @cached_property
    def by_field(self) -> dict[str, Paired]:
        """The same for each field that counts."""
        return {name: paired(self.pairs, [name]) for name in self.a.fields}

    @cached_property
    def better(self) -> list[FieldPair]:
        """Documents of which B reads more, largest gain first."""
        return _moved(self.pairs, -1)

    @cached_property
    def worse(self) -> list[FieldPair]:
        """Documents of which B reads less, largest loss first."""
        return _moved(self.pairs, 1)

    @cached_property
    def _figures(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "a": self.a.figures(),
            "b": self.b.figures(),
            **paired_figures(self.paired),
            "documents_better": len(self.better),
            "documents_worse": len(self.worse),
            "documents_same": len(self.pairs) - len(self.better) - len(self.worse),
            "better": [one.id for one, _ in self.better],
            "worse": [one.id for one, _ in self.worse],
            "fields": {name: self._field(name, one) for name, one in self.by_field.items()},
            "slices": {
                name: {value: self._slice(some) for value, some in by_slice(self.a.documents, name).items()}
                for name in self.a.slices
            },
        }

    def figures(self) -> dict[str, Any]:
        """The comparison for JSON: both readers' figures, the difference, and that of each field and slice."""
        return dict(self._figures)

    def _field(self, name: str, result: Paired) -> dict[str, Any]:
        a, b = (sum((one.of(name) for one in side.documents), FieldCounts()) for side in (self.a, self.b))
        return {"a": a.to_dict(), "b": b.to_dict(), **paired_figures(result)}

    def _slice(self, some: Sequence[Outcome]) -> dict[str, Any]:
        wanted = {one.id for one in some}
        pairs = [pair for pair in self.pairs if pair[0].id in wanted]
        sides = {key: rates([pair[at] for pair in pairs], lambda one: one.all) for at, key in enumerate("ab")}
        return {"samples": len(pairs), **sides, **paired_figures(paired(pairs))}

    def write(self, folder: Path) -> None:
        """Write both reports (folders `a` and `b`) and `comparison.json`, last."""
        self.a.write(folder / "a")
        self.b.write(folder / "b")
        write_json(folder / "comparison.json", self.figures())


def compare_field_reports(a: FieldReport, b: FieldReport) -> FieldComparison:
    """Compare two reports of the same documents and fields. Raises DataError when they are not."""
    sides = [{one.id: json.dumps(one.truth, sort_keys=True) for one in report.documents} for report in (a, b)]
    if sides[0] != sides[1] or a.fields != b.fields or a.partial != b.partial:
        raise DataError(
            f"the reports of {a.dataset} and {b.dataset} are not of the same documents and fields",
            remedy="evaluate both models on the same data set, split and fields",
        )
    return FieldComparison(a, b)


def paired(pairs: Sequence[FieldPair], names: Sequence[str] = (), *, seed: int = 0) -> Paired:
    """Paired bootstrap of the errors per value of the truth, of some fields or of all, over documents or groups."""
    sides = [[_counts(pair[at], names) for pair in pairs] for at in (0, 1)]
    return paired_bootstrap(
        [one.errors for one in sides[0]],
        [one.errors for one in sides[1]],
        [one.values for one in sides[0]],
        groups=groups_of([a for a, _ in pairs]),
        seed=seed,
    )


def _counts(one: Outcome, names: Sequence[str]) -> FieldCounts:
    return sum(map(one.of, names), FieldCounts()) if names else one.all


def _moved(pairs: Sequence[FieldPair], sign: int) -> list[FieldPair]:
    moved = [(a, b) for a, b in pairs if sign * (b.all.errors - a.all.errors) > 0]
    return sorted(moved, key=lambda pair: (-abs(pair[1].all.errors - pair[0].all.errors), pair[0].id))
