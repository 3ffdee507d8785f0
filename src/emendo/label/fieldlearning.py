"""Learning from corrected documents while the page is served: a process of its own that steps back behind everything.

The process is `emendo learn DIR --fields`. It begins when enough documents were corrected since the last round, and the
gate decides alone whether its model takes over. What is known of it stands in the workspace (the round in the log, what
was printed in `LOG`), so a run that was cut off with its server goes on when the page is served again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ..learn.fields import DONE, documents_waiting, unfinished_fields
from ..learn.round import LOCK
from ..workspace.folder import Workspace
from ..workspace.store import Store

COMMAND = (sys.executable, "-m", "emendo", "learn")
LOG = "learning-fields.log"
NICE = 15
"""How far the run steps back behind those who correct and behind what fills documents in."""
PATIENCE = 15.0
"""Seconds that a closing server waits for a run to write its checkpoint."""
EVERY = 5.0
"""Seconds between two looks at how many documents were corrected."""


@dataclass
class FieldLearning:
    """The learning of one workspace; may be shared by threads. Close it when the server ends.

    `after` is the number of newly corrected documents with which a round begins (0: never).
    """

    workspace: Workspace
    store: Store
    after: int
    command: Sequence[str] = field(default_factory=lambda: COMMAND)
    _child: subprocess.Popen[bytes] | None = None
    _looked: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def look(self) -> bool:
        """Begin a round that is due, or go on with one that was cut off; whether a run was begun now."""
        with self._lock:
            if not self.after or time.monotonic() - self._looked < EVERY:
                return False
            self._looked = time.monotonic()
            if self._running() or self.workspace.holder(LOCK):
                return False
            if self._failed() or (unfinished_fields(self.store) is None and documents_waiting(self.store) < self.after):
                return False
            self._spawn()
            return True

    def status(self) -> dict[str, Any]:
        """For the page: whether it learns now, how many corrections wait for how many, and how the last round ended."""
        ended = self.store.events(DONE, limit=1)
        said = ended[0].data if ended else {}
        return {
            "after": self.after,
            "waiting": documents_waiting(self.store),
            "learns": self._running() or bool(unfinished_fields(self.store) and self.workspace.holder(LOCK)),
            "promoted": said.get("promoted"),
            "reason": str(said.get("reason", "")),
        }

    def close(self) -> None:
        """The server ends: the run stops with a checkpoint, and goes on when the page is served again."""
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE)

    def _running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def _failed(self) -> bool:
        """Whether this server's last run ended without ending its round: it is not begun again and again."""
        child = self._child
        return child is not None and child.poll() is not None and unfinished_fields(self.store) is not None

    def _spawn(self) -> None:
        with (self.workspace.hidden / LOG).open("wb") as log:
            self._child = subprocess.Popen(
                [*self.command, str(self.workspace.root), "--fields", "--threads", "1"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the server is not meant for it
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._child.pid, NICE)
