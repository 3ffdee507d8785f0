"""Cross-validation by the command line: folds without a common document or text, mean and spread. Covers A5."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.synth import synth_lines


def test_every_line_is_read_by_a_model_that_never_saw_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = synth_lines(12, 5, tmp_path / "lines", languages=("en",), fonts="builtin")
    settings = [
        f"--set={one}" for one in ("steps=2", "evaluations=1", "replay=0", "lines_per_batch=2", "language=none")
    ]
    command = ["crossval", "--data", str(data.path), "--folds", "2", "--base", "base", "--threads", "1", *settings]
    assert main([*command, "--out", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    used = [one for one in open_dataset(data.path).samples if one.split is None or one.split.value != "test"]
    assert found["together"]["samples"] == len(used) == 11, "test lines are never used"
    assert [fold["learned"] + fold["samples"] for fold in found["folds"]] == [11, 11]
    cers = [fold["cer"] for fold in found["folds"]]
    assert found["mean"]["cer"] == pytest.approx(statistics.fmean(cers))
    assert found["spread"]["cer"] == pytest.approx(statistics.stdev(cers))
    assert json.loads((tmp_path / "out" / "crossval.json").read_text(encoding="utf-8")) == found
    reports = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("fold-*/report.json")}
    assert len(reports) == 2
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "on average, spread" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in reports} == reports, "finished folds are not trained again"
    assert main([*command, "--out", str(tmp_path / "more"), "--folds", "40"]) == 2
    assert "documents do not make 40 folds" in capsys.readouterr().err
