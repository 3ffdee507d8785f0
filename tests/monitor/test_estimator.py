"""An estimator finds the factor by which doubts are off, knows what it does not know, names pages that look strange."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emendo.errors import DataError
from emendo.image.quality import Quality
from emendo.metrics.align import total
from emendo.monitor.estimator import Estimator, fit_estimator, for_any_model
from emendo.monitor.mixed import Prior, Rows, Variances, fit
from emendo.monitor.seen import SeenLine
from emendo.monitor.units import Unit

from .made import made_units


@pytest.fixture(scope="module")
def fitted() -> Estimator:
    return fit_estimator(made_units(30), model="m@1", source="made up")


def cer(units: list[Unit]) -> float:
    return total(one.truth for one in units if one.truth).cer


def test_intervals_cover_writers_that_were_never_seen(fitted: Estimator) -> None:
    units = made_units(60, seed=1)
    covered, errors, doubts, widths = [], [], [], []
    for writer in dict.fromkeys(one.group for one in units):
        own = [one for one in units if one.group == writer]
        found, truth = fitted.estimate([replace(one, truth=None) for one in own]), cer(own)
        covered.append(found.low <= truth <= found.high)
        errors.append(abs(found.cer - truth))
        doubts.append(abs(found.raw - truth))
        widths.append(found.high / found.low)
    assert 0.8 <= np.mean(covered) <= 0.99
    assert np.median(errors) < 0.015 and np.mean(errors) < 0.7 * np.mean(doubts)
    assert np.median(widths) < 3, "an interval that says nothing covers everything"


def test_more_pages_of_more_writers_are_surer(fitted: Estimator) -> None:
    units = made_units(20, seed=2)
    page, all_of_them = fitted.estimate(units[:1]), fitted.estimate(units)
    assert page.high / page.low > 1.3 * all_of_them.high / all_of_them.low
    assert (all_of_them.units, all_of_them.lines) == (80, 2000)


def test_pages_unlike_those_it_learned_on_are_named_and_less_sure(fitted: Estimator) -> None:
    units = made_units(1, seed=3)
    blurred = [replace(one, qualities=(Quality(800, 48, 0.5, 150, 240, 0.1),)) for one in units]
    usual, found = fitted.estimate(units), fitted.estimate(blurred)
    assert usual.strange == () and found.strange == ("sharpness",)
    assert found.high / found.low > 1.2 * usual.high / usual.low


def test_a_workspace_learns_its_own_factor_from_few_pages(fitted: Estimator) -> None:
    own = made_units(1, 6, seed=4, factor=2.0)
    alone = [replace(one, group=one.name) for one in own]
    calibrated = fit_estimator(alone[:5], start=fitted, model="m@2")
    before, after, truth = fitted.estimate(alone[5:]), calibrated.estimate(alone[5:]), cer(own[5:])
    assert before.high < truth and abs(after.cer - truth) < 0.4 * abs(before.cer - truth)
    assert after.low <= truth <= after.high


def test_for_an_unknown_model_the_factor_is_as_unsure_as_models_lie_apart(fitted: Estimator) -> None:
    other = fitted.model_copy(update={"mean": (fitted.mean[0] + 0.6, *fitted.mean[1:])})
    unknown, units = for_any_model(fitted, [fitted, other]), made_units(6, seed=6)
    known, found = fitted.estimate(units), unknown.estimate(units)
    assert found.high / found.low > 1.5 * known.high / known.low
    with pytest.raises(ValueError, match="two models"):
        for_any_model(fitted, [fitted])


def test_an_estimator_comes_back_from_json_and_says_the_same(fitted: Estimator) -> None:
    back = Estimator.model_validate_json(fitted.model_dump_json())
    units = made_units(2, seed=5)
    assert back == fitted and back.estimate(units) == fitted.estimate(units)


def test_nothing_read_and_nothing_labelled_are_refused(fitted: Estimator) -> None:
    with pytest.raises(DataError, match="no character"):
        fitted.estimate([Unit("empty", (SeenLine("", 0.0),))])
    with pytest.raises(DataError, match="2 pages with a truth are too few"):
        fit_estimator([*made_units(1, 2), *[replace(one, truth=None) for one in made_units(1, 4)]])


def test_what_differs_in_no_page_stays_as_unsure_as_before() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(60), rng.standard_normal(60), np.zeros(60)])
    groups = tuple(str(at // 3) for at in range(60))
    effects = np.repeat(0.2 * rng.standard_normal(20), 3)
    y = x @ [0.5, -0.3, 0.0] + effects + 0.1 * rng.standard_normal(60)
    prior = Prior(np.zeros(3), np.eye(3), Variances(0.05, 0.03, 2.5))
    found = fit(Rows(x, y, np.full(60, 1e4), groups), prior)
    assert found.mean == pytest.approx([0.5, -0.3, 0.0], abs=0.15)
    assert found.covariance[2, 2] == pytest.approx(1.0) and found.covariance[1, 1] < 0.01
    assert 0.02 <= found.variances.between <= 0.08 and found.variances.within <= 0.02
