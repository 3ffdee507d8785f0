"""What the dashboard asks for: figures and pictures of the captures, for reviewers only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emendo.monitor import Captures

from ..drawn import small_workspace
from ..monitor.traffic import fill
from .teams import Team, team_at


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    workspace = small_workspace(tmp_path_factory.mktemp("monitored") / "ws")
    fill(Captures(workspace.captures), datetime.now(UTC), days=3)
    with team_at(workspace) as made:
        yield made


def test_a_reviewer_sees_figures_and_pictures(team: Team) -> None:
    client = team.by("rita")
    shown = client.get("/api/monitor", params={"days": 7}).json()
    assert shown["days"] == 7 and len(shown["traffic"]) == 3 and shown["estimate"]["units"] > 5
    name = next(one["image"] for one in shown["worst"] if one["image"])
    answer = client.get("/api/monitor/picture", params={"name": name})
    assert answer.headers["content-type"] == "image/jpeg" and answer.content[:2] == b"\xff\xd8"


def test_an_annotator_does_not_see_what_others_sent(team: Team) -> None:
    assert team.by("ann").get("/api/monitor").status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/monitor?days=0", 422),
        ("/api/monitor?days=9999", 422),
        ("/api/monitor/picture", 422),
        ("/api/monitor/picture?name=../../emendo.db", 404),
        ("/api/monitor/picture?name=2026-01-01/seen.jsonl", 404),
    ],
)
def test_bad_questions_are_answered_in_a_sentence(team: Team, path: str, status: int) -> None:
    answer = team.by("rita").get(path)
    assert answer.status_code == status and answer.json()["error"]


def test_damaged_estimators_are_said_and_harm_nothing_else(team: Team, tmp_path: Path) -> None:
    path = team.desk.workspace.captures / "estimator.json"
    path.write_text("{")
    try:
        answer = team.by("rita").get("/api/monitor")
        assert answer.status_code == 404 and "emendo monitor calibrate" in answer.json()["error"]
    finally:
        path.unlink()
