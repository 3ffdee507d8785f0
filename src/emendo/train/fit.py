"""The trained part of a run: the loop, its guard against a blow-up, stopping and going on, and the best weights."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers.trainer_callback import PrinterCallback

from emendo.errors import BundleError
from emendo.models.bundle import GRAPH_FILE, Bundle, read_bundle
from emendo.models.ctc.align import encode
from emendo.models.ctc.network import LineNetwork, load_network
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.graph import load_graph
from emendo.text.direction import on_page, right_to_left

from .batches import BatchDataset, plan_batches
from .candidate import Start, count_errors, reading_of, write_candidate
from .recipe import Recipe, Schedule
from .selection import TrainingLine, balanced
from .session import (
    CHECKPOINTS,
    LOGS,
    CurveKeeper,
    Outcome,
    last_checkpoint,
    stop_on_interrupt,
    tensorboard,
    train_through,
)
from .splice import Piece, pieces_of
from .trainee import Trainee
from .trainer import Attendant, LineTrainer, Watch, arguments

Progress = Callable[[int, int, str], None]
BEST = "best"
SPLICED_BELOW = 0.6
"""A start that reads worse than this places the gaps between words too badly to cut there."""


@dataclass(frozen=True, slots=True)
class Task:
    """All that a run is made of once its data are read.

    `judged` are the lines on which the CER is counted: validation lines when `validated`, else some of `own`. `beside`
    is a model whose weights are averaged with the trained ones.
    """

    out: Path
    recipe: Recipe
    schedule: Schedule
    start: Start
    beside: Bundle | None
    own: Sequence[TrainingLine]
    general: Sequence[TrainingLine]
    replay: int
    judged: Sequence[TrainingLine]
    validated: bool
    threads: int
    half: bool
    progress: Progress


def fit(task: Task, *, resume: bool) -> tuple[Bundle, Outcome]:
    """Train; returns the bundle to keep. Raises Interrupted when asked to stop."""
    torch.set_num_threads(task.threads)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    best = _Best(task)
    before = best.begin(resume=resume)

    def attempt(slower: float, *, resume: bool) -> tuple[LineTrainer, Watch]:
        schedule = task.schedule.model_copy(update={"learning_rate": task.schedule.learning_rate * slower})
        return _run(task, schedule, best, resume=resume)

    steps = task.schedule.steps
    outcome = train_through(attempt, best, before, out=task.out, steps=steps, resume=resume, again=lambda: None)
    return best.bundle, outcome


class _Best:
    """The best weights so far, as a bundle in `out/best`; the start is the first candidate.

    `pieces` are words of the training lines, cut with the help of the start.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._folder = task.out / BEST
        self.bundle: Bundle
        self.pieces: list[Piece] = []
        self.cer, self.step, self.last_step = float("inf"), 0, 0

    def begin(self, *, resume: bool) -> float:
        """Judge the start, and take up the best of an earlier part of the run; returns the CER of the start.

        On validation lines it reads as it reads now. Lines that train tell only how far the run came: one look is
        enough.
        """
        task = self._task
        reading = {} if task.start.shown_anew else reading_of(task.start.bundle)
        bundle = write_candidate(task.start.network, task.start, task.out / "start", **reading)
        recognizer = CtcRecognizer(bundle, threads=task.threads)
        before = count_errors(recognizer, task.judged, plainly=not task.validated).cer
        self.bundle, self.cer = bundle, before
        if task.schedule.splice and before < SPLICED_BELOW:
            self.pieces = pieces_of([line for line in task.own if self._from_left(line.text)], recognizer)
        if resume and self._folder.is_dir():
            try:
                held = read_bundle(self._folder)
            except BundleError:
                return before
            self.bundle = held
            self.cer, self.step = float(held.info.metrics["cer"]), int(held.info.run["step"])
        return before

    def _from_left(self, text: str) -> bool:
        return not right_to_left(text) and on_page(text, self._task.start.direction) == text

    def judge(self, trainee: Trainee, step: int) -> float:
        """CER of the released weights; they are kept when better than all before (or, at a tie, than the start)."""
        task = self._task
        draft = write_candidate(trainee.released(), task.start, task.out / "candidate")
        reader = CtcRecognizer(draft, threads=task.threads)
        cer = count_errors(reader, task.judged, plainly=not task.validated).cer
        self.last_step = step
        if cer < self.cer or (not task.validated and cer <= self.cer):
            self.bundle = write_candidate(
                trainee.released(), task.start, self._folder, metrics={"cer": cer}, run={"step": step}
            )
            self.cer, self.step = cer, step
        return cer

    def judge_last(self, trainer: LineTrainer) -> None:
        """Judge the weights with which the loop ended."""
        self.judge(trainer.model, trainer.state.global_step)


def _weights(task: Task) -> tuple[Tensor, ...]:
    """The weights of the model that stands beside, in the order of the network's."""
    if task.beside is None:
        return ()
    network = load_network(load_graph(task.beside.path(GRAPH_FILE)))
    return tuple(weight.detach() for weight in network.parameters())


def _run(task: Task, schedule: Schedule, best: _Best, *, resume: bool) -> tuple[LineTrainer, Watch]:
    recipe, start = task.recipe, task.start
    torch.manual_seed(recipe.seed)
    network: LineNetwork = load_network(start.graph, start.head)
    network.set_dropout(recipe.dropout)
    network.freeze(schedule.frozen)
    trainee = Trainee(
        network,
        decay=recipe.average,
        bfloat=task.half,
        share=schedule.share,
        beside=_weights(task),
        teacher=start.teacher,
        taught=recipe.taught,
    )
    shown = balanced(task.own)
    batches = BatchDataset(
        shown,
        task.general,
        plan_batches([line.columns for line in shown], schedule.steps, schedule.lines_per_batch, recipe.seed),
        plan_batches([line.columns for line in task.general], schedule.steps, task.replay, recipe.seed + 1)
        if task.general
        else (),
        pieces=best.pieces,
        spliced=schedule.splice,
        geometry=start.geometry,
        encode=lambda text: encode(start.head.alphabet, on_page(text, start.direction), start.direction)[0].tolist(),
        augment=schedule.augment,
        camera=recipe.camera,
        seed=recipe.seed,
    )
    watch = Watch(total=schedule.steps, progress=task.progress, patience=recipe.patience)
    trainer = LineTrainer(
        trainee,
        batches,
        validate=best.judge if task.validated else None,
        recipe=recipe,
        schedule=schedule,
        watch=watch,
        args=arguments(task.out / CHECKPOINTS, recipe, schedule, validated=task.validated),
        callbacks=[Attendant(watch, trainee.update_average), tensorboard(task.out / LOGS), CurveKeeper(task.out)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(task.out / CHECKPOINTS) if resume else None
    with stop_on_interrupt(watch):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return trainer, watch
