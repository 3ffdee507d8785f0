"""`summary.json`: one evaluation in a few kilobytes, which is all that a leaderboard needs.

It lies beside `report.json` and `lines.jsonl` in the folder of a report. A summary alone, handed in by someone else,
is as good: it is checked field by field and never trusted.

By convention reports are kept in `.emendo/reports` of a workspace, outside of one in `reports`, each in a folder named
after data set, split and model, so that an evaluation made again takes the place of the old one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import BadInput, FormatError
from ...metrics.parts import parts
from ...metrics.table import METRICS, Better, Pairs, metric
from ...models.vision import Facts
from ...tools.files import write_json
from ...train.record import now, surroundings
from ..report import FIGURES, LINES, Report, read_report
from .subsets import errors_by_subset

if TYPE_CHECKING:
    from ..fields.report import FieldReport

FORMAT: Final = "emendo-summary/1"
FILE: Final = "summary.json"
MOST_BYTES: Final = 16_000_000
LEFT_OUT: Final = ("bleu", "chrf")
"""Metrics that a summary has only when the report was asked for them: they need a further library."""
_UNSAFE = re.compile(r"[^\w.@+-]+")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Part):
    """One metric: its value, its 95 % interval where it has one, and which direction is better."""

    value: float
    low: float | None = None
    high: float | None = None
    better: Better


class SubsetFigures(_Part):
    """The errors of one subset; see `subsets.Errors`."""

    samples: int = Field(ge=0)
    characters: int = Field(ge=0)
    substitutions: int = Field(ge=0)
    insertions: int = Field(ge=0)
    deletions: int = Field(ge=0)
    missed: int = Field(ge=0)
    false: int = Field(ge=0)
    cer: float = Field(ge=0)
    cer_low: float = Field(ge=0)
    cer_high: float = Field(ge=0)
    missed_rate: float = Field(ge=0)
    false_rate: float = Field(ge=0)
    missed_characters: tuple[tuple[str, int], ...] = ()
    false_characters: tuple[tuple[str, int], ...] = ()
    confusions: tuple[tuple[str, str, int], ...] = ()


class Summary(_Part):
    """What an evaluation came to.

    `size` is the bytes of the files that the model reads with, `seconds` the time of reading (not of loading images),
    `tokens` the vision tokens that were spent; 0 says that it is not known.
    """

    format: str = Field(FORMAT, pattern=f"^{FORMAT}$")
    model: str = Field(max_length=300)
    family: str = Field("", max_length=60)
    size: int = Field(0, ge=0)
    dataset: str = Field(max_length=300)
    dataset_hash: str = Field(max_length=128)
    split: str = Field("", max_length=60)
    samples: int = Field(ge=0)
    characters: int = Field(ge=0)
    left_out: int = Field(0, ge=0)
    tokenizer: str = Field("words", max_length=300)
    metrics: dict[str, Figure]
    subsets: dict[str, dict[str, SubsetFigures]] = Field(default_factory=dict)
    seconds: float = Field(0.0, ge=0)
    tokens: int = Field(0, ge=0)
    threads: int = Field(0, ge=0)
    made: str = Field("", max_length=40)
    emendo: str = Field("", max_length=40)
    processor: str = Field("", max_length=200)

    @property
    def milliseconds(self) -> float | None:
        """Milliseconds of reading per line, None when unknown."""
        return 1000 * self.seconds / self.samples if self.seconds and self.samples else None

    @property
    def tokens_per_line(self) -> float | None:
        """Vision tokens per line, None when unknown."""
        return self.tokens / self.samples if self.tokens and self.samples else None


@dataclass(frozen=True)
class Entry:
    """A summary and where it lies."""

    path: Path
    summary: Summary

    @cached_property
    def report(self) -> Report | None:
        """The report beside the summary, None when there is none or it is another one's."""
        folder = self.path.parent
        if not (folder / FIGURES).is_file() or not (folder / LINES).is_file():
            return None
        found = read_report(folder)
        same = (found.model, found.dataset_hash, found.split, len(found.lines))
        own = (self.summary.model, self.summary.dataset_hash, self.summary.split, self.summary.samples)
        return found if same == own else None


