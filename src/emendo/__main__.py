"""The program `emendo`, also `python -m emendo`: the command line, and what a signal means before and while it runs."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def main() -> int:
    """Run the command of `sys.argv` and return its exit status; 130 after Ctrl-C, 143 after SIGTERM."""
    signal.signal(signal.SIGTERM, _ended)
    try:
        from .cli import main as run

        return run()
    except KeyboardInterrupt:  # while the commands were being imported
        return 130


def _ended(number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the program like an error: what was begun is cleared away, and what it started is stopped."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
