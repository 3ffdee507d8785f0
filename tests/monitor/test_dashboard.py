"""What the dashboard is told: every figure follows from the captures, and an empty folder is no fault."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emendo.errors import BadInput
from emendo.monitor import Captures
from emendo.monitor.dashboard import alerts, overview, picture

from .traffic import ODD, fill

NOW = datetime(2026, 3, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Captures:
    found = Captures(tmp_path_factory.mktemp("captures"))
    fill(found, NOW)
    return found


def test_traffic_and_error_rates_follow_from_the_captures(held: Captures) -> None:
    shown = json.loads(json.dumps(overview(held, NOW)))
    assert len(shown["traffic"]) == len(shown["timeline"]) == 14
    first, last = shown["traffic"][0], shown["traffic"][-1]
    assert (first["read"], first["rejected"], first["lines"]) == (4, 1, 48)
    assert last["not_read"] == 0.5 and last["doubt"] > 1.5 * first["doubt"]
    assert last["quality"]["sharpness"] < first["quality"]["sharpness"]
    assert shown["counted"]["pages"] == 7
    assert shown["timeline"][-1]["estimate"]["cer"] > shown["timeline"][1]["estimate"]["cer"]
    assert shown["timeline"][0]["counted"] and not shown["timeline"][1]["counted"]
    assert shown["reasons"][0] == ["is no image", 14]


def test_the_last_days_are_held_against_those_before(held: Captures) -> None:
    shown = overview(held, NOW)
    now, before = shown["confidence"]["now"], shown["confidence"]["before"]
    assert sum(now) == pytest.approx(1) and sum(now[:1]) > sum(before[:1])
    odd = next(one for one in shown["characters"] if one["character"] == ODD)
    assert odd["before"] == 0 and odd["now"] > 10


def test_the_worst_documents_come_first_with_their_pictures(held: Captures) -> None:
    shown = overview(held, NOW)
    rates = [one["estimate"]["cer"] for one in shown["worst"]]
    assert rates == sorted(rates, reverse=True) and shown["worst"][0]["document"].split()[1] in {"0", "1", "2", "3"}
    assert all(picture(held, one["image"]).is_file() for one in shown["worst"] if one["image"])
    assert any(one["image"] for one in shown["worst"])
    assert [one["model"] for one in shown["models"]] == ["base-hand@4567", "base-hand@0123"]


def test_only_the_days_asked_for_are_counted(held: Captures) -> None:
    shown = overview(held, NOW, days=3)
    assert len(shown["traffic"]) == 3 and shown["from"] == "2026-03-18"
    assert overview(held, NOW, days=10**6)["days"] == 366


def test_nothing_captured_is_no_fault(tmp_path: Path) -> None:
    shown = overview(Captures(tmp_path / "none"), NOW)
    assert shown["images"] == 0 and shown["estimate"] is None and shown["worst"] == [] and shown["alerts"] == []


@pytest.mark.parametrize(
    "name", ["", "../x", "2026-03-20/images/../../seen.jsonl", "2026-03-20/images/" + "0" * 32 + ".png"]
)
def test_only_pictures_of_the_captures_are_shown(held: Captures, name: str) -> None:
    with pytest.raises(BadInput, match="no picture"):
        picture(held, name)


def test_alerts_come_from_the_last_look_and_a_damaged_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "monitor.json"
    path.write_text(json.dumps({"alerts": [{"name": "doubt", "since": "2026-03-20", "message": "rose", "more": 1}]}))
    assert alerts(path) == [{"name": "doubt", "since": "2026-03-20", "message": "rose"}]
    for content in ("{", "[]", '{"alerts": [1]}'):
        path.write_text(content)
        assert "cannot be read" in alerts(path)[0]["message"]
