"""`emendo serve --capture` in a process of its own: what it read is on the disk after SIGTERM and after kill -9."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.client import Client, ServiceError
from emendo.monitor import Captures
from emendo.workspace.folder import Workspace

from .running import Load, asked, process
from .served import colour_model, png, until


def captured(port: int) -> int:
    """Readings that the service has written."""
    text = asked(port, "GET", "/metrics")[1].decode()
    return int(float(text.partition("\nemendo_captured_total ")[2].partition("\n")[0]))


def test_from_a_reading_to_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.init(tmp_path / "ws")
    place = ["--workspace", str(workspace.root)]
    with process("--model", str(colour_model(tmp_path / "model")), "--capture", "1", *place) as service:
        service.wait_ready()
        client = Client(f"http://127.0.0.1:{service.port}")
        first = client.read(png("fed"), document="one")
        second = client.read(png("gab"), document="two")
        assert client.feedback(first.id, text="fad", author="ann")
        assert not client.feedback(first.id, text="fad", author="ann")
        assert client.feedback(second.id, text="gab", author="ann")
        with pytest.raises(ServiceError, match="there is no answer"):
            client.feedback("0" * 32, text="a")
        client.close()
        os.kill(service.process.pid, signal.SIGTERM)
        status, said = service.end()
        assert status == 0, said
    assert [(one.text, one.document) for one in Captures(workspace.captures).seen()] == [("fed", "one"), ("gab", "two")]
    assert main(["monitor", "captures", *place, "--json"]) == 0
    (day,) = json.loads(capsys.readouterr().out)["days"]
    assert (day["read"], day["pictures"], day["truths"]) == (2, 2, 2) and day["bytes"] > 0
    assert main(["monitor", "collect", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["origins"] == {"corrected": 1, "accepted": 1}


def test_kill_9_tears_nothing_and_loses_what_was_not_written_yet(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "ws")
    options = ("--model", str(colour_model(tmp_path / "model")), "--capture", "1", "--workspace", str(workspace.root))
    before: set[str] = set()
    held = Captures(workspace.captures)
    for _ in range(2):
        with process(*options) as service:
            service.wait_ready()
            load = Load(service.port, png("fed"), 2)
            until(lambda port=service.port: captured(port) >= 20)  # type: ignore[misc]
            least = captured(service.port)
            service.process.kill()
            counts = load.stop()
        rows = {one.id: one for one in held.seen()}
        assert held.torn == 0 and set(rows) > before
        new = set(rows) - before
        # one reading may have been written whose answer did not get out any more
        assert least <= len(new) <= counts["200 fed"] + 2
        assert all(one.text == "fed" and (held.folder / one.image).read_bytes() == png("fed") for one in rows.values())
        before = set(rows)


def test_without_a_workspace_there_is_no_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--workspace", str(tmp_path), "--port", "0", "--capture", "1"]) == 2
    assert "captures are kept in a workspace" in capsys.readouterr().err
    assert main(["serve", "--workspace", str(tmp_path), "--port", "0", "--capture", "1.5"]) == 2
    assert "capture.share" in capsys.readouterr().err
    assert main(["serve", "--workspace", str(tmp_path / "nothing"), "--port", "0"]) == 2
    assert "nothing: is no folder; name the folder of a workspace" in capsys.readouterr().err
