"""One training for each fold of a data set, side by side where cores and memory allow; what is finished is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel

from emendo.datasets.dataset import content_hash
from emendo.datasets.folds import Folds, make_folds
from emendo.errors import EngineError, UsageError
from emendo.types import Sample

from .families import family_of, recipe_for
from .parallel import Progress, Training, jobs_for, train_all
from .record import RUN_FILE
from .run import train


@dataclass(frozen=True, slots=True)
class Foldwise:
    """The folds, the bundle that was trained without each, and the threads that each training had."""

    folds: Folds
    bundles: tuple[Path, ...]
    threads: int


def train_folds(
    samples: Sequence[Sample],
    count: int,
    work: Path,
    *,
    base: str = "base",
    recipe: BaseModel | None = None,
    seed: int = 0,
    threads: int = 1,
    jobs: int = 0,
    workspace: Path | None = None,
    progress: Progress | None = None,
) -> Foldwise:
    """Train `count` models from `base` into `work/fold-N`, each on what is not in its fold.

    `jobs` are trained at once (0: as many as threads and memory allow), each with `threads // jobs` threads; `recipe`
    None is the default one of the base's family. A run that is finished in `work` is not made again. Raises DataError
    for too few documents, UsageError when `work` holds folds of other labels or settings, EngineError when a fold
    failed, once the others are done.
    """
    folds = make_folds(samples, count, seed)
    recipe = _recipe(base, recipe, workspace)  # a wrong name is told once, before any fold
    trainings = [_training(samples, folds, at, work, base, recipe, workspace) for at in range(count)]
    for one in trainings:
        _check_same(one, recipe)
    jobs = min(jobs or jobs_for(count, threads), count)
    ended = train_all(trainings, jobs=jobs, threads=threads, progress=progress)
    faults = [f"{one.name} failed ({one.fault})" for one in ended if one.fault]
    if faults:
        kept = f"{len(ended) - len(faults)} of {len(ended)} are finished and kept"
        raise EngineError(f"{', '.join(faults)}; {kept}", remedy="run the same command again to train the rest")
    return Foldwise(folds, tuple(one.bundle for one in ended if one.bundle is not None), max(1, threads // jobs))


def train_fold(
    samples: Sequence[Sample],
    folds: Folds,
    at: int,
    work: Path,
    *,
    base: str,
    recipe: BaseModel | None = None,
    threads: int = 1,
    workspace: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """The one fold `at` (from 0) of `train_folds`, here; the folder of its bundle. Raises what training raises."""
    recipe = _recipe(base, recipe, workspace)
    one = _training(samples, folds, at, work, base, recipe, workspace)
    _check_same(one, recipe)
    run = train(
        one.samples,
        base=base,
        recipe=recipe,
        out=one.out,
        resume=one.out.exists(),
        workspace=workspace,
        threads=threads,
        progress=progress,
    )
    return run.bundle


def _recipe(base: str, recipe: BaseModel | None, workspace: Path | None) -> BaseModel:
    family, _ = family_of(base, workspace=workspace)
    return recipe or recipe_for(family)


def _training(
    samples: Sequence[Sample],
    folds: Folds,
    at: int,
    work: Path,
    base: str,
    recipe: BaseModel,
    workspace: Path | None,
) -> Training:
    return Training(
        name=f"fold {at + 1} of {len(folds.folds)}",
        samples=[samples[int(row)] for row in folds.folds[at].train],
        out=work / f"fold-{at}",
        base=base,
        recipe=recipe,
        workspace=workspace,
    )


def _check_same(training: Training, recipe: BaseModel) -> None:
    """Raise UsageError when the run in `out` learned other labels: its model may have seen the fold held out."""
    path = training.out / RUN_FILE
    if not path.is_file():
        return
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        held = None
    held = held if isinstance(held, dict) else {}
    data = held.get("data")
    known = {"labels": data.get("hash") if isinstance(data, dict) else None, "settings": held.get("recipe")}
    wanted = {"labels": content_hash(training.samples), "settings": recipe.model_dump(mode="json")}
    for what, value in wanted.items():
        if known[what] != value:
            raise UsageError(f"{training.out} was trained on other {what}", remedy="name another --out")
