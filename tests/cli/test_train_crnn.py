"""`emendo train --base crnn` on a `labels.txt`: the line of each epoch, and what is said of too few labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.models.bundle import read_bundle

from ..plates import draw_crops

QUICK = ("--set", "steps=2", "--set", "batch=4", "--set", "columns=64", "--set", "precision=float32", "--threads", "1")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Eight crops with their labels."""
    texts = ("KTR4821", "8BXC907", "QWS631", "LMN5520", "7JHG214", "EX1TB2", "P0LAR8", "VZD0093")
    crops = [path.relative_to(tmp_path).as_posix() for path in draw_crops(tmp_path / "crops")]
    rows = [f"{crop}\t{text}\n" for crop, text in zip(crops, texts, strict=True)]
    (tmp_path / "labels.txt").write_text("".join(rows), encoding="utf-8")
    return tmp_path / "labels.txt"


def test_a_labels_file_trains_a_crnn(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["train", "--base", "crnn", "--data", str(labels), "--out", str(tmp_path / "run"), *QUICK]
    given += ["--set", "force=true", "--set", "val_split=0.25"]
    assert main(given) == 0
    told = capsys.readouterr().err
    assert "epoch 1/1: loss " in told and "val_loss " in told and "exact " in told
    assert read_bundle(tmp_path / "run" / "bundle").info.family == "crnn"
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["lines"] == 6 and report["judged_lines"] == 2 and len(report["epochs"]) == 1
    assert main([*given, "--resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == report["epochs"]


def test_too_few_labels_are_told_in_one_sentence(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--base", "crnn", "--data", str(labels), "--out", str(tmp_path / "run"), *QUICK]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and "lines are too few for a network that starts from nothing" in told[0]
    assert "--set synthetic=8000" in told[0] and "--base base" in told[0] and not (tmp_path / "run").exists()
