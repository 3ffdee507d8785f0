"""The trained part of a run: the loop, the line of each epoch, the guard against a collapse, and the best weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainingArguments
from transformers.trainer_callback import PrinterCallback

from emendo.errors import BundleError
from emendo.image.line import LineGeometry, network_input, normalize_line
from emendo.metrics.align import Counts, counts
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.ctc.align import encode
from emendo.models.ctc.crnn import Crnn, arrays_of, network_of
from emendo.models.ctc.crnn_graph import Array, build
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.tools.files import write_json
from emendo.train.batches import BatchDataset
from emendo.train.recipe import Recipe, Schedule
from emendo.train.selection import TrainingLine
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

from .collapse import BlankGuard, Circumstances, explained
from .lines import plans
from .recipe import Course, CrnnRecipe

BEST, CANDIDATE, EPOCHS_FILE = "best", "candidate", "epochs.json"
BASE = "CRNN (Shi et al., 2015), from random weights"
JUDGED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Task:
    """All that a run is made of once its data are read.

    `judged` are the lines on which loss, CER and the share of exact ones are counted: validation lines when
    `validated`, else some of the training lines. `start` holds the weights of an earlier CRNN, or nothing.
    """

    out: Path
    recipe: CrnnRecipe
    course: Course
    alphabet: tuple[str, ...]
    geometry: LineGeometry
    base: str
    start: Mapping[str, Array]
    real: Sequence[TrainingLine]
    drawn: Sequence[TrainingLine]
    judged: Sequence[TrainingLine]
    validated: bool
    threads: int
    half: bool
    progress: Callable[[int, int, str], None]
    tell: Callable[[str], None]

    @property
    def first(self) -> Crnn:
        """The network that the run begins with, the same for the same seed."""
        if self.start:
            return network_of(self.start)
        torch.manual_seed(self.recipe.seed)
        return Crnn(1 + len(self.alphabet))


def fit(task: Task, *, resume: bool) -> tuple[Bundle, Outcome, list[dict[str, Any]]]:
    """Train; returns the bundle to keep, what was seen, and the figures of each epoch.

    Raises Interrupted when asked to stop, Collapsed when the network reads nothing any more.
    """
    torch.set_num_threads(task.threads)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    best = _Best(task)
    before = best.begin(resume=resume)

    def attempt(slower: float, *, resume: bool) -> tuple[LineTrainer, Watch]:
        return _run(task, task.recipe.learning_rate * slower, best, resume=resume)

    steps = task.course.steps
    outcome = train_through(attempt, best, before, out=task.out, steps=steps, resume=resume, again=best.forget)
    if outcome.kept != "trained" or (best.silent and not task.recipe.force):
        raise explained(outcome.steps, circumstances(task, task.recipe.learning_rate))
    return best.bundle, outcome, best.epochs


def circumstances(task: Task, rate: float) -> Circumstances:
    """What a collapse is explained from."""
    lines = [*task.real, *task.drawn[:1000]]
    crowding = float(np.mean([(2 * len(line.text) + 1) / line.frames for line in lines]))
    return Circumstances(len(task.real), len(task.drawn), rate, crowding)


class _Best:
    """The best weights so far, as a bundle in `out/best`, and the figures of every epoch, kept in `out/epochs.json`."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.bundle: Bundle
        self.cer, self.step, self.last_step = float("inf"), 0, 0
        self.epochs: list[dict[str, Any]] = []
        self.silent = True
        self._targets = [encode(task.alphabet, line.text, "ltr")[0].tolist() for line in task.judged]

    def begin(self, *, resume: bool) -> float:
        """Judge the start, and take up the best of an earlier part of the run; returns the CER of the start.

        Unlike that of a base, a start from random weights is never worth keeping.
        """
        task = self._task
        self.bundle = write_network(task.first, task, task.out / CANDIDATE)
        before = self._read(self.bundle)[0].cer
        if resume:
            self._take_up()
        return before

    def _take_up(self) -> None:
        checkpoint = last_checkpoint(self._task.out / CHECKPOINTS)
        reached = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        try:
            rows = json.loads((self._task.out / EPOCHS_FILE).read_text(encoding="utf-8"))
            held = read_bundle(self._task.out / BEST)
        except (OSError, ValueError, BundleError):
            return
        self.epochs = [row for row in rows if row["step"] <= reached]
        if int(held.info.run["step"]) <= reached:
            self.bundle, self.cer, self.step = held, float(held.info.metrics["cer"]), int(held.info.run["step"])
            self.silent = bool(held.info.run["silent"])

    def forget(self) -> None:
        """Begin anew: what an attempt that blew up has shown does not count."""
        self.epochs = []

    def judge(self, trainee: Trainee, step: int, history: Sequence[Mapping[str, Any]]) -> float:
        """CER of the released weights, as serving reads; they are kept when better than all before.

        `history` holds the loss of each step.
        """
        task = self._task
        ended = self.epochs[-1]["step"] if self.epochs else 0
        losses = [float(row["loss"]) for row in history if "loss" in row and row["step"] > ended]
        network: Crnn = trainee.released()
        draft = write_network(network, task, task.out / CANDIDATE)
        total, exact, silent = self._read(draft)
        row = {
            "epoch": len(self.epochs) + 1,
            "step": step,
            "loss": sum(losses) / max(1, len(losses)),
            "val_loss": self._val_loss(network),
            "cer": total.cer,
            "exact": exact,
        }
        self.epochs.append(row)
        write_json(task.out / EPOCHS_FILE, self.epochs)
        task.tell(epoch_line(row, task))
        self.last_step = step
        if total.cer < self.cer:
            found = {"metrics": {"cer": total.cer}, "run": {"step": step, "silent": silent}}
            self.bundle = write_network(network, task, task.out / BEST, **found)
            self.cer, self.step, self.silent = total.cer, step, silent
        return float(total.cer)

    def judge_last(self, trainer: LineTrainer) -> None:
        """Judge the weights with which the loop ended."""
        self.judge(trainer.model, trainer.state.global_step, trainer.state.log_history)

    def _read(self, bundle: Bundle) -> tuple[Counts, float, bool]:
        """Alignment counts of the readings of the judged lines, the share of those that are exactly right, and whether
        all are empty.
        """
        readings = CtcRecognizer(bundle, threads=self._task.threads).read([line.image for line in self._task.judged])
        found = [counts(line.text, one.text) for line, one in zip(self._task.judged, readings, strict=True)]
        exact = sum(one.edits == 0 for one in found) / len(found)
        return sum(found, Counts()), exact, not any(one.text for one in readings)

    @torch.no_grad()
    def _val_loss(self, network: Crnn) -> float:
        """CTC loss in nats per character of the judged lines, without augmentation."""
        network.eval()
        trainee = Trainee(network, decay=0.0, bfloat=False)
        losses = []
        for at in range(0, len(self._targets), JUDGED_AT_ONCE):
            part, targets = self._task.judged[at : at + JUDGED_AT_ONCE], self._targets[at : at + JUDGED_AT_ONCE]
            images = network_input(
                [normalize_line(line.image, self._task.geometry) for line in part], self._task.geometry
            )
            flat = torch.tensor([label for one in targets for label in one], dtype=torch.long)
            lengths = torch.tensor([len(one) for one in targets])
            losses.append(len(part) * float(trainee(torch.from_numpy(images), flat, lengths)["loss"]))
        return sum(losses) / len(self._targets)


