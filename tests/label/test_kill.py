"""kill -9 of changes of a page's lines (`KILLS` of them; `benchmarks/crash.py --case layout` does 200)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from crash import run_case
from crash_layout import LAYOUT


def test_a_killed_change_leaves_files_and_database_that_fit(tmp_path: Path) -> None:
    outcome = run_case(LAYOUT, int(os.environ.get("KILLS", "3")), 5, tmp_path / "notes")
    assert outcome.faults == []
    assert outcome.landed >= 1
