"""Line crops: level lines cut as they are, leaning and curved ones straightened, the rest paper."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.image.crop import MAX_HEIGHT, crop_line, paper_colour

PAPER = (235, 228, 210)
INK = (40, 40, 90)


def sheet(width: int = 900, height: int = 500) -> np.ndarray:
    return np.full((height, width, 3), PAPER, np.uint8)


def band(points: np.ndarray, half: float) -> list[tuple[float, float]]:
    down = np.array([0.0, half])
    return [*map(tuple, points - down), *map(tuple, (points + down)[::-1])]


def ink_rows(crop: np.ndarray) -> np.ndarray:
    return np.flatnonzero((crop.astype(int).sum(axis=2) < 400).any(axis=1))


def test_a_level_line_is_cut_without_resampling() -> None:
    page = sheet()
    page[200:230, 100:400] = np.random.default_rng(0).integers(0, 255, (30, 300, 3))
    crop = crop_line(page, [(100, 195), (399, 195), (399, 234), (100, 234)], [(100, 225), (399, 226)])
    assert np.array_equal(crop, page[195:235, 100:400])


@pytest.mark.parametrize("lean", [-0.3, -0.08, 0.02, 0.1, 0.25])
def test_a_leaning_line_comes_out_level(lean: float) -> None:
    page = sheet()
    ends = np.array([[120.0, 250 - 300 * lean], [720.0, 250 + 300 * lean]])
    cv2.line(page, *(tuple(map(int, end)) for end in ends), INK, 3)
    outline = band(ends, 25)
    for baseline in ([], [tuple(end) for end in ends]):
        rows = ink_rows(crop_line(page, outline, baseline))
        assert len(rows) <= 9, (lean, baseline, rows)


def test_a_curved_line_comes_out_level() -> None:
    page = sheet()
    x = np.linspace(100, 800, 15)
    course = np.stack([x, 250 + 40 * np.sin((x - 100) / 700 * np.pi)], axis=1)
    cv2.polylines(page, [course.astype(np.int32)], False, INK, 3)
    assert len(ink_rows(crop_line(page, band(course, 22), [tuple(p) for p in course]))) <= 12
    assert len(ink_rows(crop_line(page, band(course, 22)))) > 25, "without the baseline the bow stays"


def test_what_is_outside_the_outline_becomes_paper() -> None:
    page = sheet()
    page[120:135, 50:500] = INK
    page[160:190, 50:500] = (200, 0, 0)
    crop = crop_line(
        page, [(40, 90), (510, 90), (510, 150), (300, 150), (300, 200), (40, 150)], [(40, 140), (510, 140)]
    )
    colours = {tuple(c) for c in crop.reshape(-1, 3)[::7]}
    assert tuple(crop[-1, -1]) == PAPER
    assert INK in colours


def test_a_line_written_up_the_page_is_laid_down() -> None:
    page = sheet(500, 800)
    page[200:600, 240:260] = INK
    page[200:220, 225:240] = INK  # a foot at the upper end, on the left: above the line's end when laid down
    crop = crop_line(page, [(215, 190), (285, 190), (285, 610), (215, 610)], [(250, 610), (250, 190)])
    assert crop.shape[1] > 400
    assert crop.shape[0] <= 72
    dark = crop.astype(int).sum(axis=2) < 400
    assert dark[:, 395:415].sum() > 1.3 * dark[:, 100:120].sum()
    assert np.flatnonzero(dark[:, 400])[0] < np.flatnonzero(dark[:, 100])[0] - 10


def test_tall_crops_are_scaled_down() -> None:
    page = sheet(3000, 600)
    crop = crop_line(page, [(10, 100), (2900, 100), (2900, 400), (10, 400)])
    assert crop.shape[0] == MAX_HEIGHT
    assert abs(crop.shape[1] - 2891 * MAX_HEIGHT / 301) < 2


def test_paper_is_the_light_half() -> None:
    page = sheet(100, 100)
    page[:, :40] = INK
    assert paper_colour(page).tolist() == list(PAPER)
    assert paper_colour(page, np.zeros((100, 100), np.uint8)).tolist() == [255, 255, 255]


numbers = st.floats(-60, 400, allow_nan=False)
points = st.tuples(numbers, numbers)


@settings(max_examples=60, deadline=None)
@given(st.lists(points, min_size=3, max_size=8), st.lists(points, max_size=4))
def test_any_outline_gives_a_picture(outline: list[tuple[float, float]], baseline: list[tuple[float, float]]) -> None:
    crop = crop_line(sheet(300, 200), outline, baseline)
    assert crop.dtype == np.uint8
    assert crop.shape[2] == 3
    assert 1 <= crop.shape[0] <= MAX_HEIGHT
    assert crop.shape[1] >= 1
