"""The commands that make crops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.image.encode import jpeg_bytes

from ..plates import plate


def test_take_keeps_the_best_and_names_what_it_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = tmp_path / "2026-11-20"
    day.mkdir()
    for at, blur in enumerate((2.0, 0.0)):
        (day / f"CAM1_track4_{at}.jpg").write_bytes(jpeg_bytes(plate("KTR4821", blur=blur)))
    command = ["crops", "take", str(day), "--out", str(tmp_path / "crops")]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"better": 2, "kept": 0, "tracks": 1, "failures": []}
    best = tmp_path / "crops" / "2026-11-20" / "CAM1_track4.jpg"
    assert best.read_bytes() == (day / "CAM1_track4_1.jpg").read_bytes()
    (day / "CAM1_track5.jpg").write_bytes(b"no picture")
    assert main(command) == 2
    told = capsys.readouterr().err
    assert "error:" in told and "CAM1_track5.jpg" in told and "1 tracks: 0 frames were better" in told


def test_yolo_cuts_boxes_and_refuses_what_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(plate("KTR4821")))
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.5 0.5\nnothing\n", encoding="utf-8")
    assert main(["crops", "yolo", str(tmp_path), "--out", str(tmp_path / "out"), "--json"]) == 2
    seen = capsys.readouterr()
    assert json.loads(seen.out)["written"] == 1 and "a.txt:2: has 1 values" in seen.err
    assert main(["crops", "yolo", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_only_plates_are_reviewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.jpg").write_bytes(jpeg_bytes(plate("PAGE1", size=(1200, 1600))))
    assert main(["label", str(tmp_path), "--review"]) == 2
    assert "holds no crops of plates to review" in capsys.readouterr().err
    assert main(["label", str(tmp_path)]) == 2
    assert "is in no workspace" in capsys.readouterr().err and not (tmp_path / ".emendo").exists()
