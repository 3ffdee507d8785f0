"""The whole loop by itself: new pages read, corrections collected, a model trained, judged and put in use.

Nothing that matters is remembered in the process: what is due follows from the files and the log of the workspace, so
it may be killed at any point and started again, and `--once` from cron does the same as a process that stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..correct import collect
from ..errors import BadInput, BundleError, Busy
from ..learn import (
    Log,
    Round,
    corrections_waiting,
    documents_waiting,
    learn,
    learn_fields,
    unfinished,
    unfinished_fields,
)
from ..models.detector import Detector
from ..models.references import load_recognizer
from ..pages.arrivals import is_settled
from ..pages.inputs import expand_inputs
from ..pages.note import STATE, note_files
from ..pages.read import read_document
from ..settings import Settings
from ..tools.counts import counted
from ..types import Recognizer
from ..workspace.folder import Workspace


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


@dataclass(slots=True)
class Watcher:
    """Looks after one workspace; `tried` and `told` only spare it from doing and saying the same again."""

    workspace: Workspace
    settings: Settings
    recipe: str | None = None
    threads: int = 1
    log: Log = lambda _: None
    tried: dict[Path, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def look(self) -> Look:
        """Do what is due now. Raises BundleError when the model in use is damaged."""
        failures: list[str] = []
        documents, lines = self._read_new(failures)
        try:
            recognizer = self._recognizer()
            collected = collect(self.workspace, recognizer=recognizer, settings=self.settings, wait=False)
        except Busy as busy:
            self._tell(str(busy))
            return Look(documents, lines, failures=tuple(failures))
        failures += collected.failures
        for note in collected.notes:
            if note.new:
                self.log(
                    f"collected {note.document}: {note.edited} corrected, {note.accepted} right as read, {note.new} new"
                )
        for sentence in (*failures, *collected.conflicts, *(f"left out {one}" for one in collected.left_out)):
            self._tell(sentence)
        waiting, ended = self._learn_if_due()
        return Look(documents, lines, collected.new, waiting, ended, tuple(failures))

    def _recognizer(self) -> Recognizer:
        model, read = self.settings.model, self.settings.read
        return load_recognizer(
            model, workspace=self.workspace.root, threads=self.threads, language=read.language, engine=read.engine
        )

    def _learn_if_due(self) -> tuple[int, Round | None]:
        with self.workspace.store() as store:
            waiting, cut_off = corrections_waiting(store), unfinished(store) is not None
        if not cut_off and waiting < self.settings.watch.min_corrections:
            return waiting, self._learn_fields_if_due()
        self.log("going on with a round that was cut off" if cut_off else f"{waiting} new corrections: a round begins")
        try:
            return waiting, learn(self.workspace, self.settings, recipe=self.recipe, threads=self.threads, log=self.log)
        except Busy as busy:
            self._tell(str(busy))
            return waiting, None

    def _learn_fields_if_due(self) -> Round | None:
        """The same for documents whose fields were corrected in the page."""
        after = self.settings.prefill.learn_after
        with self.workspace.store() as store:
            waiting, cut_off = documents_waiting(store), unfinished_fields(store) is not None
        if not cut_off and (not after or waiting < after):
            return None
        begins = f"{waiting} corrected documents: a round begins"
        self.log("going on with a round that was cut off" if cut_off else begins)
        try:
            return learn_fields(self.workspace, self.settings, threads=self.threads, log=self.log)
        except Busy as busy:
            self._tell(str(busy))
            return None

    def _read_new(self, failures: list[str]) -> tuple[int, int]:
        """Read every document that has arrived whole and was not read yet; the number of documents and lines."""
        found = expand_inputs([self.workspace.root])
        failures += found.failures
        for notice in found.notices:
            self._tell(notice)
        due = [document.path for document in found.documents if self._is_due(document.path)]
        if not due:
            return 0, 0
        recognizer = self._recognizer()
        detector = Detector(threads=self.threads)
        documents = lines = 0
        for path in due:
            self.tried[path] = path.stat().st_mtime_ns
            try:
                result = read_document(path, recognizer=recognizer, detector=detector, settings=self.settings)
            except BundleError:
                raise
            except (BadInput, Busy) as error:
                failures.append(str(error))
                continue
            if result.status == "read":
                documents, lines = documents + 1, lines + result.lines
                read = f"{counted(result.lines, 'line')} on {counted(result.pages, 'page')}"
                self.log(f"read {path.relative_to(self.workspace.root)}: {read}")
        return documents, lines

    def _is_due(self, path: Path) -> bool:
        """Whether a document is whole and newer than its reading.

        A better model alone is no reason to read again: a person may be at work on that note.
        """
        if not is_settled(path, self.settings.watch.settle_seconds):
            return False
        changed = path.stat().st_mtime_ns
        if self.tried.get(path) == changed:
            return False
        state = note_files(path).folder / STATE
        return not state.exists() or state.stat().st_mtime_ns < changed

    def _tell(self, sentence: str) -> None:
        if sentence not in self.told:
            self.told.add(sentence)
            self.log(sentence)


def watch(watcher: Watcher, *, once: bool = False, go_on: Callable[[], bool] = lambda: True) -> Look:
    """Look after a workspace: for ever, or with `once` for one look; returns the last look.

    `go_on` is asked before each look. What goes wrong with a file is told once and tried again when the file changes;
    a folder that another process works on is left to it.
    """
    look = Look()
    while go_on():
        look = watcher.look()
        if once:
            break
        time.sleep(watcher.settings.watch.poll_seconds)
    return look
