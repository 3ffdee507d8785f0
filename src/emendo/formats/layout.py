"""What a layout file (ALTO, PAGE) says of one page: its regions, their lines, and the texts when transcribed.

Coordinates are pixels of the page image, x to the right, y down; a reader scales other units to pixels. Regions and
lines stand in the file's reading order. Texts are NFC in logical order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..types import Point, Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutLine:
    """One text line.

    `polygon` is the outline (at least three points; a reader makes it from the box when the file has no outline),
    `baseline` at least two points from the line's start to its end in writing direction or empty, `text` None when
    not transcribed, `type` the line's tag (`DefaultLine`, `InterlinearLine`; empty when untagged).
    """

    polygon: Polygon
    baseline: tuple[Point, ...] = ()
    text: str | None = None
    id: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRegion:
    """A block of lines: a column, a paragraph, a margin note. `polygon` is empty when the file gives no outline."""

    lines: tuple[LayoutLine, ...]
    polygon: Polygon = ()
    id: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLayout:
    """One page. `image` is the file name the layout names (may be empty, may not exist); sizes in pixels, > 0."""

    image: str
    width: int
    height: int
    regions: tuple[LayoutRegion, ...]

    def lines(self) -> Iterator[LayoutLine]:
        """All lines of all regions, in order."""
        for region in self.regions:
            yield from region.lines
