"""Estimates for people: by page, document or day, with estimators of the workspace before those that come along."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import FormatError
from emendo.metrics.align import total
from emendo.monitor import Captures, Seen, SeenLine, Truth
from emendo.monitor.estimate import (
    FILE,
    Estimators,
    estimate_by,
    estimate_units,
    estimators_at,
    read_estimators,
    sentence,
    shipped,
)
from emendo.monitor.estimator import fit_estimator
from emendo.monitor.timeline import counted, timeline
from emendo.monitor.units import Unit
from emendo.workspace.folder import Workspace

from .made import TEXT, made_units

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def estimators() -> Estimators:
    return Estimators(estimators=(fit_estimator(made_units(12), source="made up"),))


def dated(units: list[Unit], *, known: int) -> list[Unit]:
    """Two a day from a Monday on, the first `known` with their truth."""
    return [
        replace(one, at=MONDAY + timedelta(days=at // 2), truth=one.truth if at < known else None)
        for at, one in enumerate(units)
    ]


def test_what_comes_along_knows_the_embedded_models_and_any_other() -> None:
    held = shipped()
    hand, other = held.of("base-hand@0123"), held.of("mine@4567")
    assert hand is not None and other is not None and (hand.model, other.model) == ("base-hand", "")


def test_the_estimator_of_the_very_model_comes_first(estimators: Estimators, tmp_path: Path) -> None:
    mine = estimators.estimators[0].model_copy(update={"model": "m@1"})
    estimators.with_one(mine).write(tmp_path / FILE)
    held = estimators_at(tmp_path)
    assert held.of("m@1") == mine and held.of("m@2") == estimators.estimators[0]
    assert held.of("base-hand@1") == shipped().of("base-hand@1")


@pytest.mark.parametrize("content", ["", "[]", '{"estimators": [{"mean": [1]}]}', "\udcff"])
def test_a_file_of_something_else_is_named_with_what_to_do(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FormatError, match=FILE) as caught:
        read_estimators(tmp_path / FILE)
    assert "(: " not in str(caught.value)


def test_parts_hold_what_is_estimated_and_what_was_counted(estimators: Estimators) -> None:
    units = dated(made_units(2, seed=7), known=3)
    first, second = estimate_by(units, estimators, "document")
    assert first.truth is not None and first.estimate is not None and first.estimate.units == 1
    assert second.truth is None and second.estimate is not None and second.estimate.units == 4
    assert first.truth["cer"] == total(one.truth for one in units if one.truth).cer
    assert estimate_units([], estimators) is None


def test_readings_of_two_models_are_added_up(estimators: Estimators) -> None:
    units = made_units(2, seed=8)
    both = [*units[:4], *(replace(one, model="other") for one in units[4:])]
    found, parts = estimate_units(both, estimators), [estimate_units(half, estimators) for half in (both[:4], both[4:])]
    assert found is not None and found.units == 8
    assert found.cer == pytest.approx(sum(one.cer for one in parts if one) / 2)


def test_days_and_weeks_show_late_truths_where_the_reading_was(estimators: Estimators) -> None:
    units = dated(made_units(4, seed=9), known=5)
    days, weeks = timeline(units, estimators, "day"), timeline(units, estimators, "week")
    assert [one.start for one in weeks] == [date(2026, 3, 2), date(2026, 3, 9)]
    assert [bool(one.counted) for one in days] == [True, True, True] + [False] * 5
    assert days[2].estimate is not None and days[0].estimate is None
    first = weeks[0].counted
    assert first is not None and first.cer_low <= first.cer <= first.cer_high and first.pages == 5
    assert first == counted(units)
    assert timeline([replace(one, at=None) for one in units], estimators) == []


def test_a_person_reads_one_sentence(estimators: Estimators) -> None:
    found = estimate_units(made_units(1, 1, seed=3), estimators)
    assert found is not None
    figures = f"about {100 * found.cer:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
    assert sentence(found) == f"CER {figures} on 1 page without a truth"
    assert sentence(replace(found, strange=("ink",))).endswith("(ink), so it is a rough guess")


def captured(folder: Path, pages: int, known: int) -> None:
    """A workspace with pages of ten lines that were read; of the first ones people said what is right."""
    held = Captures(Workspace.init(folder).captures)
    lines = tuple(SeenLine(TEXT, 0.5, 0.04) for _ in range(10))
    held.add(
        [
            Seen(id=f"p{n}", at=MONDAY, kind="page", document=f"d{n // 2}", model="m@1", lines=lines)
            for n in range(pages)
        ]
    )
    right = "\n".join([TEXT.replace("grand", "grande")] * 10)
    held.add_truths([Truth(id=f"p{n}", at=MONDAY, author="ann", text=right) for n in range(known)])


def test_the_command_estimates_what_was_captured_and_learns_from_truths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    captured(tmp_path, 8, 5)
    ask = ["monitor", "estimate", "--workspace", str(tmp_path), "--json"]
    assert main(ask) == 0
    before = json.loads(capsys.readouterr().out)
    assert before["estimate"]["units"] == 3 and before["truth"]["pages"] == 5
    assert [part["name"] for part in before["parts"]] == ["d0", "d1", "d2", "d3"]
    assert main(["monitor", "calibrate", "--workspace", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["estimators"][0]["model"] == "m@1" and told["estimators"][0]["units"] == 5
    assert main(ask) == 0
    after, truth = json.loads(capsys.readouterr().out), before["truth"]["cer"]
    assert abs(after["estimate"]["cer"] - truth) < 0.5 * abs(before["estimate"]["cer"] - truth)
    assert after["estimate"]["low"] <= truth <= after["estimate"]["high"]
    assert main(ask[:-1]) == 0
    assert "on 3 pages without a truth" in capsys.readouterr().err


def test_the_command_reads_a_data_set_and_shows_what_was_counted(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(row) for row in (data / "hands_fr" / "lines.jsonl").read_text("utf-8").splitlines()]
    kept = [one for one in rows if one["split"] == "val"][:12]
    for name, texts in (("known", True), ("open", False)):
        part = [one if texts else {key: value for key, value in one.items() if key != "text"} for one in kept]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, part)), "utf-8")
    ask = ["monitor", "estimate", "--model", "base-hand", "--by", "page", "--json", "--data"]
    root = data / "hands_fr"
    assert main([*ask, f"known={tmp_path / 'known.jsonl'}:{root}"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert main([*ask, f"open={tmp_path / 'open.jsonl'}:{root}"]) == 0
    blind = json.loads(capsys.readouterr().out)
    assert blind["estimate"] == known["estimate"] and blind["truth"] is None
    assert known["estimate"]["low"] <= known["estimate"]["cer"] <= known["estimate"]["high"]
    assert known["truth"]["cer"] < 0.1 and known["truth"]["pages"] == known["estimate"]["units"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["estimate"], "give --workspace DIR, or --data REF"),
        (["calibrate", "--data", "x"], "give --out FILE"),
        (["estimate", "--estimators", "none.json"], "cannot be read"),
    ],
)
def test_bad_use_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["monitor", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and len(error.splitlines()) == 1


def test_a_workspace_without_truths_cannot_calibrate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captured(tmp_path, 3, 0)
    assert main(["monitor", "calibrate", "--workspace", str(tmp_path)]) == 2
    assert "no reading has a truth" in capsys.readouterr().err
