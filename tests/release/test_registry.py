"""The registry beside the loop: what is told of a model, aliases that follow the model in use, crashes, absence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emendo.errors import Refused, UsageError
from emendo.models.bundle import Bundle, BundleInfo, read_bundle, update_info, write_bundle
from emendo.models.certificate import CERTIFICATE
from emendo.models.registry import LocalRegistry, MlflowRegistry, Registry, RegistryAway, install, open_registry
from emendo.release import promote, rollback
from emendo.release.follow import Following, following, state_file
from emendo.release.promote import LOCK
from emendo.release.registry import catch_up, keep_as, promote_version, pull, push, rollback_version
from emendo.release.runs import LiveRun, Told, read_told
from emendo.train.record import BUNDLE, REPORT_FILE, RUN_FILE, write_report, write_yaml
from emendo.workspace.folder import Workspace

from .colours import colour_samples, write_colour_bundle
from .test_gate import TEXTS, Lines

CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace whose champion, `old`, confuses two pairs of characters; the registry knows nothing yet."""
    workspace = Workspace.init(tmp_path / "notes")
    bundle = write_colour_bundle(tmp_path / "old", wrong={"a": "b", "c": "d"}, name="old")
    shutil.copytree(bundle.folder, workspace.models / bundle.id)
    workspace.set_champion(bundle.id, "set by the test")
    return workspace


@pytest.fixture
def personal(tmp_path: Path) -> Lines:
    return Lines(colour_samples(tmp_path / "lines", TEXTS))


def certificate(bundle: Bundle) -> dict[str, Any]:
    row = {"form": "onnx", "lines": 40, "same": 40, "cer": 0.1, "milliseconds": 3.0, "megabytes": 1.0}
    told = {"bundle": bundle.id, "reference": "x", "data": "40 lines", "form": "onnx", "made": "2026-11-29T00:00:00Z"}
    return {CERTIFICATE: {**told, "rows": [row]}}


def finished_run(folder: Path, parent: str) -> Path:
    """The folder of a run as training leaves it, with a bundle of colours."""
    bundle = write_colour_bundle(
        folder / BUNDLE,
        name="run",
        dataset={"hash": "d" * 64, "usable": 6},
        run={"base": {"name": "old", "id": parent}},
        metrics={"cer_before": 0.5, "cer_after": 0.25, "judged_on": "lines"},
    )
    bundle = update_info(bundle, parity=certificate(bundle))
    record = {"base": {"id": parent}, "recipe": {"steps": 3, "signs": True}, "schedule": {"warmup": 0.1}}
    write_yaml(folder / RUN_FILE, {**record, "began": "2026-11-29T10:00:00+00:00", "machine": {"cores": 2}})
    curve = {"losses": [[1, 2.5], [2, 1.5]], "cers": [[0, 0.5], [2, 0.25]], "seconds": 60.0}
    write_report(folder / REPORT_FILE, {**curve, "model": bundle.id, "cer_after": 0.25, "kept": "trained"})
    (folder / "curve.png").write_bytes(b"png")
    return folder


def aliases(registry: Registry, name: str = "notes") -> dict[str, str]:
    """Content id by alias."""
    return {alias: one.model for one in registry.entries(name) for alias in one.aliases}


def test_a_version_tells_where_it_comes_from(registry_uri: str, tmp_path: Path) -> None:
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    parent = write_colour_bundle(tmp_path / "parent", drop="g")
    push(registry, parent, "journal")
    run = finished_run(tmp_path / "first-run", parent.id)
    bundle = read_bundle(run / BUNDLE)
    (entry,) = push(registry, bundle, "journal", "challenger")
    assert (entry.version, entry.aliases, entry.model) == (2, ("challenger",), bundle.id)
    expected = {
        "parent_version": "1",
        "emendo.base_model": parent.id,
        "dataset": "d" * 64,
        "run": "first-run",
        "certified": "true",
        "certified_form": "onnx",
        "family": "ctc",
        "base": "colours",
    }
    assert {key: entry.tags[key] for key in expected} == expected
    assert registry.find("journal/1").tags["certified"] == "false"
    measured = registry.measured(entry)
    assert measured["cer_after"] == 0.25 and measured["parity.onnx.same"] == 40 and measured["loss"] == 1.5
    held = registry.client.get_run(entry.tags["mlflow_run"])
    assert held.data.params["recipe.steps"] == "3" and held.data.params["schedule.warmup"] == "0.1"
    assert (held.info.status, held.info.run_name, held.info.end_time - held.info.start_time) == (
        "FINISHED",
        "first-run",
        60_000,
    )
    assert {one.path for one in registry.client.list_artifacts(held.info.run_id)} == {
        "run.yaml",
        "report.json",
        "curve.png",
    }
    cers = registry.client.get_metric_history(held.info.run_id, "cer")
    assert sorted((one.step, one.value) for one in cers) == [(0, 0.5), (2, 0.25)]
    version = registry.client.get_model_version("journal", "2")
    assert "emendo read page.png --model models:/journal" in version.description


