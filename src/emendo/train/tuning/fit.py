"""The trained part of a run: the loop, its guard against a blow-up, and the best weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from transformers.trainer_callback import PrinterCallback

from emendo.errors import FormatError
from emendo.fields.answers import read_answer
from emendo.fields.compare import FieldCounts, compare_documents
from emendo.fields.schema import read_text
from emendo.metrics.align import Counts, counts
from emendo.models.generative.network import Network
from emendo.models.generative.trocr import Trocr
from emendo.tools.files import remove_folder, write_bytes, write_text

from ..batches import plan_batches
from ..session import (
    CHECKPOINTS,
    LOGS,
    CurveKeeper,
    Outcome,
    last_checkpoint,
    stop_on_interrupt,
    tensorboard,
    train_through,
)
from ..trainer import Attendant, Watch
from .adapters import load_state, trained_state
from .data import ENCODED_FILE, Draws, Encoded, TargetLine
from .recipe import HIGHER, Course, TuneRecipe, measured
from .targets import is_document, region_of_sample
from .trainer import TokenTrainer, arguments

BEST_WEIGHTS, BEST_FIGURES = "best.safetensors", "best.json"


@dataclass(frozen=True, slots=True)
class Task:
    """All that a run is made of once its data are read; `network.model` trains.

    `judged` are the samples that are read to count errors: validation samples when `validated`, else some of `own`.
    """

    out: Path
    recipe: TuneRecipe
    course: Course
    network: Network
    own: Sequence[TargetLine]
    general: Sequence[TargetLine]
    judged: Sequence[TargetLine]
    validated: bool
    precision: str
    threads: int
    progress: Callable[[int, int, str], None]


def fit(task: Task, *, resume: bool) -> tuple[Outcome, bool]:
    """Train and put the best weights back into the model; raises Interrupted when asked to stop.

    Also says whether what the encoder makes of the images was kept, because nothing in it trains.
    """
    torch.set_num_threads(task.threads)
    best = _Best(task)
    start = trained_state(task.network.model)
    before = best.begin(resume=resume)
    encoded = _encoded(task)

    def attempt(slower: float, *, resume: bool) -> tuple[TokenTrainer, Watch]:
        recipe = task.recipe.model_copy(update={"learning_rate": task.recipe.learning_rate * slower})
        return _run(replace(task, recipe=recipe), best, encoded, resume=resume)

    def again() -> None:
        load_state(task.network.model, start, task.out)

    steps = task.course.steps
    outcome = train_through(attempt, best, before, out=task.out, steps=steps, resume=resume, again=again)
    best.restore()
    (task.out / ENCODED_FILE).unlink(missing_ok=True)
    return outcome, encoded is not None


class _Best:
    """The best weights so far, in two files of the run; the start is the first candidate."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._sign = -1 if task.recipe.metric in HIGHER else 1
        self.cer = self.value = self._before = float("inf")
        self.step = self.last_step = 0

    def begin(self, *, resume: bool) -> float:
        """Judge the start, and take up the best of an earlier part of the run; returns the CER of the start."""
        figures = self._task.out / BEST_FIGURES
        if resume and figures.is_file():
            held = json.loads(figures.read_text(encoding="utf-8"))
            self.cer, self.value, self.step, self._before = held["cer"], held["value"], held["step"], held["before"]
            return self._before
        seen = self._figures()
        self.cer, self.value = seen["cer"], self._sign * seen[self._task.recipe.metric]
        self._before = seen["cer"]
        self._keep(0)
        return seen["cer"]

    def judge(self, step: int) -> dict[str, float]:
        """Figures of the weights as they are; they are kept when better than all before.

        At a tie they stay behind the earlier ones, but without validation samples the later ones have learnt more.
        """
        seen = self._figures()
        value = self._sign * seen[self._task.recipe.metric]
        self.last_step = step
        if value < self.value or (not self._task.validated and value <= self.value):
            self.cer, self.value, self.step = seen["cer"], value, step
            self._keep(step)
        return seen

    def judge_last(self, trainer: TokenTrainer) -> None:
        """Judge the weights with which the loop ended."""
        self.judge(trainer.state.global_step)

    def restore(self) -> None:
        """Put the best weights into the model."""
        path = self._task.out / BEST_WEIGHTS
        load_state(self._task.network.model, load_file(path), path)

    def _keep(self, step: int) -> None:
        out = self._task.out
        write_bytes(out / BEST_WEIGHTS, save(trained_state(self._task.network.model)))
        held = {"cer": self.cer, "value": self.value, "step": step, "before": self._before}
        write_text(out / BEST_FIGURES, json.dumps(held))

    def _figures(self) -> dict[str, float]:
        task = self._task
        texts = written_for(task.network, task.judged, most=task.recipe.max_target)
        total = sum(map(counts, [line.text for line in task.judged], texts), Counts())
        metric = task.recipe.metric
        return {"cer": total.cer, metric: measured(metric, total, count_fields(task.judged, texts))}


