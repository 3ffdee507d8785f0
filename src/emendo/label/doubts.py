"""The correction firewall over a workspace: every text that people gave is judged by a model that never learned it.

It takes minutes and both hands of a processor: a process of its own does it, and tells how far it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from ..correct.dataset import samples
from ..errors import EmendoError
from ..settings import Settings
from ..workspace.doubts import Doubt, Doubts
from ..workspace.folder import Workspace
from ..workspace.store import Store

if TYPE_CHECKING:
    from ..train.firewall import LabelReport

EVENT = "doubts"
PURPOSE = "doubts"
"""Name of the lock: one judges at a time."""

Progress = Callable[[int, int, str], None]


def judge_workspace(
    workspace: Workspace, *, model: str = "auto", threads: int = 1, progress: Progress | None = None
) -> LabelReport:
    """Judge all texts of a workspace and keep the likely wrong ones in its database.

    Raises DataError when there are no texts, Busy when another process judges here.
    """
    from ..train.firewall import check_labels  # the page starts without what trains

    with workspace.lock(PURPOSE), workspace.store() as store:
        found = list(samples(workspace, store))
        report = check_labels(
            found,
            model=model,
            threads=threads,
            limits=workspace.settings().limits,
            workspace=workspace.root,
            progress=progress,
        )
        keep(store, report)
    return report


def keep(store: Store, report: LabelReport) -> None:
    """Put the suspects of a report, made from the samples of the workspace, into its database."""
    found = [
        Doubt(
            line=one.sample.id,
            version=int(one.sample.attributes["version"]),
            wrong=one.verdict.wrong,
            reading=one.verdict.reading,
            model=report.model,
        )
        for one in report.suspects
    ]
    Doubts(store.database).keep(found)
    store.add_event(EVENT, {"judged": len(report.judged), "suspects": len(found), "model": report.model})


@dataclass(frozen=True, slots=True)
class State:
    """How far the judging is: lines done of all; `error` says why it failed, `judged` and `found` what came of it."""

    running: bool = False
    done: int = 0
    total: int = 0
    judged: int = 0
    found: int = 0
    error: str = ""


class Judging:
    """Judging in the background, once at a time. Safe to share between threads; ends with the server."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace, self._threads = workspace, settings.threads or 1
        self._lock = Lock()
        self._state = State()

    @property
    def state(self) -> State:
        """How far it is."""
        with self._lock:
            return self._state

    def start(self) -> State:
        """Begin, unless it is on its way already."""
        with self._lock:
            if self._state.running:
                return self._state
            self._state = State(running=True)
        context = get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(self._workspace.root, self._threads, sender), daemon=True)
        process.start()
        sender.close()
        Thread(target=self._follow, args=(receiver,), daemon=True).start()
        return self.state

    def _follow(self, receiver: Connection) -> None:
        """Take in what the process tells until it ends."""
        try:
            while True:
                told = receiver.recv()
                with self._lock:
                    self._state = State(**told)
        except EOFError:
            with self._lock:
                if self._state.running:
                    self._state = State(error="judging ended before it was done; start it again")


def _work(root: Any, threads: int, sender: Connection) -> None:
    def told(done: int, total: int, _: str) -> None:
        sender.send({"running": True, "done": done, "total": total})

    try:
        report = judge_workspace(Workspace.open(root), threads=threads, progress=told)
        sender.send({"judged": len(report.judged), "found": len(report.suspects)})
    except EmendoError as error:
        sender.send({"error": str(error)})
