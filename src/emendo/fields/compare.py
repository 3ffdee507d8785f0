"""How much of a document was read right, field by field: numbers as numbers, dates as dates, rows by alignment.

A value is right when it is what the truth says; a text also when only case, accents kept, blanks and punctuation
differ (`plain`), for nobody is paid less for a comma. Rows of a table are aligned in order so that most cells agree,
and each cell of an aligned pair counts. Values that the truth does not have count as invented, so that saying much
does not pay: precision = right / (right + wrong + invented), recall = right / (right + wrong + missed).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
    def values(self) -> int:
        """Values of the truth."""
        return self.right + self.wrong + self.missed

    @property
    def errors(self) -> int:
        """Values that are not as they should be: wrong, missed or invented."""
        return self.wrong + self.missed + self.invented

    @property
    def accuracy(self) -> float | None:
        """Share of the values of the truth that were read right; None when it has none."""
        return _share(self.right, self.values)

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
class Cell:
    """A value of the truth and what was read for it, None where a side has none.

    `name` is that of the field (`lines[].amount`); the paths (`lines.2.amount`) say where in either document it stands,
    empty where it does not. `pair` numbers the pairs of rows of a table, -1 for a field that is in none.
    """

    name: str
    truth_path: str
    found_path: str
    truth: Any
    found: Any
    pair: int = -1

    def counts(self, same: Same) -> FieldCounts:
        """What it counts for when `same` decides whether both agree."""
        if self.truth is None:
            return FieldCounts(invented=1)
        if self.found is None:
            return FieldCounts(missed=1)
        return FieldCounts(right=1) if same(self.truth, self.found) else FieldCounts(wrong=1)


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
    return counted(cells(truth, found, same=same), same=same)


def counted(some: Iterable[Cell], *, same: Same | None = None) -> Comparison:
    """The counts of some pairs of values by name of field."""
    counts: dict[str, FieldCounts] = {}
    for cell in some:
        counts[cell.name] = counts.get(cell.name, FieldCounts()) + cell.counts(same or equal)
    return Comparison(counts)


def cells(truth: Document, found: Document | None, *, same: Same | None = None) -> Iterator[Cell]:
    """Each value of the truth beside what was read for it, and each value that was read without need.

    `same` decides which rows of a table belong together (see `align_rows`).
    """
    found = found or Document()
    for name in Document.model_fields:
        if name not in ROWS and name != "sources":
            yield from _cell(name, (truth, name), (found, name), name)
    for table in ROWS:
        at = to = -1
        for pair, (row, other) in enumerate(align_rows(getattr(truth, table), getattr(found, table), same=same)):
            at, to = at + (row is not None), to + (other is not None)
            for name in ROWS[table].model_fields:
                if name != "sources":
                    here, there = f"{table}.{at}.{name}", f"{table}.{to}.{name}"
                    yield from _cell(f"{table}{ROW_MARK}.{name}", (row, here), (other, there), name, pair)


def names_of(document: Document) -> frozenset[str]:
    """The fields of which a document has a value; those of rows as `lines[].amount`."""
    return frozenset(cell.name for cell in cells(document, None))


def only(document: Document, names: Collection[str]) -> Document:
    """The document without the values of all other fields; a row may be empty then, and keeps its number."""
    plain = {name: None for name in Document.model_fields if name not in {*ROWS, *names, "sources"}}
    tables = {}
    for table, part in ROWS.items():
        columns = [name for name in part.model_fields if name != "sources"]
        kept = [name for name in columns if f"{table}{ROW_MARK}.{name}" in names]
        dropped = {name: None for name in columns if name not in kept}
        tables[table] = [row.model_copy(update=dropped) for row in getattr(document, table)]
    return document.model_copy(update={**plain, **tables})


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


def strict(truth: Any, found: Any) -> bool:
    """The same with texts as the SROIE task has them: case and the number of blanks aside, every sign counts."""
    if isinstance(truth, str) and isinstance(found, str):
        return truth.upper().split() == found.upper().split()
    return bool(truth == found)


def plain(text: str) -> str:
    """A text without blanks, punctuation and case: letters with their accents, and figures."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in composed if char.isalnum() or unicodedata.combining(char))


def _cell(label: str, truth: tuple[Any, str], found: tuple[Any, str], name: str, pair: int = -1) -> Iterator[Cell]:
    """The pair of one field, given the part of either document and the path there; none where both are empty."""
    value, other = getattr(truth[0], name, None), getattr(found[0], name, None)
    if value is not None or other is not None:
        here, there = "" if value is None else truth[1], "" if other is None else found[1]
        yield Cell(label, here, there, value, other, pair)


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
