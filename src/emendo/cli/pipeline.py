"""`emendo pipeline`: published data to a trained model. Each flag has an environment variable, for jobs and make."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.counts import counted
from . import output
from .context import Json, Set, Threads, open_context

if TYPE_CHECKING:
    from ..flows.pipeline import Plan

pipeline = typer.Typer(help="Published data to a trained model: download, prepare, train, all.", no_args_is_help=True)

Names = Annotated[str, typer.Option("--datasets", envvar="DATASETS", help="fox, omnidoc, peraire; comma-separated.")]
Data = Annotated[Path, typer.Option("--data-dir", envvar="DATA_DIR", help="Where archives and manifests lie.")]
Mirror = Annotated[str, typer.Option(envvar="MIRROR", help="Folder or web address that holds NAME.zip or NAME.tar.gz.")]
Token = Annotated[str, typer.Option(envvar="HF_TOKEN", show_envvar=True, help="Sent to huggingface.co alone.")]
TrustNew = Annotated[
    bool, typer.Option("--trust-new", envvar="TRUST_NEW", help="Accept an archive whose checksum is not pinned.")
]
Train = Annotated[
    list[str] | None,
    typer.Option("--train-dataset", metavar="REF", help="LABEL=MANIFEST:ROOT or any data set; may be repeated."),
]
TrainText = Annotated[str, typer.Option(envvar="TRAIN_DATASETS", hidden=True)]
Val = Annotated[list[str] | None, typer.Option("--val-dataset", metavar="REF", help="The same for validation.")]
ValText = Annotated[str, typer.Option(envvar="VAL_DATASETS", hidden=True)]
ValSplit = Annotated[
    float,
    typer.Option(envvar="VAL_SPLIT", min=0, max=0.9, help="Share to validate on when the data has no part for it."),
]
Languages = Annotated[
    str, typer.Option("--include-language", envvar="INCLUDE_LANGUAGES", help="Only these, comma-separated.")
]
Subsets = Annotated[
    str, typer.Option("--include-subset", envvar="INCLUDE_SUBSETS", help="Only these, comma-separated.")
]
MaxSamples = Annotated[int, typer.Option(envvar="MAX_SAMPLES", min=0, help="Most training samples; 0: all.")]
RunName = Annotated[str, typer.Option("--run-name", envvar="RUN_NAME", help="Name of the run.")]
Runs = Annotated[Path, typer.Option("--output-dir", envvar="OUTPUT_DIR", help="Folder of the runs.")]
Base = Annotated[str, typer.Option(envvar="MODEL_ID", metavar="REF", help="Model to start from.")]
Recipe = Annotated[str, typer.Option(envvar="RECIPE", metavar="NAME|FILE", help="How to train.")]
Precision = Annotated[str, typer.Option(envvar="PRECISION", help="auto, fp32 or bf16; empty: as the recipe says.")]
Epochs = Annotated[
    float, typer.Option(envvar="EPOCHS", min=0, help="Times each sample is seen; 0: as the recipe says.")
]
Batch = Annotated[int, typer.Option("--batch-size", envvar="BATCH_SIZE", min=0, help="0: as the recipe says.")]
Rate = Annotated[float, typer.Option("--learning-rate", envvar="LEARNING_RATE", min=0, help="0: as the recipe says.")]
Seed = Annotated[int, typer.Option(envvar="SEED", min=0, help="Seed of the run.")]
Resume = Annotated[Path | None, typer.Option("--resume-from", envvar="RESUME_FROM", help="Folder of a stopped run.")]
DryRun = Annotated[int, typer.Option("--dry-run", envvar="DRY_RUN", min=0, help="Only look at so many samples.")]

_PRECISIONS = {"fp32": "float32", "bf16": "bfloat16"}


def words(text: str) -> tuple[str, ...]:
    """The parts of a list separated by commas or blanks."""
    return tuple(part for part in re.split(r"[,\s]+", text) if part)


@pipeline.command()
def download(
    names: Names = "fox",
    data: Data = Path("data"),
    mirror: Mirror = "",
    token: Token = "",
    trust_new: TrustNew = False,
    json: Json = False,
) -> None:
    """Fetch the archives: resumed after a cut, held to their checksums, from a mirror where one is named."""
    from ..flows.pipeline import download as fetch_all

    with output.progress("downloading", quiet=json) as bar:
        limits = open_context(Path()).settings.limits
        found = fetch_all(
            words(names), data, mirror=mirror, token=token, trust_new=trust_new, limits=limits, progress=bar
        )
    if json:
        output.print_json({"archives": [str(path) for path in found]})
    else:
        for path in found:
            output.note(f"{path} is there")


@pipeline.command()
def prepare(names: Names = "fox", data: Data = Path("data"), json: Json = False) -> None:
    """Turn the archives into manifests with their images."""
    from ..flows.pipeline import prepare_all

    made = prepare_all(words(names), data, limits=open_context(Path()).settings.limits)
    if json:
        rows = [{"name": one.name, "path": str(one.path), "samples": len(one), "hash": one.hash} for one in made]
        output.print_json({"datasets": rows})
    else:
        for one in made:
            output.note(f"{one.path}: {counted(len(one), 'sample')}, {counted(len(one.rejects), 'row')} left out")


@pipeline.command()
def train(
    run_name: RunName = "run",
    train_dataset: Train = None,
    train_datasets: TrainText = "",
    val_dataset: Val = None,
    val_datasets: ValText = "",
    val_split: ValSplit = 0.0,
    languages: Languages = "",
    subsets: Subsets = "",
    max_samples: MaxSamples = 0,
    base: Base = "auto",
    recipe: Recipe = "default",
    precision: Precision = "",
    epochs: Epochs = 0,
    batch_size: Batch = 0,
    learning_rate: Rate = 0,
    seed: Seed = 0,
    set_: Set = None,
    output_dir: Runs = Path("runs"),
    resume_from: Resume = None,
    dry_run: DryRun = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train on manifests; --dry-run N only checks N samples and the memory."""
    from ..flows.pipeline import Plan

    changes = _changes(precision, epochs, batch_size, learning_rate, seed)
    plan = Plan(
        name=run_name,
        train=(*(train_dataset or ()), *words(train_datasets)),
        val=(*(val_dataset or ()), *words(val_datasets)),
        val_split=val_split,
        languages=words(languages),
        subsets=words(subsets),
        max_samples=max_samples,
        base=base,
        recipe=recipe,
        changes=(*changes, *(set_ or ())),
        seed=seed,
        runs=output_dir,
        resume_from=resume_from,
    )
    _train(plan, dry_run, threads, json)


