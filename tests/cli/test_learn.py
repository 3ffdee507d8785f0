"""`emendo learn`: one round, what it says, and its exit status."""

from __future__ import annotations

import json
from typing import Any

import pytest

import emendo.learn
from emendo.cli import main
from emendo.learn import Round
from emendo.workspace.folder import Workspace


@pytest.mark.parametrize(
    ("promoted", "flags", "status"),
    [(True, [], 0), (False, [], 1), (None, [], 1), (False, ["--no-promote"], 0), (None, ["--no-promote"], 1)],
)
def test_exit_status_says_whether_a_model_came_of_it(
    drawn_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    promoted: bool | None,
    flags: list[str],
    status: int,
) -> None:
    asked: dict[str, Any] = {}

    def learn(workspace: Workspace, _: Any, **given: Any) -> Round:
        asked.update(given)
        given["log"]("a sentence")
        return Round("d", "d-1", promoted, "the reason")

    monkeypatch.setattr(emendo.learn, "learn", learn)
    assert main(["learn", str(drawn_workspace.root), "--json", "--recipe", "small", *flags]) == status
    out, err = capsys.readouterr()
    assert json.loads(out) == {"dataset": "d", "run": "d-1", "promoted": promoted, "reason": "the reason"}
    assert err == "a sentence\n"
    assert (asked["recipe"], asked["put_in_use"]) == ("small", not flags)


def test_a_workspace_without_corrections_has_nothing_to_learn(
    drawn_workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn", str(drawn_workspace.root), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "there are no corrections yet"
    assert main(["learn", str(drawn_workspace.root.parent)]) == 2
