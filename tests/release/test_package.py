"""A model as a folder or a package that others load: named the same, verified, and nothing in it is run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import BundleError, UsageError
from emendo.image.load import read_image
from emendo.models.bundle import read_bundle
from emendo.models.installed import installed_models
from emendo.models.references import load_bundle, load_recognizer
from emendo.release.package import package
from emendo.settings import Limits
from emendo.tools.archives import unpack

from .colours import colour_samples, write_colour_bundle

SOURCE = Path(__file__).resolve().parents[2] / "src"
READ = """
import sys
import tarfile
from emendo.image.load import read_image
from emendo.models.references import load_recognizer
reader = load_recognizer("striped-cat")
print(reader.read([read_image(__import__("pathlib").Path(sys.argv[1]))])[0].text, reader.bundle.id)
assert "torch" not in sys.modules and "emendo_model_striped_cat" not in sys.modules
"""


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_package_reads_where_pip_installed_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_colour_bundle(tmp_path / "bundle", name="Striped *cat*", metrics={"cer": 0.25})
    made = told(capsys, "export", str(bundle.folder), "--to", "package", "--out", str(tmp_path / "out"))
    assert (made["reference"], made["model"]) == ("striped-cat", bundle.id)
    place = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(place)]
    subprocess.run([*pip, str(made["path"])], check=True, capture_output=True)
    (place / "emendo_model_striped_cat" / "__init__.py").write_text("raise SystemExit('was run')\n")
    line = colour_samples(tmp_path / "lines", ["abcd"])[0].image
    there = {**os.environ, "PYTHONPATH": f"{place}{os.pathsep}{SOURCE}"}
    found = subprocess.run(
        [sys.executable, "-c", READ, str(line)], env=there, capture_output=True, text=True, check=True
    )
    own = load_recognizer(str(bundle.folder)).read([read_image(line)])[0].text
    assert found.stdout.split() == [own, bundle.id] and own

    graph = place / "emendo_model_striped_cat" / "bundle" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    monkeypatch.syspath_prepend(str(place))
    with pytest.raises(BundleError, match="differs from its checksum"):
        load_bundle("striped-cat")


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "bundle")
    first, second = (package(bundle, "package", tmp_path / out, name="x1").path for out in ("one", "two"))
    assert first.name == second.name == f"emendo_model_x1-1+{bundle.id}-py3-none-any.whl"
    assert first.read_bytes() == second.read_bytes()


def test_a_folder_is_the_bundle_with_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learned = {"id": "feedbeef", "usable": 12, "rejects": []}
    bundle = write_colour_bundle(tmp_path / "b", name="a\n# b", metrics={"cer": 0.25}, dataset=learned)
    made = told(capsys, "export", str(bundle.folder), "--to", "folder", "--out", str(tmp_path / "out"))
    assert load_bundle(str(made["path"])).id == bundle.id
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    usable, cer = "- usable: 12 (S1 `dataset.usable`)", "- cer: 0.25 (S1 `metrics.cer`)"
    for line in ("# a \\# b", "- Base: colours", usable, cer, "- Apache-2.0"):
        assert line in card.splitlines()


@pytest.mark.parametrize("name", ["base", "auto", "champion", "base-ar", "A", "a_b", "-a", "a" * 63])
def test_a_name_that_cannot_be_a_reference_is_refused(tmp_path: Path, name: str) -> None:
    bundle = write_colour_bundle(tmp_path / "bundle")
    with pytest.raises(UsageError, match=r"is taken by emendo|is no name for a package"):
        package(bundle, "package", tmp_path / "out", name=name)
    assert not (tmp_path / "out").exists()


def test_what_is_there_or_damaged_or_not_asked_for_is_refused(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "bundle")
    with pytest.raises(UsageError, match="is there already"):
        package(bundle, "folder", tmp_path)
    asked = ["export", str(bundle.folder), "--out", str(tmp_path / "out"), "--to"]
    assert main([*asked, "folder", "--name", "x"]) == 2
    assert main([*asked, "package", "--data", "lines.jsonl"]) == 2
    assert main([*asked, "onnx", "--name", "x"]) == 2
    (bundle.folder / "model.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match="differs from its checksum"):
        package(bundle, "package", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_package_below_another_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find `deep.model`, `deep` would have to be run."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").write_text("raise SystemExit('was run')\n")
    about = tmp_path / "deep-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: deep\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[emendo.models]\nx = deep.model\ny = deep\nz = gone\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_models() == {"y": tmp_path / "deep" / "bundle"}
    with pytest.raises(BundleError, match="is no model bundle"):
        read_bundle(installed_models()["y"])


def test_for_sagemaker_the_same_model_gives_the_same_archive_of_plain_files(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "bundle")
    made = [package(bundle, "sagemaker", tmp_path / name) for name in ("one", "two")]
    first, second = (one.path.read_bytes() for one in made)
    assert first == second
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["sha256"], manifest["bytes"]) == (hashlib.sha256(first).hexdigest(), len(first))
    assert (manifest["model"], manifest["family"]) == (bundle.id, "ctc")
    with tarfile.open(made[0].path) as tar:
        held = tar.getmembers()
    assert all(one.isfile() and (one.mode, one.uid, one.mtime) == (0o644, 0, 0) for one in held)
    unpack(made[0].path, tmp_path / "model", Limits())
    assert load_bundle(str(tmp_path / "model")).id == bundle.id
    with pytest.raises(UsageError, match="is there already"):
        package(bundle, "sagemaker", tmp_path / "one")
