"""A training run that is started from the page: a process of its own, so that it outlives a closed tab.

The process is `emendo learn DIR --no-promote`, and everything that is known of it stands in the workspace: the round in
the log, the run's curve, what it printed (`training.log`), and who wants it (`training.json`). So it does not matter
who asks or which process serves the page: a run whose server was killed goes on, and one that was cut off with its
server (both machines off, say) goes on from its last checkpoint when the page is served again.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any

from ..correct import samples
from ..errors import Busy, UsageError
from ..learn import corrections_waiting, give_up, unfinished
from ..learn.round import DONE, LOCK
from ..tools.files import write_text
from ..train.curve import Curve, read_curve
from ..train.selection import LEAST_LINES
from ..workspace.folder import Workspace
from ..workspace.store import Store

COMMAND = (sys.executable, "-m", "emendo", "learn")
RECORD, LOG = "training.json", "training.log"
POINTS = 300
"""Losses of the curve that are told at most."""
LOG_LINES = 40
PATIENCE = 15.0
"""Seconds that a closing server waits for a run to write its checkpoint."""
NICE = 10
"""How far the run steps back behind those who correct."""
FAULT = "error: "


class Phase(StrEnum):
    """Where a run is: none, running, asked to stop, stopped (it can go on), or failed (likewise)."""

    NONE = "none"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants the run since when, in which process it is, and whether it is to go on."""

    by: str
    at: str
    pid: int = 0
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Status:
    """What the page shows of the training.

    `elsewhere` names another process (`emendo watch`, say) that learns here. `waiting` counts corrections that no round
    has seen (0 while one runs). `run` is the one at hand, else the last one; `ended` says how that ended.
    """

    phase: Phase
    by: str = ""
    at: str = ""
    run: str = ""
    curve: Curve = field(default_factory=Curve)
    log: tuple[str, ...] = ()
    fault: str = ""
    elsewhere: str = ""
    waiting: int = 0
    ended: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        curve = self.curve.thinned(POINTS)
        values = {name: getattr(self, name) for name in self.__slots__ if name not in ("curve", "phase", "log")}
        shown = {"steps": self.curve.steps, "total": curve.total, "losses": curve.losses, "cers": curve.cers}
        return {**values, "phase": self.phase.value, "log": list(self.log), **shown}


