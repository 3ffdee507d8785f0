"""The kill -9 harness, shortened; and that it sees what it is there to see."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from crash import Case, run_case, whole_files
from crash_cases import CASES


@pytest.mark.parametrize("name", ["collect", "store", "pointer"])
def test_nothing_is_lost_by_a_kill(tmp_path: Path, name: str) -> None:
    outcome = run_case(CASES[name], 6, 3, tmp_path / "notes")
    assert outcome.faults == []
    assert outcome.kills == 6
    assert outcome.landed >= 1
    assert outcome.acknowledged >= 1


def test_a_torn_file_is_seen(tmp_path: Path) -> None:
    def torn(folder: Path, tell: Callable[[str], None]) -> None:
        for _ in range(2000):
            tell("x")
        (folder / "state.json").write_text('{"half": ')

    def nothing(*_: object) -> list[str]:
        return []

    def make(folder: Path, _r: random.Random) -> None:
        folder.mkdir()

    case = Case("torn", make, lambda *_: None, nothing, nothing, run=torn)
    assert run_case(case, 1, 1, tmp_path / "notes").faults


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.yaml", ".emendo/emendo.db"])
def test_half_files_of_each_kind(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'{"a": [1, ' * 50)
    assert len(whole_files(tmp_path)) == 1