@pipeline.command("all")
def all_(
    names: Names = "fox",
    data: Data = Path("data"),
    mirror: Mirror = "",
    token: Token = "",
    trust_new: TrustNew = False,
    run_name: RunName = "run",
    val_split: ValSplit = 0.1,
    languages: Languages = "",
    subsets: Subsets = "",
    max_samples: MaxSamples = 0,
    base: Base = "auto",
    recipe: Recipe = "default",
    seed: Seed = 0,
    set_: Set = None,
    output_dir: Runs = Path("runs"),
    dry_run: DryRun = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Download, prepare and train in one go; what is there already is kept."""
    from ..flows.pipeline import Plan, prepare_all

    download(names, data, mirror, token, trust_new, json=False)
    made = prepare_all(words(names), data, limits=open_context(Path()).settings.limits)
    plan = Plan(
        name=run_name,
        train=tuple(str(one.path) for one in made),
        val_split=val_split,
        languages=words(languages),
        subsets=words(subsets),
        max_samples=max_samples,
        base=base,
        recipe=recipe,
        changes=(*_changes("", 0, 0, 0, seed), *(set_ or ())),
        seed=seed,
        runs=output_dir,
    )
    _train(plan, dry_run, threads, json)


def _changes(precision: str, epochs: float, batch: int, rate: float, seed: int) -> tuple[str, ...]:
    """Flags as changes of the recipe."""
    given = {
        "precision": _PRECISIONS.get(precision, precision),
        "passes": epochs,
        "lines_per_batch": batch,
        "learning_rate": rate,
        "seed": seed,
    }
    return tuple(f"{key}={value}" for key, value in given.items() if value)


def _train(plan: Plan, dry_run: int, threads: int | None, json: bool) -> None:
    from ..datasets.dryrun import DryRun as Seen
    from ..flows.pipeline import train as run

    context = open_context(Path(), threads=threads)
    with output.progress("training", quiet=json) as bar:
        result = run(
            plan,
            look_at=dry_run,
            threads=context.threads,
            limits=context.settings.limits,
            workspace=context.root,
            progress=bar,
        )
    if isinstance(result, Seen):
        told = f"{result.looked_at} of {counted(result.samples, 'sample')} looked at: all can train"
        output.show(result.to_dict(), [told], json=json)
    else:
        output.show(result.report, result.sentences(), json=json)
