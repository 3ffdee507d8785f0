"""A new model proves good in use, or is rolled back by itself."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from emendo.models.bundle import Bundle
from emendo.serve.sync import install, note_end, note_good, note_start
from emendo.serve.sync.faults import Fault
from emendo.serve.sync.marks import watch_starts
from emendo.workspace.folder import PROMOTING, Workspace

from .devices import World


def using(world: World, then: str) -> tuple[int, str]:
    """A process that starts to use the model, and what it was told to use; `then`: crash, good, end or stay."""
    out, into = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(into, note_start(world.workspace).encode())
            if then == "good":
                note_good(world.workspace)
            if then == "end":
                note_end(world.workspace)
            if then == "stay":
                signal.pause()
        finally:
            os._exit(1)
    os.close(into)
    told = os.read(out, 100).decode()
    os.close(out)
    if then != "stay":
        os.waitpid(process, 0)
    return process, told


def started(world: World, then: str = "crash") -> str:
    return using(world, then)[1]


@pytest.fixture(scope="module")
def made_newer(made_world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A device that has just taken the second release."""
    world = made_world.copy(tmp_path_factory.mktemp("newer") / "world")
    world.publisher.release("second")
    assert world.look().model == world.second
    return world


@pytest.fixture
def newer(made_newer: World, tmp_path: Path) -> World:
    return made_newer.copy(tmp_path / "newer")


def test_three_starts_that_come_to_nothing_roll_back(newer: World) -> None:
    assert [started(newer) for _ in range(4)] == [newer.second] * 3 + [newer.first]
    assert newer.read() == "abdge"
    (bad,) = newer.device().state().bad
    assert (bad.bundle, bad.fault) == (newer.second, Fault.CRASH_LOOP)
    assert newer.look().model == newer.first, "and it is not taken again"
    newer.publisher.release("third")
    assert newer.look().model == newer.third


def test_the_next_look_rolls_back_too(newer: World) -> None:
    for _ in range(3):
        started(newer)
    status = newer.look()
    assert status.model == newer.first
    assert "crash loop" in newer.events()


def test_once_good_is_good(newer: World) -> None:
    assert [started(newer, "good"), *(started(newer) for _ in range(4))] == [newer.second] * 5
    assert newer.look().model == newer.second


def test_the_last_good_model_stays_though_a_doubtful_one_came_after_it(newer: World) -> None:
    newer.workspace.restore_champion()
    assert started(newer, "good") == newer.first
    newer.workspace.set_champion(newer.second)
    newer.publisher.release("third")
    assert newer.look().model == newer.third
    for _ in range(3):
        started(newer)
    assert newer.look(url=str(newer.folder / "away")).model == newer.first


def test_who_ends_as_he_should_counts_for_nothing(newer: World) -> None:
    assert [started(newer, "end") for _ in range(4)] == [newer.second] * 4


def test_many_workers_that_live_are_no_crash_loop(newer: World) -> None:
    workers = [using(newer, "stay") for _ in range(3)]
    assert [model for _, model in workers] == [newer.second] * 3
    assert not watch_starts(newer.device())
    for process, _ in workers:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    assert watch_starts(newer.device())


def test_a_model_that_came_from_elsewhere_is_not_touched(world: World) -> None:
    world.workspace.set_champion(world.first, "promoted by hand")
    world.workspace.restore_champion()
    world.workspace.set_champion("base", "by hand")
    assert [started(world) for _ in range(4)] == ["base"] * 4


def test_without_a_channel_nothing_is_noted(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "plain")
    assert note_start(workspace) == "base"
    note_good(workspace)
    note_end(workspace)
    assert not (workspace.hidden / "sync").exists()


def test_while_somebody_promotes_the_roll_back_waits(newer: World) -> None:
    for _ in range(3):
        started(newer)
    with newer.workspace.lock(PROMOTING):
        assert not watch_starts(newer.device())
        assert newer.look().state == Fault.BUSY
    assert newer.look().model == newer.first


def test_a_model_that_fails_its_self_test_later_is_rolled_back(newer: World) -> None:
    lines = newer.device().tests / newer.second / "lines.json"
    lines.write_text(lines.read_text().replace("gfedcba", "abcdefg"))
    assert newer.look().model == newer.second, "not due yet"
    status = newer.look(check_hours=0)
    assert status.model == newer.first
    assert [one.fault for one in status.bad] == [Fault.SELF_TEST]


def test_a_model_that_passes_later_stays(newer: World) -> None:
    before = newer.device().state().release
    assert before is not None
    newer.device().update(
        lambda state: state.model_copy(
            update={"release": before.model_copy(update={"checked": "2026-01-01T00:00:00+00:00"})}
        )
    )
    assert newer.look().model == newer.second
    after = newer.device().state().release
    assert after is not None
    assert after.checked >= before.checked


def test_a_model_that_rots_on_the_disk_is_replaced_and_fetched_again(newer: World) -> None:
    path = newer.workspace.models / newer.second / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    status = newer.look()
    assert "damaged model" in newer.events()
    assert status.model == newer.second
    assert newer.read() == "badge"
    assert status.bad == ()


def test_a_model_that_the_disk_cannot_read_any_more_is_given_back(
    newer: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = install.read_bundle

    def failing(folder: Path) -> Bundle:
        if folder.name == newer.second:
            raise OSError(errno.EIO, "Input/output error", str(folder))
        return really(folder)

    monkeypatch.setattr(install, "read_bundle", failing)
    status = newer.look(url=str(newer.folder / "away"))
    assert status.model == newer.first
    assert "damaged model" in newer.events()


def test_a_roll_back_passes_over_what_is_damaged(newer: World) -> None:
    (newer.workspace.models / newer.first / "model.onnx").unlink()
    for _ in range(3):
        started(newer)
    assert newer.look(url=str(newer.folder / "away")).model == "base"
