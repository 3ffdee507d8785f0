"""Readings joined with the truths that came later: errors by page, in the order in which the pages were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from ..errors import FormatError
from ..evaluate.report import Line, Report
from ..metrics import counts, total
from .features import grouped
from .seen import Seen, Truth

SLICES = ("kind", "model", "caller", "arm")
"""What of a reading its errors are told by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A page (or what of it has a truth): edits by characters of its true text, and the lines that were judged."""

    group: str
    at: datetime
    kind: str
    edits: int
    characters: int
    lines: int

    @property
    def cer(self) -> float:
        """Edits by true characters; of an empty truth 1 for any edit."""
        return self.edits / self.characters if self.characters else float(self.edits > 0)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`. Raises FormatError for a row that is none."""
        try:
            return cls(**{**row, "at": datetime.fromisoformat(row["at"]).astimezone(UTC)})
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"holds a judged page that is none ({error})") from error


def joined(seen: Iterable[Seen], truths: Iterable[Truth]) -> tuple[Line, ...]:
    """Every reading, or line of one, of which a person said the right text, with its counts.

    Of several truths of the same line the last holds; a truth of all of a reading counts only where no single line of
    it was judged. Truths of readings that are not in `seen`, and of lines that they do not have, are left out, as are
    fields of documents. A line's group is its page; it has the slices `SLICES`.
    """
    said: dict[str, dict[int | None, Truth]] = {}
    for truth in sorted(truths, key=lambda one: one.at):
        if truth.text is not None:
            said.setdefault(truth.id, {})[truth.line] = truth
    found: list[Line] = []
    for one in sorted((one for one in seen if one.id in said), key=lambda one: one.at):
        told = said[one.id]
        if set(told) != {None}:
            told = {line: truth for line, truth in told.items() if line is not None and 0 <= line < len(one.lines)}
        found += [_line(one, line, str(truth.text)) for line, truth in sorted(told.items(), key=_place)]
    return tuple(found)


def judged_pages(seen: Sequence[Seen], truths: Iterable[Truth]) -> dict[str, tuple[Judged, ...]]:
    """The pages with truths by kind, in the order in which they were read."""
    lines: dict[tuple[str, str], list[Line]] = {}
    for line in joined(seen, truths):
        lines.setdefault((line.slices["kind"], line.group), []).append(line)
    found: dict[str, list[Judged]] = {}
    for page in grouped(seen):
        last = page[-1]
        ours = lines.get((last.kind, last.group))
        if ours:
            summed = total(line.counts for line in ours)
            found.setdefault(last.kind, []).append(
                Judged(
                    group=last.group,
                    at=max(one.at for one in page),
                    kind=last.kind,
                    edits=summed.edits,
                    characters=summed.characters,
                    lines=len(ours),
                )
            )
    return {kind: tuple(pages) for kind, pages in found.items()}


def report_of(seen: Iterable[Seen], truths: Iterable[Truth], name: str) -> Report:
    """The joined lines as a report, which `evaluate.boards.drift` compares with another by slices."""
    lines = joined(seen, truths)
    named = tuple(slice for slice in SLICES if any(line.slices.get(slice) for line in lines))
    models = sorted({line.slices.get("model", "") for line in lines})
    kept = tuple(replace(line, slices={key: line.slices[key] for key in named}) for line in lines)
    return Report(", ".join(models), name, "", "", kept, named)


def _line(one: Seen, line: int | None, truth: str) -> Line:
    text = one.text if line is None else one.lines[line].text
    confidence = one.confidence if line is None else one.lines[line].confidence
    slices = {"kind": one.kind, "model": one.model, "caller": one.caller, "arm": one.arm}
    identity = one.id if line is None else f"{one.id}#{line}"
    return Line(
        id=identity,
        reference=truth,
        hypothesis=text,
        confidence=confidence,
        counts=counts(truth, text),
        group=one.group,
        slices=slices,
        seconds=one.seconds,
    )


def _place(item: tuple[int | None, Truth]) -> int:
    return -1 if item[0] is None else item[0]
