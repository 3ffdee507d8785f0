"""Recorded outputs of any model, whoever ran it: one JSON object a line.

    {"id": "page-3", "text": "what was read", "seconds": 0.8, "tokens": 256}

`id` is the sample's id in the manifest; `seconds` and `tokens` are what the sample cost, where they were recorded. The
`lines.jsonl` of a report is such a file too (its reading is called `hypothesis`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import DataError, FormatError, UsageError
from ...formats.base import Refusal, Reject, bounded_lines, clean_text
from ...formats.jsonl import parse
from ...metrics import counts
from ...settings import Limits
from ...types import Sample, Split
from ..measures import Measures
from ..report import FIGURES, LINES, Line, Report, Unreadable
from ..run import SampleSet, check_slices, default_slices, slice_value


@dataclass(frozen=True, slots=True)
class Output:
    """What a model gave for one sample; costs are None where they were not recorded."""

    text: str
    seconds: float | None = None
    tokens: float | None = None


@dataclass(frozen=True)
class Outputs:
    """The outputs of one model by sample id, and the rows that could not be used."""

    name: str
    rows: Mapping[str, Output]
    rejects: tuple[Reject, ...] = ()


def read_outputs(path: Path, *, limits: Limits | None = None, name: str = "") -> Outputs:
    """Read recorded outputs, or the lines of a report folder.

    Raises UsageError when nothing is there, FormatError when no row can be used; single bad rows are left out and
    named in `rejects`.
    """
    source = path / LINES if path.is_dir() and (path / FIGURES).is_file() else path
    if not source.is_file():
        raise UsageError(
            f"no recorded outputs at {str(path)!r}", remedy='give a JSONL file of {"id", "text"} or a report folder'
        )
    rows: dict[str, Output] = {}
    rejects: list[Reject] = []
    for number, line in bounded_lines(source, (limits or Limits()).manifest_line_bytes):
        try:
            if line is None:
                raise Refusal("the line is too long", "raise limits.manifest_line_bytes if it is right")
            if line.strip():
                key, output = _row(parse(line))
                if key in rows:
                    raise Refusal(f"id {key!r} stands already", "keep one row a sample")
                rows[key] = output
        except Refusal as refusal:
            rejects.append(Reject(source, number, refusal.what, refusal.remedy))
    if not rows:
        if rejects:
            raise rejects[0].error()
        raise FormatError("holds no outputs", where=source, remedy='write {"id": ..., "text": ...} a line')
    return Outputs(name or (path.name if path.is_dir() else path.stem), rows, tuple(rejects))


def _row(row: Mapping[str, Any]) -> tuple[str, Output]:
    key = row.get("id")
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    if not isinstance(key, str) or not key:
        raise Refusal("'id' is missing", "every row names its sample")
    text = row.get("text", row.get("hypothesis"))
    if text is None:
        raise Refusal("'text' is missing", "an empty reading is written as an empty text")
    return key, Output(clean_text(text)[0], _cost(row, "seconds"), _cost(row, "tokens"))


def _cost(row: Mapping[str, Any], key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Refusal(f"{key!r} is no number from 0 up", "leave it out where it was not recorded")
    return float(value) or None


def report_of(
    outputs: Outputs,
    dataset: SampleSet,
    *,
    split: Split | None = None,
    slices: Sequence[str] = (),
    measures: Measures | None = None,
) -> Report:
    """The report of recorded outputs on a data set (or a split of it), as if the model had just read it.

    A labelled sample without an output stands under `unreadable` and is in no figure. Raises UsageError for an unknown
    slice, DataError when none of the ids is one of the data set's.
    """
    samples = [one for one in dataset.samples if one.text is not None and (split is None or one.split is split)]
    known = [sample for sample in samples if sample.id in outputs.rows]
    if not known:
        raise DataError(
            f"none of the {len(outputs.rows):,} recorded outputs of {outputs.name} belongs to a sample of "
            f"{dataset.name}",
            remedy="the ids must be those of the manifest",
        )
    check_slices(known, slices)
    kept = tuple(dict.fromkeys((*slices, *default_slices(known))))
    lines = tuple(_line(sample, outputs.rows[sample.id], kept) for sample in known)
    lacking = (Unreadable(one.id, "has no recorded output") for one in samples if one.id not in outputs.rows)
    return Report(
        model=outputs.name,
        dataset=dataset.name,
        dataset_hash=dataset.hash,
        split=split.value if split else "",
        lines=lines,
        slices=tuple(slices),
        unreadable=tuple(lacking),
        seconds=sum(line.seconds for line in lines),
        measures=measures or Measures(),
    )


def _line(sample: Sample, output: Output, slices: Sequence[str]) -> Line:
    return Line(
        id=sample.id,
        reference=sample.text or "",
        hypothesis=output.text,
        confidence=0.0,
        counts=counts(sample.text or "", output.text),
        group=sample.group,
        slices={name: slice_value(sample, name) for name in slices},
        seconds=output.seconds or 0.0,
        tokens=round(output.tokens or 0),
    )
