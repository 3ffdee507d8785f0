from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import DataError, UsageError
from emendo.evaluate.boards.leaderboard import leaderboard, leaderboard_page
from emendo.evaluate.boards.summary import Entry, find_summaries, read_summary, summarize_report, write_summary
from emendo.evaluate.report import Report
from emendo.models.vision import Facts

from ..test_page import Outline
from .made import report

GOOD = report([("abcdefghij", "abcdefghij")] * 38 + [("abcdefghij", "abcdefgxyz")] * 2, model="good", seconds=0.01)
BAD = report([("abcdefghij", "abcdefgxyz")] * 40, model="<b>bad</b>", seconds=0.1, tokens=64)


def kept(folder: Path, made: Report, *, size: int = 0, lines: bool = True) -> Path:
    if lines:
        made.write(folder)
    return write_summary(folder, summarize_report(made, Facts(made.model, "ctc", size)))


def entries(tmp_path: Path, *reports: Report) -> list[Entry]:
    for at, made in enumerate(reports):
        kept(tmp_path / str(at), made)
    found, faults = find_summaries([tmp_path])
    assert not faults
    return found


def test_a_summary_holds_every_metric_with_interval_and_direction(tmp_path: Path) -> None:
    summary = read_summary(kept(tmp_path, BAD, size=1_500_000))
    assert (summary.samples, summary.characters, summary.size) == (40, 400, 1_500_000)
    cer = summary.metrics["cer"]
    assert (cer.value, cer.better) == (pytest.approx(0.3), "lower")
    assert cer.low is not None and cer.high is not None and cer.low <= 0.3 <= cer.high
    assert summary.metrics["character_accuracy"].value == pytest.approx(0.7)
    assert "bleu" not in summary.metrics
    assert summary.subsets["all"][""].missed == 120
    assert summary.milliseconds == pytest.approx(100)
    assert summary.tokens_per_line == 64


@pytest.mark.parametrize(
    ("by", "first"), [("character_accuracy", "good"), ("cer", "good"), ("exact", "good"), ("ned", "good")]
)
def test_models_are_ranked_in_the_direction_of_the_metric(tmp_path: Path, by: str, first: str) -> None:
    board = leaderboard(entries(tmp_path, BAD, GOOD), by).boards[0]
    assert [row.summary.model for row in board.rows] == [first, "<b>bad</b>"]
    assert [row.rank for row in board.rows] == [1, 2]
    against = board.rows[1].against
    assert against is not None
    assert against.apart
    assert against.difference < 0, "behind, whatever the direction"


def test_the_difference_by_hand(tmp_path: Path) -> None:
    against = leaderboard(entries(tmp_path, BAD, GOOD)).boards[0].rows[1].against
    assert against is not None
    assert against.difference == pytest.approx(-(120 - 6) / 400)


def test_equal_models_share_a_rank_and_are_not_told_apart(tmp_path: Path) -> None:
    twin = report([(line.reference, line.hypothesis) for line in GOOD.lines], model="twin")
    board = leaderboard(entries(tmp_path, GOOD, twin)).boards[0]
    assert [row.rank for row in board.rows] == [1, 1]
    assert board.rows[1].against is not None and not board.rows[1].against.apart


def test_other_data_is_another_board_and_the_newest_summary_counts(tmp_path: Path) -> None:
    other = report([("ab", "ab")] * 3, model="good", dataset_hash="ffff")
    made = leaderboard(entries(tmp_path, GOOD, GOOD, BAD, other))
    assert [len(board.rows) for board in made.boards] == [2, 1]


def test_a_summary_without_its_lines_ranks_but_is_not_compared(tmp_path: Path) -> None:
    kept(tmp_path / "a", GOOD)
    kept(tmp_path / "b", BAD, lines=False)
    found, _ = find_summaries([tmp_path / "a", tmp_path / "b" / "summary.json"])
    assert leaderboard(found).boards[0].rows[1].against is None


def test_the_page_is_escaped_and_whole(tmp_path: Path) -> None:
    made = leaderboard(entries(tmp_path, GOOD, BAD))
    page = Outline(leaderboard_page(made, ["<x>: broken"]))
    assert "<b>bad</b>" in page.text
    assert "<x>: broken" in page.text
    assert not {"script", "link", "x"} & {tag for tag, _ in page.tags}
    assert "28.50 points behind" in page.text


def test_unknown_metric_and_nothing_to_rank(tmp_path: Path) -> None:
    found = entries(tmp_path, GOOD)
    with pytest.raises(UsageError, match="unknown metric 'ceer'"):
        leaderboard(found, "ceer")
    with pytest.raises(DataError, match="no summary has the metric 'bleu'; the summaries have cer, character_accuracy"):
        leaderboard(found, "bleu")
    with pytest.raises(DataError, match="there is no summary to rank; run `emendo evaluate --keep` first"):
        leaderboard([])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "input should be"),
        ('{"format": "x"}', "format: "),
        ('{"format": "emendo-summary/1", "model": "m"}', "dataset: field required"),
    ],
)
def test_a_bad_summary_is_named_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    kept(tmp_path / "good", GOOD)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "summary.json").write_text(content, encoding="utf-8")
    out = tmp_path / "board.html"
    assert main(["report", "leaderboard", str(tmp_path), "--out", str(out), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("error: ") == 1
    assert f"bad/summary.json: {says}" in captured.err
    assert json.loads(captured.out)["boards"][0]["rows"][0]["model"] == "good"
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["metric"] == "character_accuracy"
    assert "good" in out.read_text(encoding="utf-8")


def test_a_place_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "leaderboard", str(tmp_path / "nowhere")]) == 2
    assert "nowhere: is not there; name a summary.json" in capsys.readouterr().err
