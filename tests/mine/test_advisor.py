from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.mine import LearningCurve, Point, advise

PROBES = [Point(0, 0.22, 12_000), Point(16, 0.206, 12_000), Point(75, 0.096, 12_000), Point(300, 0.064, 12_000)]


def test_advice_before_the_first_run() -> None:
    advice = advise([], start=0.2)
    assert advice.sentence.startswith("Correct about ")
    assert advice.then.low < advice.then.cer < advice.then.high
    assert [pages for pages, _ in advice.pages] == [5, 10, 15, 30, 50, 100]
    cers = [one.cer for _, one in advice.pages]
    assert cers == sorted(cers, reverse=True)


def test_advice_follows_the_measured_curve() -> None:
    advice = advise(PROBES)
    assert advice.now.lines == 300 and advice.now.cer == 0.064
    assert advice.then.cer < 0.064
    assert 0.045 < LearningCurve(PROBES).expected(600).cer < 0.064
    assert "from 6.4 % to" in advice.sentence and "(80 % interval" in advice.sentence
    json.dumps(advice.figures(), allow_nan=False)


def test_more_runs_narrow_the_forecast() -> None:
    few, many = LearningCurve(PROBES[:1]).expected(300), LearningCurve(PROBES[:3]).expected(300)
    assert many.high - many.low < (few.high - few.low) * 0.9


def test_a_flat_curve_says_so() -> None:
    flat = [Point(n, 0.02, 50_000) for n in (0, 100, 500, 2000)]
    assert advise(flat).sentence.startswith("Correcting more lines will bring little: at 2.0 % CER")


def test_a_perfect_run_is_no_crash() -> None:
    advice = advise([Point(0, 0.1, 500), Point(50, 0.0, 500)])
    assert 0 <= advice.then.cer < 0.1


def test_same_points_same_advice() -> None:
    assert advise(PROBES) == advise(PROBES)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.floats(0.001, 1.5), st.integers(50, 10**6)), max_size=5))
def test_any_points_give_ordered_finite_figures(raw: list[tuple[int, float, int]]) -> None:
    advice = advise([Point(*one) for one in raw])
    for one in (advice.then, *advice.curve):
        assert 0 < one.low <= one.cer <= one.high < 10
    assert advice.more > 0


@pytest.mark.parametrize("known", [0, 1, 2, 3])
def test_calibrated_on_simulated_authors(known: int) -> None:
    """Authors drawn from outside the prior's exact family (own exponents and floors, clustered noise)."""
    random = np.random.default_rng(5 + known)
    inside = trials = 0
    for _ in range(150):
        start, power = random.uniform(0.1, 0.4), random.uniform(0.45, 1.1)
        scale, floor = np.exp(random.uniform(np.log(15), np.log(90))), random.uniform(0.02, 0.25)

        def measure(n: int) -> float:
            level = start * (floor + (1 - floor) * (1 + n / scale) ** -power)  # noqa: B023
            return float(level * np.exp(random.normal(0, 0.09)))

        points = [Point(n, measure(n), 10_000) for n in (0, 50, 100, 200)[: known + 1]]
        if known == 0:
            points = points[:1]
        target = (75, 150, 300, 500)[known]
        expected = LearningCurve(points).expected(target, characters=10_000)
        inside += expected.low <= measure(target) <= expected.high
        trials += 1
    assert 0.68 <= inside / trials <= 0.95
