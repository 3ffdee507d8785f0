"""Confidence as the chance of being exactly right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.calibration import Calibration, expected_calibration_error, features, fit
from emendo.types import Character, Evidence


def drawn(lines: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lines whose path probability overstates how often they are right."""
    generator = np.random.default_rng(seed)
    path = -generator.exponential(1.0, lines)
    rows = np.column_stack([path, path / 3, path / 20, np.full(lines, 3.5)])
    return rows, generator.random(lines) < 0.5 * np.exp(path)


def test_fitting_lowers_the_calibration_error() -> None:
    rows, exact = drawn(400, 1)
    found = fit(rows, exact)
    assert found.lines == 400
    assert found.ece_before is not None
    assert found.ece_after is not None
    assert found.ece_before > 0.15
    assert found.ece_after < 0.08


@given(st.integers(20, 60), st.integers(0, 1000), st.sampled_from([True, False]))
@settings(max_examples=25, deadline=None)
def test_all_right_or_all_wrong_still_gives_a_finite_curve(lines: int, seed: int, right: bool) -> None:
    rows, _ = drawn(lines, seed)
    found = fit(rows, np.full(lines, right))
    shown = Evidence(np.log(np.full((9, 2), 0.5, np.float32)), ("a",), 8.0)
    confidence = found.confidence(shown, [Character("a", 0.5, 0, 8)])
    assert 0 < confidence < 1
    assert np.isfinite(found.weights).all()
    assert Calibration.model_validate(found.model_dump()) == found


def test_without_weights_the_path_itself_is_the_confidence() -> None:
    shown = Evidence(np.log(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)), ("a",), 8.0)
    assert Calibration().confidence(shown, [Character("a", 0.8, 8, 16)]) == pytest.approx(0.72, abs=1e-5)
    assert features(shown, [])[3] == 0


def test_the_error_counts_both_directions() -> None:
    confidence = np.array([0.95, 0.95, 0.05, 0.05])
    assert expected_calibration_error(confidence, np.array([True, True, False, False])) == pytest.approx(0.05)
    assert expected_calibration_error(confidence, np.array([False, False, True, True])) == pytest.approx(0.95)


def test_too_few_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="19 lines are too few"):
        fit(*drawn(19, 0))