def count_errors(network: Network, lines: Sequence[TargetLine], *, most: int) -> Counts:
    """Alignment counts of the readings of some lines, as serving reads them."""
    texts = written_for(network, lines, most=most)
    return sum(map(counts, [line.text for line in lines], texts), Counts())


def written_for(network: Network, lines: Sequence[TargetLine], *, most: int) -> list[str]:
    """What the network writes for some lines, each asked as serving asks."""
    texts: list[str] = []
    for at in range(0, len(lines), network.batch):
        part = lines[at : at + network.batch]
        written = network.write([line.image for line in part], most=most, asks=[line.ask for line in part])
        texts += [one.text for one in written]
    return texts


def count_fields(lines: Sequence[TargetLine], texts: Sequence[str]) -> FieldCounts:
    """The fields of those lines that are documents or crops of them, in what was written for each."""
    total = FieldCounts()
    for line, text in zip(lines, texts, strict=True):
        if not is_document(line.sample):
            continue
        try:
            found = read_answer(text, region=region_of_sample(line.sample)).document
        except FormatError:
            found = None
        total += compare_documents(read_text(line.text).document, found).all
    return total


def encoder_trains(network: Network) -> bool:
    """Whether any weight of the image side trains."""
    first = next(iter(network.sides.values()))
    names = [name for name, p in network.model.named_parameters() if p.requires_grad]
    return any(name.removeprefix("base_model.model.").startswith(first) for name in names)


def _encoded(task: Task) -> Encoded | None:
    if not isinstance(task.network, Trocr) or encoder_trains(task.network):
        return None
    recipe = task.recipe
    return Encoded(
        task.network,
        (task.own, task.general),
        task.out,
        views=recipe.views,
        augment=recipe.augment,
        seed=recipe.seed,
        progress=task.progress,
    )


def _run(task: Task, best: _Best, encoded: Encoded | None, *, resume: bool) -> tuple[TokenTrainer, Watch]:
    recipe, course = task.recipe, task.course
    torch.manual_seed(recipe.seed)
    lengths = [line.tokens for line in task.own]
    general = [line.tokens for line in task.general]
    draws = Draws(
        task.network,
        task.own,
        task.general,
        plan_batches(lengths, course.steps, course.own, recipe.seed),
        plan_batches(general, course.steps, course.general, recipe.seed + 1) if general else (),
        augment=recipe.augment if task.network.family == "trocr" else 0.0,
        seed=recipe.seed,
        encoded=encoded,
    )
    watch = Watch(
        total=course.steps,
        progress=task.progress,
        patience=recipe.patience,
        metric=recipe.metric,
        higher=recipe.metric in HIGHER,
    )
    trainer = TokenTrainer(
        task.network,
        draws,
        judge=best.judge if task.validated else None,
        watch=watch,
        args=arguments(task.out / CHECKPOINTS, recipe, course, precision=task.precision, validated=task.validated),
        callbacks=[Attendant(watch), tensorboard(task.out / LOGS), CurveKeeper(task.out)],
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(task.out / CHECKPOINTS) if resume else None
    with stop_on_interrupt(watch):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    # mixed precision is wrapped around the model's own forward; what is measured and saved must be the model alone
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    return trainer, watch


def clear(out: Path) -> None:
    """Remove what only the run needed."""
    remove_folder(out / CHECKPOINTS)
    for name in (BEST_WEIGHTS, BEST_FIGURES, ENCODED_FILE):
        (out / name).unlink(missing_ok=True)
