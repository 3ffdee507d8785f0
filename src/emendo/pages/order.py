"""Reading order: columns one after the other, margin notes as columns of their own, headings before what they head.

The page is cut recursively at the straight white strips that no line crosses (Nagy and Seth, Hierarchical
representation of optically scanned documents, 1984): a gutter between two blocks that stand side by side is cut
before the rows inside them, and a heading that spans the gutter is cut off first. Everything is measured along the
lean of the page, so that skew closes no gutter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .lines import TextLine

GUTTER = 0.6
"""Least width of a gutter, as a share of the usual line height."""

BLANK = 1.55
"""A step from line to line this many times the usual one is a blank line."""

TABLE = 0.2
"""The cells of a narrow block that keep their distance to the lines beside them to this share of the line height are in
rows with them: the block is the column of a table."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A line in reading order: `region` counts the page's blocks from 0; `blank` asks for a blank line before it."""

    line: TextLine
    region: int
    blank: bool


@dataclass(frozen=True, slots=True)
class _Box:
    line: TextLine
    x0: float
    x1: float
    y: float
    height: float


def arrange(lines: Sequence[TextLine], lean: float = 0.0) -> list[Placed]:
    """Lines in reading order with their regions and paragraph breaks. `lean` is the slope dy/dx of the writing."""
    boxes, upright = [], []
    for line in lines:
        x0, y0, x1, y1 = line.box
        if y1 - y0 > 2.2 * (x1 - x0) and len(line.baseline) > 1 and _rises(line):
            upright.append(line)
            continue
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        shift = lean * y
        boxes.append(_Box(line, x0 + shift, x1 + shift, y - lean * x, line.height))
    regions = _cut(boxes) if boxes else []
    placed = [
        Placed(box.line, number, blank)
        for number, region in enumerate(regions)
        for box, blank in _paragraphs(region, first=number == 0)
    ]
    upright.sort(key=lambda line: line.box[0])
    return placed + [Placed(line, len(regions) + i, bool(placed) or i > 0) for i, line in enumerate(upright)]


def _rises(line: TextLine) -> bool:
    (x0, y0), (x1, y1) = line.baseline[0], line.baseline[-1]
    return abs(y1 - y0) > abs(x1 - x0)


def _cut(boxes: list[_Box]) -> list[list[_Box]]:
    """Blocks in reading order."""
    sides = _columns(boxes)
    if sides is not None:
        return [block for side in sides for block in _cut(side)]
    parts = _headed(boxes)
    if parts is not None:
        return [block for part in parts for block in _cut(part)]
    return [_rows(boxes)]


def _usual(boxes: Sequence[_Box]) -> float:
    return float(np.median([box.height for box in boxes]))


def _columns(boxes: list[_Box]) -> tuple[list[_Box], list[_Box]] | None:
    """Left and right of the widest gutter that separates blocks standing side by side, or None."""
    if len(boxes) < 4:
        return None
    best: tuple[float, tuple[list[_Box], list[_Box]]] | None = None
    ordered = sorted(boxes, key=lambda box: box.x0)
    reach = ordered[0].x1
    least = GUTTER * _usual(boxes)
    for i in range(1, len(ordered)):
        gap = ordered[i].x0 - reach
        if gap >= least and (best is None or gap > best[0]):
            sides = ordered[:i], ordered[i:]
            if _side_by_side(*sides):
                best = gap, sides
        reach = max(reach, ordered[i].x1)
    return best[1] if best else None


def _side_by_side(left: list[_Box], right: list[_Box]) -> bool:
    """Whether two rows at least of each stand beside the other, and neither is a column of a table."""
    if min(len(left), len(right)) < 2:
        return False
    if min(_beside(left, right), _beside(right, left)) < 2:
        return False
    small, large = sorted((left, right), key=lambda side: float(np.mean([b.x1 - b.x0 for b in side])))
    narrow = np.mean([b.x1 - b.x0 for b in small]) < 0.4 * np.mean([b.x1 - b.x0 for b in large])
    offsets = [min((b.y - other.y for other in large), key=abs) for b in small]
    rows = np.std(offsets) < TABLE * _usual(large) and abs(np.median(offsets)) < 0.5 * _usual(large)
    return not (narrow and rows)


def _beside(some: list[_Box], others: list[_Box]) -> int:
    """How many of `some` stand at the height of `others`."""
    margin = 0.7 * _usual(others)
    top, bottom = min(b.y for b in others) - margin, max(b.y for b in others) + margin
    return sum(top <= box.y <= bottom for box in some)


def _headed(boxes: list[_Box]) -> list[list[_Box]] | None:
    """What stands above, in and below the longest run of rows that falls into columns, or None.

    Each right edge is tried as the left side of a gutter; the lines that run across it bound the rows in columns.
    """
    ordered = sorted(boxes, key=lambda box: box.y)
    least = GUTTER * _usual(boxes)
    best: tuple[int, int, int] | None = None
    for edge in {box.x1 for box in boxes}:
        start = 0
        for stop in range(len(ordered) + 1):
            if stop < len(ordered) and (ordered[stop].x1 <= edge or ordered[stop].x0 >= edge + least):
                continue
            run, start_of_run = ordered[start:stop], start
            start = stop + 1
            if len(run) < max(4, (best[0] if best else 0) + 1) or len(run) == len(ordered):
                continue
            left = [box for box in run if box.x1 <= edge]
            right = [box for box in run if box.x1 > edge]
            if _side_by_side(left, right):
                best = len(run), start_of_run, stop
    if best is None:
        return None
    _, start, stop = best
    return [part for part in (ordered[:start], ordered[start:stop], ordered[stop:]) if part]


def _rows(boxes: list[_Box]) -> list[_Box]:
    """Boxes row by row from the top, each row from left to right."""
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: box.y):
        row = rows[-1] if rows else []
        level = bool(row) and abs(box.y - float(np.mean([b.y for b in row]))) < 0.45 * min(box.height, row[-1].height)
        if level and all(box.x0 >= b.x1 - 0.3 * b.height or box.x1 <= b.x0 + 0.3 * b.height for b in row):
            row.append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda b: b.x0)]


def _paragraphs(region: list[_Box], *, first: bool) -> list[tuple[_Box, bool]]:
    """Each box with whether a blank line stands before it: after a wide step, and before each region but the first.

    The usual step is taken among the steps around, as a page can mix single and double spacing.
    """
    steps = np.array([b.y - a.y for a, b in pairwise(region)])
    down = np.flatnonzero(steps > 0.5 * _usual(region))
    blanks = [not first] + [False] * len(steps)
    for place, i in enumerate(down):
        around = steps[down[max(0, place - 4) : place + 5]]
        # among few lines there is no usual step: then the height of the writing tells
        usual = float(np.percentile(around, 40)) if len(around) >= 4 else 1.8 * _usual(region)
        blanks[i + 1] = bool(steps[i] > BLANK * max(usual, 0.7 * _usual(region)))
    return list(zip(region, blanks, strict=True))
