"""How a step speaks to the command that started the flow: lines of progress, and the error that stopped it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .. import errors
from ..errors import EmendoError
from ..tools.files import write_text

FILE: Final = "fault.json"
_MARK: Final = "\u25b8"
_PAUSE: Final = 0.5
"""Seconds between two lines of progress of one step."""
_LOOK: Final = 1.0


def teller() -> Callable[[int, int, str], None]:
    """A progress callback that prints lines which `heard` understands, not more often than is of use."""
    told = 0.0

    def tell(done: int, total: int, text: str = "") -> None:
        nonlocal told
        now = time.monotonic()
        if done >= total or now - told >= _PAUSE:
            told = now
            sys.stdout.write(f"{_MARK} {done} {total} {' '.join(text.split())}\n")
            sys.stdout.flush()

    return tell


def heard(line: str) -> tuple[int, int, str] | None:
    """What a line of progress says; None for any other line."""
    mark, _, rest = line.partition(" ")
    done, _, rest = rest.partition(" ")
    total, _, text = rest.partition(" ")
    if mark != _MARK or not done.isdecimal() or not total.isdecimal():
        return None
    return int(done), int(total), text


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Leave the error of a step in `out` for the command that waits (see `read`), and let the step fail."""
    try:
        yield
    except EmendoError as error:
        row = {"error": type(error).__name__, "what": error.what, "where": error.where, "line": error.line}
        write_text(out / FILE, json.dumps({**row, "remedy": error.remedy}, ensure_ascii=False) + "\n")
        raise


def read(out: Path) -> EmendoError | None:
    """The error that a step left in `out`, None where none did."""
    try:
        row = json.loads((out / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    kind = getattr(errors, str(row.pop("error")), EmendoError)
    if not (isinstance(kind, type) and issubclass(kind, EmendoError)):
        kind = EmendoError
    return kind(row.pop("what"), **row)


def stay_with_parent() -> None:
    """End this process when the one that started it has gone: a flow that was killed leaves nothing running."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)  # without a word: whoever would hear it is gone, and its pipe would raise

    threading.Thread(target=watch, daemon=True).start()
