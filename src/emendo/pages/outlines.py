"""Lines that a person draws, cuts in two, joins or moves on a page: outlines in, lines as the reader sees them out."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon, box
from shapely.geometry.base import BaseGeometry

from ..errors import UsageError
from ..image.crop import long_axis
from ..types import Point
from ..types import Polygon as Outline
from .lines import BASELINE, BODY, REACH, TextLine, continues, joined

MOST_POINTS = 500
"""Points of an outline at most."""
LEAST_SIDE = 4.0
"""A line is at least this many pixels high and wide."""
WHOLE = 0.8
"""An outline that crosses itself is taken by its largest part, if that is this share of all."""
FAR = 1e6


def on_page(points: Sequence[Point], size: tuple[int, int]) -> Outline:
    """An outline that somebody drew, clipped to a page of `size` (width, height).

    Raises UsageError when it is no outline: fewer than three points or too many, numbers that are none, points off the
    page, a crossing of itself, hardly any area.
    """
    if not 3 <= len(points) <= MOST_POINTS:
        raise UsageError(f"an outline has 3 to {MOST_POINTS} points, this one has {len(points)}")
    if not all(isfinite(value) and abs(value) < FAR for point in points for value in point):
        raise UsageError("an outline has a point that is no place on a page")
    valid = shapely.make_valid(Polygon([(round(x, 2), round(y, 2)) for x, y in points]))
    whole = _largest(valid)
    if whole is None or whole.area < WHOLE * valid.area:
        raise UsageError("an outline crosses itself", remedy="draw around one line only")
    inside = _largest(whole.intersection(box(0, 0, *size)))
    if inside is None or inside.area < 0.5 * whole.area:
        raise UsageError("an outline lies outside of the page")
    plain = _largest(shapely.make_valid(inside.simplify(0.3)))
    if plain is None or plain.area < LEAST_SIDE**2:
        raise UsageError("an outline has hardly anything inside", remedy="draw it larger")
    return _ring(plain)


def spine_on_page(points: Sequence[Point], height: float, size: tuple[int, int]) -> tuple[Point, ...]:
    """The middle of a line that somebody drew along its writing, `height` pixels high.

    Raises UsageError when it is none.
    """
    if not 2 <= len(points) <= MOST_POINTS:
        raise UsageError(f"the middle of a line has 2 to {MOST_POINTS} points, this one has {len(points)}")
    if not all(isfinite(value) and abs(value) < FAR for value in (height, *(v for point in points for v in point))):
        raise UsageError("the middle of a line has a point that is no place on a page")
    width, tall = size
    if not LEAST_SIDE <= height <= tall:
        raise UsageError(f"a line is {LEAST_SIDE:g} to {tall} pixels high, this one would be {height:g}")
    if not all(0 <= x <= width and 0 <= y <= tall for x, y in points):
        raise UsageError("a line lies outside of the page")
    middle = LineString(points)
    if middle.length < LEAST_SIDE:
        raise UsageError("a line is too short", remedy="draw it from its first letter to its last")
    return tuple((float(x), float(y)) for x, y in middle.simplify(height / 10).coords)


def drawn(outline: Outline, *, tight: bool = False) -> TextLine:
    """The line inside an outline; a `tight` one is the body of the writing, and what is cut out reaches beyond it.

    Raises UsageError when hardly anything is inside.
    """
    ring = np.asarray(outline, dtype=np.float64)
    start, end = long_axis(ring)
    length = float(np.hypot(*(end - start)))
    height = Polygon(outline).area / max(length, 1.0)
    if height < LEAST_SIDE or length < LEAST_SIDE:
        raise UsageError(f"a line is at least {LEAST_SIDE:g} pixels high and wide", remedy="draw it larger")
    reach: Outline = outline
    if tight:
        height /= BODY
        grown = Polygon(outline).buffer((REACH - BODY) / 2 * height, join_style="mitre")
        reach = _ring(grown) if isinstance(grown, Polygon) else outline
    upright = abs(end[1] - start[1]) > abs(end[0] - start[0])
    if upright and end[1] > start[1]:  # written up the page
        start, end = end, start
    drop = np.array([BASELINE * height, 0.0]) if upright else np.array([0.0, BASELINE * height])
    baseline = tuple((float(x), float(y)) for x, y in (start + drop, end + drop))
    return TextLine(outline, reach, baseline, height)


def cut(line: TextLine, at: Point, direction: Point) -> tuple[TextLine, TextLine]:
    """A line cut in two across the writing: the part that ends at `at`, and the part that begins there.

    `direction` is the unit vector along which the writing runs. Raises UsageError when one of them would be empty.
    """
    return _side(line, at, direction, -1.0), _side(line, at, direction, 1.0)


def merged(lines: Sequence[TextLine]) -> TextLine:
    """Several lines as one: along their middles where each goes on from the one before, else all that is around them.

    The order of lines that stand side by side does not matter.
    """
    ordered = sorted(lines, key=lambda line: line.box[0])
    if all(map(continues, ordered, ordered[1:])):
        return joined(ordered)
    hull = shapely.convex_hull(shapely.union_all([Polygon(line.polygon) for line in lines]))
    return drawn(_ring(hull))


def place_among(line: TextLine, lines: Sequence[TextLine]) -> int:
    """Where in the reading order of `lines` a further line belongs: its index.

    Lines of the same column tell, and those at the same height; a line that has neither goes by its height alone.
    """
    if not lines:
        return 0
    beside = [i for i, other in enumerate(lines) if _level(line, other) or _overlap(line, other)]
    some = beside or list(range(len(lines)))
    before = [i for i in some if _precedes(lines[i], line)]
    return max(before) + 1 if before else min(some)


def _precedes(one: TextLine, other: TextLine) -> bool:
    axis = 0 if _level(one, other) else 1
    return one.box[axis] + one.box[axis + 2] < other.box[axis] + other.box[axis + 2]


def _level(one: TextLine, other: TextLine) -> bool:
    """Whether two lines stand at one height, side by side."""
    apart = abs(one.box[1] + one.box[3] - other.box[1] - other.box[3]) / 2
    return apart < min(one.height, other.height) / 2 and not _overlap(one, other)


def _overlap(one: TextLine, other: TextLine) -> bool:
    shared = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    return shared > 0.2 * min(one.box[2] - one.box[0], other.box[2] - other.box[0])


def _side(line: TextLine, at: Point, direction: Point, sign: float) -> TextLine:
    """What lies ahead of `at` along the direction times `sign`."""
    (x, y), (dx, dy) = at, (direction[0] * sign, direction[1] * sign)
    far = FAR / 100
    ends = [(x - dy * far, y + dx * far), (x + dy * far, y - dx * far)]
    half = Polygon([*ends, *((ex + dx * far, ey + dy * far) for ex, ey in reversed(ends))])
    outline, reach = (
        _largest(shapely.make_valid(Polygon(ring)).intersection(half)) for ring in (line.polygon, line.reach)
    )
    if outline is None or reach is None or min(_extent(outline, direction), _extent(reach, direction)) < LEAST_SIDE:
        raise UsageError("nothing would be left on one side of the cut", remedy="put the caret between two letters")
    part = drawn(_ring(outline))
    kept = LineString(line.baseline).intersection(half)
    course = part.baseline
    if isinstance(kept, LineString) and kept.length >= LEAST_SIDE:
        course = tuple((float(px), float(py)) for px, py in kept.coords)
    return TextLine(part.polygon, _ring(reach), course, line.height)


def _extent(shape: Polygon, direction: Point) -> float:
    along = np.asarray(shape.exterior.coords) @ np.asarray(direction)
    return float(np.ptp(along))


def _largest(shape: BaseGeometry) -> Polygon | None:
    """The largest polygon in a geometry."""
    parts = shapely.get_parts(shapely.get_parts(shape))  # a collection may hold several polygons as one member
    polygons = [part for part in parts if isinstance(part, Polygon) and part.area > 0]
    return max(polygons, key=lambda part: part.area) if polygons else None


def _ring(shape: BaseGeometry) -> Outline:
    assert isinstance(shape, Polygon)
    return tuple((float(x), float(y)) for x, y in shape.exterior.coords[:-1])
