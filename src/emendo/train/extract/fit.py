"""The trained part of a run: the loop, the best weights, and the bundle that is written from them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, SequentialSampler
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback

from emendo.errors import BundleError
from emendo.models.bundle import FIELDS_FAMILY, GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.extract.features import BUCKETS, VERSION
from emendo.models.extract.graph import Array, Shape, build
from emendo.models.extract.labels import LABELS
from emendo.models.extract.reader import comes_along, reader_files
from emendo.models.extract.tagger import OnnxTagger
from emendo.tools.files import write_json
from emendo.train.batches import first
from emendo.train.recipe import Recipe, Schedule
from emendo.train.session import (
    CHECKPOINTS,
    LOGS,
    CurveKeeper,
    Outcome,
    last_checkpoint,
    stop_on_interrupt,
    tensorboard,
    train_through,
)
from emendo.train.trainee import Trainee
from emendo.train.trainer import Attendant, LineTrainer, Watch, common_arguments

from .batches import DocumentBatches, plan
from .documents import TrainingDocument
from .judge import judge
from .loss import losses
from .network import FieldNetwork, arrays_of, network_of
from .recipe import Course, FieldsRecipe

BEST, CANDIDATE, FIGURES_FILE = "best", "candidate", "figures.json"
LONG = 200
"""Steps from which a process of its own is worth its start."""


@dataclass(frozen=True, slots=True)
class Task:
    """All that a run is made of once its data are read.

    `judged` are documents on which F1 is counted: validation documents when `validated`, else some of the training
    documents. `start` holds the weights of an earlier network, or nothing.
    """

    out: Path
    recipe: FieldsRecipe
    course: Course
    decoding: Mapping[str, Any]
    base: str
    reader: Bundle
    licences: Sequence[str]
    start: Mapping[str, Array]
    own: Sequence[TrainingDocument]
    replayed: Sequence[TrainingDocument]
    judged: Sequence[TrainingDocument]
    validated: bool
    threads: int
    half: bool
    progress: Callable[[int, int, str], None]
    tell: Callable[[str], None]

    @property
    def first(self) -> FieldNetwork:
        """The network that the run begins with, the same for the same seed."""
        if self.start:
            return network_of(self.start)
        torch.manual_seed(self.recipe.seed)
        return FieldNetwork(Shape(self.recipe.width, self.recipe.layers, self.recipe.heads))


class FieldTrainee(Trainee):
    """The network, the running average of its weights, and the loss of a batch of documents."""

    def forward(self, **batch: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """The loss of what `DocumentBatches` gives."""
        known = {name: batch.pop(name) for name in ("allowed", "rows", "kinds", "choices")}
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat):
            seen = self.network(**batch)
        return {"loss": losses(seen, **known)}


class FieldTrainer(LineTrainer):
    """The one trainer with plain AdamW and whole batches."""

    def optimizer_of(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """AdamW (Loshchilov & Hutter, 2019)."""
        return torch.optim.AdamW(groups, lr=self._schedule.learning_rate, betas=(0.9, 0.98), fused=True)

    def get_train_dataloader(self) -> Any:
        """Batches in the order of the plan, of a long run made by a process beside this one."""
        workers = 1 if len(self._batches) >= LONG else 0
        loader: Any = DataLoader(
            self._batches, batch_size=1, sampler=SequentialSampler(self._batches), collate_fn=first, num_workers=workers
        )
        return self.accelerator.prepare(loader)

    def training_step(self, model: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """Loss and gradients of one batch, all documents at once."""
        model.train()
        loss: Tensor = model(**self._prepare_inputs(inputs))["loss"]
        self.accelerator.backward(loss)
        return loss.detach().cpu()


def fit(task: Task, *, resume: bool) -> tuple[Bundle, Outcome, list[dict[str, Any]]]:
    """Train; returns the bundle to keep, what was seen (errors are 1 - F1), and the figures of each validation.

    Raises Interrupted when asked to stop.
    """
    torch.set_num_threads(task.threads)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    best = _Best(task)
    before = best.begin(resume=resume)

    def attempt(slower: float, *, resume: bool) -> tuple[LineTrainer, Watch]:
        return _run(task, task.course.learning_rate * slower, best, resume=resume)

    steps = task.course.steps
    outcome = train_through(attempt, best, before, out=task.out, steps=steps, resume=resume, again=best.forget)
    return best.bundle, outcome, best.rows


class _Best:
    """The best weights so far, as a bundle in `out/best`, and the figures of each validation in `out/figures.json`."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.bundle: Bundle
        self.cer, self.step, self.last_step = float("inf"), 0, 0
        self.rows: list[dict[str, Any]] = []

    def begin(self, *, resume: bool) -> float:
        """Judge the start, and take up the best of an earlier part of the run; returns the error of the start."""
        task = self._task
        self.bundle = write_network(task.first, task, task.out / BEST if not resume else task.out / CANDIDATE)
        before = judge(OnnxTagger(self.bundle, threads=task.threads), task.judged).error
        if task.start:
            self.cer = before  # a start from random weights is never worth keeping
        if resume:
            self._take_up()
        return before

    def _take_up(self) -> None:
        checkpoint = last_checkpoint(self._task.out / CHECKPOINTS)
        reached = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        try:
            rows = json.loads((self._task.out / FIGURES_FILE).read_text(encoding="utf-8"))
            held = read_bundle(self._task.out / BEST)
        except (OSError, ValueError, BundleError):
            return
        self.rows = [row for row in rows if row["step"] <= reached]
        if int(held.info.run.get("step", 0)) <= reached and "error" in held.info.metrics:
            self.bundle, self.cer = held, float(held.info.metrics["error"])
            self.step = int(held.info.run["step"])

    def forget(self) -> None:
        """Begin anew: what an attempt that blew up has shown does not count."""
        self.rows = []

    def judge(self, trainee: FieldTrainee, step: int) -> float:
        """The error of the released weights, as serving reads; they are kept when better than all before.

        At a tie the earlier ones stay, but without validation documents the later ones have learnt more.
        """
        task = self._task
        network: FieldNetwork = trainee.released()
        draft = write_network(network, task, task.out / CANDIDATE)
        seen = judge(OnnxTagger(draft, threads=task.threads), task.judged)
        row = {"step": step, "error": seen.error, **{f"f1_{name}": value for name, value in seen.figures().items()}}
        self.rows.append(row)
        write_json(task.out / FIGURES_FILE, self.rows)
        task.tell(f"step {step}/{task.course.steps}: F1 {100 * (1 - seen.error):.1f} %")
        self.last_step = step
        if seen.error < self.cer or (not task.validated and seen.error <= self.cer):
            kept = {"metrics": {"error": seen.error}, "run": {"step": step}}
            self.bundle = write_network(network, task, task.out / BEST, **kept)
            self.cer, self.step = seen.error, step
        return seen.error

    def judge_last(self, trainer: LineTrainer) -> None:
        """Judge the weights with which the loop ended."""
        self.judge(trainer.model, trainer.state.global_step)


