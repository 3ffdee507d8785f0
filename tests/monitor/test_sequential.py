"""Looking after every document does not make equal models differ, and a difference that is there is found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from emendo.monitor.sequential import (
    Evidence,
    first,
    log_wealth,
    paired,
    paired_moves,
    unpaired,
    unpaired_moves,
)

ALPHA = 0.1
TRIALS = 400
Draw = Callable[[np.random.Generator, int], np.ndarray]


def even(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.poisson(20, n).astype(float)


def uneven(rng: np.random.Generator, n: int) -> np.ndarray:
    """Few documents hold most errors, as when some pages are faded."""
    return rng.poisson(rng.lognormal(1.0, 1.5, n)).astype(float)


def rare(rng: np.random.Generator, n: int) -> np.ndarray:
    """Hardly any errors, most documents without."""
    return rng.binomial(1, 0.1, n).astype(float)


@pytest.mark.parametrize("draw", [even, uneven, rare])
@pytest.mark.parametrize("against", [False, True])
def test_equal_models_are_told_apart_no_more_often_than_allowed_by_looking_at_each_document(
    draw: Draw, against: bool
) -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(TRIALS):
        wealth = log_wealth(paired_moves(draw(rng, 200), draw(rng, 200)), against=against)
        found += first(wealth, ALPHA) is not None
    assert found <= TRIALS * ALPHA + 2 * (TRIALS * ALPHA * (1 - ALPHA)) ** 0.5


@pytest.mark.parametrize("draw", [even, uneven, rare])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_same_holds_where_each_document_is_read_by_one(draw: Draw, share: float) -> None:
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(TRIALS):
        moves = unpaired_moves(draw(rng, 200) / 100, rng.random(200) < share, share)
        found += first(log_wealth(moves), ALPHA) is not None
    assert found <= TRIALS * ALPHA + 2 * (TRIALS * ALPHA * (1 - ALPHA)) ** 0.5


def test_a_test_for_one_look_would_be_fooled() -> None:
    """What the others guard against is there: Student's t at each look finds far more than its risk."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(TRIALS):
        difference = even(rng, 200) - even(rng, 200)
        n = np.arange(10, 201)
        mean = np.cumsum(difference)[9:] / n
        spread = np.sqrt((np.cumsum(difference**2)[9:] - n * mean**2) / (n - 1))
        found += bool((mean / (spread / np.sqrt(n)) > 1.2816).any())
    assert found > 2 * TRIALS * ALPHA


def test_exchanging_the_models_exchanges_the_verdicts() -> None:
    rng = np.random.default_rng(4)
    one, two = uneven(rng, 50), uneven(rng, 50)
    there, back = paired(one, two), paired(two, one)
    assert np.allclose(there.better, back.worse) and np.allclose(there.worse, back.better)
    assert there.low == pytest.approx(1 / back.high) and there.high == pytest.approx(1 / back.low)


def test_errors_counted_in_other_units_change_nothing() -> None:
    rng = np.random.default_rng(5)
    one, two = uneven(rng, 50), uneven(rng, 50)
    assert np.allclose(log_wealth(paired_moves(one, two)), log_wealth(paired_moves(one / 7, two / 7)))


def test_what_came_later_does_not_change_what_was_known() -> None:
    rng = np.random.default_rng(6)
    one, two = uneven(rng, 80), uneven(rng, 80)
    drawn = rng.random(80) < 0.5
    assert np.allclose(log_wealth(paired_moves(one, two))[:30], log_wealth(paired_moves(one[:30], two[:30])))
    whole = log_wealth(unpaired_moves(one, drawn, 0.5))
    assert np.allclose(whole[:30], log_wealth(unpaired_moves(one[:30], drawn[:30], 0.5)))


def test_a_tenth_fewer_errors_are_found_and_bounded_in_pairs_sooner_than_in_groups() -> None:
    rng = np.random.default_rng(7)
    hard = rng.gamma(4, 15, 300)
    one, two = rng.poisson(hard).astype(float), rng.poisson(0.9 * hard).astype(float)
    pairs = paired(one, two)
    after = first(pairs.better, 0.05)
    assert after is not None and after < 60 and first(pairs.worse, 0.1) is None
    assert pairs.low <= 0.9 <= pairs.high < 1
    drawn = rng.random(300) < 0.5
    groups = unpaired(np.where(drawn, two, one) / 1000, drawn, 0.5)
    assert groups.low <= 0.9 <= groups.high and groups.high - groups.low > pairs.high - pairs.low


def test_without_documents_or_errors_nothing_is_known() -> None:
    for found in (paired(np.zeros(0), np.zeros(0)), paired(np.zeros(9), np.zeros(9))):
        assert isinstance(found, Evidence) and found.low == 0 and found.high == float("inf")
        assert np.allclose(found.better, 0) and first(found.better, 0.05) is None
