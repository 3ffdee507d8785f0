"""The report of one evaluation: every line with its raw counts; rates, intervals and slices are derived from them.

On disk a report is a folder: `lines.jsonl` (one line a sample: texts and counts), `report.json` (the figures), and
`report.html` where asked for. `read_report` gives the report back from the first two.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ..metrics import Confusion, Counts, Effort, Interval, confusions, effort, ratio_interval, spans, total
from ..tools.files import write_json, write_text
from .measures import Measures

FORMAT = "emendo-report/1"
LINES, FIGURES = "lines.jsonl", "report.json"
CONFUSIONS_SHOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One evaluated sample. `slices` maps slice names to this line's value; `confidence` is the model's, 0 to 1.

    `seconds` is this line's share of the time that its batch took; `tokens` are the vision tokens that the model spent
    on it, 0 when they were not counted.
    """

    id: str
    reference: str
    hypothesis: str
    confidence: float
    counts: Counts
    group: str = ""
    slices: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A sample whose image could not be read, or a row (`file:line`) that the data set's reader refused, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Report:
    """One model on one data set.

    `lines` keeps the order of the data set. `unreadable` names the samples without a figure because their image
    could not be read, `unlabelled` those that have no reference text, `rejected` the rows of the manifest that are
    wrong; none of these is in any rate. `slices` are the
    names asked for. `measures` are further figures to derive. `seconds` is the time spent reading lines (not loading
    images).
    """

    model: str
    dataset: str
    dataset_hash: str
    split: str
    lines: tuple[Line, ...]
    slices: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    unlabelled: tuple[str, ...] = ()
    rejected: tuple[Unreadable, ...] = ()
    seconds: float = 0.0
    measures: Measures = field(default_factory=Measures)

    @cached_property
    def counts(self) -> Counts:
        """Summed counts of all lines."""
        return total(line.counts for line in self.lines)

    @cached_property
    def cer_interval(self) -> Interval:
        """95 % interval of the CER (see `emendo.metrics.bootstrap` for the unit)."""
        return interval(self.lines)

    @cached_property
    def confusions(self) -> list[Confusion]:
        """Character confusions, most frequent first."""
        return confusions((line.reference, line.hypothesis) for line in self.lines)

    @cached_property
    def hits(self) -> Counter[str]:
        """How often each character of the references was read right."""
        parts = (span for line in self.lines for span in spans(line.reference, line.hypothesis))
        return Counter(c for span in parts if span.kind == "equal" for c in span.reference)

    @cached_property
    def effort(self) -> Effort:
        """What the simulated author spends on correcting these readings."""
        return effort((line.reference, line.hypothesis) for line in self.lines)

    def sliced(self, name: str) -> dict[str, tuple[Line, ...]]:
        """The lines by value of the slice `name`, values in alphabetical order."""
        return by_slice(self.lines, name)

    def worst(self, most: int = 50) -> list[Line]:
        """The lines with errors, most edits first; ties by CER, then id."""
        wrong = [line for line in self.lines if line.counts.edits]
        return sorted(wrong, key=lambda line: (-line.counts.edits, -line.counts.cer, line.id))[:most]

    def figures(self) -> dict[str, Any]:
        """Everything but the lines, ready for JSON: keys as DESIGN.md names them, rates beside their raw counts."""
        return {
            "format": FORMAT,
            "model": self.model,
            "dataset": self.dataset,
            "dataset_hash": self.dataset_hash,
            "split": self.split,
            **self._figures(self.lines),
            "slices": {
                name: {value: self._figures(lines) for value, lines in self.sliced(name).items()}
                for name in self.slices
            },
            "measures": self.measures.to_dict(),
            "effort": self.effort.per_thousand(),
            "confusions": [[c.reference, c.hypothesis, c.count] for c in self.confusions[:CONFUSIONS_SHOWN]],
            "unreadable": [asdict(one) for one in self.unreadable],
            "unlabelled": list(self.unlabelled),
            "rejected": [asdict(one) for one in self.rejected],
            "seconds": self.seconds,
            "tokens": sum(line.tokens for line in self.lines),
        }

    def _figures(self, lines: Sequence[Line]) -> dict[str, Any]:
        return {**figures(lines), **self.measures.figures(lines)}

    def write(self, folder: Path) -> None:
        """Write `lines.jsonl` and `report.json` into `folder`; the second is written last and marks it complete."""
        rows = (json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in self.lines)
        write_text(folder / LINES, "".join(rows))
        write_json(folder / FIGURES, self.figures())


def interval(lines: Sequence[Line]) -> Interval:
    """95 % interval of the CER of these lines."""
    groups = [line.group or line.id for line in lines]
    return ratio_interval(
        [line.counts.edits for line in lines], [line.counts.characters for line in lines], groups=groups
    )


def figures(lines: Sequence[Line]) -> dict[str, Any]:
    """Counts and rates of some lines, for JSON. `exact` is the share of lines without an error, 0 to 1."""
    summed, bounds = total(line.counts for line in lines), interval(lines)
    return {
        "samples": summed.samples,
        "characters": summed.characters,
        "edits": summed.edits,
        "substitutions": summed.substitutions,
        "insertions": summed.insertions,
        "deletions": summed.deletions,
        "cer": summed.cer,
        "cer_low": bounds.low,
        "cer_high": bounds.high,
        "words": summed.words,
        "word_edits": summed.word_edits,
        "wer": summed.wer,
        "exact_samples": summed.exact,
        "exact": summed.exact_rate,
    }


def by_slice(lines: Iterable[Line], name: str) -> dict[str, tuple[Line, ...]]:
    """Lines by their value of one slice; a line without the slice is under the empty value."""
    parts: dict[str, list[Line]] = {}
    for line in lines:
        parts.setdefault(line.slices.get(name, ""), []).append(line)
    return {value: tuple(parts[value]) for value in sorted(parts)}


def read_report(folder: Path) -> Report:
    """Read a report that `Report.write` wrote. Raises FormatError with file and line."""
    head = _json(folder / FIGURES, (folder / FIGURES).read_bytes() if (folder / FIGURES).is_file() else b"", None)
    if head.get("format") != FORMAT:
        raise FormatError(f"format is {head.get('format')!r}, not {FORMAT!r}", where=folder / FIGURES)
    path = folder / LINES
    if not path.is_file():
        raise FormatError("is missing", where=path, remedy="evaluate again")
    rows = [_json(path, raw, number) for number, raw in enumerate(path.read_bytes().splitlines(), 1)]
    try:
        lines = tuple(Line(**{**row, "counts": Counts(**row["counts"])}) for row in rows)
        return Report(
            model=head["model"],
            dataset=head["dataset"],
            dataset_hash=head["dataset_hash"],
            split=head["split"],
            lines=lines,
            slices=tuple(head["slices"]),
            unreadable=tuple(Unreadable(**one) for one in head["unreadable"]),
            unlabelled=tuple(head["unlabelled"]),
            rejected=tuple(Unreadable(**one) for one in head["rejected"]),
            seconds=float(head["seconds"]),
            measures=Measures.from_dict(head.get("measures", {})),
        )
    except (KeyError, TypeError) as error:
        raise FormatError(f"is not a complete report ({error})", where=folder, remedy="evaluate again") from error


def _json(path: Path, raw: bytes, line: int | None) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise FormatError(f"is not JSON ({error})", where=path, line=line, remedy="evaluate again") from error
    if not isinstance(value, dict):
        raise FormatError("is not a JSON object", where=path, line=line, remedy="evaluate again")
    return value
