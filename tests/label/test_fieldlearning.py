"""Learning that begins by itself while the page is served: when it is due, once, and stopped with the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emendo.label import fieldlearning
from emendo.label.desk import Desk
from emendo.label.fieldlearning import FieldLearning
from emendo.label.intake import take_documents, workspace_of
from emendo.learn.fields import DONE, STARTED
from emendo.types import Verdict
from emendo.workspace.rows import Kind

from ..receipts import receipts

QUICK = "import sys; print(*sys.argv[1:])"
SLOW = """
import signal, sys, time
def stopped(*_):
    print("stopped with a checkpoint", flush=True)
    sys.exit(2)
signal.signal(signal.SIGINT, stopped)
print("begun", flush=True)
time.sleep(60)
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(fieldlearning, "EVERY", 0.0)
    opened = Desk.open(workspace_of(receipts(tmp_path / "shop")))
    take_documents(opened.workspace, opened.store, opened.workspace.root)
    yield opened
    opened.close()


def correct(desk: Desk, count: int) -> None:
    for line in desk.store.lines(kind=Kind.DOCUMENT)[:count]:
        version = len(desk.store.history(line.id))
        text = f'{{"total": "{version + 1}.00"}}'
        desk.save(line.id, text, Verdict.EDITED, expected=version, author="ann")


def learning(desk: Desk, program: str, after: int = 2) -> FieldLearning:
    return FieldLearning(desk.workspace, desk.store, after, (sys.executable, "-c", program))


def log(desk: Desk) -> str:
    return (desk.workspace.hidden / fieldlearning.LOG).read_text()


def until_said(desk: Desk, text: str) -> None:
    end = time.monotonic() + 20
    while text not in log(desk):
        assert time.monotonic() < end, log(desk)
        time.sleep(0.02)


def test_it_begins_when_enough_documents_were_corrected(desk: Desk) -> None:
    one = learning(desk, QUICK)
    correct(desk, 1)
    assert not one.look() and one.status()["waiting"] == 1
    correct(desk, 2)
    assert one.look()
    until_said(desk, f"{desk.workspace.root} --fields --threads 1")
    one.close()


def test_never_means_never(desk: Desk) -> None:
    correct(desk, 3)
    assert not learning(desk, QUICK, after=0).look()


def test_one_runs_at_a_time_and_the_server_takes_it_along(desk: Desk) -> None:
    correct(desk, 2)
    one = learning(desk, SLOW)
    assert one.look() and not one.look() and one.status()["learns"]
    until_said(desk, "begun")
    one.close()
    assert "stopped with a checkpoint" in log(desk) and not one.status()["learns"]


def test_a_run_that_was_cut_off_goes_on_with_the_next_server(desk: Desk) -> None:
    desk.store.add_event(STARTED, {"dataset": "d", "run": "r", "mark": 0})
    one = learning(desk, QUICK)
    assert one.look()  # though nothing is new
    until_said(desk, "--fields")
    one.close()


def test_a_run_that_fails_is_not_begun_again_and_again(desk: Desk) -> None:
    desk.store.add_event(STARTED, {"dataset": "d", "run": "r", "mark": 0})
    one = learning(desk, "raise SystemExit(2)")
    assert one.look()
    while one.status()["learns"]:
        time.sleep(0.02)
    assert not one.look()
    desk.store.add_event(DONE, {"dataset": "d", "run": "r", "mark": 0, "promoted": True, "reason": "better"})
    assert one.status()["promoted"] is True and one.status()["reason"] == "better"


def test_another_process_that_learns_here_is_left_alone(desk: Desk) -> None:
    correct(desk, 3)
    with desk.workspace.lock("learn"):
        assert not learning(desk, QUICK).look()
