"""Families `trocr` and `vlm`: the plan of a run, the run, and what it leaves."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from emendo.datasets.dataset import content_hash
from emendo.datasets.synth import replay_samples
from emendo.errors import EngineError, UsageError
from emendo.models.base import cache_folder
from emendo.models.generative.graphs import FORMS
from emendo.models.generative.network import Loading, Network
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import Source

from ..families import Job, Order, TokenRow
from ..memory import require_memory
from ..record import BUNDLE, CURVE_FILE, draw_curve, judged_on, peak_memory_mb
from ..selection import LeftOut
from ..trainee import half_is_fast
from .adapters import attach, freeze, require_peft
from .data import TargetLine, require_samples, spread, tokens_of, usable_samples
from .finish import finish
from .fit import Task, clear, count_errors, fit
from .recipe import Course, TuneRecipe, course_for

GENERAL_LINES = 600


def _fit(
    task: Task,
    record: dict[str, Any],
    left_out: Sequence[LeftOut],
    name: str,
    *,
    loading: Loading,
    source: Source,
    resume: bool,
) -> dict[str, Any]:
    """Train, write and check the bundle, and return the report."""
    began = time.monotonic()
    outcome, cached = fit(task, resume=resume)
    base = source.bundle.info if source.bundle else None
    judged = {"judged_on": judged_on(task.validated), "judged_lines": len(task.judged)}
    info = {
        "family": source.family,
        "name": name,
        "base": (base.base if base else source.ref)[:200],
        "preprocessing": task.network.preprocessing,
        "decoding": {"most_tokens": task.recipe.max_target},
        "dataset": record["data"],
        "run": {**record, "preprocessing": task.network.preprocessing},
        "metrics": {"cer_before": outcome.before, "cer_after": outcome.after, **judged},
        "licences": base.licences if base else (),
    }
    bundle, parity = finish(task, loading, info, task.out / BUNDLE)
    after = count_errors(task.network, task.judged, most=task.recipe.max_target).cer
    report = {
        **outcome.figures(),
        **judged,
        "cer_after": after,
        "bundle": str(task.out / BUNDLE),
        "model": bundle.id,
        "lines": len(task.own),
        "left_out": [{"id": one.id, "reason": one.reason} for one in left_out],
        "encoder_cached": cached,
        "trained_weights": record["trained_weights"],
        "seconds": time.monotonic() - began,
        "peak_memory_mb": _peak_mb(),
        "parity": parity,
    }
    curve = outcome.cers if task.validated else []
    title = f"{name}: CER on {judged['judged_on']} {100 * outcome.before:.1f} % before, {100 * after:.1f} % after"
    draw_curve(task.out / CURVE_FILE, outcome.losses, curve, unit="token", title=title)
    clear(task.out)
    return report


@dataclass(frozen=True, slots=True)
class TuneFamily:
    """Models that write tokens; `default` is the recipe that is used when none is named."""

    name: str
    default: str
    recipe: type[TuneRecipe] = TuneRecipe
    exports: tuple[str, ...] = ()

    def prepare(self, order: Order) -> Job:
        """Load the model, attach what trains, read the samples; raises before anything is written."""
        source, recipe = order.model, order.recipe
        assert isinstance(source, Source) and isinstance(recipe, TuneRecipe)
        precision = precision_of(recipe)
        if recipe.lora_rank:
            require_peft()
        require_memory(source, bits=recipe.load_bits, full=not recipe.lora_rank)
        order.progress(0, 0, "loading the model")
        loading = loading_of(recipe)
        network = load_network(source, loading)
        if recipe.max_target > network.longest:
            what = f"max_target {recipe.max_target} is more than the {network.longest} positions of {source.ref!r}"
            raise UsageError(what, remedy=f"use --set max_target={network.longest}")
        own, left_out = usable_samples(order.samples, network, longest=recipe.max_target, progress=order.progress)
        require_samples(own, left_out)
        own = spread(own, recipe.max_samples) if recipe.max_samples else own
        held, not_held = usable_samples(order.val or (), network, longest=network.longest, progress=order.progress)
        course = course_for(recipe, len(own))
        general: list[TargetLine] = []
        if course.general:
            wanted = min(GENERAL_LINES, course.steps * course.general)
            samples = replay_samples(wanted, 0, cache_folder() / "replay")
            general, _ = usable_samples(samples, network, longest=recipe.max_target, progress=order.progress)
        attached = _attached(network, recipe)
        task = Task(
            out=order.out,
            recipe=recipe,
            course=course,
            network=network,
            own=own,
            general=general,
            judged=spread(held or own, recipe.judged),
            validated=bool(held),
            precision=precision,
            threads=order.threads or os.cpu_count() or 1,
            progress=order.progress,
        )
        record = _record(task, order, source, attached)
        left_out = [*order.left_out, *left_out, *not_held]
        return Job(
            record=record,
            left_out=left_out,
            threads=task.threads,
            lines=len(own),
            steps=course.steps,
            fit=partial(_fit, task, record, left_out, order.name, loading=loading, source=source),
        )

    def shrunk(self, recipe: TuneRecipe) -> TuneRecipe:
        """The recipe for a rehearsal: two steps, one look at two samples."""
        return recipe.model_copy(
            update={
                "steps": 2,
                "evaluations": 1,
                "evaluate_every": 0,
                "judged": 2,
                "replay": 0.0,
                "max_samples": 0,
                "warmup": 0,
            }
        )

    def tokens(self, order: Order, number: int) -> list[list[TokenRow]]:
        """The first samples as the network is trained on them."""
        source, recipe = order.model, order.recipe
        assert isinstance(source, Source) and isinstance(recipe, TuneRecipe)
        network = load_network(source, loading_of(recipe))
        lines, left_out = usable_samples(
            order.samples[:number], network, longest=recipe.max_target, progress=order.progress
        )
        if not lines:
            require_samples(lines, left_out)
        return [
            [TokenRow(line.sample.id, one.id, one.text, one.loss) for one in tokens_of(network, line)] for line in lines
        ]


TROCR = TuneFamily("trocr", "trocr-lora", exports=(*FORMS, "safetensors"))
VLM = TuneFamily("vlm", "vlm-lora", exports=("safetensors",))


def loading_of(recipe: TuneRecipe) -> Loading:
    """How the recipe wants the model loaded."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Loading(bits=recipe.load_bits, device=device, resolution=recipe.image_size, prompt=recipe.prompt)


