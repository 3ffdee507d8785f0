"""Group commit: what several threads want written at once becomes one transaction, and waits for the disk once.

While one thread waits for the disk, the others queue; the next to have its turn writes for all of them. Nobody is
answered before the transaction that holds their work is on the disk (DeWitt et al. 1984, section 4).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event, Lock
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

T = TypeVar("T")


class _Job:
    """One thread's work and what became of it."""

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self.turn, self.done = Event(), False
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


class Together:
    """Runs the work of threads in common transactions, each opened by `write`; first come, first served."""

    def __init__(self, write: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._write = write
        self._waiting: list[_Job] = []
        self._lock, self._writing = Lock(), False

    def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, when it is on the disk; raises what it raises, and then nothing of it is written."""
        job = _Job(work)
        with self._lock:
            self._waiting.append(job)
            if not self._writing:
                self._writing = True
                job.turn.set()
        job.turn.wait()
        if not job.done:
            self._round()
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def _round(self) -> None:
        """Do all that waits, and give the turn to whoever came meanwhile."""
        with self._lock:
            jobs, self._waiting = self._waiting, []
        try:
            with self._write() as connection:
                for job in jobs:
                    job.attempt(connection)
        except BaseException as error:
            for job in jobs:
                job.error = job.error or error
        finally:
            for job in jobs:
                job.done = True
            with self._lock:
                self._writing = bool(self._waiting)
                following = self._waiting[:1]
            for job in (*jobs, *following):
                job.turn.set()
