"""Reading order and paragraphs on made-up layouts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.pieces import Piece
from emendo.pages.lines import TextLine, join
from emendo.pages.order import Placed, arrange

from .sheets import HEIGHT, column, piece

Names = dict[tuple[float, float], str]


def order(groups: dict[str, list[Piece]], lean: float = 0.0) -> str:
    """Names of the groups in reading order, runs of one name once."""
    names = {(round(p.spine[0][0]), round(p.spine[0][1])): name for name, members in groups.items() for p in members}
    lines = [line for members in groups.values() for one in members for line in join([one])]
    read = "".join(_name(placed, names) for placed in arrange(lines, lean))
    return "".join(a for a, b in zip(read, read[1:] + " ", strict=True) if a != b)


def _name(placed: Placed, names: dict[tuple[int, int], str]) -> str:
    x, y = placed.line.baseline[0]
    return names[min(names, key=lambda key: abs(key[0] - x) + abs(key[1] - y + 6.6))]


def test_two_columns_are_read_one_after_the_other() -> None:
    assert order({"b": column(360, 620, 50, 8), "a": column(40, 310, 50, 8)}) == "ab"


def test_columns_with_lines_at_other_heights() -> None:
    assert order({"a": column(40, 310, 50, 8), "b": column(360, 620, 65, 7, step=52)}) == "ab"


@pytest.mark.parametrize("lean", [-0.08, 0.08])
def test_skew_closes_no_gutter(lean: float) -> None:
    def turned(x0: int, x1: int) -> list[Piece]:
        return [piece(x0 - lean * y, x1 - lean * y, y, lean=lean) for y in range(200, 620, 46)]

    groups = {"a": turned(40, 300), "b": turned(340, 600)}
    assert order(groups, lean) == "ab"


def test_a_heading_over_two_columns_comes_first_and_a_footer_last() -> None:
    groups = {
        "h": [piece(100, 560, 40)],
        "a": column(40, 310, 120, 8),
        "b": column(360, 620, 120, 8),
        "z": [piece(60, 600, 560)],
    }
    assert order(groups) == "habz"


def test_three_columns() -> None:
    assert order({name: column(x, x + 180, 60, 6) for name, x in (("c", 460), ("a", 20), ("b", 240))}) == "abc"


def test_margin_notes_are_a_column_of_their_own() -> None:
    notes = [piece(10, 90, 70), piece(10, 80, 102), piece(10, 95, 262)]
    assert order({"m": notes, "t": column(140, 620, 60, 10)}) == "mt"
    right = [piece(560, 640, 83), piece(560, 630, 140)]
    assert order({"m": right, "t": column(40, 520, 60, 10)}) == "tm"


def test_a_table_with_a_narrow_column_is_read_by_rows() -> None:
    groups = {"n": column(40, 400, 60, 6), "v": column(520, 590, 60, 6)}
    assert order(groups) == "nv" * 6


def test_a_date_beside_an_address_is_read_in_its_row() -> None:
    groups = {"a": [piece(40, 300, 60)], "d": [piece(450, 600, 62)], "t": column(40, 620, 150, 5)}
    assert order(groups) == "adt"


def blanks(pieces: list[Piece]) -> list[int]:
    return [i for i, placed in enumerate(arrange(join(pieces))) if placed.blank]


def test_a_wide_step_is_a_blank_line() -> None:
    assert blanks([*column(40, 600, 50, 4), *column(40, 600, 290, 4)]) == [4]
    assert blanks(column(40, 600, 50, 8)) == []


def test_double_spacing_beside_single_spacing_is_no_blank_line() -> None:
    pieces = [*column(40, 600, 50, 10, step=34), *column(40, 600, 50 + 9 * 34 + 80, 10, step=68)]
    assert blanks(pieces) == [10]


def test_regions_are_told_apart_by_blank_lines() -> None:
    lines = join([*column(40, 310, 50, 5), *column(360, 620, 50, 5)])
    placed = arrange(lines)
    assert [p.region for p in placed] == [0] * 5 + [1] * 5
    assert [i for i, p in enumerate(placed) if p.blank] == [5]


def test_lines_written_up_the_page_come_last() -> None:
    upright = Piece(((20.0, 400.0), (20.0, 100.0)), HEIGHT, 0.9, upright=True)
    placed = arrange(join([upright, *column(60, 400, 100, 5)]))
    assert placed[-1].line.box[2] < 60
    assert placed[-1].blank
    assert placed[-1].region == 1


def test_nothing_gives_nothing() -> None:
    assert arrange([]) == []


boxes = st.tuples(st.integers(0, 900), st.integers(10, 500), st.integers(0, 900), st.integers(8, 60))


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, max_size=25), st.floats(-0.1, 0.1))
def test_every_line_is_read_exactly_once(found: list[tuple[int, int, int, int]], lean: float) -> None:
    lines: list[TextLine] = [line for x, w, y, h in found for line in join([piece(x, x + w, y, height=float(h))])]
    placed = arrange(lines, lean)
    assert sorted(map(id, (p.line for p in placed))) == sorted(map(id, lines))
    regions = [p.region for p in placed]
    assert regions == sorted(regions)
    assert not placed or (regions[0] == 0 and not placed[0].blank)
