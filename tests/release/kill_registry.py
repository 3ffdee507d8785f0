"""Kills promotions that tell a registry, and checks what is left: `kill_registry.py FOLDER TIMES`.

A child promotes the bundles FOLDER/x, y, z in turn (the gate stands open) with the registry of the environment; the
parent kills it after a random time. Another child then does what the next command does, and looks: the registry's
champion is the workspace's, `previous` the model before, and every version can be fetched whole.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow.pyfunc  # noqa: F401  imported once, before the forks; nothing is connected here

from emendo.errors import Refused
from emendo.models.base import cache_folder
from emendo.models.registry import open_registry
from emendo.release.follow import following
from emendo.release.gate import Decision, Finding
from emendo.release.registry import catch_up
from emendo.workspace.folder import BASE, Workspace

module: Any = importlib.import_module("emendo.release.promote")
NOTHING = SimpleNamespace(samples=())
"""The gate that reads test lines is put aside here."""


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """Run `work` in a child, with the end of a pipe; its process id and our end."""
    out, into = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(out)
        status = 1
        try:
            work(into)
            status = 0
        finally:
            os._exit(status)
    os.close(into)
    return process, out


def promote_on(workspace: Workspace, folder: Path, pipe: int) -> None:
    """Promote for ever."""
    module.gate = lambda *_a, **_k: Decision("b", "a", (Finding("better", True, "better"),))
    os.write(pipe, b".")
    while True:
        for name in "xyz":
            try:
                module.promote(workspace, folder / name, NOTHING)
            except Refused:
                continue


def look(workspace: Workspace, pipe: int) -> None:
    """Whether the registry was behind; what the next command does; then everything must agree."""
    champion, state = workspace.champion(), following(workspace)
    if champion is not None:
        os.write(pipe, b"behind" if state is None or state.fault else b"in step")
        catch_up(workspace)
        registry = open_registry(workspace.settings().registry, workspace)
        entries = registry.entries("notes")
        meant = {alias: one.model for one in entries for alias in one.aliases}
        before = champion.history[-1][0] if champion.history else BASE
        expected = {"champion": champion.model, "previous": before}
        assert meant == {alias: model for alias, model in expected.items() if model != BASE}, (meant, expected)
        assert len({one.model for one in entries}) == len(entries), "a model was registered twice"
        shutil.rmtree(cache_folder() / "registry", ignore_errors=True)
        for entry in entries:
            assert registry.bundle(entry).id == entry.model
        now = following(workspace)
        assert now is not None and not now.fault, now


def main() -> None:
    folder, times = Path(sys.argv[1]), int(sys.argv[2])
    workspace = Workspace.open(folder / "notes")
    chance = random.Random(times)
    seen: list[bytes] = []
    for number in range(times):
        process, pipe = forked(lambda into: promote_on(workspace, folder, into))
        assert os.read(pipe, 1) == b".", "the child did not begin"
        deadline = time.monotonic() + 60
        before = workspace.champion()
        while number % 2 == 0 and workspace.champion() == before and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.3 if number % 2 == 0 else 2.0))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status), "the child ended by itself"
        os.close(pipe)
        process, pipe = forked(lambda into: look(workspace, into))
        seen.append(os.read(pipe, 20))
        _, status = os.waitpid(process, 0)
        assert status == 0, "what was left is not right"
        os.close(pipe)
    print(json.dumps({"kills": times, "behind": seen.count(b"behind"), "in_step": seen.count(b"in step")}))


if __name__ == "__main__":
    main()
