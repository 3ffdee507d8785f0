from __future__ import annotations

import numpy as np
import pytest

from emendo.metrics import paired_bootstrap, ratio_interval


def test_same_seed_same_figures() -> None:
    errors, sizes = [1, 0, 3, 2, 0, 5], [30, 28, 41, 33, 20, 50]
    assert ratio_interval(errors, sizes) == ratio_interval(errors, sizes)
    assert ratio_interval(errors, sizes, seed=1) != ratio_interval(errors, sizes)


def test_interval_surrounds_the_ratio_and_shrinks_with_lines() -> None:
    few = ratio_interval([1, 0, 4, 2], [20, 20, 20, 20])
    many = ratio_interval([1, 0, 4, 2] * 50, [20, 20, 20, 20] * 50)
    assert few.low <= few.value == many.value == 7 / 80 <= few.high
    assert many.high - many.low < (few.high - few.low) / 4


def test_interval_covers_the_truth() -> None:
    random = np.random.default_rng(7)
    hits = 0
    for trial in range(200):
        sizes = random.integers(20, 60, 80)
        found = ratio_interval(random.binomial(sizes, 0.08), sizes, seed=trial, resamples=400)
        hits += found.low <= 0.08 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_no_lines() -> None:
    assert ratio_interval([], []).value == 0.0
    assert paired_bootstrap([], [], []).confidence_better == 0.0


def test_groups_are_the_unit_only_when_there_are_enough() -> None:
    errors, sizes = list(range(40)), [50] * 40
    pages = [f"p{i // 2}" for i in range(40)]
    assert ratio_interval(errors, sizes, groups=pages).unit == "group"
    assert ratio_interval(errors, sizes, groups=["one"] * 40).unit == "line"
    grouped = ratio_interval(errors, sizes, groups=pages)
    assert grouped.high - grouped.low > ratio_interval(errors, sizes).high - ratio_interval(errors, sizes).low


def test_paired_sees_what_intervals_alone_do_not() -> None:
    random = np.random.default_rng(3)
    sizes = random.integers(20, 60, 60)
    a = random.binomial(sizes, 0.1) + 1
    b = a - (random.random(60) < 0.4)
    paired = paired_bootstrap(a, b, sizes)
    assert paired.difference < 0
    assert paired.confidence_better > 0.99
    assert paired.high < 0
    assert ratio_interval(b, sizes).high > ratio_interval(a, sizes).low
    assert paired_bootstrap(b, a, sizes).confidence_better < 0.01
    assert paired.confidence_above(-1.0) == 1.0


def test_equal_models_are_never_better() -> None:
    paired = paired_bootstrap([1, 2, 3], [1, 2, 3], [10, 10, 10])
    assert (paired.difference, paired.confidence_better, paired.p_value) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("lines", [10, 40])
def test_false_alarms_stay_near_the_level(lines: int) -> None:
    random = np.random.default_rng(11)
    alarms = 0
    for trial in range(300):
        sizes = random.integers(20, 60, lines)
        a, b = random.binomial(sizes, 0.1), random.binomial(sizes, 0.1)
        alarms += paired_bootstrap(a, b, sizes, seed=trial, resamples=400).confidence_better >= 0.95
    assert alarms / 300 <= 0.09


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one entry per line"):
        ratio_interval([1], [1, 2])
    with pytest.raises(ValueError, match="one entry per line"):
        paired_bootstrap([1], [1], [2], groups=[])
