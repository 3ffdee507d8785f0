"""Reports of whatever kind as the same rows of figures, for the benchmark table and the model card.

A kind (lines, documents) is a row of `KINDS`: it says by which format its `report.json` is known, what its samples are
called, where its figures stand, and how two of its reports are held against each other. Every figure keeps the place in
the file that it comes from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ...errors import DataError, FormatError, UsageError
from ...metrics.table import Better
from ..compare import compare_reports
from ..fields import compare_field_reports, read_field_report
from ..fields.report import FORMAT as FIELDS_FORMAT
from ..report import FIGURES, FORMAT, read_report
from .summary import FILE, Figure, Summary, read_summary


@dataclass(frozen=True, slots=True)
class Told:
    """One figure and the key in `file` (of the report's folder) that holds it. A share when `share`, else a number."""

    figure: Figure
    key: str
    file: str = FIGURES
    share: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples: the figures of one value of a slice, or of one field."""

    samples: int
    figures: Mapping[str, Told]


@dataclass(frozen=True, slots=True)
class Difference:
    """This report less the other on the same samples, of the figure `name`; `low` and `high` bound it at 95 %."""

    name: str
    value: float
    low: float
    high: float
    better: Better

    @property
    def apart(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Results:
    """What a report came to. `parts` are by slice and value, the fields of documents under the slice `field`.

    `noun` is what a sample is called; `left_out` counts samples without a figure; `summary` is the file beside the
    report, when it is of the same evaluation.
    """

    folder: Path
    noun: str
    model: str
    dataset: str
    dataset_hash: str
    split: str
    whole: Part
    seconds: float
    left_out: int
    parts: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)
    summary: Summary | None = None

    @property
    def model_id(self) -> str:
        """The content id in the model's name (see `id_in`)."""
        return id_in(self.model)

    @property
    def data(self) -> tuple[str, str, str]:
        """What two reports must have in common to be compared."""
        return self.noun, self.dataset_hash, self.split

    @property
    def milliseconds(self) -> float | None:
        """Of reading one sample; None when unknown."""
        return 1000 * self.seconds / self.whole.samples if self.seconds and self.whole.samples else None

    def against(self, other: Results) -> Difference | None:
        """How this report stands to another; None when they are not of the same samples."""
        if self.data != other.data:
            return None
        try:
            return KINDS[self.noun].against(other.folder, self.folder)
        except (DataError, FormatError):
            return None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report: the format in its `report.json`, its figures, and the comparison of two folders (B - A)."""

    format: str
    whole: Callable[[Mapping[str, Any], Path], Part]
    parts: Callable[[Mapping[str, Any]], Mapping[str, Mapping[str, Part]]]
    left_out: Callable[[Mapping[str, Any]], int]
    against: Callable[[Path, Path], Difference]


def id_in(model: str) -> str:
    """The content id in a model's name, `NAME@ID` or `NAME@ID(READER@ID)`; the name itself where it has none."""
    found = re.search(r"@([0-9a-f]{16})", model)
    return found[1] if found else model


def read_results(folder: Path) -> Results:
    """The report in a folder. Raises UsageError when there is none, FormatError for one that is damaged or unknown."""
    path = folder / FIGURES
    if not path.is_file():
        raise UsageError(f"{folder} is no report", remedy="make one with `emendo evaluate --out`")
    content = _json(path)
    noun = next((noun for noun, kind in KINDS.items() if kind.format == content.get("format")), "")
    if not noun:
        known = ", ".join(kind.format for kind in KINDS.values())
        raise FormatError(f"format is {content.get('format')!r}, not one of {known}", where=path)
    kind = KINDS[noun]
    try:
        return Results(
            folder=folder,
            noun=noun,
            model=str(content["model"]),
            dataset=str(content["dataset"]),
            dataset_hash=str(content["dataset_hash"]),
            split=str(content["split"]),
            whole=kind.whole(content, folder),
            seconds=float(content["seconds"]),
            left_out=kind.left_out(content),
            parts=kind.parts(content),
            summary=_summary(folder, content),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"is not a complete report ({error!r})", where=path, remedy="evaluate again") from error


def is_report(folder: Path) -> bool:
    """Whether `report.json` in a folder is an evaluation's (a training run leaves a file of that name too)."""
    try:
        return _json(folder / FIGURES).get("format") in {kind.format for kind in KINDS.values()}
    except FormatError:
        return False


def find_reports(places: Sequence[Path]) -> list[Path]:
    """The folders of reports in some places, however deep, in the order of their names; each once."""
    found = (path.parent for place in places for path in sorted(place.rglob(FIGURES)))
    return [folder for folder in dict.fromkeys(found) if is_report(folder)]


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"is not JSON ({error})", where=path, remedy="evaluate again") from error
    if not isinstance(content, dict):
        raise FormatError("is not a JSON object", where=path, remedy="evaluate again")
    return content