def precision_of(recipe: TuneRecipe) -> str:
    """The arithmetic of the run. Raises EngineError for one that this machine does not have."""
    if recipe.precision == "auto":
        return "bfloat16" if half_is_fast() else "float32"
    if recipe.precision == "float16" and not torch.cuda.is_available():
        raise EngineError("float16 needs a GPU and there is none", remedy="use --set precision=bfloat16 or float32")
    return recipe.precision


def _attached(network: Network, recipe: TuneRecipe) -> Mapping[str, list[str]]:
    """Make ready what trains; returns the modules that an adapter sits on, by side."""
    if not recipe.lora_rank:
        freeze(network, recipe)
        return {}
    network.model, targets = attach(network, recipe)
    return targets


def _record(task: Task, order: Order, source: Source, attached: Mapping[str, list[str]]) -> dict[str, Any]:
    trained = sum(p.numel() for p in task.network.model.parameters() if p.requires_grad)
    course: Course = task.course
    return {
        "base": {"name": source.ref, "id": source.id, "family": source.family, "model_type": source.model_type},
        "data": {"hash": content_hash(order.samples), "samples": len(order.samples), "usable": len(task.own)},
        "val": {"hash": content_hash(order.val or ()), "samples": len(order.val or ())},
        "recipe": task.recipe.model_dump(mode="json"),
        "schedule": {"steps": course.steps, "warmup": course.warmup, "evaluate_every": course.evaluate_every},
        "precision": task.precision,
        "replay_lines": len(task.general),
        "trained_weights": trained,
        "adapter": {side: {"count": len(names), "modules": list(names)} for side, names in attached.items()},
    }


def _peak_mb() -> float:
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    return peak_memory_mb()
