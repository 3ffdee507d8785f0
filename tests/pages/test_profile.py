"""Lines by ink profile: the fallback without a detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.errors import EngineError
from emendo.image.load import read_image
from emendo.models.pieces import Piece
from emendo.pages.profile import profile_lines
from emendo.pages.segment import find_lines
from emendo.types import Image

from .sheets import sheet

ROWS = [(60, 560, y) for y in range(60, 420, 45)]


@pytest.mark.parametrize("degrees", [-3.0, 0.0, 2.0])
def test_rows_of_strokes_are_lines(degrees: float) -> None:
    page = sheet(ROWS)
    turn = cv2.getRotationMatrix2D((320, 240), degrees, 1.0)
    page = cv2.warpAffine(page, turn, (640, 480), borderValue=(250, 250, 250))
    lines = profile_lines(page)
    assert len(lines) == len(ROWS)
    slope = np.median([(b[1] - a[1]) / (b[0] - a[0]) for a, b in (line.baseline for line in lines)])
    assert slope == pytest.approx(-np.tan(np.deg2rad(degrees)), abs=0.012)


def test_a_wide_white_space_cuts_a_row() -> None:
    assert len(profile_lines(sheet([(40, 200, 100), (420, 600, 100), (40, 600, 160)]))) == 3


def test_empty_dark_and_noisy_pages_have_no_lines() -> None:
    assert profile_lines(np.full((300, 200, 3), 240, np.uint8)) == []
    assert profile_lines(np.zeros((300, 200, 3), np.uint8)) == []
    noise = np.random.default_rng(1).normal(235, 4, (400, 300, 3)).clip(0, 255).astype(np.uint8)
    assert profile_lines(noise) == []
    assert profile_lines(np.full((1, 1, 3), 9, np.uint8)) == []


def test_most_lines_of_a_real_page_are_found(data: Path) -> None:
    page = read_image(data / "pages_typed" / "images" / "slovak_EHRI-BF-19380421e_SK_06.jpg")
    assert 24 <= len(profile_lines(page)) <= 28


def test_it_stands_in_when_the_detector_fails_or_finds_nothing() -> None:
    def missing(_page: Image) -> list[Piece]:
        raise EngineError("not installed")

    page = sheet(ROWS)
    for detector in (missing, lambda _page: [], None):
        assert len(find_lines(page, detector)[0]) == len(ROWS)
