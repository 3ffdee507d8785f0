"""Outlines that people draw, cut and join: nothing is lost, nothing is made up, and what is no outline is refused."""

from __future__ import annotations

from math import cos, inf, nan, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from emendo.errors import UsageError
from emendo.image.crop import place_in_page
from emendo.pages.lines import TextLine, along_spine, continues
from emendo.pages.outlines import MOST_POINTS, cut, drawn, merged, on_page, place_among, spine_on_page
from emendo.types import Point

SIZE = (1000, 800)


def area(line: TextLine) -> float:
    return float(Polygon(line.polygon).area)


def slanted(x: float, y: float, length: float, degrees: float, height: float) -> TextLine:
    """A straight line from (x, y)."""
    end = (x + length * cos(radians(degrees)), y + length * sin(radians(degrees)))
    return along_spine(((x, y), end), height)


lines = st.builds(
    slanted, st.floats(50, 300), st.floats(200, 500), st.floats(150, 600), st.floats(-25, 25), st.floats(12, 60)
)


@given(lines, st.floats(0.15, 0.85))
@settings(max_examples=60, deadline=None)
def test_both_parts_of_a_cut_make_up_the_line(line: TextLine, share: float) -> None:
    first, second = cut(line, *place_in_page(SIZE, line.reach, line.baseline, share))
    assert area(first) + area(second) == pytest.approx(area(line), rel=1e-3)
    assert Polygon(first.polygon).intersection(Polygon(second.polygon)).area < 1e-3 * area(line)
    assert first.box[0] < second.box[0] and first.height == second.height == line.height
    assert first.baseline[0] == pytest.approx(line.baseline[0]) and second.baseline[-1] == pytest.approx(
        line.baseline[-1]
    )
    assert Polygon(first.reach).area / Polygon(line.reach).area == pytest.approx(share, abs=0.05)


@given(lines, st.floats(0.2, 0.8))
@settings(max_examples=60, deadline=None)
def test_the_parts_of_a_line_go_on_from_each_other_and_make_it_again(line: TextLine, share: float) -> None:
    parts = cut(line, *place_in_page(SIZE, line.reach, line.baseline, share))
    if min(part.box[2] - part.box[0] for part in parts) > 2 * line.height:
        assert continues(*parts)
    again = merged(parts[::-1])
    shared = Polygon(again.polygon).intersection(Polygon(line.polygon)).area
    assert shared > 0.9 * area(line) and area(again) < 1.2 * area(line)


def test_what_lies_apart_does_not_go_on_and_is_merged_as_what_is_around_it() -> None:
    above, below = slanted(100, 100, 400, 0, 30), slanted(100, 160, 300, 0, 30)
    assert not continues(above, below)
    around = merged([above, below])
    x0, y0, x1, y1 = around.box
    assert (x0, x1) == pytest.approx((100, 500), abs=1) and y0 < 90 and y1 > 170
    bent = [slanted(100, 100, 200, 8, 30), slanted(310, 130, 200, -8, 30)]
    assert continues(*bent) and area(merged(bent)) < 1.3 * sum(map(area, bent))


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.0, 1.2])
def test_a_cut_that_leaves_nothing_is_refused(share: float) -> None:
    line = slanted(100, 100, 300, 10, 30)
    with pytest.raises(UsageError, match="nothing would be left"):
        cut(line, (100 + 300 * share * cos(radians(10)), 100 + 300 * share * sin(radians(10))), (0.985, 0.174))


SQUARE: tuple[Point, ...] = ((100, 100), (300, 100), (300, 140), (100, 140))


@pytest.mark.parametrize(
    ("points", "what"),
    [
        (SQUARE[:2], "3 to"),
        (tuple((float(i), float(i % 7)) for i in range(MOST_POINTS + 1)), "3 to"),
        (((nan, 1), *SQUARE), "no place on a page"),
        (((inf, 1), *SQUARE), "no place on a page"),
        (((1e9, 1), *SQUARE), "no place on a page"),
        (((100, 100), (300, 140), (300, 100), (100, 140)), "crosses itself"),
        (((100, 100), (200, 100), (300, 100)), "crosses itself"),
        (tuple((x + 2000, y) for x, y in SQUARE), "outside of the page"),
        (tuple((x - 250, y) for x, y in SQUARE), "outside of the page"),
    ],
)
def test_what_is_no_outline_is_refused(points: tuple[Point, ...], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        on_page(points, SIZE)


@given(st.lists(st.tuples(st.floats(-200, 1200), st.floats(-200, 1000)), min_size=0, max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_scribble_is_an_outline_on_the_page_or_refused(points: list[Point]) -> None:
    try:
        outline = on_page(points, SIZE)
    except UsageError:
        return
    shape = Polygon(outline)
    assert shape.is_valid and shape.area > 0
    assert shape.bounds[0] >= 0 and shape.bounds[1] >= 0 and shape.bounds[2] <= SIZE[0] and shape.bounds[3] <= SIZE[1]
    assert shape.area <= 1.05 * Polygon(points).convex_hull.area


def test_a_hand_that_crosses_its_own_start_is_forgiven() -> None:
    lasso = [(100, 100), (500, 95), (505, 140), (98, 145), (99, 97), (104, 103)]
    assert Polygon(on_page(lasso, SIZE)).area == pytest.approx(Polygon(lasso).convex_hull.area, rel=0.05)


@pytest.mark.parametrize(
    ("points", "height", "what"),
    [
        ([(1, 1)], 30, "2 to"),
        ([(1, 1), (nan, 2)], 30, "no place"),
        ([(1, 1), (100, 2)], nan, "no place"),
        ([(1, 1), (100, 2)], 2, "pixels high"),
        ([(1, 1), (100, 2)], 900, "pixels high"),
        ([(1, 1), (1100, 2)], 30, "outside"),
        ([(10, 10), (11, 10)], 30, "too short"),
    ],
)
def test_what_is_no_middle_of_a_line_is_refused(points: list[Point], height: float, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        spine_on_page(points, height, SIZE)


def test_a_drawn_line_follows_its_long_axis() -> None:
    line = slanted(100, 300, 500, -12, 40)
    again = drawn(line.polygon)
    (x0, y0), (x1, y1) = again.baseline[0], again.baseline[-1]
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-0.2126, abs=0.02) and x1 > x0
    up = drawn(((100, 100), (130, 100), (130, 500), (100, 500)))
    assert up.upright and up.baseline[0][1] > up.baseline[-1][1]
    with pytest.raises(UsageError, match="at least"):
        drawn(((0, 0), (3, 0), (3, 3), (0, 3)))
    assert Polygon(drawn(line.polygon, tight=True).reach).contains(Polygon(line.polygon))


def test_a_missed_line_takes_its_place_in_the_order() -> None:
    column = [slanted(100, 100 + 60 * i, 300, 0, 30) for i in range(4)]
    right = [slanted(500, 100 + 60 * i, 300, 0, 30) for i in range(4)]
    both = column + right
    assert place_among(slanted(100, 210, 250, 0, 30), column) == 2
    assert place_among(slanted(110, 60, 250, 0, 30), both) == 0
    assert place_among(slanted(110, 400, 250, 0, 30), both) == 4
    assert place_among(slanted(510, 60, 250, 0, 30), both) == 4
    assert place_among(slanted(510, 190, 250, 0, 30), both) == 6
    assert place_among(slanted(410, 160, 60, 0, 30), column) == 2
    assert place_among(slanted(30, 160, 50, 0, 30), column) == 1
    assert place_among(slanted(30, 160, 50, 0, 30), []) == 0
