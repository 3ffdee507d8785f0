"""Trainings side by side: each in a process of its own, with its share of the threads.

The process makes no difference to what is learned: the same samples, recipe and number of threads give the same
weights, bit for bit, as one training after the other here.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from emendo.errors import EmendoError
from emendo.types import Sample

from .memory import available_mb
from .run import train

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

MEGABYTES = 4000
"""Memory that a training of the line network is granted: its peak on 1,629 lines was 3,785 MB (docs/benchmarks.md)."""
LOOP = "emendo.train.fit"
"""The module that imports all that training needs."""
GRACE = 60.0
"""Seconds that a process has to finish the step at hand and to keep its state when it is told to stop."""
Progress = Callable[[int, int, str], None]
State = tuple[int, int, str]
"""Steps done, steps in all (0 while unknown), a short text."""


@dataclass(frozen=True, slots=True)
class Training:
    """One call of `train`; `name` stands in the progress and in what is told of it. A run in `out` goes on."""

    name: str
    samples: Sequence[Sample]
    out: Path
    base: str
    recipe: BaseModel | None = None
    workspace: Path | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a training ended: with a bundle, or with a sentence that says why there is none."""

    name: str
    bundle: Path | None
    fault: str = ""


def jobs_for(trainings: int, threads: int) -> int:
    """How many trainings to run at once here, so that all are done soonest; each has MEGABYTES of the free memory.

    Each has a thread, or two thirds of one where that saves a turn: three trainings on two cores are done sooner
    together than two and then one.
    """
    most = min(trainings, threads + threads // 2)
    if most > 1:
        most = max(1, min(most, int(available_mb() // MEGABYTES)))
    return min(range(1, most + 1), key=lambda jobs: math.ceil(trainings / jobs) * max(1.0, jobs / threads), default=1)


def train_all(
    trainings: Sequence[Training], *, jobs: int, threads: int, progress: Progress | None = None
) -> list[Ended]:
    """Train them all, `jobs` at once with `threads // jobs` threads each; with one job, one after the other here.

    One that fails does not keep the others from going on. On Ctrl-C all stop after the step at hand, keep their state,
    and Interrupted (one job) or KeyboardInterrupt is raised; called again, they go on.
    """
    show = progress or (lambda done, total, text: None)
    jobs = max(1, min(jobs, len(trainings)))
    each = max(1, threads // jobs)
    if jobs == 1:
        return [_train(one, each, _named(one.name, show)) for one in trainings]
    return _side_by_side(trainings, jobs, each, show)


def _train(training: Training, threads: int, progress: Progress) -> Ended:
    try:
        run = train(
            training.samples,
            base=training.base,
            recipe=training.recipe,
            out=training.out,
            resume=training.out.exists(),
            workspace=training.workspace,
            threads=threads,
            progress=progress,
        )
    except (EmendoError, OSError) as error:
        from .session import Interrupted

        if isinstance(error, Interrupted):
            what = f"{training.name}: {error.what}"
            raise Interrupted(what, remedy="run the same command again to go on") from error
        return Ended(training.name, None, str(error))
    return Ended(training.name, run.bundle)


def _side_by_side(trainings: Sequence[Training], jobs: int, threads: int, show: Progress) -> list[Ended]:
    waiting = list(trainings)
    running: dict[Connection, tuple[Training, BaseProcess]] = {}
    seen: dict[str, State] = {}
    ended: dict[str, Ended] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                one = waiting.pop(0)
                pipe, process = _start(one, threads)
                running[pipe] = (one, process)
            for pipe in [pipe for pipe in wait(list(running)) if isinstance(pipe, Connection)]:
                one, process = running[pipe]
                told = _received(pipe)
                if isinstance(told, tuple):
                    seen[one.name] = told
                else:
                    process.join()
                    del running[pipe]
                    pipe.close()
                    last = told or Ended(one.name, None, _death(process.exitcode or 0))
                    ended[one.name] = last
                    done, total, _ = seen.get(one.name, (0, 0, ""))
                    seen[one.name] = (done, total, "failed") if last.fault else (total, total, "done")
                show(*_together(seen, len(trainings)))
    finally:
        _stop([process for _, process in running.values()])
    return [ended[one.name] for one in trainings]


def _start(training: Training, threads: int) -> tuple[Connection, BaseProcess]:
    """A process that trains, and the end of the pipe on which it tells how it goes."""
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    surroundings = dict(os.environ)  # the process that is forked knows those of its own start
    process = context.Process(target=_child, args=(theirs, training, threads, surroundings), daemon=True)
    with _deaf():
        process.start()
    theirs.close()
    return ours, process


def _context() -> SpawnContext | ForkServerContext:
    """Where the system can, processes are forked from one that has imported what training needs and done nothing else,
    for the import of torch and transformers takes seconds.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([LOOP])
    return context


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore Ctrl-C, and let processes that start now ignore it from their first moment."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)


def _child(pipe: Connection, training: Training, threads: int, surroundings: Mapping[str, str]) -> None:
    """Train in this process. Ctrl-C at the terminal reaches the parent alone, which then tells its children to stop."""
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(surroundings)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))

    def tell(done: int, total: int, text: str) -> None:
        try:
            pipe.send((done, total, text))
        except OSError:  # the parent is gone: stop, and keep what there is
            signal.raise_signal(signal.SIGINT)

    try:
        ended = _train(training, threads, tell)
    except EmendoError as error:
        ended = Ended(training.name, None, error.what)
    except KeyboardInterrupt:
        ended = Ended(training.name, None, "stopped")
    with suppress(OSError):
        pipe.send(ended)


def _received(pipe: Connection) -> Ended | State | None:
    """What a child tells; None when it died without a word."""
    try:
        told: Ended | State = pipe.recv()
    except (EOFError, OSError):
        return None
    return told


def _death(status: int) -> str:
    if status < 0:
        return f"its process was ended by signal {-status} (too little memory? train fewer at once)"
    return f"its process ended with status {status}"


def _stop(processes: Sequence[BaseProcess]) -> None:
    """Let processes stop after the step at hand; those that take too long, or at a second Ctrl-C all, are killed."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE
    try:
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
    finally:
        for process in processes:
            process.kill()
            process.join()


def _named(name: str, show: Progress) -> Progress:
    return lambda done, total, text: show(done, total, f"{name}: {text}")


def _together(seen: Mapping[str, State], count: int) -> State:
    """One state for a bar: the sum of all steps, and where each training is; unknown lengths count as the longest."""
    known = [total for _, total, _ in seen.values() if total]
    total = sum(known) + (count - len(known)) * max(known, default=0)
    texts = (
        f"{name}: {done}/{of} {text}" if of else f"{name}: {text}" for name, (done, of, text) in sorted(seen.items())
    )
    return sum(done for done, _, _ in seen.values()), total, "; ".join(texts)