def test_promotion_and_rollback_move_the_aliases(
    registry_uri: str, workspace: Workspace, personal: Lines, tmp_path: Path
) -> None:
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    old = workspace.champion()
    assert old is not None
    new = write_colour_bundle(tmp_path / "new", name="new")
    promote(workspace, tmp_path / "new", personal)
    assert aliases(registry) == {"champion": new.id, "previous": old.model}
    assert following(workspace) == Following(registry.place, "notes", 2)
    with pytest.raises(Refused):
        promote(workspace, tmp_path / "new", personal)
    assert rollback(workspace).model == old.model
    assert aliases(registry) == {"champion": old.model}
    assert rollback(workspace).model == "base"
    assert aliases(registry) == {}
    assert following(workspace) == Following(registry.place, "notes", 0)
    assert [one.model for one in registry.entries("notes")] == [old.model, new.id]


def test_what_reads_fields_has_a_name_of_its_own(registry_uri: str, workspace: Workspace, tmp_path: Path) -> None:
    made = write_bundle(tmp_path / "made", BundleInfo(family="fields", name="made"), {"card.md": b"x"})
    with workspace.lock(LOCK):
        install(workspace, made.folder)
        workspace.set_champion(made.id, "proven", kind="fields")
    catch_up(workspace)
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    assert following(workspace, "fields") == Following(registry.place, "notes-fields", 1)
    assert registry.find("notes-fields@champion").model == made.id
    with pytest.raises(UsageError, match="notes-fields@champion follows what is in use"):
        push(registry, made, "notes-fields", "champion", workspace=workspace)
    rollback(workspace, "fields")
    assert following(workspace, "fields") == Following(registry.place, "notes-fields", 0)
    assert following(workspace) is not None


def test_what_is_in_use_is_moved_by_the_gate_alone(registry_uri: str, workspace: Workspace, tmp_path: Path) -> None:
    registry = open_registry(workspace.settings().registry, workspace)
    new = write_colour_bundle(tmp_path / "new", name="new")
    push(registry, new, "notes", "challenger", workspace=workspace)
    for attempt in (
        lambda: push(registry, new, "notes", "champion", workspace=workspace),
        lambda: promote_version(registry, "notes/1", workspace=workspace),
        lambda: rollback_version(registry, "notes", workspace=workspace),
    ):
        with pytest.raises(UsageError, match=r"follows what is in use in .*use `emendo promote models:/notes/VERSION`"):
            attempt()
    assert promote_version(registry, "notes@challenger").aliases == ("challenger", "champion")


@pytest.mark.parametrize("kind", ["local", "mlflow"])
def test_a_name_without_a_workspace_behind_it_is_promoted_and_rolled_back(
    kind: str, request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path
) -> None:
    registry: Registry = LocalRegistry(workspace)
    if kind == "mlflow":
        registry = MlflowRegistry(request.getfixturevalue("registry_uri"), "emendo", 10)
    for number, drop in enumerate("gfe"):
        push(registry, write_colour_bundle(tmp_path / str(number), drop=drop), "plates")
    with pytest.raises(Refused, match="no earlier champion"):
        rollback_version(registry, "plates")
    for version in (1, 3, 3):
        assert "champion" in promote_version(registry, f"plates/{version}").aliases
    assert [one.aliases for one in registry.entries("plates")] == [("previous",), (), ("champion",)]
    assert rollback_version(registry, "plates").version == 1
    with pytest.raises(Refused, match="no earlier champion"):
        rollback_version(registry, "plates")
    with pytest.raises(UsageError):
        promote_version(registry, "plates/9")
    got = pull(registry, "plates@champion", tmp_path / "got")
    assert read_bundle(tmp_path / "got").id == got.model
    with pytest.raises(UsageError, match="is there already"):
        pull(registry, "plates@champion", tmp_path / "got")


