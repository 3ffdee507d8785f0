"""A baseline comes back from its file as it was, and says what it cannot be made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.monitored import traffic, truths

from emendo.errors import BadInput, FormatError
from emendo.monitor.baseline import LEAST_PAGES, make_baseline, read_baseline
from emendo.monitor.labelled import judged_pages
from emendo.monitor.norm import CLIP, norm_of


def test_a_baseline_comes_back_from_its_file(tmp_path: Path) -> None:
    seen = traffic(20)
    made = make_baseline(seen, source="letters", judged=judged_pages(seen, truths(seen, 20)))
    made.write(tmp_path / "b.json")
    back = read_baseline(tmp_path / "b.json")
    profile = back.profiles["line"]
    assert (back.source, back.models, back.made) == ("letters", ("base@1",), made.made)
    assert profile.expected.language == "fr" and len(profile.pages) == 20 and len(profile.judged) == 20
    assert profile.norms == made.profiles["line"].norms
    page = seen[:1]
    assert profile.features(page) == made.profiles["line"].features(page)


def test_no_text_of_the_traffic_is_kept(tmp_path: Path) -> None:
    seen = traffic(LEAST_PAGES)
    make_baseline(seen, source="letters").write(tmp_path / "b.json")
    text = (tmp_path / "b.json").read_text(encoding="utf-8")
    assert "lettre" not in text and "maison" not in text


def test_each_kind_has_a_profile_and_a_rare_one_none() -> None:
    from dataclasses import replace

    lines = traffic(LEAST_PAGES)
    plates = [replace(one, kind="plate") for one in traffic(LEAST_PAGES, 1)]
    few = [replace(one, kind="page") for one in traffic(LEAST_PAGES - 1, 2)]
    assert set(make_baseline([*lines, *plates, *few], source="x").profiles) == {"line", "plate"}


def test_too_little_traffic_is_an_error() -> None:
    with pytest.raises(BadInput, match=r"holds 3 pages of a kind, and a baseline needs 10"):
        make_baseline(traffic(3), source="x")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "emendo-baseline/1", "profiles": {"line": 3}}'])
def test_what_is_no_baseline_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=r"b\.json"):
        read_baseline(path)


def test_a_missing_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="emendo monitor baseline"):
        read_baseline(tmp_path / "none.json")


def test_scores_are_robust_and_clipped() -> None:
    norm = norm_of("confidence", [0.5, 0.52, 0.48, 0.51, 0.49, 0.9])
    assert norm.centre == pytest.approx(0.505)
    assert norm.score(norm.centre) == 0 and norm.score(9.0) == CLIP and norm.score(-9.0) == -CLIP


def test_what_never_moved_still_has_a_spread() -> None:
    norm = norm_of("failed", [0.0] * 20)
    assert norm.spread == 0.05 and norm.deviation == 0.5
    assert norm.score(0.02) < 1


def test_few_pages_leave_more_open() -> None:
    rows = [0.4, 0.5, 0.6, 0.55, 0.45]
    few, many = norm_of("confidence", rows * 2), norm_of("confidence", rows * 40)
    assert few.slack(0.01) > 2 * many.slack(0.01) > 0
    assert few.variance(0.05) > many.variance(0.05) > many.deviation**2


def test_the_bounds_are_those_of_the_t_and_chi_square_distributions() -> None:
    from scipy import stats

    norm = norm_of("confidence", [0.4, 0.5, 0.6, 0.55, 0.45, 0.52] * 5)
    exact = stats.t.isf(0.001, 29) * norm.deviation / 30**0.5
    assert norm.slack(0.001) == pytest.approx(exact, rel=0.02)
    assert norm.variance(0.1) == pytest.approx(29 * norm.deviation**2 / stats.chi2.ppf(0.1, 29), rel=0.02)
