"""Pictures that kill or hang whatever opens them, in any Python process that inherits the environment.

`lay` makes a folder for PYTHONPATH whose `sitecustomize` watches which files are opened and whom is spoken to.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SOURCE = """
import os, signal, sys, time

_main = os.getpid()

def _watch(event, args):
    if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        name = os.path.basename(os.fsdecode(args[0]))
        if name.startswith("kill-"):
            os.kill(os.getpid(), signal.SIGSEGV)
        elif name.startswith("hang-"):
            time.sleep(3600)
        elif name.startswith("slow-"):
            time.sleep(0.05)
    elif event == "socket.connect" and isinstance(args[1], tuple):
        with open(os.environ["TRAP_LOG"], "a") as log:
            log.write(f"{args[1]}\\n")

sys.addaudithook(_watch)
"""


def lay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the trap for processes that start from now on; the file that will name every address spoken to."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SOURCE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", "")))))
    monkeypatch.setenv("TRAP_LOG", str(folder / "connections"))
    return folder / "connections"
