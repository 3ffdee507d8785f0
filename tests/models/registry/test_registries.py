"""Both registries by one protocol, and which of them a reference is looked up in."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from emendo.errors import BundleError, SettingsError, UsageError
from emendo.models.bundle import Bundle, read_bundle, write_bundle
from emendo.models.references import load_bundle
from emendo.models.registry import (
    About,
    LocalRegistry,
    MlflowRegistry,
    Registry,
    RegistryAway,
    RunFacts,
    open_registry,
)
from emendo.models.registry.connection import connect, masked
from emendo.release.registry import pull
from emendo.settings import RegistrySettings, load_settings
from emendo.workspace.folder import Workspace

from ...release.colours import write_colour_bundle

CLOSED = "http://127.0.0.1:9"


def about(bundle: Bundle) -> About:
    facts = RunFacts(bundle.info.name, bundle.id, {"recipe.steps": "3"}, {"cer": 0.25}, [("loss", 1, 2.0)])
    return About("# card\n", {"base": "colours"}, facts, "emendo", source=bundle.info.name)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "notes")


@pytest.fixture(params=["local", "mlflow"])
def registry(request: pytest.FixtureRequest, workspace: Workspace) -> Registry:
    if request.param == "mlflow":
        uri: str = request.getfixturevalue("registry_uri")
        return MlflowRegistry(uri, "emendo", 10)
    return LocalRegistry(workspace)


def test_versions_are_counted_aliases_move_and_bytes_stay(registry: Registry, tmp_path: Path) -> None:
    first = write_colour_bundle(tmp_path / "first", name="first", metrics={"cer": 0.25})
    second = write_colour_bundle(tmp_path / "second", name="second", wrong={"a": "b"})
    assert [one.version for one in registry.put(first, "journal", about(first))] == [1]
    assert [one.version for one in registry.put(second, "journal", about(second))] == [2]
    assert [one.version for one in registry.put(second, "journal", about(second))] == [2]
    registry.point("journal", "champion", 1)
    registry.point("journal", "challenger", 2)
    held = registry.entries()
    assert [(one.name, one.version, one.model, one.aliases) for one in held] == [
        ("journal", 1, first.id, ("champion",)),
        ("journal", 2, second.id, ("challenger",)),
    ]
    assert registry.entries("other") == []
    found = {ref: registry.find(ref).version for ref in ("journal", "models:/journal/1", "journal@challenger")}
    assert found == {"journal": 2, "models:/journal/1": 1, "journal@challenger": 2}
    fetched = registry.bundle(registry.find("journal@champion"))
    for name in (*first.info.files, "bundle.yaml"):
        assert (fetched.folder / name).read_bytes() == (first.folder / name).read_bytes()
    assert registry.measured(held[0])["cer"] == 0.25
    registry.point("journal", "champion", None)
    registry.point("journal", "champion", None)
    registry.point("elsewhere", "champion", None)
    assert registry.find("journal/1").aliases == ()


def test_what_is_not_registered_is_named(registry: Registry, tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "one")
    registry.put(bundle, "journal", about(bundle))
    with pytest.raises(UsageError, match=r"no model is (kept|registered) under the name 'other'"):
        registry.find("other")
    with pytest.raises(UsageError, match=r"'journal' has no alias 'best'.*use 1"):
        registry.find("journal@best")
    for version in (2, 7):
        with pytest.raises(UsageError, match=f"has no version {version}"):
            registry.point("journal", "best", version)
    with pytest.raises(UsageError, match="names no place for a model"):
        registry.find("../journal")


def test_nothing_that_mlflow_holds_is_a_pickle_or_knows_this_machine(registry_uri: str, tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "one")
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    registry.put(bundle, "journal", about(bundle))
    files = sorted(path for path in (tmp_path / "mlflow").rglob("*") if path.is_file() and path.suffix != ".db")
    assert {path.name for path in files} >= {"MLmodel", "line_reader.py", "README.md", "model.onnx", "bundle.yaml"}
    for path in files:
        assert path.suffix != ".pkl"
        assert not path.read_bytes().startswith((b"\x80\x04", b"\x80\x05"))
        assert str(tmp_path).encode() not in path.read_bytes(), path
    requirements = next(path for path in files if path.name == "requirements.txt").read_text(encoding="utf-8")
    assert [line.partition("=")[0] for line in requirements.split()] == ["emendo", "mlflow"]


def test_an_adapter_is_a_version_of_its_own(registry_uri: str, tmp_path: Path) -> None:
    plain = write_colour_bundle(tmp_path / "plain")
    files: dict[str, bytes | Path] = {name: plain.folder / name for name in plain.info.files}
    weights = save({"lora": np.zeros(2, np.float32)})
    files |= {"adapter/adapter_config.json": b'{"r": 8}', "adapter/adapter_model.safetensors": weights}
    bundle = write_bundle(tmp_path / "adapted", plain.info, files)
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    entries = registry.put(bundle, "journal", about(bundle))
    assert [(one.version, one.form, one.model) for one in entries] == [
        (1, "adapter", bundle.id),
        (2, "merged", bundle.id),
    ]
    assert registry.find("journal").form == "merged"
    assert read_bundle(registry.bundle(entries[1]).folder).id == bundle.id
    assert pull(registry, "journal/1", tmp_path / "got") == entries[0]
    assert (tmp_path / "got" / "adapter_model.safetensors").read_bytes() == weights
    with pytest.raises(UsageError, match="models:/journal/1 is an adapter alone"):
        registry.bundle(entries[0])
    stored = next((tmp_path / "mlflow").rglob("artifacts/adapter/adapter_model.safetensors"))
    stored.write_bytes(b"other")
    with pytest.raises(BundleError, match=r"adapter_model\.safetensors is not what was registered"):
        pull(registry, "journal/1", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_model_that_was_changed_in_the_registry_is_refused(registry_uri: str, tmp_path: Path) -> None:
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    bundle = write_colour_bundle(tmp_path / "one")
    (entry,) = registry.put(bundle, "journal", about(bundle))
    stored = next((tmp_path / "mlflow").rglob("artifacts/bundle"))
    other = write_colour_bundle(tmp_path / "other", wrong={"a": "b"})
    for name in ("model.onnx", "bundle.yaml"):
        (stored / name).write_bytes((other.folder / name).read_bytes())
    with pytest.raises(BundleError, match="holds another model than was registered"):
        registry.bundle(entry)
    (stored / "model.onnx").write_bytes(b"rotten")
    with pytest.raises(BundleError, match=r"model\.onnx differs from its checksum"):
        registry.bundle(entry)
    with pytest.raises(BundleError, match="carries no content id"):
        registry.bundle(replace(entry, digest=""))
    assert not [path for path in (tmp_path / "cache" / "registry").iterdir() if path.name != "known"]


def test_a_reference_is_looked_up_in_the_registry_then_here_then_in_memory(
    registry_uri: str,
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = write_colour_bundle(tmp_path / "first"), write_colour_bundle(tmp_path / "second", drop="g")
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    registry.put(first, "journal", about(first))
    LocalRegistry(workspace).put(second, "journal", about(second))
    LocalRegistry(workspace).put(second, "mine", about(second))
    assert load_bundle("models:/journal").id == first.id
    assert load_bundle("models:/journal", workspace=workspace.root).id == first.id
    assert load_bundle("models:/mine", workspace=workspace.root).id == second.id
    with pytest.raises(UsageError, match="under the name 'nowhere'"):
        load_bundle("models:/nowhere", workspace=workspace.root)
    (tmp_path / "mlflow").rename(tmp_path / "gone")
    (tmp_path / "mlflow").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert load_bundle("models:/journal").id == first.id
        assert load_bundle("models:/mine", workspace=workspace.root).id == second.id
    assert "models:/journal is read from the cache, as version 1" in caplog.text
    assert "models:/mine is looked up in the workspace" in caplog.text
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "another"))
    with pytest.raises(RegistryAway, match="cannot be used"):
        load_bundle("models:/journal")


def test_a_server_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RegistryAway) as caught:
        MlflowRegistry(CLOSED, "emendo", 1).entries()
    told = str(caught.value)
    assert told.startswith(f"the registry {CLOSED} cannot be used (Connection refused)") and "\n" not in told


def test_mlflow_prints_nothing_where_json_is_expected(capsys: pytest.CaptureFixture[str]) -> None:
    client = connect(CLOSED, 1)
    client._tracking_client._log_url("run")  # at the end of each run it asks the server, to print where that is shown
    assert capsys.readouterr().out == ""


def test_passwords_are_not_told() -> None:
    assert masked("https://me:secret@host/x") == "https://host/x"
    assert MlflowRegistry("http://me:secret@127.0.0.1:9", "emendo", 1).place == CLOSED


def test_which_registry_the_settings_mean(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def uri(given: str, held: Workspace | None = workspace) -> str:
        opened = open_registry(RegistrySettings(uri=given), held)
        return opened.uri if isinstance(opened, MlflowRegistry) else "local"

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert uri("") == "local"
    assert uri("mlflow") == f"sqlite:///{workspace.hidden}/mlflow/mlflow.db"
    assert uri("sqlite:///team.db") == f"sqlite:///{workspace.root}/team.db"
    assert uri("sqlite:////srv/team.db", None) == "sqlite:////srv/team.db"
    for given in ("", "mlflow"):
        with pytest.raises(UsageError, match="run it in a workspace"):
            uri(given, None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    assert uri("mlflow", None) == "https://mlflow.example.org"
    assert uri("") == "local"
    with pytest.raises(SettingsError, match=r"EMENDO_REGISTRY__URI: setting 'registry\.uri': value error, no registry"):
        load_settings(environment={"EMENDO_REGISTRY__URI": "file:///tmp/mlruns"})


def test_mlflow_imported_by_another_library_is_quiet_too(tmp_path: Path) -> None:
    code = (
        "import os; os.environ.pop('MLFLOW_LOGGING_LEVEL', None);"
        "import mlflow; from emendo.models.registry import MlflowRegistry;"
        f"print(MlflowRegistry('sqlite:///{tmp_path}/mlflow.db', 'emendo', 10).entries())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_local_work_imports_no_mlflow(workspace: Workspace, tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "one")
    LocalRegistry(workspace).put(bundle, "journal", about(bundle))
    code = (
        "import sys, json; from pathlib import Path; from emendo.models.references import load_bundle;"
        "import emendo.release.registry, emendo.cli.registry;"
        f"found = load_bundle('models:/journal', workspace=Path({str(workspace.root)!r})).id;"
        "print(json.dumps([found, 'mlflow' in sys.modules, 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [bundle.id, False, False]
