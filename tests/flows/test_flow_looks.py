"""What the flow `monitor` sees of drawn traffic: errors counted and estimated, drift with its alarm. Covers A8, X6."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.monitored import traffic, truths

from emendo.flows.parts.looks import LOOKS, Found
from emendo.monitor import Captures
from emendo.monitor.baseline import NAME, make_baseline
from emendo.settings import load_settings

SETTINGS = load_settings(environment={})


def look(captures: Captures, name: str) -> Found:
    return LOOKS[name](captures, None, SETTINGS)


@pytest.fixture
def captures(tmp_path: Path) -> Captures:
    return Captures(tmp_path / "captures")


def test_errors_are_counted_where_truths_came_and_estimated_elsewhere(captures: Captures) -> None:
    seen = traffic(30, 1)
    captures.add(seen)
    captures.add_truths(truths(seen[: len(seen) // 2], 10))
    rows = look(captures, "errors")["figures"]
    assert sum(row["pages"] for row in rows) > 0
    assert any(row["counted_cer"] is not None for row in rows)
    guessed = [row for row in rows if row["estimated_cer"] is not None]
    assert guessed and all(row["estimated_low"] <= row["estimated_cer"] <= row["estimated_high"] for row in guessed)


def test_drift_is_an_alert_and_no_baseline_is_silence(captures: Captures) -> None:
    captures.add(traffic(40, 2))
    assert look(captures, "drift") == {"figures": [], "curves": {}, "across": "page", "alerts": []}
    make_baseline(traffic(60, 1), source="letters").write(captures.folder / NAME)
    quiet = look(captures, "drift")
    assert quiet["alerts"] == [] and quiet["figures"] and max(quiet["curves"]["line"]) < 1
    captures.add(traffic(40, 3, first=40, sharpness=150.0))
    loud = look(captures, "drift")
    assert loud["alerts"] and loud["alerts"][0].startswith("ALARM line") and max(loud["curves"]["line"]) >= 1
