"""What it costs a person to make the fields of a document right, against filling in an empty form.

The simulated author follows the keystroke-level model as `metrics.effort` does (there: the operators and their times).
Looking at a value and at the page costs one M. Right values cost no key, or Enter where the form stops at them as
unsure. To another field it is Enter where the form stops there, else Tab for each field between. A field that is come
to is selected, so typing replaces it; where that is quicker the author corrects it within. A value that is offered is
one key, a row that is missing or not there one key more. At the end the document is saved with one key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ..fields import Document
from ..fields.compare import Cell, cells, equal
from ..fields.names import REGIONS
from ..fields.schema import ROWS, specs
from ..fields.values import amount_text
from ..metrics.effort import KEY_SECONDS, MENTAL_SECONDS, line_effort

FEW = ("seller", "seller_address", "number", "date", "currency", "discount", "net", "tax", "rounding", "total")
"""Fields that the form always shows."""


@dataclass(frozen=True, slots=True)
class Filling:
    """Effort summed over documents: fields that were looked at, keys, and decisions (M)."""

    documents: int = 0
    accepted: int = 0
    fields: int = 0
    keys: int = 0
    decisions: int = 0

    def __add__(self, other: Filling) -> Filling:
        return Filling(
            self.documents + other.documents,
            self.accepted + other.accepted,
            self.fields + other.fields,
            self.keys + other.keys,
            self.decisions + other.decisions,
        )

    @property
    def seconds(self) -> float:
        """By the keystroke-level model."""
        return self.keys * KEY_SECONDS + self.decisions * MENTAL_SECONDS

    def to_dict(self) -> dict[str, Any]:
        """Counts, and what follows for one document."""
        count = max(1, self.documents)
        counts = {name: getattr(self, name) for name in self.__slots__}
        return {**counts, "keys_each": self.keys / count, "seconds_each": self.seconds / count}


@dataclass
class _Author:
    """Where the author is in the form, and what was pressed so far."""

    places: Mapping[str, int]
    at: int = -1
    keys: int = 0
    decisions: int = 0
    stops: set[str] = field(default_factory=set)

    def look(self) -> None:
        self.decisions += 1

    def go(self, path: str) -> None:
        """To a field: one key where the form stops there, else as many as there are fields between."""
        there = self.places[path]
        self.keys += 1 if path in self.stops else abs(there - self.at)
        self.stops.discard(path)
        self.at = there

    def press(self, keys: int) -> None:
        self.keys += keys


def filling_effort(
    truth: Document,
    shown: Document | None = None,
    *,
    unsure: Collection[str] = (),
    offered: Mapping[str, Sequence[str]] | None = None,
) -> Filling:
    """What the author does to turn the form that shows `shown` (None: an empty one) into `truth`.

    `unsure` are the paths of `shown` at which the form stops, `offered` the values that it offers, by path. Only
    fields of which the truth has a value count: give a `shown` without the others where the truth is partial.
    """
    every = sorted(cells(truth, shown), key=_order)
    places = _places(truth, shown, every)
    author = _Author(places, stops={one.found_path for one in every if one.found_path in set(unsure)})
    rows: set[tuple[str, int]] = set()
    changed = False
    for one in every:
        row = (one.name.partition("[")[0], one.pair)
        whole = one.pair >= 0 and not _has(every, row, found=True)
        gone = one.pair >= 0 and not _has(every, row, found=False)
        if gone and row in rows:
            continue
        author.look()
        path = _path(one)
        if whole and row not in rows:
            author.press(1)
            author.at = places[path] - 1
        if one.truth is not None and one.found is not None and equal(one.truth, one.found):
            if one.found_path in author.stops:
                author.go(one.found_path)
        else:
            changed = True
            author.go(path)
            author.press(_fix(one, (offered or {}).get(one.found_path, ())))
        rows.add(row)
    return Filling(1, int(not changed), len(every), author.keys + 1, author.decisions)


def _fix(one: Cell, offered: Sequence[str]) -> int:
    """Keys to make a value right once its field is come to."""
    if one.truth is None:
        return 1
    said = text_of(one.truth)
    if one.found is None:
        return len(said)
    if said in offered:
        return 1
    return min(len(said), line_effort(said, text_of(one.found)).keystrokes)  # Home in place of Enter


def text_of(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, Decimal):
        return amount_text(value, least=2)
    return value.isoformat() if isinstance(value, date) else str(value)


def _path(one: Cell) -> str:
    return one.found_path or f"{one.truth_path}+{one.pair}"


def _has(every: Sequence[Cell], row: tuple[str, int], *, found: bool) -> bool:
    same = (one for one in every if one.pair == row[1] and one.name.partition("[")[0] == row[0])
    return any((one.found if found else one.truth) is not None for one in same)


def _order(one: Cell) -> tuple[int, int, int]:
    """Where a field stands in the form."""
    table = one.name.partition("[")[0]
    columns = [spec.name for spec in specs(ROWS[table])] if one.pair >= 0 else []
    column = columns.index(one.name.rpartition(".")[2]) if columns else 0
    return _NUMBERS[table], one.pair, column


def _places(truth: Document, shown: Document | None, every: Sequence[Cell]) -> dict[str, int]:
    """The number of each field among those of the form."""
    known = {one.name for one in every}
    blank = [name for name in FEW if name not in known]
    entries = [(_order(one), _path(one)) for one in every] + [((_NUMBERS[name], -1, 0), name) for name in blank]
    return {path: at for at, (_, path) in enumerate(sorted(entries))}


_NUMBERS = {name: at for at, name in enumerate(name for names in REGIONS.values() for name in names)}
