"""What a person can do to the lines of a page, and what becomes of the lines: geometry and texts, no files.

Each change is a record with one method: from the lines of the page, in order, to the lines after it. A line that is
not named stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from ..correct.carry import carried
from ..errors import UsageError
from ..image.crop import place_in_page
from ..pages.lines import TextLine, along_spine
from ..pages.outlines import cut, drawn, merged, on_page, place_among, spine_on_page
from ..pages.relayout import Entry, Made, geometry
from ..text.direction import right_to_left
from ..types import Point, Reading

USUAL_HEIGHT = 40.0
"""Pixels of a line's height on a page without lines."""


@dataclass(frozen=True, slots=True)
class Said:
    """What stands in the field of a line: `text`, and whether a person wrote or confirmed it."""

    text: str
    reading: Reading
    by_person: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page before a change: its rows, what is said of each, texts in note.txt, size (width, height), picture widths.

    `width_of` gives the columns of a line's picture, by its id.
    """

    entries: Sequence[Entry]
    said: Mapping[str, Said]
    filed: Mapping[str, str]
    size: tuple[int, int]
    width_of: Callable[[str], int]

    def at(self, line: str) -> int:
        """Place of a line in the order. Raises UsageError when the page has no such line."""
        for place, entry in enumerate(self.entries):
            if entry["id"] == line:
                return place
        raise UsageError(f"this page has no line {line!r}", remedy="load the page again")


Item = Entry | Made


@dataclass(frozen=True, slots=True)
class Split:
    """Cut a line in two before character `at` of `text`, which is what stands in its field."""

    line: str
    at: int
    text: str

    def apply(self, sheet: Sheet) -> list[Item]:
        """See the module."""
        place = sheet.at(self.line)
        entry, said = sheet.entries[place], sheet.said[self.line]
        line = geometry(entry)
        if not 0 < self.at < len(self.text) or not self.text[: self.at].strip() or not self.text[self.at :].strip():
            raise UsageError("a line is split within its text", remedy="put the caret between two letters")
        backward = right_to_left(self.text)
        column = _column(said.reading, carried(self.at, self.text, said.reading.text), backward=backward)
        share = column / sheet.width_of(self.line) if column is not None else self.at / len(self.text)
        if column is None and backward:
            share = 1 - share
        first, second = cut(line, *place_in_page(sheet.size, line.reach, line.baseline, share))
        if backward:
            first, second = second, first
        halves = _halves(self.text, self.at) if said.by_person or self.text != said.reading.text else ("", "")
        filed: tuple[str | None, str | None] = (None, None)
        if self.line in sheet.filed:
            written = sheet.filed[self.line]
            filed = _halves(written, carried(self.at, self.text, written))
        made = [
            Made(line=part, region=entry["region"], how="split", blank=blank, draft=draft, filed=own)
            for part, blank, draft, own in zip((first, second), (entry["blank"], False), halves, filed, strict=True)
        ]
        return [*sheet.entries[:place], *made, *sheet.entries[place + 1 :]]


@dataclass(frozen=True, slots=True)
class Merge:
    """Make one line of several, in this order of their texts; `texts` are those not saved yet, by line."""

    lines: Sequence[str]
    texts: Mapping[str, str] = field(default_factory=dict)

    def apply(self, sheet: Sheet) -> list[Item]:
        """See the module."""
        if len(set(self.lines)) < 2 or len(set(self.lines)) != len(self.lines):
            raise UsageError("two lines or more are merged")
        places = [sheet.at(line) for line in self.lines]
        entries = [sheet.entries[place] for place in places]
        said = [sheet.said[line] for line in self.lines]
        texts = [self.texts.get(line, one.text) for line, one in zip(self.lines, said, strict=True)]
        touched = any(one.by_person or text != one.reading.text for one, text in zip(said, texts, strict=True))
        written = [sheet.filed.get(line, one.reading.text) for line, one in zip(self.lines, said, strict=True)]
        made = Made(
            line=merged([geometry(entry) for entry in entries]),
            region=entries[0]["region"],
            how="merge",
            blank=entries[0]["blank"],
            draft=" ".join(texts).strip() if touched else "",
            filed=" ".join(written).strip() if any(line in sheet.filed for line in self.lines) else None,
        )
        return [
            made if place == places[0] else entry
            for place, entry in enumerate(sheet.entries)
            if place == places[0] or place not in places
        ]


@dataclass(frozen=True, slots=True)
class Delete:
    """Take lines out."""

    lines: Sequence[str]

    def apply(self, sheet: Sheet) -> list[Item]:
        """See the module."""
        gone = {sheet.at(line) for line in self.lines}
        if not gone:
            raise UsageError("no line is named")
        kept: list[Item] = []
        blank = False
        for place, entry in enumerate(sheet.entries):
            if place in gone:
                blank = blank or entry["blank"]
            else:
                kept.append(entry | {"blank": entry["blank"] or blank})
                blank = False
        return kept


@dataclass(frozen=True, slots=True)
class Add:
    """A line that was missed: its outline, or the middle of it, as somebody drew it.

    `height` is that of the writing along a middle (0: as usual on the page); `after` names the line that it follows,
    else its place on the page tells.
    """

    outline: Sequence[Point] = ()
    middle: Sequence[Point] = ()
    height: float = 0.0
    after: str = ""

    def apply(self, sheet: Sheet) -> list[Item]:
        """See the module."""
        lines = [geometry(entry) for entry in sheet.entries]
        new = _drawn(self.outline, self.middle, self.height, lines, sheet.size)
        place = sheet.at(self.after) + 1 if self.after else place_among(new, lines)
        beside = sheet.entries[max(0, place - 1)] if sheet.entries else {"region": 0}
        return [*sheet.entries[:place], Made(line=new, region=beside["region"], how="add"), *sheet.entries[place:]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Another outline, or middle and height, for a line; `text` is what stands in its field."""

    line: str
    text: str
    outline: Sequence[Point] = ()
    middle: Sequence[Point] = ()
    height: float = 0.0

    def apply(self, sheet: Sheet) -> list[Item]:
        """See the module."""
        place = sheet.at(self.line)
        entry, said = sheet.entries[place], sheet.said[self.line]
        touched = said.by_person or self.text != said.reading.text
        made = Made(
            line=_drawn(self.outline, self.middle, self.height, [geometry(entry)], sheet.size),
            region=entry["region"],
            how="shape",
            blank=entry["blank"],
            draft=self.text if touched else "",
            filed=sheet.filed.get(self.line),
        )
        return [*sheet.entries[:place], made, *sheet.entries[place + 1 :]]


