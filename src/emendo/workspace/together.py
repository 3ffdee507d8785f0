"""Group commit: what several threads want written at once becomes one transaction, and waits for the disk once.

One thread writes for all. While it waits for the disk, others queue; what has come meanwhile is its next transaction.
Nobody is answered before the transaction that holds their work is on the disk (DeWitt et al. 1984, section 4).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

T = TypeVar("T")


class _Job:
    """Somebody's work and what became of it, which `told` gets when it is on the disk."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work, self.told = work, Future[Any]()
        self.result: Any = None
        self.error: BaseException | None = None

    def attempt(self, connection: Connection) -> None:
        """Do it in a savepoint: what it refuses is undone and is nobody else's fault."""
        try:
            with connection.begin_nested():
                self.result = self.work(connection)
        except (DataError, IntegrityError) as error:
            self.error = error
        except SQLAlchemyError:
            raise  # the database itself fails: SQLite may have undone the whole transaction
        except Exception as error:
            self.error = error

    def tell(self) -> None:
        """Answer whoever waits."""
        if self.error is not None:
            self.told.set_exception(self.error)
        else:
            self.told.set_result(self.result)


class Together:
    """Does the work of many in common transactions, each opened by `write`; first come, first served."""

    def __init__(self, write: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._write = write
        self._waiting: list[_Job] = []
        self._lock, self._writing = Lock(), False
        self._writer = _one_thread()

    def begin(self, work: Callable[[Connection], T]) -> Future[T]:
        """What `work` will return, when it is on the disk, or raise, and then nothing of it is written."""
        job = _Job(work)
        with self._lock:
            self._waiting.append(job)
            if not self._writing:
                self._writer.submit(self._rounds)
                self._writing = True
        return job.told

    def close(self) -> None:
        """End the thread when all is written."""
        with self._lock:
            before, self._writer = self._writer, _one_thread()
        before.shutdown()

    def _rounds(self) -> None:
        """Do all that waits, and what comes meanwhile."""
        while True:
            with self._lock:
                jobs, self._waiting = self._waiting, []
                self._writing = bool(jobs)
            if not jobs:
                return
            self._round([job for job in jobs if job.told.set_running_or_notify_cancel()])

    def _round(self, jobs: list[_Job]) -> None:
        """One transaction."""
        try:
            with self._write() as connection:
                for job in jobs:
                    job.attempt(connection)
        except BaseException as error:
            for job in jobs:
                job.error = job.error or error
        for job in jobs:
            job.tell()


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "emendo-writer")
