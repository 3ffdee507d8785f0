"""Commands about data sets: check, dataset build|import|export|split|mix|filter|show|fetch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..tools.counts import counted
from . import output
from .context import Jobs, Json, Ref, Threads, open_context
from .exchange import from_workspace, into_workspace
from .suspects import judge_labels

if TYPE_CHECKING:
    from ..datasets import Dataset

dataset = typer.Typer(help="Build, convert, split and show data sets.", no_args_is_help=True)

Refs = Annotated[
    list[str], typer.Argument(metavar="DATASET", help="Files, folders, workspaces, ids, label=manifest:root.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder to write.")]
Format = Annotated[
    str, typer.Option("--format", metavar="NAME", help="jsonl, huggingface, labels, alto, page or gt.txt.")
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same files.")]


def check(
    ref: Ref,
    no_images: Annotated[bool, typer.Option("--no-images", help="Look at the manifest only.")] = False,
    labels: Annotated[
        bool, typer.Option("--labels", help="Judge the labels instead: which are most likely wrong?")
    ] = False,
    plates: Annotated[
        bool, typer.Option("--plates", help="The labels are licence plates: check what that means.")
    ] = False,
    model: Annotated[
        str, typer.Option(metavar="REF", help="With --labels: a model that never learned these labels.")
    ] = "auto",
    folds: Annotated[
        int, typer.Option(min=0, help="With --labels: train so many models, each on the other folds; 0: none.")
    ] = 0,
    jobs: Jobs = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --labels: where labels.json, labels.html and folds go.")
    ] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="With --labels: only train, val or test.")] = None,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Check a data set and name each bad sample with file and line.

    Bad is what is unreadable, empty, too long for its picture, repeated, contradictory or blurred. With --plates also
    labels that read like signs, have no digit, too many or foreign characters, and pictures that show the same. With
    --labels, name the labels that are most likely wrong, with image and reading; exit status 1 when there are any.
    Those of a workspace are kept: the page shows them first in the order `doubtful`.
    """
    from ..datasets.check import Severity
    from ..datasets.check import check as check_dataset
    from ..datasets.plates import plate_checks

    context = open_context(Path(), threads=threads)
    if labels:
        return judge_labels(
            context, ref, model=model, folds=folds, jobs=jobs, out=out, split=split, seed=seed, json=json
        )
    further = plate_checks(context.settings.plates) if plates else ()
    report = check_dataset(context.dataset(ref), images=not no_images, limits=context.settings.limits, further=further)
    if json:
        output.print_json(report.to_dict())
    else:
        for finding in report.findings:
            typer.echo(f"{finding.severity}: {finding.where}: {finding.what} [{finding.check}]")
        errors, warnings = report.count(Severity.ERROR), report.count(Severity.WARNING)
        found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
        output.note(f"{counted(report.samples, 'sample')}: {found}")
    return 0 if report.ok else 1


@dataset.command()
def build(
    refs: Refs,
    name: Annotated[str, typer.Option(help="Name of the data set.")] = "",
    workspace: Annotated[Path, typer.Option(metavar="DIR", help="Workspace that keeps it.")] = Path(),
    json: Json = False,
) -> None:
    """Build an immutable data set in a workspace.

    It is split by group (document, page, writer); the test part is frozen and only grows.
    """
    from ..datasets.build import build as build_dataset

    context = open_context(workspace, need_workspace=True)
    assert context.workspace is not None
    parents = [context.dataset(ref) for ref in refs]
    built = build_dataset(
        [sample for parent in parents for sample in parent.samples],
        context.workspace,
        name=name or "+".join(parent.name for parent in parents),
        parents=parents,
        rejects=[reject for parent in parents for reject in parent.rejects],
    )
    show_dataset(built.dataset, json, id=built.id, existed=built.existed)


@dataset.command("import")
def import_(
    source: Ref,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="New folder to write.")] = None,
    workspace: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Workspace to take verdicts and pages into, instead of --out.")
    ] = None,
    subset: Annotated[str, typer.Option(help="Subset of all samples.")] = "",
    language: Annotated[str, typer.Option(help="Language of all samples (ISO 639-1).")] = "",
    json: Json = False,
) -> int:
    """Turn any known format into a manifest with its images, or take it into a workspace.

    With --workspace, SOURCE is what `dataset export --to` or another program wrote: Label Studio JSON, a zip of PAGE or
    ALTO files with their images, labels.txt, a manifest. Verdicts that are newer in the workspace stay; pages that are
    not there come in as documents. Exit status 1 when something could not be used.
    """
    if (out is None) == (workspace is None):
        raise UsageError("either --out DIR or --workspace DIR is needed", remedy="say where to")
    if workspace is not None:
        return into_workspace(Path(source), workspace, json)
    from ..datasets.build import export as export_samples
    from ..datasets.build import import_samples

    assert out is not None
    opened = open_context(Path()).dataset(source)
    export_samples(import_samples(opened, subset=subset, language=language), "jsonl", out)
    _written(out, opened, json)
    return 0


