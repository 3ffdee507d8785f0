"""What the monitor wrote is shown as it is now, and what is no state is not."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from emendo.monitor.state import FILE, Watch


def test_what_stands_there_is_read_again_when_it_changes(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    assert watch.state() is None and watch.age() == math.inf
    (tmp_path / FILE).write_text(
        json.dumps(
            {"alerts": [{"name": "drift", "since": "x"}, "cer", {}], "measures": {"cer": 0.05, "name": "x", "on": True}}
        )
    )
    state = watch.state()
    assert state is not None and state.alerts == ("drift", "cer") and state.measures == {"cer": 0.05}
    assert watch.age() < 600
    (tmp_path / FILE).write_text(json.dumps({"alerts": []}))
    os.utime(tmp_path / FILE, (1, 1))
    state = watch.state()
    assert state is not None and state.alerts == () and watch.age() > 1e9
    (tmp_path / FILE).unlink()
    assert watch.state() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_state_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert Watch(tmp_path).state() is None
