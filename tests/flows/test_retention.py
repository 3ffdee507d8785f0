"""What is too old goes, and nothing that is needed; a call that was cut off is repeated."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.flows.retention import apply
from emendo.learn.round import STARTED
from emendo.monitor import Captures
from emendo.release.lineage import lineage
from emendo.settings import RetentionSettings
from emendo.types import Reading
from emendo.workspace.folder import Workspace

from .erasable import AT, SECRET, full_workspace, holding

ALL = RetentionSettings(capture_pictures_days=5, readings_days=5, pictures_days=5, reports_days=5, runs_days=5)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = full_workspace(tmp_path / "ws")
    old = time.time() - 40 * 86_400
    for path in made.root.rglob("*"):
        if path.is_file() and path.name != "emendo.db":
            os.utime(path, (old, old))
    return made


def test_each_kind_goes_and_what_is_needed_stays(workspace: Workspace) -> None:
    (workspace.datasets / "images" / "zz").mkdir()
    spare = workspace.datasets / "images" / "zz" / "spare.png"
    spare.write_bytes(b"spare")
    old = time.time() - 40 * 86_400
    os.utime(spare, (old, old))
    notes = {p: p.read_bytes() for p in workspace.root.rglob("*") if p.is_file() and ".emendo" not in p.parts}
    with workspace.store() as store:
        line = store.lines("plain")[0]
        store.put_document("again", [])
        with store.transaction() as transaction:
            transaction.add_readings({line.id: Reading("a better reading", 0.9, (), "new")})
            rows = transaction.connection.exec_driver_sql("SELECT count(*) FROM readings").scalar_one()
            transaction.connection.exec_driver_sql("UPDATE readings SET at = '2026-01-01T00:00:00+00:00'")
        (unfinished,) = [run.name for run in workspace.runs.iterdir() if run.name.endswith("child")]
        store.add_event(STARTED, {"dataset": unfinished.partition("-")[0], "run": unfinished, "mark": 1})
    before = lineage(workspace)
    dry = apply(workspace, ALL, captures_days=30, dry=True)
    assert spare.is_file() and Captures(workspace.captures).days()
    done = apply(workspace, ALL, captures_days=30)
    assert (done.counts, done.bytes) == (dry.counts, dry.bytes)
    assert done.counts == {"days of captures": 1, "replaced readings": 1, "pictures of lines": 1}
    assert Captures(workspace.captures).days() == []
    assert not spare.exists()
    assert {p: p.read_bytes() for p in notes} == notes, "the notes are the person's"
    with workspace.store() as store:
        assert store.readings([line.id])[line.id].text == "a better reading"
        assert len(store.readings([one.id for one in store.lines(present=False)])) == rows - 1
    assert lineage(workspace) == before


def test_runs_and_reports_go_when_no_name_or_rollback_leads_to_their_model(workspace: Workspace) -> None:
    workspace.set_champion("base", "for the test")
    workspace.forget_champions(["free", "owing", "child"])
    before = lineage(workspace)
    assert {run.name for run in workspace.runs.iterdir() if (run / "first.log").exists()}
    done = apply(workspace, RetentionSettings(reports_days=5, runs_days=5))
    assert done.counts == {"reports": 3, "runs": 3}
    assert not list(workspace.runs.glob("*/first.log"))
    assert lineage(workspace) == before, "where a model comes from can still be told"
    assert apply(workspace, RetentionSettings(reports_days=5, runs_days=5)).counts == {}


def test_what_is_young_stays(workspace: Workspace) -> None:
    day = datetime(2026, 3, 2, tzinfo=UTC)
    nothing, pictures = RetentionSettings(), RetentionSettings(capture_pictures_days=5)
    assert apply(workspace, pictures, captures_days=90, dry=True, now=day + timedelta(days=9)).counts == {
        "captured pictures": 1
    }
    assert apply(workspace, nothing, captures_days=1, now=day).counts == {}
    assert apply(workspace, nothing, captures_days=1, now=day + timedelta(hours=23)).counts == {}
    assert apply(workspace, nothing, captures_days=1, now=day + timedelta(days=1)).counts != {}


def test_a_call_that_was_killed_is_repeated(workspace: Workspace) -> None:
    captures = Captures(workspace.captures)
    for back in range(1, 6):
        captures.put_image(f"{back}".encode(), AT - timedelta(days=back))

    def log(sentence: str) -> None:
        if "2026-02-26" in sentence:
            os.kill(os.getpid(), signal.SIGKILL)

    child = get_context("fork").Process(target=lambda: apply(workspace, RetentionSettings(), captures_days=30, log=log))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert 0 < len(captures.days()) < 6
    apply(workspace, RetentionSettings(), captures_days=30)
    assert captures.days() == [] and not list(workspace.captures.glob(".partial-*"))


def test_the_command_says_what_would_go(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(workspace.root)]
    (workspace.root / "emendo.toml").write_text("[capture]\ndays = 36500\n")
    assert main(["retention", "apply", *place]) == 0
    assert "nothing was to go" in capsys.readouterr().err
    (workspace.root / "emendo.toml").write_text("[capture]\ndays = 30\n")
    assert main(["retention", "apply", "--dry-run", "--json", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dry_run"] is True and told["kinds"]["days of captures"]["count"] == 1 and told["bytes"] > 0
    assert holding(workspace.captures, SECRET)
    assert main(["retention", "apply", *place]) == 0
    assert "1 days of captures went" in capsys.readouterr().err
    assert not holding(workspace.captures, SECRET)
    (workspace.root / "emendo.toml").write_text("[retention]\nrun_days = 30\n")
    assert main(["retention", "apply", *place]) == 2
    assert "did you mean 'runs_days'" in capsys.readouterr().err
