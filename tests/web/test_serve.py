"""The socket, and `emendo label` where it cannot be."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import UsageError
from emendo.tools.listen import bound, listening
from emendo.workspace.folder import Workspace


def test_a_free_port_is_known_before_anything_is_served() -> None:
    with bound("127.0.0.1", 0) as opened:
        host, _, port = listening(opened).rpartition(":")
        assert host == "127.0.0.1" and int(port) > 0


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match=r"cannot listen at 127\.0\.0\.1 port \d+ .*another --port"):
            bound("127.0.0.1", taken.getsockname()[1])


def test_label_outside_of_a_workspace_and_without_its_extra(
    tmp_path: Path, drawn_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", str(tmp_path)]) == 2
    assert "is in no workspace" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["label", str(drawn_workspace.root)]) == 2
    assert "pip install 'emendo[web]'" in capsys.readouterr().err
