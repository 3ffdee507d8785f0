"""What a collection found, in numbers and in sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from emendo.tools.counts import counted


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that got no text: its place in the note (line of note.txt as read, page) and why."""

    document: str
    text_line: int
    page: int
    reason: str

    def __str__(self) -> str:
        return f"{self.document}.txt:{self.text_line} (page {self.page}): {self.reason}"


@dataclass(frozen=True, slots=True)
class NoteResult:
    """One note. `edited` and `accepted` count its lines with that verdict, `new` the verdicts that were not known."""

    document: str
    lines: int
    edited: int = 0
    accepted: int = 0
    new: int = 0
    deleted: int = 0
    left_out: tuple[LeftOut, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectResult:
    """One run over a workspace. `unchanged` counts notes that are as they were at the last run.

    `waiting` names notes that changed too recently, `failures` are sentences about notes that could not be used (the
    others were), `conflicts` about copies that a sync client left.
    """

    notes: tuple[NoteResult, ...] = ()
    unchanged: int = 0
    waiting: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    total_edited: int = 0
    total_accepted: int = 0

    @property
    def new(self) -> int:
        """Verdicts that were not known before this run."""
        return sum(note.new for note in self.notes)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """All lines without a text."""
        return tuple(line for note in self.notes for line in note.left_out)

    def summary(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "notes": len(self.notes),
            "unchanged": self.unchanged,
            "waiting": list(self.waiting),
            "new": self.new,
            "corrected": self.total_edited,
            "accepted": self.total_accepted,
            "left_out": [
                {"document": line.document, "text_line": line.text_line, "page": line.page, "reason": line.reason}
                for line in self.left_out
            ],
            "notices": [notice for note in self.notes for notice in note.notices],
            "conflicts": list(self.conflicts),
            "failures": list(self.failures),
        }

    def sentences(self) -> list[str]:
        """For a person."""
        found = []
        for note in self.notes:
            deleted = f", {note.deleted} without text" if note.deleted else ""
            found.append(
                f"{note.document}: {note.edited} corrected and {note.accepted} right as read "
                f"of {counted(note.lines, 'line')}, {note.new} new{deleted}"
            )
            found += [f"  {notice}" for notice in note.notices]
            found += [f"  left out {line}" for line in note.left_out[:20]]
            if len(note.left_out) > 20:
                rest = Counter(line.reason for line in note.left_out[20:])
                found += [f"  and {count} more: {reason}" for reason, count in rest.most_common()]
        found += [f"waiting for {name}: it changed a moment ago" for name in self.waiting]
        found += list(self.conflicts)
        total = self.total_edited + self.total_accepted
        share = f" ({100 * self.total_accepted / total:.0f} : {100 * self.total_edited / total:.0f})" if total else ""
        found.append(
            f"in all {counted(self.total_accepted, 'line')} right as read and {self.total_edited} corrected{share}"
        )
        return found
