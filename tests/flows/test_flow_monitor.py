"""`emendo flow monitor` on captures of two days, and what it says where nothing was captured. Covers A6, A8."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.monitor import Captures, Outcome, Seen, SeenLine
from emendo.workspace.folder import Workspace


def test_what_was_captured_becomes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.init(tmp_path / "notes")
    now = datetime.now(UTC)
    seen = [
        Seen(
            id=f"r{at}",
            at=now - timedelta(days=at % 2),
            kind="line",
            outcome=Outcome.FAILED if at == 9 else Outcome.READ,
            lines=() if at == 9 else (SeenLine("كتاب", 0.5 + at / 20),),
        )
        for at in range(10)
    ]
    Captures(workspace.captures).add(seen)
    command = ["flow", "monitor", "--workspace", str(workspace.root)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["readings"] == 10 and found["alerts"] == []
    days = {row["day"]: row for row in found["seen"]["traffic"]}
    today, yesterday = now.date().isoformat(), (now - timedelta(days=1)).date().isoformat()
    assert days[today]["read"] == 5 and days[yesterday] == {"day": yesterday, "read": 4, "failed": 1, "rejected": 0}
    sure = {row["day"]: row for row in found["seen"]["confidence"]}
    assert sure[today]["lines"] == 5 and sure[today]["mean"] == pytest.approx(0.7)
    page = (workspace.hidden / "flows" / "monitor" / "cards" / "monitor.html").read_text(encoding="utf-8")
    assert "What the service reads" in page and page.count("<polyline") >= 2 and today in page


def test_nothing_captured_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Workspace.init(tmp_path / "notes")
    assert main(["flow", "monitor", "--workspace", str(tmp_path / "notes"), "--days", "3"]) == 2
    assert "nothing was captured in the last 3 days" in capsys.readouterr().err
    assert main(["flow", "monitor", "--workspace", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "is in no workspace" in capsys.readouterr().err
