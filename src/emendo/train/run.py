"""One training run from samples to a bundle, whatever the family of the base."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from emendo.errors import BundleError, EngineError, Refused, UsageError
from emendo.models.bundle import read_bundle
from emendo.models.references import AUTO
from emendo.types import Sample

from .families import Family, Order, TokenRow, family_of, recipe_for
from .memory import available_mb, resident_mb
from .record import BUNDLE, REPORT_FILE, RUN_FILE, now, surroundings, write_report, write_yaml
from .selection import LeftOut
from .start import resolved

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run: the folder of the bundle, and what `report.json` holds."""

    bundle: Path
    report: dict[str, Any]

    def sentences(self) -> list[str]:
        """What a person wants to know of the run."""
        report = self.report
        guessed = report.get("unlabelled", 0)
        what = "documents" if "f1_after" in report else "lines"
        of_them = f", {guessed} of them read by the first model," if guessed else ""
        told = [f"trained on {report['lines']} {what}{of_them} in {report['seconds']:.0f} s ({report['steps']} steps)"]
        if report["left_out"]:
            first = report["left_out"][0]
            told.append(f"left out: {len(report['left_out'])} {what}; the first, {first['id']}: {first['reason']}")
        name, key = ("F1 of fields", "f1") if "f1_after" in report else ("CER", "cer")
        before, after = 100 * report[f"{key}_before"], 100 * report[f"{key}_after"]
        told.append(f"{name} on {report['judged_on']}: {before:.1f} % before, {after:.1f} % after")
        if report["kept"] == "start":
            told.append("training made it no better, so the bundle holds the model it started from")
        return [*told, f"model: {self.bundle}"]


