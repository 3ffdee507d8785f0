"""Which model a reference names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emendo.errors import BundleError, UsageError
from emendo.models.base import base_bundle
from emendo.models.bundle import BundleInfo, write_bundle
from emendo.models.plates import PlateRecognizer
from emendo.models.references import champion_folder, load_bundle, load_recognizer
from emendo.settings import PlateSettings
from emendo.workspace.folder import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    base = base_bundle()
    content = {name: base.folder / name for name in base.info.files}
    info = base.info.model_copy(update={"name": "mine"})
    write_bundle(tmp_path / ".emendo" / "models" / "0123abcd", info, content)
    return tmp_path


def test_base_is_read_without_torch_or_onnx_or_rapidocr() -> None:
    code = (
        "import sys; from emendo.models.base import base_bundle; base_bundle();"
        "sys.modules.pop('onnx', None); import numpy as np;"
        "from emendo.models.references import load_recognizer; r = load_recognizer('base');"
        "r.read([np.full((60, 300, 3), 255, np.uint8)]);"
        "print([name for name in ('torch', 'transformers', 'rapidocr', 'onnx') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_champion_name_and_folder_name_one_model(workspace: Path) -> None:
    Workspace(workspace).set_champion("0123abcd")
    folder = workspace / ".emendo" / "models" / "0123abcd"
    for ref in ("champion", "", "0123abcd", str(folder)):
        assert load_bundle(ref, workspace=workspace).folder == folder


def test_without_a_champion_the_base_reads(workspace: Path) -> None:
    assert load_bundle("", workspace=workspace).info.name == "base"
    assert load_recognizer("base").model.startswith("base@")
    Workspace(workspace).set_champion("base")
    assert load_bundle("", workspace=workspace).info.name == "base"


@pytest.mark.parametrize("ref", ["champion", "no-such", "models/none/at/all"])
def test_what_is_not_there_is_named(tmp_path: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="no champion yet" if ref == "champion" else f"no model '{ref}'"):
        load_bundle(ref, workspace=tmp_path)


def test_the_champion_of_fields_is_named_apart(workspace: Path) -> None:
    with pytest.raises(UsageError, match="no champion of fields yet"):
        load_bundle("champion:fields", workspace=workspace)
    Workspace(workspace).set_champion("0123abcd", kind="fields")
    assert load_bundle("champion:fields", workspace=workspace).folder.name == "0123abcd"
    assert load_bundle("", workspace=workspace).info.name == "base"
    Workspace(workspace).set_champion("base-fields", kind="fields")
    assert champion_folder(workspace, kind="fields") is None


def test_a_pointer_out_of_the_workspace_is_refused(workspace: Path) -> None:
    Workspace(workspace).set_champion("../elsewhere")
    with pytest.raises(BundleError, match="which is no model id"):
        load_bundle("", workspace=workspace)


def test_the_reading_of_plates_is_named_with_the_alphabet_of_the_workspace(workspace: Path) -> None:
    found = load_recognizer("plates:base")
    assert isinstance(found, PlateRecognizer)
    assert found.detector is not None
    assert found.alphabet == PlateSettings().alphabet
    (workspace / "emendo.toml").write_text('[plates]\nalphabet = "ABC12"\n', encoding="utf-8")
    Workspace(workspace).set_champion("0123abcd")
    for ref in ("plates:", "plates:champion"):
        found = load_recognizer(ref, workspace=workspace)
        assert isinstance(found, PlateRecognizer)
        assert (found.alphabet, found.detector) == ("ABC12", None)
        assert found.model.startswith("plate(mine@")
    with pytest.raises(UsageError, match="no model 'no-such'"):
        load_recognizer("plates:no-such")


def test_a_model_of_fields_reads_no_lines(workspace: Path) -> None:
    folder = workspace / ".emendo" / "models" / "fields01"
    write_bundle(folder, BundleInfo(family="fields", name="made"), {"card.md": b"made"})
    with pytest.raises(UsageError, match="tells the fields of whole documents and reads no lines; use it with"):
        load_recognizer("fields01", workspace=workspace)
    Workspace(workspace).set_champion("fields01", kind="fields")
    assert load_recognizer("", workspace=workspace).model.startswith("auto(base@")
