"""The service in a process of its own: signals, overload, clients that leave, and how it starts and ends."""

from __future__ import annotations

import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.release.promote import install
from emendo.workspace.folder import Workspace

from .running import Load, asked, process
from .served import colour_model, png, until


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(colour_model(tmp_path_factory.mktemp("models") / "model"))


def test_told_to_stop_under_load_it_ends_what_it_accepted(model: str) -> None:
    with process("--model", model) as service:
        service.wait_ready()
        load = Load(service.port, png("abcdefg"), 6)
        until(lambda: load.counts["200 abcdefg"] > 10)
        service.process.send_signal(signal.SIGTERM)
        status, said = service.end()
        counts = load.stop()
    assert (status, said) == (0, "stopped\n")
    assert counts["200 abcdefg"] > 0 and counts["503"] > 0
    assert set(counts) <= {"200 abcdefg", "503", "refused", "reset"}, counts


def test_told_to_stop_while_it_warms_up_it_ends_in_order() -> None:
    """The run time is at work in a thread then: ending around it would be an abort."""
    for pause in (0.0, 1.0, 2.0):
        with process("--kinds", "line,page") as service:
            time.sleep(pause)
            service.process.send_signal(signal.SIGTERM)
            status, said = service.end()
        assert (status in {0, 143}, "terminate" in said) == (True, False), (status, said)


def test_a_champion_that_changes_under_load_costs_no_request(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "ws")
    names = [
        install(workspace, colour_model(tmp_path / name, name=name, wrong=wrong)).id
        for name, wrong in (("right", None), ("wrong", {"a": "b"}))
    ]
    (workspace.root / "emendo.toml").write_text("[serve]\npoll_seconds = 0.1\n", encoding="utf-8")
    workspace.set_champion(names[0])
    with process("--workspace", str(workspace.root)) as service:
        service.wait_ready()
        load = Load(service.port, png("ab"), 4)
        workspace.set_champion(names[1])
        until(lambda: names[1].encode() in service.get("/v1/model")[1])
        until(lambda: load.counts["200 ba"] > 0)
        counts = load.stop()
    assert set(counts) == {"200 ab", "200 ba"}


def test_under_overload_there_are_only_readings_and_503_and_then_all_is_well(model: str) -> None:
    with process("--model", model, "--queue", "4", "--workers", "1") as service:
        service.wait_ready()
        load = Load(service.port, png("abcdefg" * 20), 24)
        longest = 0.0
        for _ in range(10):
            text = service.get("/metrics")[1].decode()
            longest = max(longest, float(text.partition("\nemendo_queue_length ")[2].partition("\n")[0]))
            time.sleep(0.1)
        counts = load.stop()
        assert asked(service.port, "POST", "/v1/read", png("a"))[0] == 200
    assert set(counts) == {"200 " + "abcdefg" * 20, "503"} and 0 < longest <= 4


def test_a_client_that_leaves_takes_its_waiting_work_with_it(model: str) -> None:
    with process("--model", model, "--workers", "1") as service:
        service.wait_ready()
        body = png("abcdefg" * 200)
        head = f"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Length: {len(body)}\r\n\r\n"
        left = []
        for _ in range(30):
            opened = socket.create_connection(("127.0.0.1", service.port))
            opened.sendall(head.encode() + body)
            left.append(opened)
        for opened in left:
            opened.close()
        quiet = ("emendo_queue_length 0.0", "emendo_reading 0.0", "emendo_held_bytes 0.0")
        until(lambda: all(line in service.get("/metrics")[1].decode() for line in quiet))
        text = service.get("/metrics")[1].decode()
        assert float(text.partition("\nemendo_cancelled_total ")[2].partition("\n")[0]) > 0
        assert 'status="499"' in text


def test_a_request_that_never_ends_is_given_up(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMENDO_SERVE__BODY_SECONDS", "0.3")
    with process("--model", model) as service:
        service.wait_ready()
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as opened:
            opened.sendall(b"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % service.port)
            opened.sendall(b"Content-Length: 100\r\n\r\nabc")
            answer = opened.recv(10_000)
            while not answer.endswith(b"}}"):
                answer += opened.recv(10_000)
        for begun in (b"", b"POST /v1/read HTTP/1.1\r\nHost: "):
            with socket.create_connection(("127.0.0.1", service.port), timeout=20) as opened:
                opened.sendall(begun)
                assert opened.recv(10_000) == b"", "closed"
        assert service.get("/healthz")[0] == 200
    assert b" 408 " in answer and b"the request did not arrive within 0.3 s" in answer


def test_a_model_that_is_not_there_ends_it_with_one_line(tmp_path: Path) -> None:
    with process("--model", str(tmp_path / "nothing")) as service:
        status, said = service.end()
    assert status == 2 and said.startswith("error: no model") and said.count("\n") == 1


def test_without_its_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert main(["serve"]) == 2
    assert "pip install 'emendo[serve]'" in capsys.readouterr().err


def test_a_key_is_made_on_the_command_line_and_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    command: list[Any] = ["api-key", str(file), "--name", "ann", "--role", "admin"]
    assert main(command) == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("emendo_") and key not in file.read_text() and file.read_text().startswith("admin ann ")
    assert main(command) == 2
    assert "'ann' has a key already" in capsys.readouterr().err
