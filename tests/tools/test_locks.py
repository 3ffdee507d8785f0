"""Locks between processes."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from emendo.tools.locks import held


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    order: list[str] = []
    got = threading.Event()

    def second() -> None:
        with held(tmp_path / "lock"):
            order.append("second")
            got.set()

    with held(tmp_path / "lock"):
        other = threading.Thread(target=second)
        other.start()
        assert not got.wait(0.1)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


def test_a_holder_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        with held(tmp_path / "lock"):
            os.write(into, b".")
            signal.pause()
    assert os.read(out, 1) == b"."
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with held(tmp_path / "lock"):
        os.close(out)
    os.close(into)
