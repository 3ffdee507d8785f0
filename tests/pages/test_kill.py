"""kill -9 of `read` at random moments (`KILLS` of them; `benchmarks/crash.py --case read` does 200)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from crash import run_case
from crash_read import READ


def test_a_killed_reading_leaves_whole_files_and_goes_on(tmp_path: Path) -> None:
    outcome = run_case(READ, int(os.environ.get("KILLS", "3")), 7, tmp_path / "notes")
    assert outcome.faults == []
    assert outcome.landed >= 1
    assert outcome.leftovers == 0
