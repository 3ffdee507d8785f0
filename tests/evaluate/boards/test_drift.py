from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import SettingsError
from emendo.evaluate.boards.drift import State, drift
from emendo.evaluate.boards.subsets import errors_by_subset, errors_of, slices_of
from emendo.settings import DriftSettings, load_settings

from .made import report


def test_missed_and_false_characters_by_hand() -> None:
    found = errors_of(report([("abc", "axc"), ("de", "d"), ("f", "fgg")]).lines)
    figures = found.figures()
    assert (figures["substitutions"], figures["deletions"], figures["insertions"]) == (1, 1, 2)
    assert (figures["missed"], figures["false"]) == (2, 3)
    assert figures["missed_rate"] == pytest.approx(2 / 6)
    assert figures["false_rate"] == pytest.approx(3 / 6)
    assert figures["missed_characters"] == [["b", 1], ["e", 1]]
    assert figures["false_characters"] == [["g", 2], ["x", 1]]
    assert found.missed + found.false <= 2 * found.counts.edits


def test_errors_stand_by_subset() -> None:
    made = report([("ab", "ab"), ("cd", "c")], subsets=["printed", "hand"])
    assert slices_of(made) == ("subset",)
    found = errors_by_subset(made)
    assert list(found) == ["all", "subset"]
    assert {value: one.missed for value, one in found["subset"].items()} == {"hand": 1, "printed": 0}


SUBSETS = ["hand"] * 30 + ["print"] * 30
GOOD = report([("abcdefghij", "abcdefghij")] * 60, subsets=SUBSETS)
WORSE = report([("abcdefghij", "abcdefghiy")] * 30 + [("abcdefghij", "abcdefghij")] * 30, subsets=SUBSETS)


def test_the_subset_that_got_worse_raises_an_alert() -> None:
    found = drift(WORSE, GOOD)
    states = {(one.slice, one.value, one.measure): one.state for one in found.changes}
    assert states["subset", "hand", "cer"] is State.ALERT
    assert states["subset", "print", "cer"] is State.WITHIN
    assert not found.ok
    first = found.alerts[0]
    assert (first.value, first.rise, first.paired) == ("hand", pytest.approx(0.1), True)
    assert "subset=hand: character error rate 0.00 % -> 10.00 % (+10.00 points" in first.sentence()
    assert "'j' +100.0 per 1,000" in first.sentence()
    json.dumps(found.to_dict(), allow_nan=False)
    assert drift(GOOD, WORSE).ok, "getting better is no drift"
    assert drift(GOOD, GOOD).ok


def test_thresholds_hold_for_all_and_for_one_subset() -> None:
    loose = DriftSettings(cer=0.2, missed=0.2, false=0.2)
    assert drift(WORSE, GOOD, loose).ok
    one = DriftSettings(subsets={"subset=hand": 0.2, "all lines": 0.2})
    assert drift(WORSE, GOOD, one).ok
    assert not drift(WORSE, GOOD, DriftSettings(subsets={"subset=hand": 0.2})).ok


def test_few_lines_chance_and_other_lines_are_told() -> None:
    few = drift(report([("ab", "ax")] * 3), report([("ab", "ab")] * 3))
    assert {one.state for one in few.changes} == {State.SMALL}
    assert "on 3 lines: too few for an alert" in few.changes[0].sentence()
    chance = drift(report([("ab", "ab")] * 39 + [("ab", "xy")]), report([("ab", "ab")] * 40))
    assert {one.state for one in chance.changes} == {State.UNSURE}
    assert "sure" in chance.changes[0].sentence()
    other = drift(report([("abcd", "abcx")] * 40), report([("abce", "abce")] * 30))
    assert not other.changes[0].paired
    assert other.changes[0].state is State.ALERT


def test_new_and_lost_subsets_are_named() -> None:
    found = drift(report([("a", "a")] * 2, subsets=["x", "y"]), report([("a", "a")] * 2, subsets=["x", "z"]))
    states = {one.value: one.state for one in found.changes if one.slice == "subset"}
    assert (states["y"], states["z"]) == (State.NEW, State.GONE)
    assert any(one.sentence() == "subset=y: 1 line, not in the baseline" for one in found.changes)


def test_the_command_says_1_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    WORSE.write(tmp_path / "now")
    GOOD.write(tmp_path / "before")
    assert main(["report", "drift", "now", "before"]) == 1
    assert capsys.readouterr().out.startswith("alert: subset=hand: character error rate")
    assert main(["report", "drift", "now", "before", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert main(["report", "drift", "before", "now"]) == 0
    (tmp_path / "emendo.toml").write_text("", encoding="utf-8")
    monkeypatch.setenv("EMENDO_DRIFT__CER", "0.5")
    monkeypatch.setenv("EMENDO_DRIFT__MISSED", "0.5")
    monkeypatch.setenv("EMENDO_DRIFT__FALSE", "0.5")
    assert main(["report", "drift", "now", "before"]) == 0
    assert main(["report", "drift", "now", "nowhere"]) == 2
    assert "error: nowhere is no report; make one with" in capsys.readouterr().err


def test_a_wrong_threshold_is_told(tmp_path: Path) -> None:
    (tmp_path / "emendo.toml").write_text("[drift]\nmised = 0.1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="did you mean 'missed'"):
        load_settings(tmp_path, environment={})