def epoch_line(row: Mapping[str, Any], task: Task) -> str:
    """What is said of an epoch."""
    total = -(-task.course.steps // task.course.epoch)
    return (
        f"epoch {row['epoch']}/{total}: loss {row['loss']:.3f}, val_loss {row['val_loss']:.3f}, "
        f"CER {100 * row['cer']:.1f} %, exact {100 * row['exact']:.1f} %"
    )


def write_network(network: Crnn, task: Task, target: Path, **info: Any) -> Bundle:
    """The network as a bundle; `info` sets further fields of `bundle.yaml`. Replaces what is there."""
    from safetensors.numpy import save

    arrays = arrays_of(network)
    filled = {
        "family": "crnn",
        "name": task.base,
        "base": BASE,
        "alphabet": task.alphabet,
        "preprocessing": task.geometry.model_dump(),
        **info,
    }
    files = {GRAPH_FILE: build(arrays).SerializeToString(), WEIGHTS_FILE: bytes(save(arrays))}
    return write_bundle(target, BundleInfo(**filled), files, replace=True)


class CrnnTrainer(LineTrainer):
    """The one trainer with plain AdamW and whole batches, which batch normalisation needs."""

    def optimizer_of(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """AdamW (Loshchilov & Hutter, 2019)."""
        return torch.optim.AdamW(groups, lr=self._schedule.learning_rate, fused=True)

    def training_step(self, model: Any, inputs: Mapping[str, Tensor], num_items_in_batch: Any = None) -> Tensor:
        """Loss and gradients of one batch, all lines at once."""
        model.train()
        loss: Tensor = model(**self._prepare_inputs(inputs))["loss"]
        self.accelerator.backward(loss)
        return loss.detach().cpu()


def _run(task: Task, rate: float, best: _Best, *, resume: bool) -> tuple[LineTrainer, Watch]:
    recipe, course = task.recipe, task.course
    network = task.first
    torch.manual_seed(recipe.seed)
    network.dropout = recipe.dropout
    trainee = Trainee(network, decay=recipe.average, bfloat=task.half)
    own, drawn = plans(task.real, task.drawn, course, recipe.seed)
    batches = BatchDataset(
        task.real,
        task.drawn,
        own,
        drawn,
        geometry=task.geometry,
        encode=lambda text: encode(task.alphabet, text, "ltr")[0].tolist(),
        augment=recipe.augment,
        seed=recipe.seed,
        multiple=task.geometry.bucket_pixels,
    )
    watch = Watch(total=course.steps, progress=task.progress, patience=recipe.patience)
    guard = BlankGuard(watch, lambda: trainee.blanks)
    common = common_arguments(
        task.out / CHECKPOINTS,
        steps=course.steps,
        evaluate_every=course.epoch,
        clip=recipe.clip,
        seed=recipe.seed,
        metric="cer",
        higher=False,
        validated=True,
    )

    trainer = CrnnTrainer(
        trainee,
        batches,
        validate=lambda model, step: best.judge(model, step, trainer.state.log_history),
        recipe=Recipe(seed=recipe.seed, weight_decay=recipe.weight_decay, clip=recipe.clip),
        schedule=schedule_of(recipe, course, rate),
        watch=watch,
        args=TrainingArguments(per_device_train_batch_size=1, save_total_limit=2, label_names=["targets"], **common),
        callbacks=[
            Attendant(watch, trainee.update_average),
            guard,
            tensorboard(task.out / LOGS),
            CurveKeeper(task.out),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(task.out / CHECKPOINTS) if resume else None
    with stop_on_interrupt(watch):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if guard.emptied is not None:
        raise explained(guard.emptied, circumstances(task, rate))
    return trainer, watch


def schedule_of(recipe: CrnnRecipe, course: Course, rate: float) -> Schedule:
    """The course in the terms of the one trainer."""
    return Schedule(
        steps=course.steps,
        lines_per_batch=recipe.batch,
        learning_rate=rate,
        warmup=recipe.warmup,
        evaluate_every=course.epoch,
        augment=recipe.augment,
        splice=0.0,
        share=1.0,
        frozen=0,
    )
