"""The whole loop by itself: new pages read, corrections collected, a model trained, judged and put in use.

Nothing is remembered in the process: what is due follows from the files and the log of the workspace, so it may be
killed at any point and started again, and `--once` from cron does the same as a process that stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..correct import collect
from ..errors import BadInput, BundleError, Busy
from ..models.detector import Detector
from ..models.references import load_recognizer
from ..pages.arrivals import arrivals
from ..pages.read import read_document
from ..settings import Settings
from ..workspace.folder import Workspace
from .learn import Log, Round, corrections_waiting, learn, unfinished


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the folder found and did."""

    read: int = 0
    lines: int = 0
    corrections: int = 0
    waiting: int = 0
    round: Round | None = None
    failures: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "documents_read": self.read,
            "lines_read": self.lines,
            "new_corrections": self.corrections,
            "corrections_waiting": self.waiting,
            "learned": self.round.figures() if self.round else None,
            "failures": list(self.failures),
        }


def watch(
    workspace: Workspace,
    settings: Settings,
    *,
    once: bool = False,
    recipe: str | None = None,
    threads: int = 1,
    log: Log = lambda _: None,
    go_on: Callable[[], bool] = lambda: True,
) -> Look:
    """Look after a workspace: for ever, or with `once` for one look; returns the last look.

    `go_on` is asked before each look. What goes wrong with a file is told once and tried again when the file changes;
    a folder that another process works on is left to it. Raises BundleError when the model in use is damaged.
    """
    told: set[str] = set()
    look = Look()
    while go_on():
        look = look_once(workspace, settings, recipe=recipe, threads=threads, log=log, told=told)
        if once:
            break
        time.sleep(settings.watch.poll_seconds)
    return look


def look_once(
    workspace: Workspace,
    settings: Settings,
    *,
    recipe: str | None = None,
    threads: int = 1,
    log: Log = lambda _: None,
    told: set[str] | None = None,
) -> Look:
    """Do what is due now. `told` holds the sentences that need not be repeated."""
    told = set() if told is None else told
    failures: list[str] = []

    def tell(sentence: str) -> None:
        if sentence not in told:
            told.add(sentence)
            log(sentence)

    documents, lines = _read_arrivals(workspace, settings, threads, log, failures)
    try:
        recognizer = load_recognizer(settings.model, workspace=workspace.root, threads=threads)
        collected = collect(workspace, recognizer=recognizer, settings=settings, wait=False)
    except Busy as busy:
        tell(str(busy))
        return Look(documents, lines, failures=tuple(failures))
    failures += collected.failures
    if collected.new:
        for note in collected.notes:
            log(f"collected {note.document}: {note.edited} corrected, {note.accepted} right as read, {note.new} new")
    for sentence in (*failures, *collected.conflicts, *(str(one) for one in collected.left_out)):
        tell(sentence)
    with workspace.store() as store:
        waiting, cut_off = corrections_waiting(store), unfinished(store) is not None
    ended = None
    if cut_off or waiting >= settings.watch.min_corrections:
        log("going on with a round that was cut off" if cut_off else f"{waiting} new corrections: a round begins")
        try:
            ended = learn(workspace, settings, recipe=recipe, threads=threads, log=log)
        except Busy as busy:
            tell(str(busy))
    return Look(documents, lines, collected.new, waiting, ended, tuple(failures))


def _read_arrivals(
    workspace: Workspace, settings: Settings, threads: int, log: Log, failures: list[str]
) -> tuple[int, int]:
    """Read every document that has arrived whole and was not read yet; the number of documents and lines."""
    found = arrivals(workspace.root, settle_seconds=settings.watch.settle_seconds)
    failures += found.notices
    if not found.documents:
        return 0, 0
    recognizer = load_recognizer(settings.model, workspace=workspace.root, threads=threads)
    detector = Detector(threads=threads)
    documents = lines = 0
    for path in found.documents:
        try:
            result = read_document(path, recognizer=recognizer, detector=detector, settings=settings)
        except BundleError:
            raise
        except (BadInput, Busy) as error:
            failures.append(str(error))
            continue
        if result.status == "read":
            documents, lines = documents + 1, lines + result.lines
            log(f"read {path.relative_to(workspace.root)}: {result.lines} lines on {result.pages} pages")
    return documents, lines
