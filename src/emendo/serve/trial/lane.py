"""Work that nobody waits for, done when there is nothing else to do, and left out when there is too much."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

LEAST_PRIORITY: Final = 19
"""Nice value of the thread: beside a busy reader it gets about a seventieth of a core (Linux, CFS weights)."""
PAUSE: Final = 0.02
"""Seconds after which is looked again whether anybody else is waiting."""


class Lane:
    """One thread that does `work` on what it is offered, one after the other, while `busy` does not hold.

    At most `most` things with `most_bytes` in all wait; further ones are not taken. What `work` raises is for the log.
    """

    def __init__(self, most: int, most_bytes: int, busy: Callable[[], bool], work: Callable[[Any], None]) -> None:
        self._most, self._most_bytes, self._busy, self._work = most, most_bytes, busy, work
        self._waiting: deque[tuple[Any, int]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lane", daemon=True)
        self._thread.start()

    def offer(self, what: Any, size: int) -> bool:
        """Take something of `size` bytes in; whether there was room."""
        with self._changed:
            room = len(self._waiting) < self._most and self._bytes + size <= self._most_bytes
            if room and not self._ended.is_set():
                self._waiting.append((what, size))
                self._bytes += size
                self._changed.notify()
                return True
        return False

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def stop(self) -> None:
        """Drop what waits and end after what is being done; does not wait for it."""
        with self._changed:
            self._ended.set()
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify()

    def _run(self) -> None:
        if sys.platform == "linux":  # elsewhere the priority is that of a process
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_PRIORITY)
        while (what := self._next()) is not None:
            try:
                self._work(what)
            except Exception:
                logging.getLogger("emendo.serve").exception("reading along failed")

    def _next(self) -> Any:
        """The next thing, once nobody else waits; None at the end."""
        while not self._ended.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended.is_set())
            if self._busy():
                self._ended.wait(PAUSE)
                continue
            with self._changed:
                if self._waiting:
                    what, size = self._waiting.popleft()
                    self._bytes -= size
                    return what
        return None
