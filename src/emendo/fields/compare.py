"""How much of a document was read right, field by field: numbers as numbers, dates as dates, rows by alignment.

A value is right when it is what the truth says; a text also when only case, accents kept, blanks and punctuation
differ (`plain`), for nobody is paid less for a comma. Rows of a table are aligned in order so that most cells agree,
and each cell of an aligned pair counts. Values that the truth does not have count as invented, so that saying much
does not pay: precision = right / (right + wrong + invented), recall = right / (right + wrong + missed).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from rapidfuzz.distance import Levenshtein

from .schema import ROWS, Document

ROW_MARK: Final = "[]"
"""Stands in the name of a table's field for the number of the row: `lines[].amount`."""
Same = Callable[[Any, Any], bool]
_LEAST = 0.25
"""Rows less alike than this are not the same row."""


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """Values of one field over any number of documents."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    invented: int = 0

    def __add__(self, other: FieldCounts) -> FieldCounts:
        return FieldCounts(
            self.right + other.right,
            self.wrong + other.wrong,
            self.missed + other.missed,
            self.invented + other.invented,
        )

    @property
    def accuracy(self) -> float | None:
        """Share of the values of the truth that were read right; None when it has none."""
        return _share(self.right, self.right + self.wrong + self.missed)

    @property
    def precision(self) -> float | None:
        """Share of what was said that is right; None when nothing was said."""
        return _share(self.right, self.right + self.wrong + self.invented)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None when there is neither truth nor reading."""
        return _share(2 * self.right, 2 * self.right + 2 * self.wrong + self.missed + self.invented)

    def to_dict(self) -> dict[str, Any]:
        """Counts, and the rates that follow."""
        counts = {"right": self.right, "wrong": self.wrong, "missed": self.missed, "invented": self.invented}
        return {**counts, "accuracy": self.accuracy, "precision": self.precision, "f1": self.f1}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts by name of field; the fields of rows are named `lines[].amount`."""

    fields: Mapping[str, FieldCounts]

    def __add__(self, other: Comparison) -> Comparison:
        names = dict.fromkeys((*self.fields, *other.fields))
        none = FieldCounts()
        return Comparison({name: self.fields.get(name, none) + other.fields.get(name, none) for name in names})

    def of(self, names: Iterable[str]) -> FieldCounts:
        """The sum over some fields; a name of a table stands for all of its fields."""
        wanted = set(names)
        kept = (one for name, one in self.fields.items() if name in wanted or name.partition(ROW_MARK)[0] in wanted)
        return sum(kept, FieldCounts())

    @property
    def all(self) -> FieldCounts:
        """The sum over all fields."""
        return sum(self.fields.values(), FieldCounts())


def compare_documents(truth: Document, found: Document | None, *, same: Same | None = None) -> Comparison:
    """Compare one reading with the truth; None stands for a document of which nothing could be read.

    `same` decides whether two values agree (default `equal`).
    """
    same = same or equal
    found = found or Document()
    counts: dict[str, FieldCounts] = {}
    for name in Document.model_fields:
        if name in ROWS or name == "sources":
            continue
        one = _cell(getattr(truth, name), getattr(found, name), same)
        if one != FieldCounts():
            counts[name] = one
    for table in ROWS:
        rows: Sequence[Any] = getattr(truth, table)
        others: Sequence[Any] = getattr(found, table)
        for row, other in align_rows(rows, others, same=same):
            for name in ROWS[table].model_fields:
                if name == "sources":
                    continue
                one = _cell(getattr(row, name, None), getattr(other, name, None), same)
                place = f"{table}{ROW_MARK}.{name}"
                if one != FieldCounts():
                    counts[place] = counts.get(place, FieldCounts()) + one
    return Comparison(counts)


def align_rows(truth: Sequence[Any], found: Sequence[Any], *, same: Same | None = None) -> list[tuple[Any, Any]]:
    """Pairs of rows in order, None where a side has none, so that the pairs are most alike in all.

    Dynamic programming over both tables (Needleman and Wunsch, 1970) with the likeness of two rows as gain.
    """
    same = same or equal
    alike = [[_likeness(one, other, same) for other in found] for one in truth]
    height, width = len(truth), len(found)
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for at in range(height - 1, -1, -1):
        for to in range(width - 1, -1, -1):
            gain = alike[at][to]
            pair = best[at + 1][to + 1] + gain if gain >= _LEAST else -1.0
            best[at][to] = max(pair, best[at + 1][to], best[at][to + 1])
    pairs: list[tuple[Any, Any]] = []
    at = to = 0
    while at < height and to < width:
        gain = alike[at][to]
        if gain >= _LEAST and best[at][to] == best[at + 1][to + 1] + gain:
            pairs.append((truth[at], found[to]))
            at, to = at + 1, to + 1
        elif best[at][to] == best[at + 1][to]:
            pairs.append((truth[at], None))
            at += 1
        else:
            pairs.append((None, found[to]))
            to += 1
    return [*pairs, *((one, None) for one in truth[at:]), *((None, one) for one in found[to:])]


def equal(truth: Any, found: Any) -> bool:
    """Whether two values are the same: texts as `plain` has them, all others as they are."""
    if isinstance(truth, str) and isinstance(found, str):
        return plain(truth) == plain(found)
    return bool(truth == found)


def plain(text: str) -> str:
    """A text without blanks, punctuation and case: letters with their accents, and figures."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in composed if char.isalnum() or unicodedata.combining(char))


def _cell(truth: Any, found: Any, same: Same) -> FieldCounts:
    if truth is None and found is None:
        return FieldCounts()
    if truth is None:
        return FieldCounts(invented=1)
    if found is None:
        return FieldCounts(missed=1)
    return FieldCounts(right=1) if same(truth, found) else FieldCounts(wrong=1)


def _likeness(one: Any, other: Any, same: Same) -> float:
    """Share of the cells of either row that agree; texts count by how alike they are."""
    names = [name for name in type(one).model_fields if name != "sources"]
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    pairs = [pair for pair in pairs if pair != (None, None)]
    if not pairs:
        return 0.0
    return sum(_alike(first, second, same) for first, second in pairs) / len(pairs)


def _alike(one: Any, other: Any, same: Same) -> float:
    if one is None or other is None:
        return 0.0
    if isinstance(one, str) and isinstance(other, str):
        return float(Levenshtein.normalized_similarity(plain(one), plain(other)))
    if same(one, other):
        return 1.0
    return 0.2 if isinstance(one, Decimal) and isinstance(other, Decimal) and one and other == -one else 0.0


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
