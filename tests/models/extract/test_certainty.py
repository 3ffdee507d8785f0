from __future__ import annotations

import numpy as np
import pytest

from emendo.fields.schema import Document, LineItem
from emendo.models.extract.certainty import FEATURES, Certainty, Judged, evidence, fit_certainty, judged


def rows(count: int, seed: int = 0) -> list[Judged]:
    """Fields whose tags are too sure of themselves by a factor of two."""
    rng = np.random.default_rng(seed)
    made = []
    for at in range(count):
        odds = float(rng.normal(1, 2))
        right = rng.random() < 1 / (1 + np.exp(-odds / 2))
        made.append(Judged(evidence([odds], second=-5, cost=0, confidences=[1.0]), bool(right), at // 10))
    return made


def test_what_is_fitted_is_nearer_to_the_truth() -> None:
    fitted = fit_certainty(rows(2000))
    assert fitted["ece_after"] < 0.5 * fitted["ece_before"]
    curve = Certainty.model_validate(fitted)
    high = curve.chance(evidence([4.0], second=-5, cost=0, confidences=[1.0]))
    low = curve.chance(evidence([-2.0], second=-5, cost=0, confidences=[1.0]))
    assert 0 < low < 0.5 < high < 1


def test_too_few_fields_tell_too_little() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_certainty(rows(10))


def test_without_fitting_doubt_still_lowers_the_certainty() -> None:
    usual = Certainty()
    assert len(usual.weights) == len(FEATURES)
    good = usual.chance(evidence([4.0], second=-5, cost=0, confidences=[1.0], confirmed=2))
    for worse in (
        evidence([0.5], second=-5, cost=0, confidences=[1.0], confirmed=2),
        evidence([4.0], second=3.9, cost=0, confidences=[1.0], confirmed=2),
        evidence([4.0], second=-5, cost=3, confidences=[1.0], confirmed=2),
        evidence([4.0], second=-5, cost=0, confidences=[0.2], confirmed=2),
        evidence([4.0], second=-5, cost=0, confidences=[1.0], broken=2),
    ):
        assert usual.chance(worse) < good


def test_fields_are_judged_by_the_truth_that_there_is() -> None:
    truth = Document(total="9.00", seller="Acme", lines=[LineItem(description="Nail", amount="9.00")])
    found = Document(total="9.50", seller="ACME", number="7", lines=[LineItem(description="Nail", amount="9.00")])
    seen = evidence([1.0], second=-5, cost=0, confidences=[1.0])
    paths = ("total", "seller", "number", "lines.0.description", "lines.0.amount")
    told = judged(truth, found, dict.fromkeys(paths, seen), 3)
    assert [one.right for one in told] == [True, False, True, True]  # seller, total, description, amount
    assert all(one.document == 3 and one.evidence == seen for one in told)