@pytest.mark.parametrize("alive", [0, 1, 2])
def test_a_promotion_that_dies_before_the_registry_knows_is_made_up_for(
    alive: int,
    registry_uri: str,
    workspace: Workspace,
    personal: Lines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It dies before any alias moved, between the two, and before it is written down that they moved."""

    class Killed(BaseException):
        pass

    old = workspace.champion()
    assert old is not None
    catch_up(workspace)
    new = write_colour_bundle(tmp_path / "new", name="new")
    point, calls = MlflowRegistry.point, []

    def dying(self: MlflowRegistry, name: str, alias: str, version: int | None) -> None:
        if len(calls) == alive and alive < 2:
            raise Killed
        point(self, name, alias, version)
        calls.append(alias)
        if len(calls) == 2 and alive == 2:
            raise Killed

    monkeypatch.setattr(MlflowRegistry, "point", dying)
    with pytest.raises(Killed):
        promote(workspace, tmp_path / "new", personal)
    monkeypatch.setattr(MlflowRegistry, "point", point)
    champion, state = workspace.champion(), following(workspace)
    assert champion is not None and champion.model == new.id
    assert state is not None and "was not told yet" in state.fault
    catch_up(workspace)
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    assert aliases(registry) == {"champion": new.id, "previous": old.model}
    assert [one.model for one in registry.entries("notes")] == [old.model, new.id]


def test_killed_at_any_point_the_registry_comes_to_where_the_workspace_is(registry_uri: str, tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "notes")
    write_colour_bundle(tmp_path / "x", name="x")
    write_colour_bundle(tmp_path / "y", wrong={"a": "b"}, name="y")
    write_colour_bundle(tmp_path / "z", drop="g", name="z")
    script = Path(__file__).with_name("kill_registry.py")
    done = subprocess.run([sys.executable, script, tmp_path, "4"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["kills"] == 4 and result["behind"] >= 1
    assert workspace.champion() is not None


def test_without_its_server_local_work_goes_on(
    workspace: Workspace, personal: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMENDO_REGISTRY__URI", CLOSED)
    new = write_colour_bundle(tmp_path / "new", name="new")
    promote(workspace, tmp_path / "new", personal)
    champion, state = workspace.champion(), following(workspace)
    assert champion is not None and champion.model == new.id
    assert state is not None and f"{CLOSED} cannot be used (Connection refused)" in state.fault
    assert state.sentence().startswith("the registry is behind: ")
    with pytest.raises(RegistryAway, match="cannot be used"):
        keep_as(workspace, tmp_path / "new", "journal")
    state_file(workspace).write_text("{", encoding="utf-8")
    assert rollback(workspace).model == champion.history[-1][0]


def test_a_run_is_told_while_it_goes_on_and_when_it_ended(registry_uri: str, tmp_path: Path) -> None:
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    run = finished_run(tmp_path / "run", "p")
    kept = (run / REPORT_FILE).read_bytes()
    (run / REPORT_FILE).unlink()
    shown: list[int] = []
    live = LiveRun(registry, run, lambda done, total, text: shown.append(done), every=0)
    for step in (1, 2):
        with (run / "curve.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, "total": 3, "loss": 3.0 - step}) + "\n")
        live(step, 3, "")
    told = read_told(run)
    assert told is not None and told.run and not told.fault
    assert registry.client.get_run(told.run).info.status == "RUNNING"
    (run / REPORT_FILE).write_bytes(kept)
    with (run / "curve.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"step": 3, "total": 3, "loss": 0.5}\n{"step": 3, "cer": 0.25}\n')
    again = LiveRun(registry, run, lambda done, total, text: None)
    assert again.end() == told
    losses = registry.client.get_metric_history(told.run, "loss")
    assert sorted((one.step, one.value) for one in losses) == [(1, 2.0), (2, 1.0), (3, 0.5)]
    assert registry.client.get_run(told.run).info.status == "FINISHED"
    (entry,) = push(registry, read_bundle(run / BUNDLE), "journal")
    assert entry.tags["mlflow_run"] == told.run
    assert shown == [1, 2]


def test_a_run_does_not_wait_for_a_registry_that_is_away(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", "p")
    live = LiveRun(MlflowRegistry(CLOSED, "emendo", 1), run, lambda done, total, text: None, every=0)
    live(1, 3, "")
    first = read_told(run)
    assert first is not None and "cannot be used" in first.fault
    (run / "registry.json").unlink()
    live(2, 3, "")
    assert read_told(run) is None
    ended = live.end()
    assert isinstance(ended, Told) and ended.run == "" and ended.sentence().startswith("the run was not told: ")
    assert read_told(run) == ended


def test_the_names_of_a_workspace_know_no_runs(workspace: Workspace, tmp_path: Path) -> None:
    live = LiveRun(LocalRegistry(workspace), tmp_path, lambda done, total, text: None, every=0)
    live(1, 2, "")
    assert live.end() is None and read_told(tmp_path) is None
