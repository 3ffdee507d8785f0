"""Training from the page: one process, whoever asks; stopped, cut off, taken up again, given up."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from emendo.errors import Busy, UsageError
from emendo.label.training import LOG, RECORD, Phase, Status, Training
from emendo.learn import round as learning
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry, Store

FAKE = Path(__file__).parents[1] / "web" / "slow_training.py"


def slow(steps: int, seconds: float) -> tuple[str, ...]:
    return (sys.executable, str(FAKE), str(steps), str(seconds), "-")


def correct(workspace: Workspace, count: int) -> None:
    with workspace.store() as store:
        for line in store.lines()[:count]:
            store.add_correction(
                Entry(line=line.id, reading="x", text=f"text {line.number}", verdict=Verdict.EDITED, author="ann")
            )


def until(training: Training, wanted: Callable[[Status], bool], seconds: float = 60) -> Status:
    end = time.monotonic() + seconds
    while not wanted(status := training.status()):
        assert time.monotonic() < end, status
        time.sleep(0.05)
    return status


@pytest.fixture
def workspace(drawn_workspace: Workspace) -> Iterator[Workspace]:
    correct(drawn_workspace, 8)
    yield drawn_workspace
    holder = drawn_workspace.holder(learning.LOCK)
    if holder:
        os.kill(int(holder.split()[0]), signal.SIGKILL)


@pytest.fixture
def store(drawn_workspace: Workspace) -> Iterator[Store]:
    with drawn_workspace.store() as opened:
        yield opened


def test_stopped_it_goes_on_where_it_was_whoever_asks(workspace: Workspace, store: Store) -> None:
    first = Training(workspace, store, slow(300, 0.05))
    before = first.status()
    assert (before.phase, before.waiting, before.run) == (Phase.NONE, 8, "")
    first.start("ann")
    assert first.status().phase is Phase.RUNNING
    with pytest.raises(Busy, match="a training is running already"):
        first.start("bob")
    until(first, lambda status: status.curve.steps >= 2)
    other = Training(workspace, store, slow(300, 0.05))
    assert (other.status().phase, other.status().elsewhere) == (Phase.RUNNING, "")
    other.stop()
    with suppress(UsageError):  # it may have stopped in between
        other.stop()
    stopped = until(other, lambda status: status.phase is Phase.STOPPED)
    steps = stopped.curve.steps
    assert 2 <= steps < 300
    assert not other.go_on(), "nobody wants it"
    again = Training(workspace, store, slow(steps + 2, 0.001))
    again.start("bob")
    done = until(again, lambda status: status.phase is Phase.NONE)
    assert (done.by, done.run, done.waiting, done.ended) == ("bob", stopped.run, 0, "this was only a rehearsal")
    assert [step for step, _ in done.curve.losses] == list(range(1, steps + 3))
    assert any("training on" in line for line in done.log)
    shown = done.to_dict()
    assert (shown["steps"], shown["total"], shown["phase"]) == (steps + 2, steps + 2, "none")


def test_a_server_in_the_background_stops_its_training_too(workspace: Workspace, store: Store) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as `nohup` and `&` of a script leave it
    try:
        one = Training(workspace, store, slow(300, 0.05))
        one.start("ann")
    finally:
        signal.signal(signal.SIGINT, before)
    until(one, lambda status: status.curve.steps >= 2)
    one.stop()
    assert until(one, lambda status: status.phase is Phase.STOPPED).curve.steps < 300


def test_what_the_end_of_a_server_cut_off_goes_on_with_the_next(workspace: Workspace, store: Store) -> None:
    first = Training(workspace, store, slow(300, 0.05))
    first.start("ann")
    begun = until(first, lambda status: status.curve.steps >= 1)
    first.close()
    assert workspace.holder(learning.LOCK) == "", "the run stopped and keeps what it has"
    second = Training(workspace, store, slow(300, 0.05))
    assert second.go_on()
    until(second, lambda status: status.curve.steps > begun.curve.steps + 1)
    assert not Training(workspace, store).go_on(), "it is running"
    os.kill(int(workspace.holder(learning.LOCK).split()[0]), signal.SIGKILL)
    cut = until(second, lambda status: status.phase is Phase.STOPPED)
    third = Training(workspace, store, slow(cut.curve.steps + 1, 0.001))
    assert third.go_on()
    done = until(third, lambda status: status.phase is Phase.NONE)
    assert (done.by, done.run) == ("ann", begun.run)
    assert not Training(workspace, store).go_on(), "it has ended"


def test_what_fails_is_told_and_can_be_given_up(workspace: Workspace, store: Store) -> None:
    training = Training(workspace, store, (sys.executable, "-c", "import sys; sys.exit('error: no room for it')"))
    training.start("ann")
    failed = until(training, lambda status: status.phase is not Phase.RUNNING)
    assert (failed.phase, failed.fault) == (Phase.FAILED, "no room for it")
    training.give_up("ann")
    assert training.status().phase is Phase.NONE
    cut = Training(workspace, store, slow(300, 0.05))
    cut.start("ann")
    until(cut, lambda status: status.curve.steps >= 1)
    with pytest.raises(Busy):
        cut.give_up("ann")
    cut.stop()
    until(cut, lambda status: status.phase is Phase.STOPPED)
    cut.give_up("bob")
    assert (cut.status().phase, cut.status().ended) == (Phase.NONE, "given up by bob")


def test_a_training_of_somebody_else_is_named_and_left_alone(workspace: Workspace, store: Store) -> None:
    training = Training(workspace, store, slow(1, 0))
    with workspace.lock(learning.LOCK):
        status = training.status()
        assert (status.phase, status.elsewhere.split()[0]) == (Phase.RUNNING, str(os.getpid()))
        with pytest.raises(Busy, match=f"process {os.getpid()}"):
            training.start("ann")
        with pytest.raises(UsageError, match="another emendo learns here"):
            training.stop()
    with pytest.raises(UsageError, match="no training is running"):
        training.stop()


def test_too_few_corrections_are_one_sentence(drawn_workspace: Workspace, store: Store) -> None:
    training = Training(drawn_workspace, store, slow(1, 0))
    with pytest.raises(UsageError, match="0 corrected lines cannot train a model, 4 are the fewest; correct more"):
        training.start("ann")
    correct(drawn_workspace, 1)
    with pytest.raises(UsageError, match="1 corrected line cannot"):
        training.start("ann")
    assert training.status().phase is Phase.NONE


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"by": "x"}', b"\xff\xfe"])
def test_a_damaged_record_is_no_wish(workspace: Workspace, store: Store, content: bytes) -> None:
    (workspace.hidden / RECORD).write_bytes(content)
    (workspace.hidden / LOG).write_bytes(b"\xff\nerror: old\n")
    training = Training(workspace, store, slow(1, 0))
    assert training.status().phase is Phase.NONE
    assert not training.go_on()


def test_a_run_that_has_not_come_to_its_lock_yet_is_not_started_twice(workspace: Workspace, store: Store) -> None:
    idle = (sys.executable, "-c", "import time; time.sleep(600)")
    first = Training(workspace, store, command=idle)
    first.start("ann")
    child = first._child
    assert child is not None
    try:
        later = Training(workspace, store, command=idle)  # of the server that was started anew
        assert not later.go_on()
        assert later.status().phase is Phase.RUNNING
        with pytest.raises(Busy, match=f"process {child.pid} "):
            later.start("bob")
    finally:
        child.kill()
        child.wait()
    assert later.status().phase is not Phase.RUNNING
