from __future__ import annotations

import pytest

from emendo.metrics.bootstrap import Ratios, holm, independent_bootstrap, ratio_of_ratios, wilson
from emendo.metrics.parts import parts
from emendo.metrics.table import METRICS, Better, Pairs, metric

PAIRS = Pairs(["abcd", "ef gh", "ij"], ["abxd", "ef", "ij k"], tokens="words-marks")


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_the_parts_of_a_metric_add_up_to_it(row: object) -> None:
    held = parts(row, PAIRS)  # type: ignore[arg-type]
    if held is None:
        assert row.name in {"bleu", "chrf"}  # type: ignore[attr-defined]
        return
    assert held.value == pytest.approx(row.of(PAIRS))  # type: ignore[attr-defined]
    bounds = held.interval()
    assert bounds.low <= bounds.value <= bounds.high
    assert held.complement <= (row.better is Better.HIGHER)  # type: ignore[attr-defined]


def test_the_parts_by_hand() -> None:
    held = parts(metric("cer"), PAIRS)
    assert held is not None
    assert (held.above.tolist(), held.below.tolist()) == ([1, 3, 2], [4, 5, 2])
    f1 = parts(metric("f1"), PAIRS)
    assert f1 is not None
    assert (f1.above.tolist(), f1.below.tolist()) == ([0, 2, 2], [2, 3, 3])
    accuracy = parts(metric("character_accuracy"), PAIRS)
    assert accuracy is not None
    assert accuracy.value == pytest.approx(1 - 6 / 11)


def test_two_sets_that_share_no_line() -> None:
    a, b = Ratios([1] * 40, [10] * 40), Ratios([3] * 30, [10] * 30)
    found = independent_bootstrap(a, b)
    assert (found.difference, found.confidence_above, found.units) == (pytest.approx(0.2), 1.0, 70)
    assert found.p_value < 0.01
    back = independent_bootstrap(b, a)
    assert (back.difference, back.confidence_above) == (pytest.approx(-0.2), 0.0)
    noise = independent_bootstrap(Ratios([0, 1] * 20, [10] * 40), Ratios([1, 0] * 20, [10] * 40))
    assert noise.low < 0 < noise.high
    assert noise.p_value > 0.5
    assert independent_bootstrap(a, Ratios([], [])).p_value == 1.0


def test_a_ratio_of_two_ratios() -> None:
    found = ratio_of_ratios(([9.0, 9.0], [3.0, 3.0]), ([8.0, 8.0], [8.0, 8.0]))
    assert (found.value, found.low, found.high) == (3.0, 3.0, 3.0)
    with pytest.raises(ValueError, match="must add up to more than 0"):
        ratio_of_ratios(([1.0], [0.0]), ([1.0], [1.0]))


def test_holm_and_wilson_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    low, high = wilson(0, 10)
    assert (low, round(high, 4)) == (0.0, 0.2775)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
