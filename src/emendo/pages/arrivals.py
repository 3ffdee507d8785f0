"""Files on their way: in a synced or shared folder a document can be there and not be whole yet."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PARTIAL = re.compile(
    r"""^( \.syncthing\..*\.tmp | ~syncthing~.*\.tmp | \.~.* | ~\$.* | .*~ | \.goutputstream-.* | \.nfs.*
        | .*\.(part|partial|crdownload|download|tmp|temp|opdownload|filepart|!sync|ocTransferId\w*) )$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Names that browsers, sync clients and editors give to files that are not whole."""


EMPTY = 3.0
"""An empty file is waited for this many times as long: a sync client may make it before its content comes."""


def is_partial(name: str) -> bool:
    """Whether a file name says that the file is still being written."""
    return PARTIAL.match(name) is not None


def is_settled(path: Path, seconds: float, *, now: float | None = None) -> bool:
    """Whether a file has not changed for `seconds`, an empty one for three times as long; False when it is gone.

    A time of change in the future (another machine's clock) counts as settled once it is that far away.
    """
    try:
        status = path.stat()
    except OSError:
        return False
    age = (time.time() if now is None else now) - max(status.st_mtime, status.st_ctime)
    return abs(age) >= (seconds if status.st_size else EMPTY * seconds)


def wait_settled(
    paths: Sequence[Path], seconds: float, *, patience: float = 4.0, sleep: Callable[[float], None] = time.sleep
) -> tuple[list[Path], list[Path]]:
    """Wait until files have settled, for at most `patience` times `seconds`: (settled, still arriving)."""
    waiting, settled = list(paths), []
    deadline = time.monotonic() + patience * seconds
    while waiting:
        settled += [path for path in waiting if is_settled(path, seconds)]
        waiting = [path for path in waiting if path not in settled]
        if not waiting or time.monotonic() >= deadline:
            break
        sleep(max(0.05, seconds / 10))
    return [path for path in paths if path in settled], waiting
