"""Jobs: work that nobody waits for on the line. Their results are asked for later, and kept for a while.

They live in memory and end with the process. Their number is bounded, and that of their images, and their age: a job
that ended longer ago than `minutes` is forgotten, and so are those that ended first when a new one needs their place.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .queue import Rejected, Work


@dataclass(slots=True, eq=False)
class Job:
    """The images of one job, in order. `owner` is who sent it; `seen` whether the whole result was fetched."""

    works: Sequence[Work]
    owner: str
    characters: bool
    free: Callable[[], None]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    left: int = 0
    ended: float | None = None
    cancelled: bool = False
    seen: bool = False

    @property
    def state(self) -> str:
        """One of waiting, running, done, cancelled."""
        if self.cancelled:
            return "cancelled"
        if self.ended is not None:
            return "done"
        return "running" if any(work.started for work in self.works) else "waiting"

    def describe(self) -> dict[str, Any]:
        """State and progress as JSON."""
        return {
            "id": self.id,
            "state": self.state,
            "created": self.created,
            "done": len(self.works) - self.left,
            "total": len(self.works),
        }


class Jobs:
    """The jobs of a service: at most `most` with `images` together, each at most `minutes` after its end."""

    def __init__(self, most: int, images: int, minutes: float) -> None:
        self._most, self._images, self._seconds = most, images, minutes * 60
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()

    def add(self, job: Job) -> None:
        """Take a job in, before its work is queued. Raises Rejected when all that are kept are still at work."""
        with self._changed:
            self._forget_old()
            while not self._has_room(job):
                ended = [one for one in self._jobs.values() if one.ended is not None]
                if not ended:
                    what = f"{len(self._jobs)} jobs with {self._held} images are at work already"
                    raise Rejected("jobs", what, retry_after=10)
                del self._jobs[min(ended, key=lambda one: one.ended or 0.0).id]
            job.left = len(job.works)
            self._jobs[job.id] = job
        for work in job.works:
            work.result.add_done_callback(lambda _, work=work: self._one_less(job, work))  # type: ignore[misc]

    def get(self, name: str, owner: str) -> Job | None:
        """The job of that id if `owner` sent it."""
        with self._changed:
            self._forget_old()
            job = self._jobs.get(name)
            return job if job is not None and job.owner == owner else None

    def remove(self, job: Job) -> None:
        """Forget a job; its work has to be abandoned by the caller."""
        with self._changed:
            job.cancelled = True
            self._jobs.pop(job.id, None)
            self._changed.notify_all()

    def saw(self, job: Job) -> None:
        """The whole result of a job was handed out."""
        with self._changed:
            job.seen = job.ended is not None
            self._changed.notify_all()

    def unfinished(self) -> list[Job]:
        """Jobs that are still at work."""
        with self._changed:
            return [job for job in self._jobs.values() if job.ended is None]

    def wait_seen(self, jobs: Sequence[Job], seconds: float) -> bool:
        """Wait until the results of these jobs were fetched or the jobs removed; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: all(job.seen or job.cancelled for job in jobs), seconds)

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def _held(self) -> int:
        return sum(len(one.works) for one in self._jobs.values())

    def _has_room(self, job: Job) -> bool:
        return len(self._jobs) < self._most and self._held + len(job.works) <= self._images

    def _one_less(self, job: Job, work: Work) -> None:
        with self._changed:
            work.task = work.task.bare()
            job.left -= 1
            if job.left == 0:
                job.ended = time.monotonic()
                job.free()
            self._changed.notify_all()

    def _forget_old(self) -> None:
        limit = time.monotonic() - self._seconds
        for job in [one for one in self._jobs.values() if one.ended is not None and one.ended < limit]:
            del self._jobs[job.id]
