"""`emendo label` where it cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.workspace.folder import Workspace


def test_label_outside_of_a_workspace_and_without_its_extra(
    tmp_path: Path, drawn_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", str(tmp_path)]) == 2
    assert "is in no workspace" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["label", str(drawn_workspace.root)]) == 2
    assert "pip install 'emendo[web]'" in capsys.readouterr().err