def summarize_report(report: Report, facts: Facts, *, threads: int = 0) -> Summary:
    """The summary of a report; with `threads`, of one just made on this machine, whose processor it then names."""
    pairs = Pairs(
        [line.reference for line in report.lines],
        [line.hypothesis for line in report.lines],
        tokens=report.measures.tokens,
    )
    groups = [line.group or line.id for line in report.lines]
    around = surroundings(threads)
    return Summary(
        model=report.model,
        family=facts.family,
        size=facts.size,
        dataset=report.dataset,
        dataset_hash=report.dataset_hash,
        split=report.split,
        samples=report.counts.samples,
        characters=report.counts.characters,
        left_out=len(report.unreadable) + len(report.rejected),
        tokenizer=report.measures.tokens,
        metrics=metric_figures(_names(report), pairs, groups),
        subsets={
            name: {value: SubsetFigures(**one.figures()) for value, one in values.items()}
            for name, values in errors_by_subset(report).items()
        },
        seconds=report.seconds,
        tokens=sum(line.tokens for line in report.lines),
        threads=threads,
        made=now(),
        emendo=around["versions"]["emendo"],
        processor=around["machine"]["processor"] if threads else "",
    )


def metric_figures(names: Iterable[str], pairs: Pairs, groups: Sequence[str]) -> dict[str, Figure]:
    """Value, interval and direction of some metrics of the table."""
    found = {}
    for row in map(metric, names):
        held = parts(row, pairs)
        if held is None:
            found[row.name] = Figure(value=row.of(pairs), better=row.better)
        else:
            bounds = held.interval(groups)
            found[row.name] = Figure(value=bounds.value, low=bounds.low, high=bounds.high, better=row.better)
    return found


def _names(report: Report) -> list[str]:
    return [row.name for row in METRICS if row.name not in LEFT_OUT or row.name in report.measures.metrics]


def write_summary(folder: Path, summary: Summary) -> Path:
    """Write `summary.json` into the folder of a report."""
    path = folder / FILE
    write_json(path, summary.model_dump(mode="json"))
    return path


def read_summary(path: Path) -> Summary:
    """A summary from anywhere. Raises FormatError with the first thing that is wrong."""
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(f"is larger than {MOST_BYTES:,} bytes", where=path, remedy="it is no summary")
    try:
        content: Any = json.loads(path.read_bytes())
        return Summary.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = f"{place}: {first['msg'].lower()}" if place else first["msg"].lower()
        raise FormatError(what, where=path, remedy="evaluate again with --keep or --out") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is not JSON ({error})", where=path, remedy="evaluate again") from error


def find_summaries(places: Sequence[Path]) -> tuple[list[Entry], list[BadInput]]:
    """The summaries in some files and folders, however deep, and what is wrong with those that cannot be used."""
    files: dict[Path, None] = {}
    faults: list[BadInput] = []
    for place in places:
        if place.is_dir():
            files.update(dict.fromkeys(sorted(place.rglob(FILE))))
        elif place.is_file():
            files[place] = None
        else:
            faults.append(FormatError("is not there", where=place, remedy="name a summary.json or a folder of reports"))
    entries = []
    for path in files:
        try:
            entries.append(Entry(path, read_summary(path)))
        except FormatError as error:
            faults.append(error)
    return entries, faults


def report_folder(root: Path, report: Report | FieldReport) -> Path:
    """Where a report is kept by convention under `root`."""
    part = f"-{report.split}" if report.split else ""
    data = f"{_UNSAFE.sub('-', report.dataset)[:60]}-{report.dataset_hash[:8]}{part}"
    return root / data / (_UNSAFE.sub("-", report.model)[:120] or "model")
