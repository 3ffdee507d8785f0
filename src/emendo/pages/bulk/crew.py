"""Processes that read shards, piece by piece, and what happens when one of them dies.

A picture may bring down the process that reads it (a fault in a decoder, too little memory). The piece that it had is
given out again; after `tries` deaths it is divided into halves, until the item that kills stands alone and gets its
error row. What was read of a shard is written when all of it is there.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from ...errors import EngineError
from ...tools.files import write_text
from .child import READY, Fault, Reader, Row, error_row, serve
from .plan import Item, Plan

AT_ONCE: Final = 32
"""Lines that are read together, as many as `models.crops` takes."""
LOOK: Final = 1.0
"""Seconds between two looks at processes that say nothing."""
START_SECONDS: Final = 300.0
"""Seconds in which a process has to load the model."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Tally:
    """What one call has done: shards and items written, those with an error, and processes that died on the way."""

    shards: int
    items: int
    errors: int
    deaths: int


@dataclass(slots=True)
class _Piece:
    """Items of one shard that are read together; `deaths` counts the processes that died of it."""

    shard: str
    items: tuple[Item, ...]
    deaths: int = 0


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    since: float
    ready: bool = False
    piece: _Piece | None = None


@dataclass(slots=True)
class _Open:
    """A shard that is being read: its items in order, and the rows that have come."""

    items: tuple[Item, ...]
    rows: dict[str, Row] = field(default_factory=dict)


@dataclass(slots=True)
class _Crew:
    plan: Plan
    reader: Reader
    tries: int
    stall_seconds: float
    progress: Progress
    total: int
    waiting: deque[_Piece] = field(default_factory=deque)
    names: deque[str] = field(default_factory=deque)
    open: dict[str, _Open] = field(default_factory=dict)
    workers: list[_Worker] = field(default_factory=list)
    unready: int = 0
    """Processes that died before they were ready, without one that was in between."""
    done: int = 0
    shards: int = 0
    errors: int = 0
    deaths: int = 0

    def run(self, processes: int) -> Tally:
        try:
            self.workers = [self._start() for _ in range(processes)]
            while self.names or self.waiting or self.open:
                self._hand_out()
                for pipe in wait([worker.pipe for worker in self.workers], LOOK):
                    self._hear(next(worker for worker in self.workers if worker.pipe is pipe))
                for worker in self.workers:
                    if time.monotonic() - worker.since > self._patience(worker):
                        worker.process.kill()  # its pipe then ends, which the next look hears
                        worker.since = time.monotonic()
        finally:
            for worker in self.workers:
                worker.process.kill()
                worker.process.join()
                worker.pipe.close()
        return Tally(self.shards, self.done, self.errors, self.deaths)

    def _patience(self, worker: _Worker) -> float:
        """Seconds for which a process may say nothing."""
        if not worker.ready:
            return START_SECONDS
        return self.stall_seconds if worker.piece is not None else math.inf

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self.reader), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, time.monotonic())

    def _hand_out(self) -> None:
        for worker in self.workers:
            if worker.ready and worker.piece is None and (piece := self._next()) is not None:
                worker.piece, worker.since = piece, time.monotonic()
                try:
                    worker.pipe.send(list(piece.items))
                except OSError:
                    continue  # it has died: its pipe says so at the next look

    def _next(self) -> _Piece | None:
        if not self.waiting and self.names:
            name = self.names.popleft()
            items = self.plan.shard(name).items
            self.open[name] = _Open(items)
            size = 1 if items[0].kind == "page" else AT_ONCE
            self.waiting += [_Piece(name, items[start : start + size]) for start in range(0, len(items), size)]
        return self.waiting.popleft() if self.waiting else None

    def _hear(self, worker: _Worker) -> None:
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            self._died(worker)
            return
        worker.since = time.monotonic()
        if isinstance(said, Fault):
            raise said.error
        if said == READY:
            worker.ready, self.unready = True, 0
            return
        piece, worker.piece = worker.piece, None
        assert piece is not None
        self._take(piece.shard, said)

    def _take(self, shard: str, rows: Sequence[Row]) -> None:
        """Keep what came of a shard, and write it when all is there."""
        held = self.open[shard]
        held.rows |= {row["id"]: row for row in rows}
        self.done += len(rows)
        if len(held.rows) == len(held.items):
            lines = (json.dumps(held.rows[item.id], ensure_ascii=False) + "\n" for item in held.items)
            write_text(self.plan.file(shard), "".join(lines))
            self.errors += sum("error" in row for row in held.rows.values())
            self.shards += 1
            del self.open[shard]
        self.progress(self.done, self.total, "reading")

    def _died(self, worker: _Worker) -> None:
        worker.process.join()
        worker.pipe.close()
        status = worker.process.exitcode or 0
        how = f"signal {-status}" if status < 0 else f"status {status}"
        self.deaths += 1
        if not worker.ready:
            self.unready += 1
            if self.unready >= self.tries + len(self.workers):
                remedy = "try the model with `emendo read`, and see that memory suffices"
                raise EngineError(f"the processes that read end with {how} before they are ready", remedy=remedy)
        if worker.piece is not None:
            self._again(worker.piece, how)
        self.workers[self.workers.index(worker)] = self._start()

    def _again(self, piece: _Piece, how: str) -> None:
        """Give out anew what a process died of: whole, then in halves, at last as an error."""
        piece.deaths += 1
        if piece.deaths < self.tries:
            self.waiting.appendleft(piece)
        elif len(piece.items) > 1:
            middle = len(piece.items) // 2
            halves = (piece.items[:middle], piece.items[middle:])
            self.waiting.extendleft(_Piece(piece.shard, half) for half in reversed(halves))
        else:
            item = piece.items[0]
            often = "" if piece.deaths == 1 else f", {piece.deaths} times"
            what = f"{item.file}: the process that reads it ended with {how}{often}; look at the file"
            self._take(piece.shard, [error_row(item, what)])


def read_shards(
    plan: Plan,
    names: Sequence[str],
    reader: Reader,
    *,
    processes: int,
    tries: int = 2,
    stall_seconds: float = 300.0,
    progress: Progress = lambda done, total, text: None,
) -> Tally:
    """Read those of the shards `names` that are not there yet, with `processes` processes of one thread each.

    A process that dies, or says nothing for `stall_seconds`, is replaced; see the module. `progress` is told items done
    and in all. Raises what loading the model raises, and EngineError when no process becomes ready.
    """
    left = [name for name in names if not plan.file(name).is_file()]
    if not left:
        return Tally(0, 0, 0, 0)
    total = sum(len(plan.shard(name).items) for name in left)
    crew = _Crew(plan, reader, tries, stall_seconds, progress, total, names=deque(left))
    return crew.run(max(1, min(processes, total)))