def _summary(folder: Path, content: Mapping[str, Any]) -> Summary | None:
    """The summary beside a report; None when there is none, or it is of another evaluation."""
    if not (folder / FILE).is_file():
        return None
    held = read_summary(folder / FILE)
    same = all(getattr(held, key) == content[key] for key in ("model", "dataset_hash", "split"))
    return held if same else None


LINE_FIGURES: Final = (
    ("cer", "cer_low", "cer_high", Better.LOWER),
    ("wer", "", "", Better.LOWER),
    ("exact", "", "", Better.HIGHER),
)
"""Of a report of lines: key of the figure and of its bounds."""


def _line_part(content: Mapping[str, Any], before: str = "") -> Part:
    figures = {
        key: Told(
            Figure(value=content[key], low=content.get(low), high=content.get(high), better=better), f"{before}{key}"
        )
        for key, low, high, better in LINE_FIGURES
    }
    return Part(int(content["samples"]), figures)


def _lines_whole(content: Mapping[str, Any], folder: Path) -> Part:
    """With the intervals of the summary, where it has more of them than the report."""
    part = _line_part(content)
    held = _summary(folder, content)
    told = {name: Told(one, f"metrics.{name}", FILE) for name, one in (held.metrics if held else {}).items()}
    return Part(part.samples, {**part.figures, **{name: told[name] for name in part.figures if name in told}})


def _lines_parts(content: Mapping[str, Any]) -> dict[str, dict[str, Part]]:
    return {
        name: {value: _line_part(one, f"slices.{name}.{value}.") for value, one in values.items()}
        for name, values in content["slices"].items()
    }


def _left_out(content: Mapping[str, Any]) -> int:
    return len(content["unreadable"]) + len(content["rejected"])


def _lines_against(a: Path, b: Path) -> Difference:
    paired = compare_reports(read_report(a), read_report(b)).paired
    return Difference("cer", paired.difference, paired.low, paired.high, Better.LOWER)


FIELD_FIGURES: Final = ("f1", "accuracy")
DOCUMENT_FIGURES: Final = (
    ("f1", "f1"),
    ("accuracy", "accuracy"),
    ("rows.lines.f1", "line_items_f1"),
    ("teds", "teds"),
    ("exact", "exact"),
    ("valid", "valid"),
    ("calibration.ece", "ece"),
)
"""Of a report of documents: where a figure stands, and what it is called; all but the calibration error are better when
they are greater."""


def _field_figures(content: Mapping[str, Any], before: str) -> dict[str, Told]:
    """F1 and accuracy of some values, as far as there are any."""
    known = {name: content[name] for name in FIELD_FIGURES if content[name] is not None}
    return {name: _told(content, name, value, before) for name, value in known.items()}


def _told(content: Mapping[str, Any], name: str, value: float, before: str) -> Told:
    low, high = content.get(f"{name}_low"), content.get(f"{name}_high")
    better = Better.LOWER if name == "ece" else Better.HIGHER
    return Told(Figure(value=value, low=low, high=high, better=better), f"{before}{name}")


def _documents_whole(content: Mapping[str, Any], folder: Path) -> Part:
    figures = {}
    for place, called in DOCUMENT_FIGURES:
        *folders, name = place.split(".")
        held: Any = content
        for part in folders:
            held = held.get(part, {})
        if held.get(name) is not None:
            figures[called] = _told(held, name, held[name], "".join(f"{part}." for part in folders))
    return Part(int(content["samples"]), figures)


def _documents_parts(content: Mapping[str, Any]) -> dict[str, dict[str, Part]]:
    """By field (its samples are the values that the truth has), then by slice."""
    fields = {
        name: Part(one["right"] + one["wrong"] + one["missed"], _field_figures(one, f"fields.{name}."))
        for name, one in content["fields"].items()
    }
    slices = {
        name: {
            value: Part(int(one["samples"]), _field_figures(one, f"slices.{name}.{value}."))
            for value, one in values.items()
        }
        for name, values in content["slices"].items()
    }
    return {"field": fields, **slices}


def _documents_against(a: Path, b: Path) -> Difference:
    paired = compare_field_reports(read_field_report(a), read_field_report(b)).paired
    return Difference("errors per value", paired.difference, paired.low, paired.high, Better.LOWER)


KINDS: Final[Mapping[str, Kind]] = {
    "lines": Kind(FORMAT, _lines_whole, _lines_parts, _left_out, _lines_against),
    "documents": Kind(FIELDS_FORMAT, _documents_whole, _documents_parts, _left_out, _documents_against),
}
"""Kinds of reports, by what their samples are called."""