@dataclass(frozen=True, slots=True)
class Move:
    """Another place in the reading order: before the line `before`, or at the end."""

    line: str
    before: str = ""

    def apply(self, sheet: Sheet) -> list[Item]:
        """See the module."""
        entry = sheet.entries[sheet.at(self.line)]
        rest = [other for other in sheet.entries if other is not entry]
        to = rest.index(sheet.entries[sheet.at(self.before)]) if self.before else len(rest)
        return [*rest[:to], entry, *rest[to:]]


Change = Split | Merge | Delete | Add | Shape | Move


def _drawn(
    outline: Sequence[Point], middle: Sequence[Point], height: float, lines: Sequence[TextLine], size: tuple[int, int]
) -> TextLine:
    if bool(outline) == bool(middle):
        raise UsageError("a line is drawn by its outline or by its middle")
    if outline:
        return drawn(on_page(outline, size))
    usual = height or (median(line.height for line in lines) if lines else USUAL_HEIGHT)
    spine = spine_on_page(middle, usual, size)
    upright = abs(spine[-1][1] - spine[0][1]) > abs(spine[-1][0] - spine[0][0])
    if not upright and spine[-1][0] < spine[0][0]:  # drawn from its end
        spine = spine[::-1]
    return along_spine(spine, usual, upright=upright)


def _halves(text: str, at: int) -> tuple[str, str]:
    return text[:at].strip(), text[at:].strip()


def _column(reading: Reading, at: int, *, backward: bool) -> float | None:
    """The column of the picture between characters at - 1 and `at` of the reading; None when these have no place."""
    characters = reading.characters
    texts = "".join(one.text for one in characters)
    if texts != reading.text or len(characters) != len(texts) or not 0 < at < len(characters):
        return None
    left, right = (characters[at], characters[at - 1]) if backward else (characters[at - 1], characters[at])
    return (left.end + right.start) / 2
