"""Pieces of text from made-up probability maps: place, height, lean, curve, and cores that bridge two lines."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.pieces import GROWTH, outline, pieces

THICK = 9


def field(height: int = 300, width: int = 500) -> np.ndarray:
    return np.zeros((height, width), np.float32)


def stroke(probability: np.ndarray, points: list[tuple[int, int]], value: float = 0.9, thick: int = THICK) -> None:
    layer = np.zeros_like(probability)
    for (xa, ya), (xb, yb) in pairwise(points):
        quad = np.array([(xa, ya - thick // 2), (xb, yb - thick // 2), (xb, yb + thick // 2), (xa, ya + thick // 2)])
        cv2.fillConvexPoly(layer, quad, value)
    np.maximum(probability, layer, out=probability)


def test_a_level_core_grows_to_the_full_line() -> None:
    probability = field()
    stroke(probability, [(100, 150), (400, 150)])
    (piece,) = pieces(probability, (600, 1000, 3))
    assert piece.height == pytest.approx(THICK * (1 + 2 * GROWTH) * 2, rel=0.05)
    (x0, y0), (x1, y1) = piece.spine[0], piece.spine[-1]
    assert x0 == pytest.approx(2 * (100 - GROWTH * THICK), abs=3)
    assert x1 == pytest.approx(2 * (400 + GROWTH * THICK), abs=3)
    assert y0 == pytest.approx(301, abs=2)
    assert y1 == pytest.approx(301, abs=2)
    assert piece.score == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("drop", [-60, -20, 30, 80])
def test_the_spine_follows_a_lean(drop: int) -> None:
    probability = field()
    stroke(probability, [(60, 150 - drop // 2), (440, 150 + drop // 2)])
    (piece,) = pieces(probability, probability.shape)
    slope = (piece.spine[-1][1] - piece.spine[0][1]) / (piece.spine[-1][0] - piece.spine[0][0])
    assert slope == pytest.approx(drop / 380, abs=0.01)


def test_the_spine_follows_a_bow_and_ignores_a_bump() -> None:
    probability = field()
    x = np.arange(50, 451, 10)
    y = 140 + 25 * np.sin((x - 50) / 400 * np.pi)
    stroke(probability, [(int(a), int(b)) for a, b in zip(x, y, strict=True)])
    stroke(probability, [(245, 110), (255, 165)], thick=THICK)
    (piece,) = pieces(probability, probability.shape)
    assert piece.height < 1.25 * THICK * (1 + 2 * GROWTH)
    middle = np.interp(250, *np.array(piece.spine).T)
    assert middle == pytest.approx(165, abs=4)


def test_a_core_that_bridges_two_lines_is_cut_in_two() -> None:
    probability = field()
    stroke(probability, [(50, 100), (450, 100)])
    stroke(probability, [(50, 125), (300, 125)])
    probability[100:125, 200:206] = 0.4
    found = sorted(piece.spine[0][1] for piece in pieces(probability, probability.shape))
    assert found == pytest.approx([100.5, 125.5], abs=2.5)


def test_faint_and_tiny_cores_are_dropped() -> None:
    probability = field()
    stroke(probability, [(50, 50), (200, 50)], value=0.4)
    probability[200:202, 50:200] = 0.9
    probability[250, 250] = 1.0
    assert pieces(probability, probability.shape) == []


def test_a_line_written_up_the_page() -> None:
    probability = field()
    probability[60:240, 100 : 100 + THICK] = 0.9
    (piece,) = pieces(probability, probability.shape)
    assert piece.upright
    (x0, y0), (x1, y1) = piece.spine[0], piece.spine[-1]
    assert y0 > 240, "from the bottom"
    assert y1 < 60, "to the top"
    assert x0 == pytest.approx(104.5, abs=1.5)
    assert x1 == pytest.approx(104.5, abs=1.5)


def test_the_outline_surrounds_the_spine() -> None:
    ring = outline(((0.0, 10.0), (50.0, 10.0), (100.0, 10.0)), 4, 6)
    assert ring == ((0, 6), (50, 6), (100, 6), (100, 16), (50, 16), (0, 16))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 3))
def test_any_map_gives_pieces_on_the_page(seed: int, scale: float) -> None:
    r = np.random.default_rng(seed)
    probability = cv2.GaussianBlur(r.random((64, 96)).astype(np.float32), (0, 0), 2.5)
    probability = np.clip((probability - 0.5) * 8, 0, 1)
    shape = (round(64 * scale), round(96 * scale))
    for piece in pieces(probability, shape):
        assert piece.height > 0
        assert 0 <= piece.score <= 1
        assert np.isfinite(np.array(piece.polygon)).all()
        assert len(piece.spine) >= 2
