"""The check before a release: every step runs, what fell is refused in a sentence, what is as it was passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.errors import EngineError, FormatError, Refused, UsageError
from emendo.flows import release_check
from emendo.flows.baseline import judge, own_baseline, read_baseline, record, write_report
from emendo.flows.release_check import FIXTURES, Checked, Figure, check_steps, run_check, serving

LINES = Figure("CER", "line", (1.0, 2, 0, 3, 1, 2, 4, 0, 1, 2) * 3, (40.0,) * 30)
FACTS: Mapping[str, tuple[bool, str]] = {"gate": (True, "better"), "service": (True, "the same")}
CHECKED = Checked("small", {"lines": LINES}, FACTS, {"loop": 3.0}, 2.0)


def errors(add: float) -> Checked:
    figure = replace(LINES, errors=tuple(one + add * (at % 2) for at, one in enumerate(LINES.errors)))
    return replace(CHECKED, figures={"lines": figure})


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    record(CHECKED, tmp_path / "baseline.json")
    return tmp_path / "baseline.json"


def test_what_is_as_it_was_passes(recorded: Path, tmp_path: Path) -> None:
    verdict = judge(CHECKED, read_baseline(recorded))
    assert verdict.passed and "fit to be released" in verdict.sentences()[-1]
    page = write_report(verdict, tmp_path / "out").read_text()
    assert "fit to be released" in page and "4.00 %" in page
    assert json.loads((tmp_path / "out" / "report.json").read_text())["figures"]["lines"]["difference"] == 0


@pytest.mark.parametrize(("add", "passes"), [(-1.0, True), (0.1, False), (3.0, False)])
def test_a_figure_falls_when_its_errors_rose_with_confidence(recorded: Path, add: float, passes: bool) -> None:
    verdict = judge(errors(add), read_baseline(recorded))
    assert verdict.passed == passes
    if not passes:
        assert verdict.refused[0].startswith("lines: CER rose from 4.00 % to ")
        assert "with 95% confidence" in verdict.refused[0]


def test_what_may_be_chance_is_no_fall(recorded: Path) -> None:
    one = replace(LINES, errors=(LINES.errors[0] + 2, *LINES.errors[1:5], LINES.errors[5] - 1, *LINES.errors[6:]))
    assert judge(replace(CHECKED, figures={"lines": one}), read_baseline(recorded)).passed


def test_facts_that_held_must_hold(recorded: Path) -> None:
    worse = replace(CHECKED, facts={"gate": (False, "not promoted: worse")})
    told = judge(worse, read_baseline(recorded)).refused
    assert told == (
        "gate: it held in the baseline and does not any more: not promoted: worse",
        "service: it held in the baseline and does not any more: it is not looked at any more",
    )


def test_other_material_is_refused(recorded: Path) -> None:
    other = replace(CHECKED, figures={"lines": replace(LINES, sizes=(41.0,) * 30)})
    assert "measured on other material" in judge(other, read_baseline(recorded)).refused[0]
    assert "is not measured any more" in judge(replace(CHECKED, figures={}), read_baseline(recorded)).refused[0]
    with pytest.raises(UsageError, match="is of the fixture 'small', the check of 'tiny'"):
        judge(replace(CHECKED, fixture="tiny"), read_baseline(recorded))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "x"}', '{"format": "emendo-release-baseline/1"}'])
def test_a_damaged_baseline_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(FormatError, match=r"b\.json"):
        read_baseline(tmp_path / "b.json")


@pytest.mark.parametrize("path", sorted(own_baseline("tiny").parent.glob("*.json")), ids=lambda path: path.stem)
def test_each_baseline_that_comes_along_is_of_a_fixture(path: Path) -> None:
    known = read_baseline(path)
    assert known.fixture == path.stem and known.fixture in FIXTURES
    assert set(known.figures) == {"before", "after", "lines", "fields"}
    assert {"certificate", "service", "documents"} <= {name for name, holds in known.facts.items() if holds}
    assert "gate" in known.facts


def test_the_command_refuses_with_a_sentence_and_status_1(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release_check, "run_check", lambda *_a, **_k: errors(2.0))
    place = ["release", "check", "--out", str(tmp_path / "out"), "--baseline"]
    assert main([*place, str(recorded), "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["passed"] is False
    assert "error: lines: CER rose from" in shown.err
    assert main([*place, str(tmp_path / "new.json"), "--record"]) == 0
    assert main([*place, str(tmp_path / "new.json")]) == 0
    assert main([*place, str(tmp_path / "none.json")]) == 2
    assert "emendo release check --record" in capsys.readouterr().err
    assert main(["release", "check", "--fixture", "big"]) == 2


def test_a_step_that_fails_is_a_refusal() -> None:
    def fails() -> Checked:
        raise EngineError("the exported model reads something else")

    with pytest.raises(Refused, match="a step of the loop failed: the exported model reads something else"):
        check_steps(fails)


def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="the service did not start"), serving(tmp_path / "no-model", "--port", "x"):
        raise AssertionError("it started")


def test_every_step_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest fixture through the whole loop; what its hardly trained model reads is held against its baseline."""
    monkeypatch.setenv("EMENDO_GATE__GENERAL_LINES", "20")
    said: list[str] = []
    checked = run_check("tiny", tmp_path / "check", log=said.append)
    assert [name for name, (holds, _) in checked.facts.items() if holds and name != "gate"] == [
        "certificate",
        "service",
        "documents",
    ]
    assert list(checked.seconds) == ["material", "loop", "evaluate", "export", "serve", "documents"]
    verdict = judge(checked, read_baseline(own_baseline("tiny")))
    assert verdict.passed, verdict.refused
    doctored: Any = read_baseline(own_baseline("tiny"))
    better = {name: replace(one, errors=(0.0,) * len(one.errors)) for name, one in doctored.figures.items()}
    assert not judge(checked, replace(doctored, figures=better)).passed