@dataset.command()
def export(
    source: Ref,
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="New folder to write; with --to a zip.")],
    form: Format = "jsonl",
    to: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help="Export a workspace with all verdicts: label-studio, page-zip, alto-zip, jsonl, labels or fields.",
        ),
    ] = "",
    json: Json = False,
) -> int:
    """Write a data set in another format, images included, or a whole workspace for another program (--to)."""
    if to:
        return from_workspace(Path(source), to, out, json)
    from ..datasets.build import export as export_samples

    opened = open_context(Path()).dataset(source)
    export_samples(opened.samples, form, out)
    _written(out, opened, json)
    return 0


@dataset.command()
def split(
    source: Ref,
    out: Out,
    val: Annotated[float, typer.Option(min=0, max=0.9, help="Share of validation lines.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share of test lines.")] = 0.15,
    keep: Annotated[bool, typer.Option("--keep/--anew", help="Keep the splits that the samples bring.")] = True,
    json: Json = False,
) -> None:
    """Split a data set by group (document, writer, page): no group is ever in two parts."""
    from ..datasets.build import export as export_samples
    from ..datasets.splits import Shares, assign

    opened = open_context(Path()).dataset(source)
    export_samples(assign(opened.samples, None, Shares(val, test), keep=keep).samples, "jsonl", out)
    _written(out, opened, json)


@dataset.command()
def mix(
    main: Ref,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Data set to draw from, e.g. general lines.")],
    out: Out,
    share: Annotated[float, typer.Option(min=0, max=0.99, help="Share of OTHER in the result.")] = 0.2,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Mix a second data set into a first by its final share, drawn without repetition."""
    from ..datasets.build import export as export_samples
    from ..datasets.mix import mix as mix_samples

    context = open_context(Path())
    mixed = mix_samples(context.dataset(main).samples, context.dataset(other).samples, share, seed)
    export_samples(mixed.samples, "jsonl", out)
    output.note(str(mixed))
    _written(out, context.dataset(main), json)


@dataset.command("filter")
def filter_(
    source: Ref,
    out: Out,
    language: Annotated[list[str] | None, typer.Option("--include-language", help="Keep this language.")] = None,
    subset: Annotated[list[str] | None, typer.Option("--include-subset", help="Keep this subset.")] = None,
    json: Json = False,
) -> None:
    """Keep the samples of some languages and subsets."""
    from ..datasets.build import export as export_samples
    from ..datasets.summary import filter_samples

    opened = open_context(Path()).dataset(source)
    export_samples(filter_samples(opened.samples, language=language or (), subset=subset or ()), "jsonl", out)
    _written(out, opened, json)


@dataset.command()
def show(ref: Ref, json: Json = False) -> None:
    """Show counts, splits, languages and alphabet of a data set."""
    show_dataset(open_context(Path()).dataset(ref), json)


@dataset.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="peraire.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to put it. [default: the cache]")] = None,
    trust_new: Annotated[
        bool, typer.Option("--trust-new", help="Accept an archive whose checksum is not pinned yet, and remember it.")
    ] = False,
    json: Json = False,
) -> None:
    """Download an open data set from its public source.

    A cut download goes on where it stopped; what arrives is checked.
    """
    from ..datasets.fetch import fetch as fetch_dataset
    from ..models.base import cache_folder

    context = open_context(Path())
    data = cache_folder() / "data"
    with output.progress(f"fetching {name}", quiet=json) as bar:
        fetched = fetch_dataset(
            name,
            out or data / name,
            cache=data / "archives",
            limits=context.settings.limits,
            trust_new=trust_new,
            progress=bar,
        )
    show_dataset(fetched, json)


def show_dataset(opened: Dataset, json: bool, **more: object) -> None:
    """Counts, splits, languages and alphabet of a data set, `more` beside them in the JSON object."""
    from ..datasets.summary import summarize

    summary = summarize(opened)
    if json:
        output.print_json({**more, "path": str(opened.path), **summary.to_dict()})
        return
    held = f"{counted(summary.samples, 'sample')} in {counted(summary.groups, 'group')}"
    typer.echo(f"{summary.name} ({summary.hash[:16]}): {held}")
    written = f"{counted(summary.characters, 'character')}, {counted(summary.words, 'word')}"
    typer.echo(f"{written}, {counted(summary.rejects, 'row')} left out")
    for part, numbers in summary.splits.items():
        typer.echo(f"  {part:6} {numbers['samples']:7} samples  {numbers['groups']:5} groups")
    for title, counts in (("languages", summary.languages), ("subsets", summary.subsets), ("origins", summary.origins)):
        typer.echo(f"{title}: " + ", ".join(f"{name or '(none)'} {number}" for name, number in counts.items()))
    typer.echo(f"alphabet ({len(summary.alphabet)}): {summary.alphabet}")


def _written(out: Path, source: Dataset, json: bool) -> None:
    from ..datasets import open_dataset

    show_dataset(open_dataset(out), json, rejects_of_source=len(source.rejects))
