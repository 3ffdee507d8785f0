from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import DataError, FormatError, UsageError
from emendo.evaluate.boards.efficiency import efficiency, efficiency_page
from emendo.evaluate.boards.outputs import read_outputs, report_of

from ..scripted import lines
from ..test_page import Outline
from .made import report

OURS = report([("abcd", "abcd")] * 5 + [("abcd", "abxy")] * 5, model="ours", seconds=0.5, tokens=10)


def recorded(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def theirs(tmp_path: Path, **costs: float) -> Path:
    rows = [{"id": f"s{at}", "text": "abcd", **costs} for at in range(10)]
    return recorded(tmp_path / "deepseek.jsonl", [*rows, {"id": "elsewhere", "text": "x"}])


def test_the_score_by_hand(tmp_path: Path) -> None:
    made = efficiency(OURS, read_outputs(theirs(tmp_path, seconds=2.0, tokens=5)))
    assert (made.samples, made.only_ours, made.only_theirs) == (10, 0, 1)
    assert made.accuracy == (pytest.approx(0.75), 1.0)
    tokens, seconds = made.scores["tokens"], made.scores["seconds"]
    assert (tokens.ours, tokens.theirs) == (pytest.approx(30 / 100), pytest.approx(40 / 50))
    assert tokens.value == pytest.approx((30 / 100) / (40 / 50)) == pytest.approx(0.75 / 1.0 * 5 / 10)
    assert seconds.value == pytest.approx(0.75 * 2.0 / 0.5)
    assert tokens.low <= tokens.value <= tokens.high < 1
    assert (tokens.verdict, seconds.verdict) == ("worse", "better")
    assert made.accuracy_difference.value == pytest.approx(-0.25)
    assert made.accuracy_difference.low <= -0.25 <= made.accuracy_difference.high
    json.dumps(made.to_dict(), allow_nan=False)


def test_a_cost_that_was_not_recorded_gives_no_score(tmp_path: Path) -> None:
    made = efficiency(OURS, read_outputs(theirs(tmp_path, seconds=2.0)))
    assert list(made.scores) == ["seconds"]
    assert made.missing == {"tokens": "deepseek has no tokens recorded for 10 of 10 samples"}
    page = Outline(efficiency_page(made, OURS.lines))
    assert "No score per vision token: deepseek has no tokens recorded" in page.text
    assert "right characters per second" in page.text
    assert "3.00" in page.text


def test_equal_models_are_not_told_apart(tmp_path: Path) -> None:
    OURS.write(tmp_path / "same")
    made = efficiency(OURS, read_outputs(tmp_path / "same"))
    assert {one.value for one in made.scores.values()} == {1.0}
    assert {one.verdict for one in made.scores.values()} == {"not told apart"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"text": "a"}, "'id' is missing"),
        ({"id": "s0"}, "'text' is missing"),
        ({"id": "s0", "text": 5}, "'text' is a number"),
        ({"id": "s0", "text": "a", "seconds": -1}, "'seconds' is no number from 0 up"),
        ({"id": "s0", "text": "a", "tokens": "many"}, "'tokens' is no number from 0 up"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_on(tmp_path: Path, row: dict[str, object], says: str) -> None:
    path = recorded(tmp_path / "x.jsonl", [row, {"id": "s1", "text": "abcd"}, {"id": "s1", "text": "twice"}])
    held = read_outputs(path)
    assert list(held.rows) == ["s1"]
    assert [one.line for one in held.rejects] == [1, 3]
    assert says in str(held.rejects[0].error())
    assert "id 's1' stands already" in str(held.rejects[1].error())
    with pytest.raises(FormatError, match=r"x\.jsonl:1: "):
        read_outputs(recorded(path, [row]))


def test_nothing_in_common_and_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = recorded(tmp_path / "other.jsonl", [{"id": "z", "text": "a"}])
    with pytest.raises(DataError, match="share no sample; record outputs under the ids"):
        efficiency(OURS, read_outputs(other))
    with pytest.raises(UsageError, match="no recorded outputs at"):
        read_outputs(tmp_path / "nowhere.jsonl")
    with pytest.raises(FormatError, match="holds no outputs"):
        read_outputs(recorded(tmp_path / "empty.jsonl", []))
    OURS.write(tmp_path / "ours")
    assert main(["report", "efficiency", str(tmp_path / "ours"), str(other)]) == 2
    assert capsys.readouterr().err.count("error: ") == 1


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    OURS.write(tmp_path / "ours")
    out = tmp_path / "efficiency.html"
    path = theirs(tmp_path, seconds=2.0, tokens=5)
    assert main(["report", "efficiency", str(tmp_path / "ours"), str(path), "--name", "<v>", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "accuracy per vision token: 0.38 times theirs" in told
    assert "&lt;v&gt;" in out.read_text(encoding="utf-8")
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["theirs"] == "<v>"


def test_recorded_outputs_make_a_report(tmp_path: Path) -> None:
    data = lines(["abcd", "abce", None, "abcf"])
    held = read_outputs(
        recorded(tmp_path / "v.jsonl", [{"id": f"s{at}", "text": "abcd", "tokens": 5} for at in (0, 1)])
    )
    made = report_of(held, data)
    assert (made.model, len(made.lines), made.counts.edits, made.lines[0].tokens) == ("v", 2, 1, 5)
    assert [(one.id, one.reason) for one in made.unreadable] == [("s3", "has no recorded output")]
    with pytest.raises(DataError, match="none of the 2 recorded outputs of v belongs to a sample of lines"):
        report_of(held, lines([None, None, None, "a"]))


def test_the_command_evaluates_recorded_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["synth", "lines", "-n", "4", "--out", "lines", "--fonts", "builtin", "--json"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "lines" / "manifest.jsonl").read_text("utf-8").splitlines()]
    good = [{"id": row["id"], "text": row["text"], "tokens": 64} for row in rows]
    recorded(tmp_path / "vlm.jsonl", good)
    capsys.readouterr()
    command = ["evaluate", "--data", "lines", "--outputs", "vlm.jsonl"]
    assert main([*command, "--keep", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["model"], figures["cer"], figures["tokens"]) == ("vlm", 0.0, 256)
    kept = next((tmp_path / "reports").rglob("summary.json"))
    assert kept.parent.name == "vlm"
    assert main(["report", "leaderboard", "--metric", "cer"]) == 0
    assert "  1  0.0000 (0.0000 to 0.0000)  vlm" in capsys.readouterr().out
    recorded(tmp_path / "worse.jsonl", [{**row, "text": "?"} for row in good])
    changed = ["evaluate", "--data", "lines", "--outputs", "worse.jsonl", "--baseline", str(kept.parent)]
    monkeypatch.setenv("EMENDO_DRIFT__MIN_LINES", "4")
    assert main(changed) == 1
    assert "alert: all lines: character error rate 0.00 % -> " in capsys.readouterr().out
    assert main([*command, "--model", "base"]) == 2
    assert "--model and --outputs are two sources of readings" in capsys.readouterr().err
