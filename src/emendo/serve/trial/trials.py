"""A candidate beside the champion on live traffic: who reads what, what is kept of it, and when it ends.

Which model answers a document follows from its name alone, so it is the same for all of its pages, after a restart and
on every machine with the same trial. What the other model reads of it is read along in a lane of its own, at the least
priority and only while nobody waits; where that does not keep up, readings are left out and counted. A candidate that
fails on an image is answered for by the champion. The second model takes as much memory as the first; there is one
candidate at most.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from ...errors import Busy, EmendoError, EngineError, UsageError
from ...monitor.captures import Captures
from ...monitor.seen import Outcome, Seen, Truth
from ...monitor.trial import ARMS, CANDIDATE, CHAMPION, Judgement, Verdict
from ...settings import Settings, TrialSettings
from ...workspace.folder import Workspace, timestamp
from ..metrics import Metrics
from ..models import Load, Probe
from ..observe import refused_of, seen_of
from ..reading import Served, Task, named_now
from .guard import Guarded
from .lane import Lane
from .memory import Memory
from .plan import Plan, judged
from .running import Running

MOST_FAILURES: Final = 5
"""Images in a row that the candidate could not read and the champion could, after which a trial ends."""
MOST_PENDING: Final = 5000
"""Readings that wait to be written."""
REST: Final = 5.0
"""Seconds between two looks for each second of a processor that a look takes."""


class Trials:
    """The trial of one service, or none; remembered in its workspace, where there is one.

    `busy` says whether somebody waits for a reading; `log` is told what begins and ends. Everything but `start` and
    `look` is quick: it is called by the threads that read.
    """

    def __init__(
        self,
        settings: Settings,
        workspace: Path | None,
        load: Load,
        probe: Probe,
        metrics: Metrics,
        *,
        busy: Callable[[], bool],
        log: Callable[[str], None],
    ) -> None:
        self.settings, self._load, self._probe, self.metrics = settings, load, probe, metrics
        self._busy, self._log = busy, log
        self._root = workspace
        self._memory = Memory(Workspace(workspace) if workspace is not None else None)
        self._running: Running | None = None
        self._judgement: Judgement | None = None
        self._counts: Counter[str] = Counter()
        self._pending: list[Seen] = []
        self._ending: deque[tuple[Running, str]] = deque()
        self._changing, self._noting = threading.Lock(), threading.Lock()
        self._rest_until = 0.0
        metrics.gauge("emendo_trial_running", "Whether a trial goes on.", lambda: float(self._running is not None))
        metrics.gauge("emendo_trial_documents", "Documents that a trial has judged.", self._documents)

    @property
    def running(self) -> Plan | None:
        """What is tried now."""
        running = self._running
        return running.plan if running is not None else None

    def start(self, champion: Served, reference: str, how: TrialSettings | None = None) -> Plan:
        """Try what `reference` names beside the champion; it is probed first, as before a swap.

        Raises Busy while a trial goes on, here or in another service of the workspace, UsageError for a candidate that
        cannot be tried, and what speaks against the model; nothing has changed then.
        """
        if not self._changing.acquire(blocking=False):
            raise Busy("another trial is being started", remedy="ask again when it goes on")
        try:
            if self._running is not None:
                what = f"{self._running.plan.candidate} is being tried"
                raise Busy(what, remedy="stop that trial first (`emendo trial stop`)")
            self._memory.claim()
            try:
                candidate = self._opened(reference, champion)
            except BaseException:
                self._memory.free()
                raise
            how = how or self.settings.trial
            name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
            plan = Plan(name, reference, champion.model, candidate.model, how, timestamp())
            self._judgement, self._counts = None, Counter()
            self._begin(plan, champion, candidate)
            self._log(f"trial {plan.id} begins: {plan.candidate} beside {plan.champion} ({how.mode})")
            return plan
        finally:
            self._changing.release()

    def restore(self, champion: Served | None) -> None:
        """Go on with the trial that went on when the service ended, else begin the one that the settings name, unless
        it has had its verdict. Never raises EmendoError: the service is there without a trial too."""
        if champion is None:
            return
        try:
            plan = self._memory.recall()
            self._counts = self._memory.counts
            wanted = self.settings.trial.model
            if plan is not None and self._memory.unfinished:
                self._memory.claim()
                if plan.champion != champion.model:
                    self._close(plan, "the model in use is another one")
                    return
                try:
                    candidate = self._opened(plan.reference, champion)
                except EmendoError as error:
                    self._close(plan, f"the candidate cannot be used any more: {error}")
                    return
                if candidate.model != plan.candidate:
                    self._close(plan, "the reference of the candidate names another model now")
                    return
                self._begin(plan, champion, candidate)
                self._log(f"trial {plan.id} goes on")
            elif wanted and not (plan is not None and self._decided(plan, wanted, champion)):
                self.start(champion, wanted)
        except EmendoError as error:
            self._log(f"no trial: {error}")

    def stop(self, why: str = "stopped by a person") -> None:
        """End the trial; the champion answers everything from now on. Raises UsageError when there is none."""
        if not self._end(why):
            raise UsageError("no trial goes on", remedy="start one with `emendo trial start`")
        self._finish()

    def close(self) -> None:
        """The service ends; the trial goes on when it is there again."""
        running = self._running
        try:
            self._finish()
            if running is not None:
                running.lane.stop()
                self._flush(running)
                self._save(running.plan, "running")
        except OSError as error:
            self._log(f"what the trial read last is not kept: {error}")
        finally:
            self._memory.free()

    def reader(self, task: Task, champion: Served) -> Served:
        """The model that answers a task."""
        running = self._running
        if running is None:
            return champion
        if champion is not running.champion and champion.model != running.plan.champion:
            self._end("the model in use was changed")
            return champion
        plan = running.plan
        return running.guarded.served if plan.how.mode == "ab" and plan.chosen(plan.key(task)) else champion

    def noted(self, task: Task, seen: Seen, served: Served) -> Seen:
        """An answer that was given, as observers are told of it: with its arm. What the other model reads of it is put
        in the lane."""
        running = self._running
        if running is None:
            return seen
        plan = running.plan
        drawn = served is running.guarded.served
        arm = running.guarded.arm if drawn else CHAMPION
        if plan.how.mode == "shadow" and not plan.chosen(plan.key(task)):
            return seen
        seen = replace(seen, arm=arm)
        if drawn and arm == CHAMPION:
            self._note(plan, replace(refused_of(task, Outcome.FAILED, "the candidate failed"), arm=CANDIDATE))
        elif drawn:
            running.failures = 0
        if arm == CANDIDATE or not drawn or plan.rules.paired:
            self._note(plan, seen)
        if plan.rules.paired and (arm == CANDIDATE or not drawn):
            other = running.champion if drawn else running.candidate
            if not running.lane.offer((running, task, other, CHAMPION if drawn else CANDIDATE), len(task.content)):
                self._lost(plan, "full")
        return seen

    def tell(self, truth: Truth) -> None:
        """What a person said of an answer."""
        running = self._running
        if running is not None:
            running.captures.add_truths([truth])
            running.told.add(truth.id)
            if running.plan.how.basis == "corrections":
                running.unjudged.append(truth.at)

    def look(self) -> None:
        """Write what was read, judge what is known, and end the trial when there is a verdict. Called now and then by
        one thread; a disk that is full is for the log."""
        try:
            self._finish()
            running = self._running
            if running is not None:
                self._flush(running)
                self._judge(running)
                self._finish()
        except (OSError, EmendoError) as error:
            self._log(f"the trial is not judged: {error}")

    def describe(self) -> dict[str, Any]:
        """The trial that goes on, or the last one, as JSON; `state` is none, running or ended."""
        running = self._running
        if running is not None:
            return self._row(running.plan, "running")
        self._finish()
        return self._memory.describe()

    def _opened(self, reference: str, champion: Served) -> Served:
        if not reference:
            raise UsageError("a trial needs a candidate", remedy="name a bundle, a model of the workspace or an alias")
        named = named_now(reference, self._root)
        try:
            self._probe(named)
            candidate = self._load(reference)
        except EmendoError:
            raise
        except Exception as error:  # what a damaged model makes a run time raise has no common base
            raise EngineError(f"the model cannot be used ({type(error).__name__}: {error})", where=named) from error
        if candidate.model == champion.model:
            raise UsageError(f"{reference!r} is the model in use", remedy="try another one beside it")
        lacks = sorted(set(champion.readers) - set(candidate.readers))
        if lacks:
            what = f"{reference!r} reads no {' and no '.join(f'{kind}s' for kind in lacks)}, as the model in use does"
            raise UsageError(what, remedy="try a model of the same kind")
        return candidate

    def _begin(self, plan: Plan, champion: Served, candidate: Served) -> None:
        how = plan.how
        guarded = Guarded(candidate, champion, partial(self._failed, plan))
        lane = Lane(how.queue, how.queue_bytes, self._busy, self._read_along)
        captures = Captures(self._memory.folder(plan))
        running = Running(plan, champion, candidate, guarded, lane, captures)
        basis: list[Truth] | list[Seen]
        basis = list(captures.truths()) if how.basis == "corrections" else list(captures.seen())
        running.told.update(one.id for one in basis)
        running.unjudged.extend(sorted(one.at for one in basis))
        self._show(self._judgement)
        self._running = running
        self._save(plan, "running")

    def _read_along(self, item: tuple[Running, Task, Served, str]) -> None:
        """In the lane: what the other model reads of a picture that was answered."""
        running, task, other, arm = item
        started = time.monotonic()
        try:
            answer = other.read(task, self.settings)
        except Exception as error:
            self._lost(running.plan, "failed")
            if arm == CANDIDATE:
                self._note(running.plan, replace(refused_of(task, Outcome.FAILED, "the candidate failed"), arm=arm))
                self._failed(running.plan, error)
            return
        if arm == CANDIDATE:
            running.failures = 0
        self._note(running.plan, replace(seen_of(task, answer, time.monotonic() - started), arm=arm))

    def _failed(self, plan: Plan, error: Exception) -> None:
        """The candidate of a trial could not read what the champion reads."""
        running = self._running
        if running is None or running.plan is not plan:
            return
        self._counts["failed"] += 1
        running.failures += 1
        if running.failures == MOST_FAILURES:
            said = error.what if isinstance(error, EmendoError) else type(error).__name__
            self._end(f"the candidate failed on {MOST_FAILURES} images in a row ({said})")

    def _note(self, plan: Plan, seen: Seen) -> None:
        """Keep a reading of a trial, unless that has ended meanwhile: the next one has nothing to do with it."""
        with self._noting:
            if self._running is None or self._running.plan is not plan:
                return
            how = self._running.plan.how
            room = len(self._pending) < MOST_PENDING and self._counts["kept"] < how.readings
            if room:
                if how.basis == "agreement" or seen.id in self._running.told:
                    self._running.unjudged.append(seen.at)
                self._pending.append(seen)
                self._counts["kept"] += 1
                self._counts[seen.arm] += 1
        if room:
            self.metrics.trial_readings.labels(seen.arm).inc()
        else:
            self._lost(plan, "kept")

    def _lost(self, plan: Plan, reason: str) -> None:
        running = self._running
        if running is not None and running.plan is plan:
            self._counts["lost"] += 1
        self.metrics.trial_lost.labels(reason).inc()

    def _flush(self, running: Running) -> None:
        with self._noting:
            rows, self._pending = self._pending, []
        if rows:
            running.captures.add(rows)

    def _judge(self, running: Running) -> None:
        ripe = datetime.now(UTC) - timedelta(minutes=running.plan.how.settle_minutes)
        if time.monotonic() < self._rest_until or not (running.unjudged and running.unjudged[0] <= ripe):
            return
        while running.unjudged and running.unjudged[0] <= ripe:
            running.unjudged.popleft()
        started = time.thread_time()
        self._show(judged(running.captures, running.plan.rules, ripe))
        self._rest_until = time.monotonic() + REST * (time.thread_time() - started)
        self._save(running.plan, "running")
        assert self._judgement is not None
        if self._judgement.verdict is not Verdict.OPEN:
            self._end(self._judgement.sentence)

    def _end(self, why: str) -> bool:
        """Let the champion answer everything from this moment; whether a trial went on. Quick: the rest is left to
        `_finish`."""
        with self._noting:
            running, self._running = self._running, None
            if running is not None:
                running.lane.stop()
                self._ending.append((running, why))
        return running is not None

    def _finish(self) -> None:
        """Write down the trials that have ended."""
        while self._ending:
            running, why = self._ending.popleft()
            self._flush(running)
            self._close(running.plan, why)

    def _close(self, plan: Plan, why: str) -> None:
        self._save(plan, "ended", why)
        self._log(f"trial {plan.id} ends: {why}; {plan.champion} answers everything")
        verdict = self._judgement.verdict if self._judgement is not None else Verdict.OPEN
        if verdict is Verdict.BETTER:
            self._log(f"the trial says better: run `emendo promote {plan.reference}`")
        try:
            self._memory.note_end(plan, verdict, why)
        except EmendoError as error:
            self._log(f"the end of the trial is not in the log of the workspace: {error}")
        if self._running is None:
            self._memory.free()

    def _row(self, plan: Plan, state: str, why: str = "") -> dict[str, Any]:
        return self._memory.row(plan, state, self._counts, self._judgement, why)

    def _save(self, plan: Plan, state: str, why: str = "") -> None:
        self._memory.save(self._row(plan, state, why))

    def _decided(self, plan: Plan, wanted: str, champion: Served) -> bool:
        """Whether what the settings want to try has been tried beside the same champion."""
        same = plan.reference == wanted and plan.champion == champion.model
        decided = same and self._memory.verdict != Verdict.OPEN
        if decided:
            self._log(f"{plan.candidate} is not tried again: trial {plan.id} said {self._memory.verdict}")
        return decided

    def _documents(self) -> float:
        return float(self._judgement.documents if self._judgement is not None else 0)

    def _show(self, judgement: Judgement | None) -> None:
        self._judgement = judgement
        for verdict in Verdict:
            said = judgement.verdict if judgement is not None else Verdict.OPEN
            self.metrics.trial_verdict.labels(verdict.value).set(float(verdict is said))
        if judgement is not None:
            for arm, found in zip(ARMS, (judgement.champion, judgement.candidate), strict=True):
                self.metrics.trial_errors.labels(arm).set(found.errors)
                self.metrics.trial_size.labels(arm).set(found.size)
