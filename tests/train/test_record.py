"""The picture of a run."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.train.record import draw_curve, running_mean


@given(st.lists(st.floats(0, 50), min_size=1, max_size=60))
def test_the_running_mean_lies_within_what_it_has_seen(values: list[float]) -> None:
    means = running_mean(values)
    assert means[0] == pytest.approx(values[0])
    for end, mean in enumerate(means, start=1):
        assert min(values[:end]) - 1e-9 <= mean <= max(values[:end]) + 1e-9


def test_the_running_mean_smooths() -> None:
    means = running_mean([1.0, 3.0] * 40)
    assert max(means[-10:]) - min(means[-10:]) < 0.3


@pytest.mark.parametrize("cers", [[], [(0, 0.3), (4, 0.2)]])
def test_the_curve_is_a_picture(tmp_path: Path, cers: list[tuple[int, float]]) -> None:
    draw_curve(tmp_path / "curve.png", [(step, 1 / step) for step in range(1, 9)], cers, title="notes-57")
    image = cv2.imread(str(tmp_path / "curve.png"))
    assert image.shape == (450, 800, 3)
    assert bool((image[..., 2].astype(int) - image[..., 0] > 100).any()) == bool(cers), "the CER is drawn in red"
