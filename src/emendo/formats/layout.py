"""What a layout file (ALTO, PAGE) says of one page: its regions, their lines, and the texts when transcribed.

Coordinates are pixels of the page image, x to the right, y down; a reader scales other units to pixels. Regions and
lines stand in the file's reading order. Texts are NFC in logical order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..types import Correction, Point, Polygon, Reading, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutLine:
    """One text line.

    `polygon` is the outline (at least three points; a reader makes it from the box when the file has no outline),
    `baseline` at least two points from the line's start to its end in writing direction or empty, `text` None when
    not transcribed, `type` the line's tag (`DefaultLine`, `InterlinearLine`; empty when untagged), `custom` what other
    programs say of it in that attribute of PAGE. `confidence` in [0, 1] is given where a program read the text,
    `verdict` where the file says that nobody can read it or that it was passed over, `author` where it names who said
    so.

    `unit`, `reading` and `history` (oldest first) are what a workspace of emendo knows of it (see `known`).
    """

    polygon: Polygon
    baseline: tuple[Point, ...] = ()
    text: str | None = None
    id: str = ""
    type: str = ""
    custom: str = ""
    confidence: float | None = None
    verdict: Verdict | None = None
    author: str = ""
    unit: str = ""
    reading: Reading | None = None
    history: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRegion:
    """A block of lines: a column, a paragraph, a margin note. `polygon` is empty when the file gives no outline."""

    lines: tuple[LayoutLine, ...]
    polygon: Polygon = ()
    id: str = ""
    type: str = ""
    custom: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLayout:
    """One page. `image` is the file name the layout names (may be empty, may not exist); sizes in pixels, > 0.

    `document` and `page` (from 1) say where it stands in a workspace of emendo; empty when it comes from elsewhere.
    `custom` is what other programs say of the page in that attribute of PAGE.
    """

    image: str
    width: int
    height: int
    regions: tuple[LayoutRegion, ...]
    document: str = ""
    page: int = 1
    custom: str = ""

    def lines(self) -> Iterator[LayoutLine]:
        """All lines of all regions, in order."""
        for region in self.regions:
            yield from region.lines
