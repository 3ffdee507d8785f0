"""Published data to a trained model: download, prepare, train, each step by itself or all.

Downloads go to `DATA/archives`, manifests to `DATA/NAME`, runs to `RUNS/NAME`. A step whose result is there is not
done again. Beside a run, `pipeline.yaml` holds every resolved choice and the hash of every manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..datasets import Dataset, open_dataset
from ..datasets.dryrun import DryRun, dry_run
from ..datasets.fetch import Progress, archive_of, obtain, prepare
from ..datasets.mix import draw
from ..datasets.published import source_of
from ..datasets.splits import Shares, assign
from ..datasets.summary import include_all
from ..errors import UsageError
from ..settings import Limits
from ..tools.files import write_text
from ..types import Sample, Split

if TYPE_CHECKING:
    from ..train.run import RunResult

RECORD = "pipeline.yaml"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train on and how; every field has a flag and an environment variable."""

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...] = ()
    val_split: float = 0.0
    languages: tuple[str, ...] = ()
    subsets: tuple[str, ...] = ()
    max_samples: int = 0
    base: str = "auto"
    recipe: str = "default"
    changes: tuple[str, ...] = ()
    seed: int = 0
    runs: Path = Path("runs")
    resume_from: Path | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The samples of a plan, and the data sets that they come from."""

    train: tuple[Sample, ...]
    val: tuple[Sample, ...] | None
    sources: tuple[Dataset, ...]


def download(
    names: Sequence[str],
    data: Path,
    *,
    mirror: str = "",
    token: str = "",
    trust_new: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """The archives of some data sets, downloaded where they are not there yet, and held to their checksums."""
    return [
        obtain(
            source_of(name),
            data / "archives",
            mirror=mirror,
            token=token,
            trust_new=trust_new,
            limits=limits,
            progress=progress,
        )
        for name in names
    ]


def prepare_all(names: Sequence[str], data: Path, *, limits: Limits | None = None) -> list[Dataset]:
    """The manifests of some data sets, made from their archives where they are not there yet."""
    made = []
    for name in names:
        source, out = source_of(name), data / name
        if not out.exists():
            archive = archive_of(source, data / "archives")
            if not archive.is_file():
                remedy = f"run `emendo pipeline download --datasets {name}` first"
                raise UsageError(f"{name} is not downloaded", remedy=remedy)
            prepare(archive, source, out, limits or Limits())
        made.append(open_dataset(out, limits=limits))
    return made


def parts_of(plan: Plan, *, limits: Limits | None = None, workspace: Path | None = None) -> Parts:
    """The training and validation samples of a plan. Raises UsageError when it names no data."""
    from ..train.selection import training_parts

    if not plan.train:
        raise UsageError("no training data", remedy="give --train-dataset LABEL=MANIFEST:ROOT or --datasets")
    opened = [open_dataset(ref, limits=limits, workspace=workspace) for ref in plan.train]
    held = [open_dataset(ref, limits=limits, workspace=workspace) for ref in plan.val]
    kept = include_all([*opened, *held], language=plan.languages, subset=plan.subsets)
    training, validation = kept[: len(opened)], kept[len(opened) :]
    if plan.val_split and not held:
        training = [_split(one, plan.val_split) for one in training]
    joined = [sample for one in validation for sample in one.samples]
    val = replace(validation[0], samples=tuple(joined), lines=()) if validation else None
    parts = training_parts(training, val)
    train = draw(parts.train, plan.max_samples, plan.seed) if plan.max_samples else parts.train
    return Parts(tuple(train), parts.val, (*opened, *held))


def _split(dataset: Dataset, share: float) -> Dataset:
    """A data set with a validation part of that share, by group; one that has a part already is left as it is."""
    if any(sample.split is Split.VAL for sample in dataset.samples):
        return dataset
    known = {sample.group or f"id:{sample.id}": Split.TEST for sample in dataset.samples if sample.split is Split.TEST}
    return replace(dataset, samples=assign(dataset.samples, known, Shares(share, 0.0), keep=False).samples)


def train(
    plan: Plan,
    *,
    look_at: int = 0,
    threads: int = 0,
    limits: Limits | None = None,
    workspace: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> RunResult | DryRun:
    """Train as planned, or with `look_at` only look at so many samples; a run that cannot go well raises DataError."""
    from ..train.recipe import load_recipe
    from ..train.run import train as run_training

    recipe = load_recipe(plan.recipe, plan.changes)
    parts = parts_of(plan, limits=limits, workspace=workspace)
    seen = dry_run(parts.train, look_at or 8, limits)
    seen.require()
    if look_at:
        return seen
    out = plan.resume_from or plan.runs / plan.name
    result = run_training(
        parts.train,
        val=parts.val,
        base=plan.base,
        recipe=recipe,
        out=out,
        resume=plan.resume_from is not None,
        workspace=workspace,
        threads=threads,
        progress=progress,
    )
    write_text(out / RECORD, yaml.safe_dump(record(plan, parts), sort_keys=False, allow_unicode=True))
    return result


def record(plan: Plan, parts: Parts) -> dict[str, Any]:
    """Every choice of a plan, and what was read: enough to run it again."""
    choices = {
        key: str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for key, value in asdict(plan).items()
    }
    manifests = [{"name": one.name, "path": str(one.where), "hash": one.hash} for one in parts.sources]
    counts = {"train": len(parts.train), "val": len(parts.val or ())}
    return {"plan": choices, "manifests": manifests, "samples": counts}
