"""`emendo train` as a person meets it: what is left out is told, and the model that comes out is sealed and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from emendo.cli import main
from emendo.models.bundle import INFO_FILE, read_bundle
from emendo.release.gate import examine
from emendo.release.promote import install
from emendo.workspace.folder import Workspace

FEW_STEPS = ("--set", "steps=1", "--set", "lines_per_batch=2", "--set", "replay=0", "--set", "precision=float32")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn lines, one image of which is none and one of which is gone, and a row that is broken."""
    folder = tmp_path_factory.mktemp("data") / "lines"
    assert main(["synth", "lines", "-n", "8", "--out", str(folder), "--fonts", "builtin"]) == 0
    images = sorted((folder / "images").glob("*.png"))
    images[2].write_bytes(b"<html>not found</html>")
    images[5].unlink()
    return folder


@pytest.fixture(scope="module")
def run(lines: Path) -> Path:
    out = lines.with_name("first-notebook")
    assert main(["train", "--data", str(lines), "--out", str(out), *FEW_STEPS, "--json"]) == 0
    return out


def test_unreadable_images_are_left_out_with_count_and_reason(
    lines: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert report["lines"] == 6
    reasons = [one["reason"] for one in report["left_out"]]
    assert len(reasons) == 2
    assert "is not a file" in reasons[0]
    assert "holds a web page" in reasons[1]
    capsys.readouterr()
    assert main(["train", "--data", str(lines), "--out", str(run), *FEW_STEPS, "--resume"]) == 0
    told = capsys.readouterr().err
    assert "left out: 2 lines; the first, " in told
    assert "Traceback" not in told


def test_the_model_is_sealed_so_that_the_gate_sees_a_later_change(run: Path, tmp_path: Path) -> None:
    bundle = read_bundle(run / "bundle")
    assert bundle.info.parity["bundle"] == bundle.id
    assert examine(run / "bundle")[1].good
    changed = shutil.copytree(run / "bundle", tmp_path / "changed")
    content = yaml.safe_load((changed / INFO_FILE).read_text(encoding="utf-8"))
    content["decoding"] = {**content["decoding"], "blank_cost": 3.0}
    (changed / INFO_FILE).write_text(yaml.safe_dump(content), encoding="utf-8")
    finding = examine(changed)[1]
    assert not finding.good
    assert "changed after training" in finding.what


def test_the_model_is_called_as_its_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.init(tmp_path / "notes")
    made = install(workspace, run / "bundle")
    capsys.readouterr()
    assert main(["models", "--workspace", str(workspace.root)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:2] == ["champion", "base"]
    assert second.split(maxsplit=3) == ["kept", made.id, "first-notebook", "trained on 6 lines"]


def test_a_run_is_told_and_its_model_registered_by_the_same_command(
    lines: Path, run: Path, registry_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()  # the base is in the usual cache
    monkeypatch.setenv("EMENDO_REGISTRY__URI", registry_uri)
    asked = ["train", "--data", str(lines), "--out", str(run), *FEW_STEPS, "--resume", "--json", "--register"]
    capsys.readouterr()
    assert main([*asked, "no/name"]) == 2
    assert main([*asked, "drawn"]) == 0
    report = json.loads(capsys.readouterr().out)
    registered, told = report["registered"], json.loads((run / "registry.json").read_text(encoding="utf-8"))
    assert registered["reference"] == "models:/drawn/1" and registered["model"] == report["model"]
    assert report["registry"] == told == {"place": registry_uri, "run": registered["tags"]["mlflow_run"], "fault": ""}
    monkeypatch.setenv("EMENDO_REGISTRY__URI", "http://127.0.0.1:9")
    assert main([*asked, "drawn"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "cannot be used" in report["registered"]["fault"] and "cannot be used" in report["registry"]["fault"]
    (run / "registry.json").unlink()
