"""The service itself, without HTTP: a queue, threads that read, the model in use, and what is counted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import EmendoError, EngineError
from ..monitor.capture import Capture
from ..monitor.seen import Outcome, Seen
from ..settings import Settings, TrialSettings, cores
from .jobs import Job, Jobs
from .keys import Keys
from .metrics import Metrics
from .models import FOLLOWED, Hooks, Keeper, Load, Probe, tried
from .observe import Observer, refused_of, seen_of
from .queue import Rejected, Work, WorkQueue
from .reading import Answer, Served, Task, load_served
from .trial import Plan, Trials

NO_HOOKS: Final = Hooks()
GOOD_READS: Final = 3
"""Images that a model has to have read before it counts as good."""


class Service:
    """Reads images for many who ask at the same time.

    `load` makes a model of a reference and `probe` tries one first in a process of its own (left out: as `load_served`
    and `tried` do); `hooks` hear of the use of the champion, `observers` of each image that came, and `capture`
    keeps what it is told of it. Start it before use, and `stop` it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        workspace: Path | None = None,
        load: Load | None = None,
        probe: Probe | None = None,
        log: Callable[[str], None] = lambda _: None,
        hooks: Hooks = NO_HOOKS,
        observers: Sequence[Observer] = (),
        capture: Capture | None = None,
    ) -> None:
        self.settings, self.log = settings, log
        serve = settings.serve
        self.workers = serve.workers or cores()
        self.metrics = Metrics()
        self.queue = WorkQueue(
            serve.queue, self.workers, serve.wait_seconds, lambda work: self.turned_away([work.task], "expired")
        )
        self.jobs = Jobs(serve.jobs, serve.job_images, serve.job_minutes)
        self.keys = Keys(Path(serve.api_keys)) if serve.api_keys else None
        load = load or (lambda reference: load_served(reference, workspace, settings))
        probe = probe or (lambda named: tried(named, workspace, settings))
        self.keeper = Keeper(
            settings.model,
            workspace,
            load,
            probe=probe,
            log=log,
            told=self._swapped,
            starts=lambda: self._call(hooks.start),
        )
        self.capture = capture
        self._hooks, self._observers = hooks, (*observers, *([capture] if capture is not None else ()))
        self._good: dict[str, int] = {}
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._counting = threading.Lock()
        self.trials = Trials(
            settings, workspace, load, probe, self.metrics, busy=lambda: self.queue.lengths[0] > 0, log=log
        )
        self._show()

    def start(self) -> None:
        """Load and warm up the model, then begin to read; errors as for `load_served`."""
        if self.capture is not None:
            self.capture.start()
        self._expect(self.keeper.start())
        if self._ended.is_set():
            return
        self._threads = [
            threading.Thread(target=self._work, name=f"read-{at}", daemon=True) for at in range(self.workers)
        ]
        self.trials.restore(self.keeper.served)
        for thread in (*self._threads, threading.Thread(target=self._watch, name="watch", daemon=True)):
            thread.start()

    @property
    def ready(self) -> str:
        """Why the service cannot be asked now; empty when it can."""
        if self.queue.closed:
            return "the service stops"
        return "" if self.keeper.served is not None else "the model is being loaded"

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is read: by the model in use; before one is there, what the settings say."""
        served = self.keeper.served
        return tuple(served.readers) if served is not None else self.settings.serve.kinds

    def submit(self, tasks: Sequence[Task], due: float) -> list[Work]:
        """Let images in, all or none, to be answered by `due` (of `time.monotonic`). Raises Rejected."""
        works = [Work(task, task.kind, due) for task in tasks]
        self._offer(tasks, lambda: self.queue.offer(works))
        return works

    def submit_job(self, tasks: Sequence[Task], *, owner: str, characters: bool, free: Callable[[], None]) -> Job:
        """Take in a job; `free` is called when its images are no longer needed. Raises Rejected."""
        job = Job([Work(task, task.kind, job=True) for task in tasks], owner, characters, free)

        def offer() -> None:
            self.jobs.add(job)
            try:
                self.queue.offer_job(job.works)
            except Rejected:
                self.jobs.remove(job)
                raise

        self._offer(tasks, offer)
        return job

    def abandon(self, works: Sequence[Work]) -> None:
        """Nobody waits for these any more."""
        self.metrics.cancelled.inc(self.queue.abandon(works))

    def swap(self, reference: str) -> Served:
        """Put another model in use; see `Keeper.swap`."""
        return self.keeper.swap(reference)

    def try_out(self, reference: str, how: TrialSettings | None = None) -> Plan:
        """Begin a trial of another model beside the one in use; see `Trials.start`."""
        if self.keeper.served is None:
            raise Rejected("loading", "the model is being loaded")
        return self.trials.start(self.keeper.served, reference, how)

    def drain(self) -> None:
        """Let nothing in any more; what was let in is still read."""
        self.queue.close()

    def stop(self, grace: float) -> bool:
        """End: accepted work is finished within `grace` seconds, then dropped. Whether all of it was finished."""
        until = time.monotonic() + grace
        self.drain()
        jobs = self.jobs.unfinished()
        finished = self.queue.wait_idle(grace)
        if jobs and finished:
            self.jobs.wait_seen(jobs, until - time.monotonic())
        self.queue.clear()
        self._ended.set()
        for thread in self._threads:
            thread.join(max(0.1, until - time.monotonic()))
        self.trials.close()
        self._call(self._hooks.end)
        if self.capture is not None and not self.capture.close():
            self.log("some readings were not captured: the disk did not keep up")
        return finished

    def _call(self, hook: Callable[[], object]) -> None:
        """What speaks against a model in use is for the log: the service goes on."""
        try:
            hook()
        except EmendoError as error:
            self.log(str(error))

    def _offer(self, tasks: Sequence[Task], offer: Callable[[], None]) -> None:
        try:
            if self.keeper.served is None:
                raise Rejected("loading", "the model is being loaded")
            offer()
        except Rejected as error:
            self.turned_away(tasks, error.reason)
            raise

    def turned_away(self, tasks: Sequence[Task], reason: str) -> None:
        """Count a refusal, and tell whoever watches of the images that were not read."""
        self.metrics.rejects.labels(reason).inc()
        for task in tasks:
            self._tell(task, refused_of(task, Outcome.REJECTED, reason))

    def _tell(self, task: Task, seen: Seen) -> None:
        """Tell whoever watches; what is wrong with them is for the log, and the answer goes out."""
        for observer in self._observers:
            try:
                observer(seen, task.content)
            except Exception:
                logging.getLogger("emendo.serve").exception("an observer failed on %s", task.name)

    def _work(self) -> None:
        while (work := self.queue.take()) is not None:
            champion = self.keeper.served
            assert champion is not None  # nothing is let in before
            served = self.trials.reader(work.task, champion)
            self.metrics.waited.observe(work.started - work.queued)
            try:
                answer = served.read(
                    work.task,
                    self.settings,
                    lambda work=work: work.late,  # type: ignore[misc]
                    measured=bool(self._observers),
                )
            except EmendoError as error:
                self._failed(work, error)
            except Exception as error:
                logging.getLogger("emendo.serve").exception("reading %s failed", work.task.name)
                self._failed(work, EngineError(f"reading failed ({type(error).__name__})", where=work.task.name))
            else:
                self._answered(work, answer, served)

    def _answered(self, work: Work, answer: Answer, served: Served) -> None:
        task: Task = work.task
        seconds = self.queue.done(work, read=True)
        self.metrics.answered(work.kind, answer.reading, seconds)
        self.metrics.late.inc(work.late)
        answer = replace(answer, id=task.id)
        self._note(task, answer, served, seconds)
        work.result.set_result(answer if task.characters else answer.bare())
        with self._counting:
            count = self._good[served.model] = self._good.get(served.model, 0) + 1
        if count == GOOD_READS and served.reference in FOLLOWED and self.keeper.workspace is not None:
            self._call(self._hooks.good)

    def _note(self, task: Task, answer: Answer, served: Served, seconds: float) -> None:
        """Tell the trial and whoever watches, before the answer goes out: its truth may be told at once.

        What is wrong with them is for the log; the answer goes out all the same.
        """
        try:
            if self._observers or self.trials.running:
                self._tell(task, self.trials.noted(task, seen_of(task, answer, seconds), served))
        except Exception:
            logging.getLogger("emendo.serve").exception("the reading of %s was not noted", task.name)

    def _failed(self, work: Work, error: EmendoError) -> None:
        task: Task = work.task
        self.queue.done(work, read=False)
        if isinstance(error, Rejected):
            self.metrics.rejects.labels(error.reason).inc()
            seen = refused_of(task, Outcome.REJECTED, error.reason)
        else:
            self.metrics.failures.labels(work.kind).inc()
            seen = refused_of(task, Outcome.FAILED, error.what)
        work.result.set_exception(error)
        self._tell(task, seen)

    def _watch(self) -> None:
        while not self._ended.wait(self.settings.serve.poll_seconds):
            try:
                if self.keys is not None:
                    self.keys.refresh()
            except EmendoError as error:
                self.log(f"the keys stay as they were: {error}")
            self.keeper.follow()
            self.trials.look()

    def _swapped(self, result: str) -> None:
        self.metrics.swaps.labels(result).inc()
        served = self.keeper.served
        if result == "swapped" and served is not None:
            self._expect(served)

    def _expect(self, served: Served) -> None:
        self.metrics.show_model(served.model, served.reference)
        for kind, seconds in served.seconds.items():
            self.queue.expect(kind, seconds)

    def _show(self) -> None:
        gauge = self.metrics.gauge
        gauge("emendo_queue_length", "Images that wait.", lambda: self.queue.lengths[0])
        gauge("emendo_queue_bound", "Images that may wait.", lambda: self.queue.bound)
        gauge("emendo_job_images", "Images of jobs that wait.", lambda: self.queue.lengths[1])
        gauge("emendo_reading", "Images that are being read.", lambda: self.queue.lengths[2])
        gauge("emendo_workers", "Threads that read.", lambda: self.workers)
        gauge("emendo_ready", "Whether the service can be asked.", lambda: float(not self.ready))
        if self.capture is not None:
            self.metrics.watch(self.capture)
