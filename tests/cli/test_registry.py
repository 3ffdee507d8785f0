"""`emendo registry` as a person meets it, with the names of a workspace and with MLflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.workspace.folder import Workspace

from ..release.colours import write_colour_bundle


class Shell:
    """Commands in one workspace; every `--json` must be one object."""

    def __init__(self, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.place = ["--workspace", str(workspace)]
        self.capsys = capsys

    def json(self, *words: str, status: int = 0) -> Any:
        assert main([*words, *self.place, "--json"]) == status
        return json.loads(self.capsys.readouterr().out)

    def text(self, *words: str, status: int = 0) -> tuple[str, str]:
        assert main([*words, *self.place]) == status
        told = self.capsys.readouterr()
        return told.out, told.err


@pytest.fixture(params=["local", "mlflow"])
def shell(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    if request.param == "mlflow":
        request.getfixturevalue("registry_uri")
    return Shell(Workspace.init(tmp_path / "notes").root, capsys)


def test_a_model_goes_in_and_comes_out(shell: Shell, tmp_path: Path) -> None:
    first = write_colour_bundle(tmp_path / "first", name="first", metrics={"cer": 0.25})
    second = write_colour_bundle(tmp_path / "second", name="second", drop="g")
    assert shell.text("registry", "list")[1].startswith("nothing is registered at ")
    pushed = shell.json("registry", "push", str(first.folder), "--name", "plates", "--alias", "challenger")
    assert (pushed["reference"], pushed["model"], pushed["aliases"]) == ("models:/plates/1", first.id, ["challenger"])
    kept = shell.json("promote", str(second.folder), "--as", "models:/plates@best")
    assert kept == {"model": second.id, "name": "plates", "version": 2, "reference": "models:/plates@best"}
    assert "models:/plates/2 @best" in shell.text("registry", "push", str(second.folder), "--name", "plates")[1]
    shown = shell.json("registry", "show", "models:/plates@challenger")
    assert shown["metrics"]["cer"] == 0.25
    assert "  cer: 0.25\n" in shell.text("registry", "show", "plates/1")[0]
    assert shell.json("registry", "promote", "plates", "--version", "1")["aliases"] == ["challenger", "champion"]
    shell.json("registry", "promote", "models:/plates/2")
    assert shell.json("registry", "rollback", "plates")["version"] == 1
    assert "error: plates has no earlier champion" in shell.text("registry", "rollback", "plates", status=1)[1]
    rows = shell.json("registry", "list")["versions"]
    assert [(row["version"], row["aliases"]) for row in rows] == [(1, ["challenger", "champion"]), (2, ["best"])]
    pulled = shell.json("registry", "pull", "plates@best", "--out", str(tmp_path / "got"))
    assert pulled["model"] == second.id
    for path in second.folder.iterdir():
        assert (tmp_path / "got" / path.name).read_bytes() == path.read_bytes()
    assert "is there already" in shell.text("registry", "pull", "plates", "--out", str(tmp_path / "got"), status=2)[1]
    assert "has no alias 'nix'" in shell.text("registry", "show", "plates@nix", status=2)[1]
    assert "names no place" in shell.text("registry", "push", str(first.folder), "--name", "a b", status=2)[1]
    told = shell.text("registry", "push", str(first.folder), "--name", "plates", "--alias", "latest", status=2)[1]
    assert "the newest version is always the latest" in told


def test_the_page_of_mlflow(
    registry_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(Workspace.init(tmp_path / "notes").root, capsys)
    assert shell.text("registry", "ui")[0] == f"mlflow ui --backend-store-uri {registry_uri}\n"
    monkeypatch.setenv("EMENDO_REGISTRY__URI", "https://me:secret@mlflow.example.org")
    assert shell.text("registry", "ui")[0] == "https://mlflow.example.org\n"
    monkeypatch.setenv("EMENDO_REGISTRY__URI", "")
    assert "have no page" in shell.text("registry", "ui", status=2)[1]


def test_rollback_tells_how_the_registry_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.init(tmp_path / "notes")
    for name in ("first", "second", "third"):
        workspace.set_champion(name)
    shell = Shell(workspace.root, capsys)
    assert set(shell.json("rollback")) == {"model", "since", "why"}
    monkeypatch.setenv("EMENDO_REGISTRY__URI", "http://127.0.0.1:9")
    told = shell.json("rollback")
    assert told["model"] == "base" and "cannot be used" in told["registry"]["fault"]
    output, complaint = shell.text("registry", "list", status=2)
    assert output == "" and complaint.count("\n") == 2
    assert "the registry is behind: " in complaint and "error: the registry http://127.0.0.1:9" in complaint
