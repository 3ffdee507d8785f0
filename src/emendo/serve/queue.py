"""The bounded queue between those who ask and the threads that read.

Work waits in two lanes. The first holds what somebody waits for; it is bounded, and nobody is let in who would be
answered too late: the wait is estimated from how long the work before took (its mean and mean deviation, kept as
TCP keeps its round-trip time: Jacobson, Congestion avoidance and control, 1988). The second holds the images of jobs,
which have time; it is served when the first is empty, and at every tenth turn, so that it never stands still.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import EmendoError

TURNS: Final = 10
"""Every so many turns belong to a job, when one waits."""
GAIN, SPREAD_GAIN = 1 / 8, 1 / 4
"""Weight of the newest duration in the mean and in the mean deviation."""
MARGIN: Final = 4.0
"""Mean deviations by which a reading may take longer than usual, when it is let in."""
LAST_MARGIN: Final = 3.0
"""The same when it is begun."""


class Rejected(EmendoError):
    """Work that is not done now. `reason` is one word, `retry_after` whole seconds after which to ask again."""

    def __init__(self, reason: str, what: str, *, retry_after: int = 1) -> None:
        super().__init__(what, remedy=f"ask again in {retry_after} s")
        self.reason, self.retry_after = reason, retry_after


@dataclass(slots=True, eq=False)
class Work:
    """One image to be read. Times are of `time.monotonic`; `due` is when the answer has to be there."""

    task: Any
    kind: str
    due: float = math.inf
    job: bool = False
    result: Future[Any] = field(default_factory=Future)
    queued: float = 0.0
    started: float = 0.0
    abandoned: bool = False
    """Nobody waits for it any more: whoever reads it may stop."""
    first: bool = False
    """A worker was free when it came: it is read at once, however long that takes."""

    @property
    def late(self) -> bool:
        """Whether nobody can use the answer any more."""
        return self.abandoned or time.monotonic() > self.due


@dataclass(slots=True)
class Pace:
    """How long one kind of work takes, in seconds: mean and mean deviation."""

    mean: float
    spread: float

    def add(self, seconds: float) -> None:
        """Take in one duration."""
        self.spread += SPREAD_GAIN * (abs(seconds - self.mean) - self.spread)
        self.mean += GAIN * (seconds - self.mean)


class WorkQueue:
    """Work for `workers` threads, at most `bound` images waiting beside those of jobs.

    `longest_wait` is the longest expected wait, in seconds, with which work is still taken in. `expired` is called for
    each work whose deadline passed while it waited.
    """

    def __init__(
        self, bound: int, workers: int, longest_wait: float = math.inf, expired: Callable[[Work], None] = lambda _: None
    ) -> None:
        self.bound, self.workers, self.longest_wait, self._expired = bound, workers, longest_wait, expired
        self._waiting: deque[Work] = deque()
        self._jobs: deque[Work] = deque()
        self._running: set[Work] = set()
        self._paces: dict[str, Pace] = {}
        self._turn = 0
        self._closed = False
        self._changed = threading.Condition()

    def expect(self, kind: str, seconds: float) -> None:
        """Say how long a kind of work takes before any was done."""
        with self._changed:
            self._paces[kind] = Pace(seconds, seconds / 4)

    def offer(self, works: Sequence[Work]) -> None:
        """Let work in, all or none. Raises Rejected when it finds no room or would be answered too late.

        A worker that is free takes whatever comes: were work refused because that before was slow, nobody would ever
        learn that it is slow no more.
        """
        with self._changed:
            self._refuse_closed()
            self._refuse_full(len(works))
            wait, now = self._wait(), time.monotonic()
            took = sum(self._pace(work.kind).mean for work in works) / min(self.workers, len(works))
            more = max(MARGIN * self._pace(work.kind).spread for work in works)
            if wait > self.longest_wait:
                raise self._rejected("wait", f"the wait would be {wait:.1f} s")
            idle = not self._waiting and len(self._running) < self.workers
            if not idle and now + wait + took + more > min(work.due for work in works):
                raise self._rejected("deadline", f"the answer would take {wait + took + more:.1f} s")
            for work in works:
                work.queued, work.first = now, idle
            self._waiting.extend(works)
            self._changed.notify(len(works))

    def offer_job(self, works: Sequence[Work]) -> None:
        """Let the images of a job in; their number is bounded by whoever takes jobs. Raises Rejected when closed."""
        with self._changed:
            self._refuse_closed()
            for work in works:
                work.queued, work.job = time.monotonic(), True
            self._jobs.extend(works)
            self._changed.notify(len(works))

    def check(self) -> None:
        """Raise Rejected when one more image would find no room, before any of it is looked at."""
        with self._changed:
            self._refuse_closed()
            self._refuse_full(1)
            if self._wait() > self.longest_wait:
                raise self._rejected("wait", f"the wait would be {self._wait():.1f} s")

    def take(self) -> Work | None:
        """The next work, once there is some; None when the queue is closed and empty. Late work is answered here."""
        while True:
            with self._changed:
                while not (self._waiting or self._jobs):
                    if self._closed:
                        return None
                    self._changed.wait()
                work = self._next()
                if not work.result.set_running_or_notify_cancel():
                    continue
                if not (work.late or self._hopeless(work)):
                    work.started = time.monotonic()
                    self._running.add(work)
                    return work
                late = self._rejected("expired", "it waited so long that the deadline would pass")
            self._expired(work)
            work.result.set_exception(late)

    def done(self, work: Work, *, read: bool) -> float:
        """Work taken is at its end; seconds it took. They tell how long the next takes where it was `read`."""
        took = time.monotonic() - work.started
        with self._changed:
            self._running.discard(work)
            if read:
                self._pace(work.kind).add(took)
            self._changed.notify_all()
        return took

    def abandon(self, works: Sequence[Work]) -> int:
        """Nobody waits for these any more: those not begun leave, the others may stop. How many left."""
        left = 0
        with self._changed:
            for work in works:
                work.abandoned = True
                if work.result.cancel():
                    lane = self._jobs if work.job else self._waiting
                    if work in lane:
                        lane.remove(work)
                        left += 1
            self._changed.notify_all()
        return left

    def close(self) -> None:
        """Let nothing in any more; what waits is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Drop what waits; those who wait for it are told that the service stops."""
        with self._changed:
            dropped = [*self._waiting, *self._jobs]
            self._waiting.clear()
            self._jobs.clear()
        for work in dropped:
            if work.result.set_running_or_notify_cancel():
                work.result.set_exception(Rejected("stopping", "the service stops"))

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing waits or is worked on; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._waiting or self._jobs or self._running), seconds)

    @property
    def closed(self) -> bool:
        """Whether nothing is let in any more."""
        return self._closed

    @property
    def lengths(self) -> tuple[int, int, int]:
        """Images that wait, images of jobs that wait, images that are being read."""
        with self._changed:
            return len(self._waiting), len(self._jobs), len(self._running)

    def wait(self) -> float:
        """Seconds that new work is expected to wait."""
        with self._changed:
            return self._wait()

    def _next(self) -> Work:
        self._turn += 1
        job = self._jobs and (not self._waiting or self._turn % TURNS == 0)
        return self._jobs.popleft() if job else self._waiting.popleft()

    def _pace(self, kind: str) -> Pace:
        return self._paces.setdefault(kind, Pace(0.1, 0.05))

    def _hopeless(self, work: Work) -> bool:
        """Whether work that has waited may well end after its deadline."""
        pace = self._pace(work.kind)
        return not work.first and time.monotonic() + pace.mean + LAST_MARGIN * pace.spread > work.due

    def _wait(self) -> float:
        """Work before a new one, shared by the workers; none while one of them is free."""
        if len(self._running) < self.workers and not self._waiting:
            return 0.0
        now = time.monotonic()
        counts: dict[str, int] = {}
        for work in self._waiting:
            counts[work.kind] = counts.get(work.kind, 0) + 1
        before = sum(self._pace(kind).mean * count for kind, count in counts.items())
        left = sum(max(0.0, self._pace(work.kind).mean - (now - work.started)) for work in self._running)
        share = 1 - 1 / TURNS if self._jobs else 1.0
        return (before / share + left) / self.workers

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Rejected("stopping", "the service stops")

    def _refuse_full(self, more: int) -> None:
        if len(self._waiting) + more > self.bound:
            raise self._rejected("full", f"{len(self._waiting)} images wait already, of {self.bound} that may")

    def _rejected(self, reason: str, what: str) -> Rejected:
        return Rejected(reason, what, retry_after=max(1, math.ceil(self._wait())))
