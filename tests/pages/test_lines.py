"""Pieces joined into lines: word gaps, gutters, skew, dashes; and the lines of real pages."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.formats.alto import read_alto
from emendo.image.load import read_image
from emendo.models.detector import Detector
from emendo.models.pieces import Piece
from emendo.pages.lines import join, page_lean
from emendo.pages.segment import find_lines

from .sheets import HEIGHT, STEP, column, piece


def spans(pieces: list[Piece]) -> list[tuple[int, int]]:
    return [(round(line.box[0]), round(line.box[2])) for line in join(pieces)]


def test_words_of_one_line_are_joined_across_word_gaps() -> None:
    words = [piece(100, 180, 50), piece(195, 300, 52), piece(312, 420, 47)]
    assert spans(words) == [(100, 420)]


@pytest.mark.parametrize("lean", [-0.15, -0.05, 0.04, 0.12])
def test_words_of_leaning_lines_find_their_own_line(lean: float) -> None:
    words = [piece(x, x + 90, 60 + row * STEP, lean=lean) for row in range(5) for x in (50, 155, 262, 370, 476)]
    lines = join(words)
    assert len(lines) == 5
    assert {tuple(map(round, (line.box[0], line.box[2]))) for line in lines} <= {
        (x, y) for x in range(45, 56) for y in range(560, 572)
    }


def test_a_wide_gap_is_bridged_where_a_neighbour_runs_across() -> None:
    gap = 2.0 * HEIGHT
    row = [piece(100, 250, 98), piece(250 + gap, 500, 98)]
    assert spans([piece(100, 500, 50), *row, piece(100, 500, 146)]) == [(100, 500)] * 3
    assert len(join(row)) == 2, "alone on the page it is no word gap"


def test_a_gutter_is_never_bridged() -> None:
    gutter = 1.2 * HEIGHT
    lines = join([*column(50, 300, 50, 6), *column(300 + gutter, 600, 50, 6)])
    assert len(lines) == 12


def test_a_margin_note_stays_apart() -> None:
    assert len(join([piece(20, 90, 50), *column(130, 600, 50, 6)])) == 7


def test_pieces_on_other_lines_or_of_other_sizes_are_not_joined() -> None:
    assert len(join([piece(50, 200, 50), piece(210, 400, 70)])) == 2
    assert len(join([piece(50, 300, 50), piece(305, 600, 50, height=2.5 * HEIGHT)])) == 2
    assert len(join([piece(50, 300, 50), piece(310, 325, 52, height=8)])) == 1, "a dash belongs to its line"


def test_a_piece_written_up_the_page_stays_alone() -> None:
    upright = Piece(((20.0, 400.0), (20.0, 100.0)), HEIGHT, 0.9, upright=True)
    lines = join([upright, *column(60, 400, 100, 5)])
    assert len(lines) == 6
    box = lines[-1].box
    assert box[3] - box[1] > 4 * (box[2] - box[0])
    assert lines[-1].baseline[0][0] > 20, "its letters stand to the left of the baseline"


def test_outline_reach_and_baseline_lie_around_each_other() -> None:
    (line,) = join([piece(100, 400, 50)])
    top, bottom = line.box[1], line.box[3]
    ys = [y for _, y in line.reach]
    assert min(ys) < top < 50 < line.baseline[0][1] < bottom < max(ys)


def test_the_lean_is_that_of_the_long_pieces() -> None:
    assert page_lean([*column(0, 500, 50, 3, lean=0.03), piece(0, 60, 300, lean=0.5)]) == pytest.approx(0.03)
    assert page_lean([]) == 0.0


def covered(page: np.ndarray, truth: list[list[tuple[float, float]]], detector: Detector) -> int:
    """True baselines, raised a little, whose points lie in one found line."""
    contours = [np.asarray(line.polygon, np.float32).reshape(-1, 1, 2) for line in find_lines(page, detector)[0]]
    found = 0
    for points in truth:
        xs = np.linspace(points[0][0], points[-1][0], 20)
        ys = np.interp(xs, *np.array(points, float).T)
        shares = [
            np.mean([cv2.pointPolygonTest(c, (float(x), float(y)), False) >= 0 for x, y in zip(xs, ys, strict=True)])
            for c in contours
        ]
        found += max(shares, default=0) >= 0.8
    return found


def test_lines_of_real_pages_are_found(data: Path) -> None:
    detector = Detector()
    rows = [json.loads(line) for line in (data / "pages_typed" / "pages.jsonl").read_text("utf-8").splitlines()]
    row = next(row for row in rows if row["page"] == "EHRI-DR-19431111-DK_03" and row["split"] == "train")
    page = read_image(data / "pages_typed" / row["image"])
    truth = [[(x, y) for x, y in line["baseline"]] for line in row["lines"]]
    assert covered(page, truth, detector) >= len(truth) - 1
    path = data / "peraire" / "raw_alto" / "D.2.eurasie-3-4_0016.xml"
    lift = [[(x, y - 25) for x, y in line.baseline] for line in read_alto(path).lines()]
    assert covered(read_image(path.with_suffix(".jpg")), lift, detector) >= 0.9 * len(lift)
