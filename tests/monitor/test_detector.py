"""The detector keeps its promise on false alarms whatever the distribution, and finds what has changed."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from emendo.monitor.detector import LAMBDAS, Detector, _bennett, family_weights
from emendo.monitor.norm import CLIP, norm_of

Draw = Callable[[random.Random], float]
HEAVY: dict[str, Draw] = {
    "normal": lambda rng: rng.gauss(0.5, 0.1),
    "skewed": lambda rng: rng.expovariate(2),
    "two kinds of page": lambda rng: rng.gauss(0.2, 0.02) if rng.random() < 0.3 else rng.gauss(0.8, 0.02),
    "outliers": lambda rng: rng.gauss(0.5, 0.05) * (10 if rng.random() < 0.03 else 1),
    "nearly constant": lambda rng: float(rng.random() < 0.02),
}


def watch(draw: Draw, rng: random.Random, *, pages: int = 40, per_thousand: float = 1.0) -> Detector:
    norms = {name: norm_of(name, [draw(rng) for _ in range(pages)]) for name in ("confidence", "doubt", "known")}
    return Detector(norms, per_thousand=per_thousand)


@pytest.mark.parametrize("name", HEAVY)
def test_false_alarms_stay_below_what_is_allowed(name: str) -> None:
    alarms = pages = 0
    for seed in range(6):
        rng = random.Random(seed)
        draw = HEAVY[name]
        detector = watch(draw, rng, per_thousand=2.0)
        for _ in range(1500):
            pages += 1
            if detector.step({one: draw(rng) for one in ("confidence", "doubt", "known")}) >= detector.threshold:
                alarms += 1
                detector.reset()
    assert 1000 * alarms / pages <= 2.0


@pytest.mark.parametrize("sign", [1, -1])
def test_a_shift_is_found_and_its_cause_named(sign: int) -> None:
    rng = random.Random(3)
    draw = HEAVY["normal"]
    detector = watch(draw, rng)
    for _ in range(50):
        assert detector.step({one: draw(rng) for one in ("confidence", "doubt", "known")}) < detector.threshold
    for page in range(50):  # every second page is four deviations away
        moved = draw(rng) + sign * 0.4 * (page % 2)
        if detector.step({"confidence": draw(rng), "doubt": moved, "known": draw(rng)}) >= detector.threshold:
            break
    else:
        pytest.fail("no alarm on 50 pages")
    shares = detector.shares()
    assert shares["doubt"] * sign > 0.9
    assert sum(map(abs, shares.values())) <= 1 + 1e-9


def test_fewer_false_alarms_allowed_is_a_later_alarm() -> None:
    found = []
    for allowed in (10.0, 0.1):
        rng = random.Random(4)
        detector = watch(HEAVY["normal"], rng, per_thousand=allowed)
        pages = 0
        while detector.step(dict.fromkeys(("confidence", "doubt", "known"), 0.72)) < detector.threshold:
            pages += 1
        found.append(pages)
    assert found[0] < found[1] < 60


def test_evidence_falls_after_a_shift() -> None:
    rng = random.Random(5)
    detector = watch(HEAVY["normal"], rng)
    for _ in range(200):
        detector.step(dict.fromkeys(("confidence", "doubt", "known"), 1.0))
    assert detector.step(dict.fromkeys(("confidence", "doubt", "known"), 1.0)) == pytest.approx(10 * detector.threshold)
    pages = 0
    while detector.step(dict.fromkeys(("confidence", "doubt", "known"), 0.5)) >= detector.threshold:
        pages += 1
        assert pages < 40


def test_what_is_missing_says_nothing() -> None:
    detector = watch(HEAVY["normal"], random.Random(6))
    detector.step({"confidence": 0.9})
    before = detector.by_measure.copy()
    detector.step({})
    assert np.array_equal(before, detector.by_measure)
    assert before[1:].sum() == 0


def test_upward_alone_does_not_see_a_fall() -> None:
    rng = random.Random(7)
    norm = norm_of("cer", [rng.gauss(0.1, 0.02) for _ in range(30)])
    detector = Detector({"cer": norm}, per_thousand=1.0, upward=True)
    assert max(detector.step({"cer": 0.0}) for _ in range(100)) < 1
    detector.reset()
    assert max(detector.step({"cer": 0.3}) for _ in range(30)) >= detector.threshold


def test_no_measures_no_alarm() -> None:
    assert Detector({}, per_thousand=1.0).step({"confidence": 0.1}) == 0


def test_the_bound_holds_for_every_two_point_distribution() -> None:
    bets = np.array(LAMBDAS)
    for moment in (0.1, 1.0, 4.0):
        bound = _bennett(CLIP, moment)
        for high in np.linspace(0.1, CLIP, 40):
            low = moment / high  # mean 0, second moment `moment`
            chance = low / (low + high)
            expected = chance * np.exp(bets * high) + (1 - chance) * np.exp(-bets * low)
            assert (expected <= bound + 1e-9).all()


def test_families_have_equal_parts() -> None:
    weights = family_weights({"confidence": 1, "doubt": 1, "sharpness": 1})
    assert weights == {"confidence": 0.25, "doubt": 0.25, "sharpness": 0.5}
