"""Kills promotions at random points and checks what is left: `python tests/release/kill.py FOLDER TIMES`.

A child process promotes the bundles FOLDER/x, y, z in turn (the gate stands open) and says so through a pipe; the
parent kills it after a random time and looks: the champion is a whole model: the last one acknowledged, or the next.
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
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from emendo.errors import Refused
from emendo.models.bundle import read_bundle
from emendo.release.gate import Decision, Finding
from emendo.workspace.folder import Workspace

module: Any = importlib.import_module("emendo.release.promote")
NAMES = "xyz"
NOTHING = SimpleNamespace(samples=())
"""The gate that reads test lines is put aside here."""


def child(workspace: Workspace, folder: Path, pipe: int) -> None:
    """Promote for ever."""
    module.gate = lambda *_a, **_k: Decision("b", "a", (Finding("better", True, "better"),))
    module.log_event(workspace, "started", {})
    os.write(pipe, b".")
    while True:
        for name in NAMES:
            try:
                module.promote(workspace, folder / name, NOTHING)
            except Refused:
                continue
            os.write(pipe, name.encode())


def killed(workspace: Workspace, folder: Path, wait: float, *, after_first: bool) -> bytes:
    """Run a child, kill it `wait` seconds after it began (or first promoted), and return what it acknowledged."""
    out, into = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(out)
        try:
            child(workspace, folder, into)
        finally:
            os._exit(1)
    os.close(into)
    assert os.read(out, 1) == b".", "the child did not begin"
    told = os.read(out, 1) if after_first else b""
    time.sleep(wait)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), "the child ended by itself"
    while piece := os.read(out, 4096):
        told += piece
    os.close(out)
    return told


def check(workspace: Workspace, told: bytes) -> str:
    """The name of the champion; AssertionError when something is wrong."""
    champion = workspace.champion()
    assert champion is not None
    bundle = read_bundle(workspace.models / champion.model)
    assert bundle.id == champion.model
    if told:
        last = told.decode()[-1]
        following = NAMES[(NAMES.index(last) + 1) % len(NAMES)]
        assert bundle.info.name in (last, following), f"{last} was acknowledged, {bundle.info.name} is champion"
    for model in workspace.models.iterdir():
        if model.is_dir() and not model.name.startswith("."):
            assert read_bundle(model).id == model.name
    return bundle.info.name


def forget(workspace: Workspace, chance: random.Random) -> None:
    """Remove some models that are not in use, so that later promotions have to copy them again."""
    champion = workspace.champion()
    for model in workspace.models.iterdir():
        if model.is_dir() and champion and model.name != champion.model and chance.random() < 0.7:
            shutil.rmtree(model)


def main() -> None:
    folder, times = Path(sys.argv[1]), int(sys.argv[2])
    workspace = Workspace.open(folder / "notes")
    chance = random.Random(times)
    told, seen = 0, set()
    for number in range(times):
        forget(workspace, chance)
        acknowledged = killed(workspace, folder, chance.uniform(0, 0.2), after_first=number % 2 == 0)
        told += len(acknowledged)
        seen.add(check(workspace, acknowledged))
    print(json.dumps({"kills": times, "acknowledged": told, "champions": sorted(seen)}))


if __name__ == "__main__":
    main()