def write_network(network: FieldNetwork, task: Task, target: Path, **info: Any) -> Bundle:
    """The network as a bundle; `info` sets further fields of `bundle.yaml`. Replaces what is there."""
    from safetensors.numpy import save

    arrays = arrays_of(network)
    filled = {
        "family": FIELDS_FAMILY,
        "name": task.base,
        "base": task.base,
        "preprocessing": preprocessing(task.reader.info.name),
        "decoding": dict(task.decoding),
        "licences": tuple(task.licences),
        **info,
    }
    files: dict[str, bytes | Path] = {
        GRAPH_FILE: build(arrays).SerializeToString(),
        WEIGHTS_FILE: bytes(save(arrays)),
    }
    if not comes_along(task.reader):
        files |= reader_files(task.reader)
    return write_bundle(target, BundleInfo(**filled), files, replace=True)


def preprocessing(reader: str) -> dict[str, Any]:
    """What a bundle says of the words that its network takes: who reads them, and of which features and labels."""
    return {"reader": reader, "features": VERSION, "buckets": BUCKETS, "labels": list(LABELS)}


def _run(task: Task, rate: float, best: _Best, *, resume: bool) -> tuple[LineTrainer, Watch]:
    recipe, course = task.recipe, task.course
    network = task.first
    torch.manual_seed(recipe.seed)
    network.set_dropout(recipe.dropout)
    trainee = FieldTrainee(network, decay=recipe.average, bfloat=task.half)
    share = recipe.replay if task.replayed else 0.0
    own = plan([one.size for one in task.own], course.steps, recipe, round(recipe.words * (1 - share)), recipe.seed)
    sizes = [one.size for one in task.replayed]
    replayed = plan(sizes, course.steps, recipe, round(recipe.words * share), recipe.seed + 1) if sizes else []
    watch = Watch(total=course.steps, progress=task.progress, patience=recipe.patience, shown="1 - F1")
    common = common_arguments(
        task.out / CHECKPOINTS,
        steps=course.steps,
        evaluate_every=course.evaluate_every,
        clip=recipe.clip,
        seed=recipe.seed,
        metric="cer",
        higher=False,
        validated=task.validated,
    )
    trainer = FieldTrainer(
        trainee,
        DocumentBatches(task.own, task.replayed, own, replayed, recipe),  # type: ignore[arg-type]
        validate=best.judge if task.validated else None,  # type: ignore[arg-type]
        recipe=Recipe(seed=recipe.seed, weight_decay=recipe.weight_decay, clip=recipe.clip),
        schedule=schedule_of(recipe, course, rate),
        watch=watch,
        args=TrainingArguments(per_device_train_batch_size=1, save_total_limit=2, label_names=["allowed"], **common),
        callbacks=[Attendant(watch, trainee.update_average), tensorboard(task.out / LOGS), CurveKeeper(task.out)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(task.out / CHECKPOINTS) if resume else None
    with stop_on_interrupt(watch):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return trainer, watch


def schedule_of(recipe: FieldsRecipe, course: Course, rate: float) -> Schedule:
    """The course in the terms of the one trainer."""
    return Schedule(
        steps=course.steps,
        lines_per_batch=1,
        learning_rate=rate,
        warmup=recipe.warmup,
        evaluate_every=course.evaluate_every,
        augment=recipe.noise,
        splice=0.0,
        share=1.0,
        frozen=0,
    )
