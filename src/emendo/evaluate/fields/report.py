"""The report of one evaluation of a reader of documents: every document with its counts; all rates are derived.

On disk a report is a folder: `documents.jsonl` (one line a document: truth, reading, counts), `report.json` (the
figures), and `report.html` where asked for. `read_field_report` gives the report back from the first two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ...fields.compare import FieldCounts
from ...tools.files import write_json, write_text
from ..report import FIGURES, Unreadable
from .figures import by_field, by_slice, calibration, summary
from .outcome import Counted, Outcome

FORMAT = "emendo-fields-report/1"
DOCUMENTS = "documents.jsonl"
_COUNTED = ("counts", "strict", "rows")


@dataclass(frozen=True)
class FieldReport:
    """One reader on one data set.

    `documents` keeps the order of the data set and holds those that could not be read too, with all values missed.
    `fields` are the names that count (`lines[].amount`), with `partial` in each document only those that its truth has.
    `unlabelled` are samples without fields, `rejected` rows or values of the truth that are wrong; `slices` the names
    asked for.
    """

    model: str
    dataset: str
    dataset_hash: str
    split: str
    fields: tuple[str, ...]
    documents: tuple[Outcome, ...]
    partial: bool = False
    slices: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    rejected: tuple[Unreadable, ...] = ()

    @cached_property
    def counts(self) -> FieldCounts:
        """Summed counts of all values."""
        return sum((one.all for one in self.documents), FieldCounts())

    @property
    def counted(self) -> Counted:
        """Which fields count in a document."""
        return Counted(frozenset(self.fields), self.partial)

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The documents that could not be read, and why."""
        return tuple(Unreadable(one.id, one.fault) for one in self.documents if one.fault)

    def worst(self, most: int = 50) -> list[Outcome]:
        """The documents with errors: the most severe first, then those with the most wrong values."""
        wrong = [one for one in self.documents if one.all.errors or one.fault]
        return sorted(wrong, key=lambda one: (-one.severity, -one.all.errors, one.id))[:most]

    @cached_property
    def _figures(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "model": self.model,
            "dataset": self.dataset,
            "dataset_hash": self.dataset_hash,
            "split": self.split,
            "partial": self.partial,
            **summary(self.documents),
            "fields": by_field(self.documents, self.fields),
            "calibration": calibration(self.documents),
            "slices": {
                name: {value: summary(some) for value, some in by_slice(self.documents, name).items()}
                for name in self.slices
            },
            "counted": list(self.fields),
            "unreadable": [asdict(one) for one in self.unreadable],
            "unlabelled": list(self.unlabelled),
            "rejected": [asdict(one) for one in self.rejected],
        }

    def figures(self) -> dict[str, Any]:
        """Everything but the documents, ready for JSON: rates beside their raw counts."""
        return dict(self._figures)

    def write(self, folder: Path) -> None:
        """Write `documents.jsonl` and `report.json` into `folder`; the second is written last and marks it complete."""
        rows = (json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in self.documents)
        write_text(folder / DOCUMENTS, "".join(rows))
        write_json(folder / FIGURES, self.figures())


def is_field_report(folder: Path) -> bool:
    """Whether a folder holds a report of fields, and not one of lines."""
    return (folder / DOCUMENTS).is_file()


def read_field_report(folder: Path) -> FieldReport:
    """Read a report that `FieldReport.write` wrote. Raises FormatError with file and line."""
    head = _object(folder / FIGURES, _content(folder / FIGURES), None)
    if head.get("format") != FORMAT:
        raise FormatError(f"format is {head.get('format')!r}, not {FORMAT!r}", where=folder / FIGURES)
    path = folder / DOCUMENTS
    rows = [_object(path, raw, number) for number, raw in enumerate(_content(path).splitlines(), 1)]
    try:
        return FieldReport(
            model=head["model"],
            dataset=head["dataset"],
            dataset_hash=head["dataset_hash"],
            split=head["split"],
            fields=tuple(head["counted"]),
            documents=tuple(map(_outcome, rows)),
            partial=bool(head["partial"]),
            slices=tuple(head["slices"]),
            unlabelled=tuple(head["unlabelled"]),
            rejected=tuple(Unreadable(**one) for one in head["rejected"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"is not a complete report ({error})", where=folder, remedy="evaluate again") from error


def _outcome(row: Mapping[str, Any]) -> Outcome:
    counts = {key: {name: FieldCounts(**one) for name, one in row[key].items()} for key in _COUNTED}
    lists = {key: tuple(row[key]) for key in ("classes", "faults")}
    certainty = tuple((float(chance), bool(right)) for chance, right in row["certainty"])
    return Outcome(**{**row, **counts, **lists, "certainty": certainty})


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise FormatError("is missing", where=path, remedy="evaluate again")
    return path.read_bytes()


def _object(path: Path, raw: bytes, line: int | None) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise FormatError(f"is not JSON ({error})", where=path, line=line, remedy="evaluate again") from error
    if not isinstance(value, dict):
        raise FormatError("is not a JSON object", where=path, line=line, remedy="evaluate again")
    return value