@dataclass
class Training:
    """The training of one workspace; may be shared by threads. Close it when the server ends."""

    workspace: Workspace
    store: Store
    command: Sequence[str] = field(default_factory=lambda: COMMAND)
    _child: subprocess.Popen[bytes] | None = None
    _lock: Lock = field(default_factory=Lock)

    def start(self, by: str) -> None:
        """Begin a round, or go on with one that was cut off.

        Raises Busy when somebody learns here already, UsageError when there are too few corrections.
        """
        with self._lock:
            holder = self._holder()
            if holder:
                raise Busy(f"a training is running already (process {holder})", remedy="wait for it to end or stop it")
            self._check()
            self._spawn(by)

    def stop(self) -> None:
        """Ask the run to stop after the step at hand; it keeps a checkpoint. Raises UsageError when none is ours."""
        with self._lock:
            wish, holder = self._wish(), self._holder()
            if not holder:
                raise UsageError("no training is running")
            if not _is_ours(wish, holder):
                what = f"another emendo learns here (process {holder})"
                raise UsageError(what, remedy="stop it where it was started")
            if wish.wanted:  # a second signal would end it at once, without a checkpoint
                self._remember(Wish(wish.by, wish.at, wish.pid, wanted=False))
                os.kill(wish.pid, signal.SIGINT)

    def go_on(self) -> bool:
        """Take up a run that was cut off while somebody wanted it; whether there was one."""
        with self._lock:
            wish = self._wish()
            if not wish.wanted or self._holder():
                return False
            ended = self.store.events(DONE, limit=1)
            if unfinished(self.store) is not None and not (ended and ended[0].at > datetime.fromisoformat(wish.at)):
                self._spawn(wish.by)
                return True
        return False

    def give_up(self, by: str) -> None:
        """Leave a run that was cut off as it is, so that the next start begins anew. Raises Busy when it is running."""
        with self._lock:
            give_up(self.workspace, f"given up by {by}")
            (self.workspace.hidden / RECORD).unlink(missing_ok=True)

    def status(self) -> Status:
        """How it stands."""
        with self._lock:
            holder, wish = self._holder(), self._wish()
        plan = unfinished(self.store)
        ended = [] if plan else self.store.events(DONE, limit=1)
        last: Mapping[str, Any] = plan or (ended[0].data if ended else {})
        run, log = str(last.get("run", "")), self._log()
        ours = bool(holder) and _is_ours(wish, holder)
        fault = "" if holder or not wish.by or not wish.wanted else _fault(log)
        return Status(
            phase=_phase(wish, holder, cut_off=plan is not None, fault=fault),
            by=wish.by,
            at=wish.at,
            run=run,
            curve=read_curve(self.workspace.runs / run) if run else Curve(),
            log=log if wish.by else (),
            fault=fault,
            elsewhere="" if ours else holder,
            waiting=0 if holder else corrections_waiting(self.store),
            ended=str(last.get("reason", "")),
        )

    def close(self) -> None:
        """The server ends: the run stops with a checkpoint, and goes on when the page is served again."""
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE)

    def _check(self) -> None:
        if unfinished(self.store) is not None:
            return
        lines = sum(1 for _ in samples(self.workspace, self.store))
        if lines < LEAST_LINES:
            what = f"{lines} corrected line{'s' * (lines != 1)} cannot train a model, {LEAST_LINES} are the fewest"
            raise UsageError(what, remedy="correct more lines")

    def _spawn(self, by: str) -> None:
        wish = Wish(by, datetime.now(UTC).isoformat(timespec="seconds"))
        self._remember(wish)
        command = [*self.command, str(self.workspace.root), "--no-promote"]
        with (self.workspace.hidden / LOG).open("wb") as log:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the server is not meant for it
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._child.pid, NICE)
        self._remember(Wish(wish.by, wish.at, self._child.pid))

    def _holder(self) -> str:
        """Who learns here now: a run of ours from its first moment, also of a server before, or who holds the lock."""
        child = self._child
        if child is not None and child.poll() is None:
            return f"{child.pid} on {socket.gethostname()}"
        return self.workspace.holder(LOCK) or self._starting()

    def _starting(self) -> str:
        """The run of a server before that has not come to the lock yet, or has just let it go; empty for none."""
        pid = self._wish().pid
        if not pid or (self._child is not None and self._child.pid == pid):
            return ""
        try:
            started = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended (or nothing can be known of it here)
            return ""
        return f"{pid} on {socket.gethostname()}" if str(self.workspace.root).encode() in started else ""

    def _wish(self) -> Wish:
        try:
            return Wish(**json.loads((self.workspace.hidden / RECORD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Wish("", "", wanted=False)

    def _remember(self, wish: Wish) -> None:
        write_text(self.workspace.hidden / RECORD, json.dumps(asdict(wish), ensure_ascii=False) + "\n")

    def _log(self) -> tuple[str, ...]:
        try:
            text = (self.workspace.hidden / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        return tuple(line for line in text.splitlines() if line.strip())[-LOG_LINES:]


def _is_ours(wish: Wish, holder: str) -> bool:
    """Whether the process that holds the lock is the one that the page started."""
    return bool(wish.pid) and holder.startswith(f"{wish.pid} on {socket.gethostname()}")


def _phase(wish: Wish, holder: str, *, cut_off: bool, fault: str) -> Phase:
    if holder:
        ours = _is_ours(wish, holder)
        return Phase.RUNNING if wish.wanted or not ours else Phase.STOPPING
    if fault:
        return Phase.FAILED
    return Phase.STOPPED if cut_off else Phase.NONE


def _fault(log: Sequence[str]) -> str:
    """The error with which a run ended, if it did."""
    return next((line.removeprefix(FAULT) for line in reversed(log) if line.startswith(FAULT)), "")
