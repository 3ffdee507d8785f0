"""What a log of errors tells: classes and severities, fields, the worst documents, and how it went by model and day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ..fields.error_classes import SEVERITY, ErrorClass
from ..tools.counts import counted
from .errorlog import Contradiction, Entry, ErrorLog, read_errors

WORST: Final = 20
"""Documents that are named."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Readings of one model or day: how many, those with errors, and their mean severity (0 to 5, right ones too).

    `known` of them were compared with a truth; of the others it is the validator that found something or nothing.
    """

    name: str
    readings: int
    known: int
    wrong: int
    severity: float
    classes: dict[str, int]


@dataclass(frozen=True, slots=True)
class LogSummary:
    """A log in figures: `classes`, `fields` and `regions` count documents by the entry that holds of each."""

    documents: int
    readings: int
    known: int
    wrong: int
    classes: dict[str, int]
    fields: dict[str, int]
    regions: dict[str, int]
    worst: tuple[Entry, ...]
    models: tuple[Trend, ...]
    days: tuple[Trend, ...]
    contradictions: tuple[Contradiction, ...]
    torn: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the worst documents without what was read of them."""
        worst = [
            {"id": one.id, "severity": one.severity, "classes": list(one.classes), "fields": list(one.fields)}
            | {"regions": list(one.regions), "known": one.known, "model": one.model, "at": one.at}
            for one in self.worst
        ]
        severities = {name: int(SEVERITY[ErrorClass(name)]) for name in self.classes}
        contradictions = [{**asdict(one), "fields": list(one.fields)} for one in self.contradictions]
        trends = {"models": list(map(asdict, self.models)), "days": list(map(asdict, self.days))}
        return {**asdict(self), "worst": worst, "severities": severities, "contradictions": contradictions, **trends}

    def sentences(self) -> list[str]:
        """For a person."""
        told = [
            f"{counted(self.documents, 'document')} in {counted(self.readings, 'reading')}: {self.wrong} with errors, "
            f"of {self.known} the truth is known"
        ]
        for name, count in self.classes.items():
            told.append(f"{count:6}  {name} (severity {SEVERITY[ErrorClass(name)]})")
        if self.fields:
            told.append("fields: " + ", ".join(f"{name} {count}" for name, count in self.fields.items()))
        for title, trends in (("model", self.models), ("day", self.days)):
            for one in trends:
                share = f"{one.wrong} of {one.readings} with errors, mean severity {one.severity:.2f}"
                told.append(f"{title} {one.name or '(not told)'}: {share}")
        for entry in self.worst:
            sure = "" if entry.known else " (suspected)"
            what = ", ".join(entry.fields) or ", ".join(entry.classes)
            told.append(f"worst: {entry.id}  severity {entry.severity}{sure}  {what}")
        told += [str(one) for one in self.contradictions]
        if self.torn:
            told.append(f"left out of the log, for a crash cut it off: {counted(self.torn, 'line')}")
        return told


def summarize_log(folder: Path, *, worst: int = WORST) -> LogSummary:
    """What the log in a folder tells; `worst` documents are named. Raises what `read_errors` raises."""
    return summary_of(read_errors(folder), worst=worst)


def summary_of(log: ErrorLog, *, worst: int = WORST) -> LogSummary:
    """The same of a log that was read already."""
    newest = log.newest
    wrong = sorted((one for one in newest if one.severity), key=lambda one: (-one.severity, -len(one.fields), one.id))
    return LogSummary(
        documents=len(newest),
        readings=len(log.entries),
        known=sum(one.known for one in newest),
        wrong=len(wrong),
        classes=_by_class(newest),
        fields=dict(Counter(name for one in newest for name in one.fields).most_common()),
        regions=dict(Counter(name for one in newest for name in one.regions).most_common()),
        worst=tuple(wrong[:worst]),
        models=_trends(log.entries, lambda entry: entry.model),
        days=_trends(log.entries, lambda entry: entry.at[:10]),
        contradictions=tuple(log.contradictions),
        torn=log.torn,
    )


def _by_class(entries: Iterable[Entry]) -> dict[str, int]:
    """Documents by class; one with errors of several counts for each."""
    counted = Counter(name for entry in entries for name in entry.classes)
    return {str(one): counted[one] for one in ErrorClass if counted[one]}


def _trends(entries: Iterable[Entry], name_of: Callable[[Entry], str]) -> tuple[Trend, ...]:
    """In the order in which the names first came."""
    parts: dict[str, list[Entry]] = {}
    for entry in entries:
        parts.setdefault(name_of(entry), []).append(entry)
    return tuple(
        Trend(
            name=name,
            readings=len(part),
            known=sum(one.known for one in part),
            wrong=sum(bool(one.severity) for one in part),
            severity=sum(one.severity for one in part) / len(part),
            classes=_by_class(part),
        )
        for name, part in parts.items()
    )
