"""A workspace on disk: finding it, the pointer to the champion, locks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emendo.errors import Busy, WorkspaceError
from emendo.workspace import Workspace


def test_init_twice_and_find_upward(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "notes")
    marker = (workspace.hidden / "workspace.json").read_bytes()
    assert Workspace.init(tmp_path / "notes") == workspace
    assert (workspace.hidden / "workspace.json").read_bytes() == marker
    deep = workspace.root / "2026" / "march"
    deep.mkdir(parents=True)
    assert Workspace.find(deep) == workspace
    assert Workspace.find(deep / "note.txt") == workspace
    assert Workspace.find(tmp_path) is None
    assert all(place.is_dir() for place in (workspace.datasets, workspace.runs, workspace.models))


def test_open_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"is not a workspace; run `emendo init"):
        Workspace.open(tmp_path)


def test_open_refuses_a_newer_format(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    (workspace.hidden / "workspace.json").write_text('{"format": "emendo-workspace/9"}')
    with pytest.raises(WorkspaceError, match="update emendo"):
        Workspace.open(tmp_path)


def test_init_under_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        Workspace.init(tmp_path / "file" / "notes")


def test_champion_goes_forward_and_back(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    assert workspace.champion() is None
    with pytest.raises(WorkspaceError, match="no earlier model"):
        workspace.restore_champion()
    workspace.set_champion("m1", "CER 20.1 -> 9.6 %")
    workspace.set_champion("m2", "CER 9.6 -> 8.0 %")
    now = workspace.champion()
    assert now is not None and (now.model, [entry[0] for entry in now.history]) == ("m2", ["base", "m1"])
    assert workspace.restore_champion().model == "m1"
    assert workspace.restore_champion().model == "base"
    with pytest.raises(WorkspaceError, match="no earlier model"):
        workspace.restore_champion()
    assert json.loads(workspace.pointer().read_text())["model"] == "base"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"model": "m"}', '{"model": "m", "since": "", "why": "", "history": [1]}']
)
def test_damaged_pointer_is_a_sentence(tmp_path: Path, content: str) -> None:
    workspace = Workspace.init(tmp_path)
    workspace.pointer().write_text(content)
    with pytest.raises(WorkspaceError, match=r"champion\.json"):
        workspace.champion()


def test_second_process_is_told_who_works(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    code = (
        "import sys; from pathlib import Path; from emendo.workspace import Workspace\n"
        "with Workspace.open(Path(sys.argv[1])).lock('train'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    with (
        pytest.raises(Busy, match=rf"another emendo is at `train` here \(process {child.pid} on "),
        workspace.lock("train"),
    ):
        pass
    with workspace.lock("collect"):
        pass
    child.kill()
    child.wait()
    child.stdout.close()
    with workspace.lock("train"):
        assert str(os.getpid()) in (workspace.hidden / "train.lock").read_text()


def test_settings_come_from_the_folder(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    (tmp_path / "emendo.toml").write_text('author = "Anna"\n[collect]\naccept = "none"\n')
    settings = workspace.settings()
    assert (settings.author, settings.collect.accept) == ("Anna", "none")


def test_sqlalchemy_is_loaded_only_with_the_store(tmp_path: Path) -> None:
    code = "import sys, emendo.workspace, emendo.workspace.folder; print('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_champions_that_are_about_to_be_removed_are_forgotten(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    workspace.forget_champions(["a"])
    for model in ("a", "b", "a", "c"):
        workspace.set_champion(model, "why")
    workspace.forget_champions(["a", "c", "never"])
    now = workspace.champion()
    assert now is not None
    assert (now.model, now.why) == ("c", "why"), "the one in use stays"
    assert [model for model, _, _ in now.history] == ["base", "b"]
    assert workspace.restore_champion().model == "b"


def test_the_model_for_fields_is_a_champion_of_its_own(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    workspace.set_champion("l1", "reads lines")
    lines = workspace.pointer().read_bytes()
    assert workspace.in_use("fields") == "base-fields" and workspace.champion("fields") is None
    workspace.set_champion("f1", "reads fields", kind="fields")
    workspace.set_champion("f2", "reads more", kind="fields")
    assert (workspace.in_use(), workspace.in_use("fields")) == ("l1", "f2")
    workspace.forget_champions(["f1"])
    assert workspace.restore_champion(kind="fields").model == "base-fields"
    with pytest.raises(WorkspaceError, match="no earlier model"):
        workspace.restore_champion(kind="fields")
    assert workspace.pointer().read_bytes() == lines
