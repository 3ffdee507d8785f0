"""Whole days go, the oldest first; today never does."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.monitor import Captures
from emendo.monitor.retention import prune, sizes
from emendo.workspace.folder import Workspace

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def held(tmp_path: Path) -> Captures:
    captures = Captures(tmp_path / "captures")
    for days in range(5):
        captures.put_image(bytes([days]) * 1000, NOW - timedelta(days))
    return captures


def test_what_is_too_old_goes(held: Captures) -> None:
    said: list[str] = []
    pruned = prune(held, days=3, most_bytes=10**9, today=TODAY, log=said.append)
    assert pruned.days == (date(2026, 11, 25), date(2026, 11, 26)) and (pruned.bytes, pruned.left) == (2000, 3000)
    assert held.days() == [date(2026, 11, 27), date(2026, 11, 28), TODAY]
    assert said[0] == "captures of 2026-11-25 were removed (1,000 bytes): is older than 3 days"
    assert prune(held, days=3, most_bytes=10**9, today=TODAY).days == ()


@pytest.mark.parametrize(("most", "left"), [(5000, 5), (4999, 4), (2500, 2), (10, 1)])
def test_what_is_too_much_goes_but_never_today(held: Captures, most: int, left: int) -> None:
    prune(held, days=365, most_bytes=most, today=TODAY)
    assert list(sizes(held).values()) == [1000] * left and held.days()[-1] == TODAY


def test_what_a_removal_left_behind_when_it_was_cut_off_goes_too(held: Captures) -> None:
    left = held.folder / ".partial-0123456789ab"
    (held.folder / "2026-11-25").rename(left)
    prune(held, days=365, most_bytes=10**9, today=TODAY)
    assert not left.exists() and len(held.days()) == 4


def test_nothing_is_made_where_nothing_was_captured(tmp_path: Path) -> None:
    assert prune(Captures(tmp_path / "none"), days=1, most_bytes=0, today=TODAY).days == ()
    assert not (tmp_path / "none").exists()


def test_the_command_keeps_what_the_settings_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.init(tmp_path / "ws")
    (workspace.root / "emendo.toml").write_text("[capture]\ndays = 2\n", encoding="utf-8")
    captures = Captures(workspace.captures)
    for days in range(4):
        captures.put_image(bytes([days]) * 1000, datetime.now(UTC) - timedelta(days))
    assert main(["monitor", "prune", "--workspace", str(workspace.root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["days"]) == 2 and (said["bytes"], said["left"]) == (2000, 2000)
    assert main(["monitor", "prune", "--workspace", str(workspace.root), "--bytes", "0"]) == 0
    assert "removed: 1 day, 1,000 bytes; left: 1,000 bytes" in capsys.readouterr().err
    assert main(["monitor", "captures", "--workspace", str(workspace.root), "--json"]) == 0
    days = json.loads(capsys.readouterr().out)["days"]
    assert days == [{"day": datetime.now(UTC).date().isoformat(), "truths": 0, "bytes": 1000}]
    assert main(["monitor", "prune", "--workspace", str(tmp_path / "nowhere")]) == 2
