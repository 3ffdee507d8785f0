from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import BundleError, Busy, Refused, UsageError
from emendo.models.bundle import read_bundle
from emendo.models.references import load_recognizer
from emendo.release import models, promote, rollback
from emendo.workspace.folder import Workspace
from emendo.workspace.names import places

from .colours import colour_samples, write_colour_bundle
from .test_gate import TEXTS, Lines


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace whose champion, `old`, confuses two pairs of characters."""
    workspace = Workspace.init(tmp_path / "notes")
    bundle = write_colour_bundle(tmp_path / "old", wrong={"a": "b", "c": "d"}, name="old")
    write_colour_bundle(workspace.models / bundle.id, wrong={"a": "b", "c": "d"}, name="old")
    workspace.set_champion(bundle.id, "set by the test")
    return workspace


@pytest.fixture
def personal(tmp_path: Path) -> Lines:
    return Lines(colour_samples(tmp_path / "lines", TEXTS))


def events(workspace: Workspace) -> list[str]:
    with workspace.store() as store:
        return [event.kind for event in reversed(store.events())]


def test_promote_then_roll_back(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    old = workspace.champion()
    new = write_colour_bundle(tmp_path / "new", name="new")
    decision = promote(workspace, tmp_path / "new", personal)
    assert decision.passed
    assert load_recognizer("champion", workspace=workspace.root).bundle.id == new.id
    assert (tmp_path / "new" / "model.onnx").exists()
    entries = models(workspace)
    assert [(e.id, e.state) for e in entries] == [
        ("base", "earlier"),
        (old.model if old else "", "earlier"),
        (new.id, "champion"),
    ]
    assert "on your test lines" in entries[2].why
    assert entries[2].parent == "colours"
    assert rollback(workspace).model == entries[1].id
    assert rollback(workspace).model == "base"
    assert (workspace.models / new.id / "model.onnx").exists()
    with pytest.raises(Refused, match="no earlier model to return to"):
        rollback(workspace)
    assert events(workspace) == ["gate", "promoted", "rolled back", "rolled back"]


def test_refused_changes_nothing(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    before = workspace.pointer().read_bytes(), sorted(workspace.models.iterdir())
    write_colour_bundle(tmp_path / "worse", wrong={"a": "c", "e": "f"})
    with pytest.raises(Refused, match=r"worse: not promoted: CER .* 95 % are needed") as refused:
        promote(workspace, tmp_path / "worse", personal)
    assert refused.value.exit_status == 1
    assert before == (workspace.pointer().read_bytes(), sorted(workspace.models.iterdir()))
    assert events(workspace) == ["gate"]


def test_the_champion_is_not_promoted_again(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="it is the model in use already"):
        promote(workspace, tmp_path / "old", personal)


def test_no_bundle_there(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no model bundle"):
        promote(workspace, tmp_path / "nothing", personal)


def test_only_one_promotes_at_a_time(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    write_colour_bundle(tmp_path / "new")
    with workspace.lock("promote"), pytest.raises(Busy):
        promote(workspace, tmp_path / "new", personal)


def test_rollback_passes_over_a_damaged_model(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    old = workspace.champion()
    assert old is not None
    write_colour_bundle(tmp_path / "new")
    promote(workspace, tmp_path / "new", personal)
    (workspace.models / old.model / "model.onnx").write_bytes(b"rotten")
    assert rollback(workspace).model == "base"
    assert old.model in (workspace.champion() or old).why


def test_a_damaged_champion_is_named(workspace: Workspace, personal: Lines, tmp_path: Path) -> None:
    champion = workspace.champion()
    assert champion is not None
    (workspace.models / champion.model / "model.onnx").unlink()
    write_colour_bundle(tmp_path / "new")
    with pytest.raises(BundleError, match=r"the model in use is damaged .* run `emendo rollback` first"):
        promote(workspace, tmp_path / "new", personal)
    (workspace.models / champion.model / "bundle.yaml").write_text("[", encoding="utf-8")
    assert models(workspace)[1].state == "damaged"
    assert rollback(workspace).model == "base"


def test_a_damaged_copy_under_the_right_name_is_made_anew(
    workspace: Workspace, personal: Lines, tmp_path: Path
) -> None:
    new = write_colour_bundle(tmp_path / "new")
    (workspace.models / new.id).mkdir()
    (workspace.models / new.id / "bundle.yaml").write_text("half", encoding="utf-8")
    promote(workspace, tmp_path / "new", personal)
    assert read_bundle(workspace.models / new.id).id == new.id


def test_killed_at_any_point_one_whole_champion_remains(workspace: Workspace, tmp_path: Path) -> None:
    write_colour_bundle(tmp_path / "x", name="x")
    write_colour_bundle(tmp_path / "y", wrong={"a": "b"}, name="y")
    write_colour_bundle(tmp_path / "z", drop="g", name="z")
    script = Path(__file__).with_name("kill.py")
    done = subprocess.run([sys.executable, script, tmp_path, "12"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["kills"] == 12
    assert result["acknowledged"] >= 6
    assert len(result["champions"]) >= 2
    assert models(workspace)[0].id == "base"


def test_a_name_keeps_a_model_and_changes_nothing_in_use(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = workspace.pointer().read_bytes()
    new = write_colour_bundle(tmp_path / "new", name="new")
    place = ["--workspace", str(workspace.root), "--json"]
    assert main(["promote", str(tmp_path / "new"), "--as", "journal@best", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"model": new.id, "name": "journal", "version": 1, "reference": "models:/journal@best"}
    for ref in ("models:/journal", "models:/journal/1", "models:/journal@best"):
        assert load_recognizer(ref, workspace=workspace.root).bundle.folder == workspace.models / new.id
    with pytest.raises(UsageError, match="is looked up in a workspace"):
        load_recognizer("models:/journal")
    assert workspace.pointer().read_bytes() == before
    assert main(["models", *place]) == 0
    kept = {one["id"]: one["places"] for one in json.loads(capsys.readouterr().out)["models"]}
    assert kept[new.id] == ["models:/journal/1", "models:/journal@best"] and kept["base"] == []
    assert events(workspace) == ["kept"]


def test_a_name_takes_no_lines_and_no_version(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_colour_bundle(tmp_path / "new", name="new")
    asked = ["promote", str(tmp_path / "new"), "--workspace", str(workspace.root), "--as"]
    assert main([*asked, "journal", "--data", "x.jsonl"]) == 2
    assert main([*asked, "journal/2"]) == 2
    assert main([*asked, "../journal"]) == 2
    assert capsys.readouterr().err.count("error:") == 3
    assert places(workspace) == {} and events(workspace) == []


def test_plates_are_judged_against_how_plates_are_read_and_without_a_general_set(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "crops")
    write_colour_bundle(tmp_path / "new", name="new")
    samples = tuple(replace(one, subset="plate") for one in colour_samples(tmp_path / "lines", TEXTS[:6]))
    general = Lines(colour_samples(tmp_path / "general", ["ffffff"] * 5), "built-in")
    decision = promote(workspace, tmp_path / "new", Lines(samples), [general])
    assert decision.champion.startswith("plate(base@")
    assert {one.name for one in decision.findings} >= {"plates", "better"}
    assert "general built-in" not in {one.name for one in decision.findings}
