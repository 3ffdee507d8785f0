"""What goes again: whole days, the oldest first, when they are too old or all together take too much room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ..tools.counts import counted
from ..tools.files import PARTIAL, remove_folder
from .captures import Captures


@dataclass(frozen=True, slots=True)
class Pruned:
    """The days that were removed, the bytes that they took, and the bytes that are left."""

    days: tuple[date, ...]
    bytes: int
    left: int

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"days": [day.isoformat() for day in self.days], "bytes": self.bytes, "left": self.left}


def sizes(captures: Captures) -> dict[date, int]:
    """Bytes of each day, oldest first."""
    return {day: _size(captures.folder / day.isoformat()) for day in captures.days()}


def prune(
    captures: Captures,
    *,
    days: int,
    most_bytes: int,
    today: date,
    log: Callable[[str], None] = lambda _: None,
) -> Pruned:
    """Remove the days before the last `days` (today is one of them), then the oldest until `most_bytes` are kept.

    Today always stays, whatever it takes; each day that goes is told to `log`. Truths lie with the day on which they
    were told, and go with it.
    """
    gone: dict[date, int] = {}
    if not captures.folder.is_dir():
        return Pruned((), 0, 0)
    with captures.lock():
        for left in captures.folder.glob(f"{PARTIAL}*"):  # of a removal that was cut off
            shutil.rmtree(left, ignore_errors=True)
        held = sizes(captures)
        for day, size in list(held.items()):
            old = day <= today - timedelta(days)
            if day < today and (old or sum(held.values()) > most_bytes):
                remove_folder(captures.folder / day.isoformat())
                age = f"is older than {counted(days, 'day')}"
                why = age if old else f"all captures took more than {most_bytes:,} bytes"
                log(f"captures of {day} were removed ({size:,} bytes): {why}")
                gone[day] = held.pop(day)
    return Pruned(tuple(gone), sum(gone.values()), sum(held.values()))


def _size(folder: Path) -> int:
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += _size(Path(entry.path))
                else:
                    total += entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # another process removed it
        pass
    return total
