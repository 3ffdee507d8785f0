"""Distances of samples: as others compute them, and quiet without a difference."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from emendo.monitor.distance import character_index, kolmogorov_smirnov, stability_index


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_kolmogorov_smirnov_agrees_with_scipy(shift: float) -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=80), rng.normal(shift, size=60)
    found, p = kolmogorov_smirnov(one.tolist(), two.tolist())
    known = stats.ks_2samp(one, two)
    assert found == pytest.approx(known.statistic)
    assert p == pytest.approx(known.pvalue, abs=0.05) and (p < 0.01) == (known.pvalue < 0.01)


def test_ties_are_no_difference() -> None:
    assert kolmogorov_smirnov([0.0] * 20, [0.0] * 30) == (0.0, 1.0)
    assert kolmogorov_smirnov([], [1.0]) == (0.0, 1.0)
    assert stability_index([0.0] * 20, [0.0] * 30) == pytest.approx(0, abs=0.01)
    assert stability_index([], [1.0]) == 0


def test_the_stability_index_grows_with_the_shift() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(size=2000).tolist()
    found = [stability_index(base, rng.normal(shift, size=2000).tolist()) for shift in (0.0, 0.3, 1.0)]
    assert found[0] < 0.02 < found[1] < 0.2 < found[2]


def test_the_characters_that_changed_are_named() -> None:
    usual, now = Counter("e" * 50 + "a" * 30 + "t" * 20), Counter("e" * 50 + "a" * 5 + "t" * 20 + "z" * 25)
    index, rows = character_index(usual, now)
    assert index > 0.2
    assert [row[0] for row in rows[:2]] == ["…", "a"]  # all others first: z was never read before
    assert {row[0]: row[1:] for row in rows}["a"] == (0.3, 0.05)
    assert character_index(usual, usual)[0] == 0 and character_index({}, now) == (0.0, ())