def train(
    samples: Sequence[Sample],
    *,
    val: Sequence[Sample] | None = None,
    base: str = AUTO,
    recipe: BaseModel | None = None,
    out: Path,
    resume: bool = False,
    workspace: Path | None = None,
    threads: int = 0,
    progress: Progress | None = None,
    name: str = "",
    left_out: Sequence[LeftOut] = (),
    beside: Path | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> RunResult:
    """Train a model on samples with text and leave it in `out/bundle`, called `name` (default: the folder's name).

    `base` decides the family: an embedded model (`auto`: the one that reads the samples best), a bundle, a model folder
    of transformers or a hub id; `crnn` and `fields` start from nothing. `recipe` is of the family's class (None: its
    default). `left_out` are samples that fell out before; they stand in the report with those that fall out here. With
    `val`, the weights that read it best are kept, otherwise the last ones; a model worse than the start is never kept.
    `beside` is the bundle of an earlier run on the same base, whose weights are averaged with the trained ones.
    `threads` 0 means one per core. `progress` is called with (steps done, steps in all, a short text), `tell` with the
    line of each epoch. With `resume`, a run that was stopped in `out` goes on as if it had not; a finished one is
    returned.

    Raises DataError when too few lines can train, UsageError when `out` holds another run, Interrupted on Ctrl-C.
    """
    _need_torch()
    finished = finished_run(out) if resume else None
    if finished is not None:
        return finished
    if not resume and (out / RUN_FILE).exists():
        raise UsageError(f"{out} holds a run already", remedy="give --resume or another --out")
    family, order = _ordered(samples, val, base, recipe, out, workspace, threads, progress)
    order = replace(order, name=name or out.resolve().name, left_out=left_out, tell=tell)
    job = family.prepare(replace(order, beside=read_bundle(beside) if beside else None))
    if resume:
        _check_same(out, job.record)
    write_yaml(out / RUN_FILE, {**job.record, "began": now(), **surroundings(job.threads)})
    report = job.fit(resume=resume)
    write_report(out / REPORT_FILE, report)
    return RunResult(out / BUNDLE, report)


def dry_run(
    samples: Sequence[Sample],
    number: int,
    *,
    val: Sequence[Sample] | None = None,
    base: str = AUTO,
    recipe: BaseModel | None = None,
    workspace: Path | None = None,
    threads: int = 0,
    progress: Progress | None = None,
    left_out: Sequence[LeftOut] = (),
) -> dict[str, Any]:
    """Everything that a run does, for two steps on the `number` samples with the longest texts, in a temporary folder.

    All samples are looked at first, so that those which cannot train are named. Returns what was seen: lines, samples
    left out, steps of the long run, seconds of a step, an estimate of the whole, the peak of memory and what was free.
    Raises Refused when the peak leaves less than a tenth of the memory free.
    """
    _need_torch()
    free, held_before = available_mb(), resident_mb()
    with tempfile.TemporaryDirectory(prefix="emendo-dry-") as held:
        family, order = _ordered(samples, val, base, recipe, Path(held) / "all", workspace, threads, progress)
        order = replace(order, name="rehearsal")
        job = family.prepare(replace(order, left_out=left_out))
        seen: dict[str, Any] = {
            "lines": job.lines,
            "left_out": [{"id": one.id, "reason": one.reason} for one in job.left_out],
            "steps": job.steps,
        }
        unusable = {one.id for one in job.left_out}
        del job  # its model would be counted twice
        chosen = sorted(order.samples, key=lambda sample: -len(sample.text or str(sample.fields or "")))
        few = [sample for sample in chosen if sample.id not in unusable][:number]
        small = replace(
            order,
            samples=few,
            val=few[: min(2, len(few))],
            recipe=family.shrunk(order.recipe),
            out=Path(held) / "few",
        )
        rehearsal = family.prepare(small)
        report = rehearsal.fit(resume=False)
    seen |= {
        "rehearsed": rehearsal.lines,
        "step_seconds": report["step_seconds"],
        "estimated_seconds": report["step_seconds"] * seen["steps"],
        "peak_memory_mb": max(0.0, report["peak_memory_mb"] - held_before),
        "free_memory_mb": free,
        "parity": report["parity"],
    }
    if seen["peak_memory_mb"] > 0.9 * free:
        what = f"the run took {seen['peak_memory_mb']:.0f} MB of {free:.0f} MB that were free"
        raise Refused(what, remedy="lower the batch or the resolution, or take the recipe 12gb")
    return seen


def show_labels(
    samples: Sequence[Sample],
    number: int,
    *,
    base: str = AUTO,
    recipe: BaseModel | None = None,
    workspace: Path | None = None,
) -> list[list[TokenRow]]:
    """The tokens of the first `number` samples as the network is trained on them, with whether each carries loss."""
    _need_torch()
    family, order = _ordered(samples[:number], None, base, recipe, Path(), workspace, 1, None)
    return family.tokens(order, number)


def _ordered(
    samples: Sequence[Sample],
    val: Sequence[Sample] | None,
    base: str,
    recipe: BaseModel | None,
    out: Path,
    workspace: Path | None,
    threads: int,
    progress: Progress | None,
) -> tuple[Family, Order]:
    base = resolved(base, samples, threads=threads)
    family, model = family_of(base, workspace=workspace)
    recipe = recipe or recipe_for(family)
    if not isinstance(recipe, family.recipe):
        what = f"the recipe is no recipe of the family {family.name!r}, of which the base {base!r} is"
        raise UsageError(what, remedy=f"use the recipe {family.default!r}")
    show = progress or (lambda done, total, text: None)
    return family, Order(samples, val, model, recipe, out, threads, show)


def _need_torch() -> None:
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("torch", "transformers", "accelerate")):
        raise EngineError("training needs torch and transformers", remedy="pip install 'emendo[train]'")


def finished_run(out: Path) -> RunResult | None:
    """The run that ended in a folder, if one did and its bundle is whole."""
    try:
        report = json.loads((out / REPORT_FILE).read_text(encoding="utf-8"))
        return RunResult(read_bundle(out / BUNDLE).folder, report)
    except (OSError, ValueError, BundleError):
        return None


def _check_same(out: Path, record: dict[str, Any]) -> None:
    path = out / RUN_FILE
    if not path.is_file():
        return
    try:
        old = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        old = None
    for key, value in record.items():
        if not isinstance(old, dict) or old.get(key) != value:
            raise UsageError(f"{path} belongs to a run with another {key!r}", remedy="name another --out")
