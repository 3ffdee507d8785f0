"""What a line that comes from outside adds to what is known of it: nothing that is newer here is ever overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..formats.layout import LayoutLine
from ..formats.xml import carried
from ..text.normalize import normalize_text
from ..types import Correction, Verdict
from ..workspace.store import Entry


class Outcome(StrEnum):
    """What became of a line."""

    SAME = "same"
    NEW = "new"
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of a line now, beside the verdicts it brings."""

    verdict: Verdict
    text: str | None


def news(
    line: LayoutLine,
    unit: str,
    reading: str,
    held: Sequence[Correction],
    *,
    author: str,
    source: str,
    fresh: bool = False,
) -> tuple[list[Entry], Outcome]:
    """The verdicts to be recorded for `unit`, whose latest reading is `reading` and whose verdicts so far are `held`.

    Verdicts that the file brings and that go on where ours end are taken over as they are. A text that was changed
    elsewhere is a new verdict of `author` (or of whom the file names) with `source`. What was said here after the file
    was written, or what the file still says from before, changes nothing. With `fresh` the line came in with this very
    file: its text is what somebody said, though it stands as the reading too.
    """
    theirs = list(line.history)
    taken = _missing(theirs, held)
    entries = [_as_it_was(one, unit) for one in taken]
    said = _said(line, theirs)
    now = [*held, *taken]
    behind = bool(theirs and now) and not any(_alike(now[-1], one) for one in theirs)
    if said is not None:
        if fresh and not now:
            entries.append(_changed(said, unit, reading, line.author or author, source))
        elif said.text is not None and said.text in {reading, *(one.text for one in now)}:
            behind = behind or bool(now and now[-1].text != said.text)
        elif said.text is None and now:
            behind = behind or now[-1].verdict is not said.verdict
        elif not behind:  # else it was changed there, and meanwhile here too: ours stays
            entries.append(_changed(said, unit, reading, line.author or author, source))
    if entries:
        return entries, Outcome.NEW
    return [], Outcome.OLDER if behind else Outcome.SAME


def _missing(theirs: Sequence[Correction], held: Sequence[Correction]) -> Sequence[Correction]:
    """The verdicts of the file that come after ours; when the two went apart, its last one if it is younger.

    Two verdicts in a row that say the same are one, as in the database.
    """
    theirs = [one for at, one in enumerate(theirs) if not at or not _alike(theirs[at - 1], one)]
    common = 0
    while common < min(len(theirs), len(held)) and _alike(theirs[common], held[common]):
        common += 1
    if common == len(held):
        return theirs[common:]
    if common == len(theirs) or any(_alike(theirs[-1], one) for one in held):
        return ()
    return theirs[-1:] if theirs[-1].at > held[-1].at else ()


def _alike(a: Correction, b: Correction) -> bool:
    return (a.verdict, a.text) == (b.verdict, b.text)


def _said(line: LayoutLine, theirs: Sequence[Correction]) -> Said | None:
    """What the file says now, when that is not what its own last verdict or its reading says; None for nothing new."""
    text = normalize_text(line.text) if line.text else ""
    if line.verdict is not None:
        return Said(line.verdict, None)
    if theirs:
        last = theirs[-1].text or ""
        return None if carried(last) == text or not text else Said(Verdict.EDITED, text)
    read = line.reading.text if line.reading is not None else None
    if not text or (line.confidence is not None and read in (None, text)):
        return None
    return Said(Verdict.EDITED, text)


def _as_it_was(one: Correction, unit: str) -> Entry:
    return Entry(
        line=unit,
        reading=one.reading,
        text=one.text,
        verdict=one.verdict,
        author=one.author,
        source=one.source,
        at=one.at,
    )


def _changed(said: Said, unit: str, reading: str, author: str, source: str) -> Entry:
    verdict = said.verdict
    if said.text is not None:
        verdict = Verdict.ACCEPTED if said.text == reading else Verdict.EDITED
    return Entry(line=unit, reading=reading, text=said.text, verdict=verdict, author=author, source=source)


def without_history(line: LayoutLine) -> LayoutLine:
    """The line as it is kept in a layout file: its verdicts are in the database from now on."""
    return replace(line, history=(), reading=None, text=None, confidence=None, verdict=None, author="")
