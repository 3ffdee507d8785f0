"""The agent that stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import Busy, UsageError
from emendo.serve.sync.daemon import status_page, wait_after
from emendo.serve.sync.device import EVENTS_BYTES, State, Status
from emendo.settings import ChannelSettings

from .devices import QUICK, World
from .hostile import Mischief, serving


def test_waits_grow_with_failures_up_to_a_bound_and_never_meet() -> None:
    settings = ChannelSettings(interval_seconds=900, jitter=0.2, retry_seconds=30, longest_wait_seconds=3600)
    assert [wait_after(failures, settings, 0) for failures in range(9)] == [
        900, 30, 60, 120, 240, 480, 960, 1920, 3600,
    ]  # fmt: skip
    assert wait_after(10_000, settings, 1) == pytest.approx(3600 * 1.2)
    assert wait_after(0, settings, -1) == pytest.approx(720)


def daemon(world: World, url: str, *more: str) -> subprocess.Popen[str]:
    values = {**QUICK, "stall_seconds": 20, "url": url, "interval_seconds": 0.2, "retry_seconds": 0.2}
    section = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    (world.workspace.root / "emendo.toml").write_text(f"[channel]\n{section}")
    return subprocess.Popen(
        [sys.executable, "-m", "emendo", "sync", "--workspace", str(world.workspace.root), *more],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_stays_takes_what_comes_tells_and_ends_when_asked(world: World) -> None:
    process = daemon(world, str(world.publisher.channel.folder), "--listen", "127.0.0.1:0")
    assert process.stderr is not None
    try:
        address = process.stderr.readline().strip().removeprefix("status at ")
        world.publisher.release("second")
        for line in process.stderr:
            if line.startswith("installed"):
                break
        until = time.monotonic() + 30
        while time.monotonic() < until:
            told = json.loads(urllib.request.urlopen(address, timeout=10).read())
            if told["model"] == world.second and told["next"]:
                break
            time.sleep(0.05)
        assert (told["state"], told["model"], told["failures"]) == ("up to date", world.second, 0)
        with pytest.raises(Busy, match="sync"):
            world.look()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr.read().endswith("stopped\nmodel in use: " + world.second + "\n")
    finally:
        process.kill()
        process.communicate()


def test_asked_to_end_in_the_middle_it_leaves_the_part_for_the_next_start(world: World) -> None:
    world.publisher.release("second")
    with serving(world.publisher.channel.folder) as server:
        server.mischief = Mischief("targets/", stall=True)
        process = daemon(world, server.url)
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until and not any("targets/" in path for path, _ in server.asked):
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            server.closing.set()
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert world.read() == "abdge"
        server.mischief = Mischief()
        assert world.look(url=server.url).model == world.second


def test_the_page_knows_one_address(world: World) -> None:
    device = world.device()
    with status_page(device, "127.0.0.1:0", print) as port:
        told = Status.model_validate_json(urllib.request.urlopen(f"http://127.0.0.1:{port}/status").read())
        assert told.model == world.first
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/../emendo.toml")
        with (
            pytest.raises(UsageError, match="cannot listen"),
            status_page(device, f"127.0.0.1:{port}", print),
        ):
            pass
    with pytest.raises(UsageError, match="no address to listen at"), status_page(device, "somewhere", print):
        pass


def test_a_bad_address_is_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.workspace.root / "emendo.toml").write_text('[channel]\nurl = "x"\n')
    assert main(["sync", "--listen", "x:y", "--workspace", str(world.workspace.root)]) == 2
    assert "no address to listen at" in capsys.readouterr().err


def test_the_log_is_halved_and_a_torn_line_stays_one_line(world: World) -> None:
    device = world.device()
    path = device.folder / "events.jsonl"
    with path.open("a") as stream:
        stream.write('{"at": "2026')
    device.log("offline", "after a crash")
    assert [event["event"] for event in device.events()] == ["installed", "offline"]
    path.write_bytes(b"x" * (EVENTS_BYTES + 1))
    device.log("offline", "again")
    assert path.with_name("events.jsonl.1").stat().st_size == EVENTS_BYTES + 1
    assert [event["what"] for event in device.events()] == ["again"]


def test_an_error_of_the_system_is_told_and_nothing_changes(world: World) -> None:
    metadata = world.device().metadata
    metadata.rename(metadata.with_name("aside"))
    metadata.touch()
    status = world.look()
    assert (status.state, status.model) == ("system error", world.first)
    assert world.events()[-1] == "system error"
    metadata.unlink()
    assert world.look().state == "up to date"


def test_a_damaged_memory_is_a_fresh_one(world: World) -> None:
    world.device().folder.joinpath("state.json").write_text('{"release": 1')
    world.device().folder.joinpath("status.json").write_bytes(b"\xff")
    assert world.device().state() == State()
    assert world.look().model == world.first
    release = world.device().state().release
    assert release is not None
    assert release.bundle == world.first
