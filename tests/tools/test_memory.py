"""What a process may take. Covers N15."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from emendo.tools import memory
from emendo.tools.memory import UNLIMITED, allowed_memory


def test_the_least_of_all_limits_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    low, none = tmp_path / "low", tmp_path / "none"
    low.write_text("536870912\n")
    none.write_text("max\n")
    monkeypatch.setattr(memory, "OWN", (str(tmp_path / "absent{}"), str(tmp_path / "absent{}")))
    monkeypatch.setattr(memory, "CGROUPS", (str(none), str(tmp_path / "absent")))
    unlimited = allowed_memory()
    monkeypatch.setattr(memory, "CGROUPS", (str(none), str(low)))
    assert allowed_memory() == 536870912 < unlimited <= UNLIMITED


def test_a_limit_of_the_process_counts() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (10**9, 10**9));"
        "from emendo.tools.memory import allowed_memory; print(allowed_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 10**9
