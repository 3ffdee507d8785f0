"""What a device runs: crops read by a bundle without what only pages, training or workspaces need. Covers N15, P6."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from emendo.cli import main
from emendo.errors import UsageError
from emendo.models import detector
from emendo.models.base import base_bundle
from emendo.models.crops import read_crops
from emendo.models.references import load_recognizer

HEAVY = "cv2,openvino,onnx,sqlalchemy,wordfreq,shapely,rapidocr,torch,rapidfuzz,pypdfium2,safetensors,langcodes,regex"
"""What `emendo-device` does not install."""
BLOCKED = """
import os, resource, sys
if "LIMIT" in os.environ:
    resource.setrlimit(resource.RLIMIT_DATA, (int(os.environ["LIMIT"]),) * 2)
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
from emendo.cli import main
status = main(sys.argv[2:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stderr.write("peak kilobytes " + peak.split()[1] + chr(10))
sys.exit(status)
"""
"""Run with packages that are not found; the last line on standard error is the peak of its memory."""


def without(absent: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, absent, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


@pytest.fixture(autouse=True)
def same_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime here too, where OpenVINO may be installed: its bfloat16 reads some lines otherwise."""
    monkeypatch.setenv("EMENDO_READ__ENGINE", "onnxruntime")


@pytest.fixture(scope="module")
def crops(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plates and handwritten lines, one picture each; of the lines only those that validate."""
    folder = tmp_path_factory.mktemp("crops")
    for name, count in (("plates", 8), ("peraire", 8)):
        rows = map(json.loads, (data / name / "lines.jsonl").read_text().splitlines())
        chosen = [row for row in rows if row["split"] == "val"][:: 3 if name == "plates" else 25][:count]
        for row in chosen:
            source = data / name / row["image"]
            (folder / f"{name}-{source.name}").write_bytes(source.read_bytes())
    return folder


def test_a_device_reads_the_same_without_any_heavy_package(crops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("read", crops, "--crops", "--model", base_bundle().folder, "--language", "none", "--threads", "1")
    done = without(HEAVY, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    here = main([*map(str, arguments), "--json"])
    expected = json.loads(capsys.readouterr().out)
    found = json.loads(done.stdout)
    assert here == 0 and len(found["readings"]) >= 12 and found["failures"] == []
    assert found == expected
    assert all(0 <= row["confidence"] <= 1 for row in found["readings"])


def test_a_page_is_read_the_same_without_opencv_in_512_megabytes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.jpg"
    source = sorted((data / "pages_typed" / "images").glob("*.jpg"))[0]
    picture = Pillow.open(source)
    # a whole page, of which the upper part is written on
    whole = Pillow.new("RGB", picture.size, "white")
    whole.paste(picture.crop((0, 0, whole.width, whole.height // 6)))
    whole.save(page, quality=95)
    read = ("read", page, "--model", "base", "--language", "none", "--threads", "1", "--out")
    monkeypatch.setattr(detector, "allowed_memory", lambda: 0)
    assert main([*map(str, read), str(tmp_path / "here")]) == 0
    # the weights of a checkout are those of the package rapidocr, which is found but never imported
    done = without("cv2,onnx,openvino,wordfreq,torch", *read, tmp_path / "there", LIMIT=str(600 * 2**20))
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.rpartition("peak kilobytes ")[2]) < 512 * 1024
    text = (tmp_path / "there" / "page.txt").read_text()
    assert len(text) > 60 and text == (tmp_path / "here" / "page.txt").read_text()
    pictures = sorted((tmp_path / "here" / "page_lines").glob("*.png"))
    assert len(pictures) >= 4
    for one in pictures:
        other = Pillow.open(tmp_path / "there" / "page_lines" / one.name)
        off = np.abs(np.asarray(Pillow.open(one), int) - np.asarray(other, int))
        assert (off > 0).mean() < 0.002


def test_crops_are_told_line_by_line(crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    one = min(crops.iterdir())
    assert main(["read", str(one), str(bad), "--crops", "--model", "base", "--threads", "1"]) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"{one}\t") or f"{one}\t" in said.err
    assert "bad.png" in said.err


@pytest.mark.parametrize("wrong", [["--again"], ["--out", "x"], ["--dpi", "100"]])
def test_crops_are_not_pages(crops: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(crops), "--crops", *wrong]) == 2
    assert "--crops reads single pictures" in capsys.readouterr().err


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    base = load_recognizer("base", language="none")
    with pytest.raises(UsageError, match="is not there"):
        read_crops([tmp_path / "absent.png"], base)
    with pytest.raises(UsageError, match="holds no picture"):
        read_crops([tmp_path], base)


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path)]) == 0
    done = without("sqlalchemy", "collect", tmp_path)
    assert done.returncode == 2 and "needs the package sqlalchemy, which is not installed" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_needs_opencv_says_so(tmp_path: Path) -> None:
    done = without("cv2", "synth", "lines", "-n", "2", "--seed", "1", "--out", tmp_path / "drawn")
    assert done.returncode == 2 and "needs OpenCV" in done.stderr and "emendo[images]" in done.stderr
