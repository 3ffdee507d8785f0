"""One evaluated document: what it holds, what was read, and everything that is counted of the two."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from ...errors import BadInput
from ...fields.compare import ROW_MARK, Cell, FieldCounts, cells, counted, equal, names_of, only, plain, strict
from ...fields.error_classes import classify_error, severity
from ...fields.schema import ROWS, Document, ReadDocument, read_document
from ...fields.validate import TOLERANCE, Severity, validate_document
from ...metrics.teds import Table, teds
from ...types import Reading

MOST_TEDS_ROWS: Final = 100
"""Rows of a table that its likeness looks at: the time grows with their square."""


class Validity(StrEnum):
    """What the validator says of a reading: its sums hold exactly, but for rounding, or something cannot be right."""

    EXACT = "exact"
    TOLERANCE = "tolerance"
    FAULTY = "faulty"
    NOTHING = "nothing"
    """Nothing was read, or nothing that is a field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One document. `truth` and `found` are values as `Document.values` gives them; `found` is None when unread.

    `counts` and `strict` count values by field (see `fields.compare.equal` and `strict`), `rows` whole rows by table.
    `classes` are those of the errors, the worst first. `faults` is what the validator holds against the reading.
    `teds` in [0, 1] is the likeness of the tables of line items, None where neither has one. `certainty` holds for
    each counted value that was read the chance that the model gave it, and whether it is right. `fault` says why a
    document could not be read.
    """

    id: str
    truth: Mapping[str, Any]
    found: Mapping[str, Any] | None
    counts: Mapping[str, FieldCounts]
    strict: Mapping[str, FieldCounts]
    rows: Mapping[str, FieldCounts]
    classes: tuple[str, ...]
    severity: int
    validity: str
    faults: tuple[str, ...] = ()
    teds: float | None = None
    certainty: tuple[tuple[float, bool], ...] = ()
    confidence: float = 0.0
    group: str = ""
    slices: Mapping[str, str] = field(default_factory=dict)
    pages: int = 0
    seconds: float = 0.0
    fault: str = ""

    @property
    def all(self) -> FieldCounts:
        """The sum over all fields."""
        return sum(self.counts.values(), FieldCounts())

    def of(self, name: str) -> FieldCounts:
        """The counts of one field."""
        return self.counts.get(name, FieldCounts())


@dataclass(frozen=True, slots=True)
class Counted:
    """Which fields count: `names`, and with `partial` of them only those that the truth of a document has."""

    names: frozenset[str]
    partial: bool = False

    def of(self, truth: Document) -> frozenset[str]:
        """The fields that count in one document."""
        return self.names & names_of(truth) if self.partial else self.names


def outcome(
    truth: Document,
    reading: Reading | None,
    *,
    id: str,
    fields: Counted,
    tolerance: Decimal = TOLERANCE,
    today: date | None = None,
    **known: Any,
) -> Outcome:
    """Everything that is counted of one document; `known` are further attributes of the outcome.

    None stands for a document that could not be read: all of its values are missed.
    """
    read, fault = _read(reading)
    found = read.document if read else None
    names = fields.of(truth)
    true, said = only(truth, names), only(found, names) if found else None
    pairs = tuple(cells(true, said))
    classes = classify_error(true, said)
    validity, faults = _validity(read, tolerance, today)
    return Outcome(
        id=id,
        truth=truth.values(),
        found=found.values() if found else None,
        counts=counted(pairs).fields,
        strict=counted(pairs, same=strict).fields,
        rows=whole_rows(pairs),
        classes=tuple(classes),
        severity=severity(classes),
        validity=validity,
        faults=faults,
        teds=table_likeness(true, said, names),
        certainty=_certainty(pairs, reading.certainty if reading else {}),
        confidence=reading.confidence if reading else 0.0,
        **{"fault": fault, **known},
    )


def whole_rows(pairs: Iterable[Cell]) -> dict[str, FieldCounts]:
    """Rows by table: right when each of its cells is, missed or invented when the other side has no such row."""
    rows: dict[tuple[str, int], FieldCounts] = {}
    for cell in pairs:
        if cell.pair >= 0:
            key = cell.name.partition(ROW_MARK)[0], cell.pair
            rows[key] = rows.get(key, FieldCounts()) + cell.counts(equal)
    tables: dict[str, FieldCounts] = {}
    for (table, _), sums in rows.items():
        if not sums.errors:
            one = FieldCounts(right=1)
        elif not (sums.right or sums.wrong or sums.invented):
            one = FieldCounts(missed=1)
        elif not sums.values:
            one = FieldCounts(invented=1)
        else:
            one = FieldCounts(wrong=1)
        tables[table] = tables.get(table, FieldCounts()) + one
    return tables


def table_likeness(
    truth: Document, found: Document | None, names: Collection[str], table: str = "lines"
) -> float | None:
    """TEDS of a table of both documents, its rows cut to `names`; None where neither has a row."""
    columns = [name for name in ROWS[table].model_fields if f"{table}{ROW_MARK}.{name}" in names]
    true, said = _table(truth, table, columns), _table(found, table, columns) if found else []
    return teds(true, said) if true or said else None


def _table(document: Document, table: str, columns: Sequence[str]) -> Table:
    rows = ([getattr(row, name) for name in columns] for row in getattr(document, table))
    kept = [[_text(value) for value in row] for row in rows if any(value is not None for value in row)]
    return kept[:MOST_TEDS_ROWS]


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return plain(value) if isinstance(value, str) else "" if value is None else str(value)


def _read(reading: Reading | None) -> tuple[ReadDocument | None, str]:
    """The document of a reading, and why there is none."""
    if reading is None or reading.fields is None:
        return None, "nothing could be read"
    try:
        return read_document(reading.fields), ""
    except BadInput as error:
        return None, str(error)


def _validity(read: ReadDocument | None, tolerance: Decimal, today: date | None) -> tuple[str, tuple[str, ...]]:
    if read is None or not (names_of(read.document) or read.faults):
        return Validity.NOTHING, ()
    exact = validate_document(read, today=today)
    held = validate_document(read, tolerance=tolerance, today=today)
    faults = tuple(one.what for one in held.findings if one.severity is not Severity.WARNING)
    if exact.exact:
        return Validity.EXACT, faults
    return Validity.TOLERANCE if held.ok else Validity.FAULTY, faults


def _certainty(pairs: Iterable[Cell], told: Mapping[str, float]) -> tuple[tuple[float, bool], ...]:
    return tuple(
        (float(told[cell.found_path]), bool(cell.counts(equal).right)) for cell in pairs if cell.found_path in told
    )
