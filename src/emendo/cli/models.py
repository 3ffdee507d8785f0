"""Commands about models: train, crossval, promote, rollback, models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..tools.counts import counted
from . import output
from .context import Context, Jobs, Json, Place, RecipeName, Set, Threads, open_context
from .measure import IncludeLanguage, IncludeSubset
from .registry import Registering, registry_state

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..models.bundle import BundleInfo
    from ..train.run import RunResult
    from ..types import Sample

Data = Annotated[
    list[str],
    typer.Option("--data", metavar="REF", help="File, folder, workspace, id, or label=manifest:root."),
]
Validation = Annotated[str | None, typer.Option(metavar="REF", help="Validation set. [default: split val of --data]")]
Unlabelled = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Learn too from what the model reads of these lines; half as long again."),
]
Base = Annotated[
    str,
    typer.Option(
        metavar="REF", help="Model to start from: auto, base, a bundle, a model folder, a hub id; or crnn, fields."
    ),
]
DryRun = Annotated[
    int | None,
    typer.Option("--dry-run", metavar="N", min=4, help="Only try it on the N longest samples, two steps."),
]
ShowLabels = Annotated[
    int | None,
    typer.Option("--show-labels", metavar="N", min=1, help="Only print which tokens of N samples carry loss."),
]
Register = Annotated[
    str | None, typer.Option(metavar="NAME", help="Register the model under this name, as `registry push`.")
]


def train(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run; the model is in DIR/bundle.")],
    val: Validation = None,
    unlabelled: Unlabelled = None,
    base: Base = "auto",
    recipe: RecipeName = None,
    set_: Set = None,
    include_language: IncludeLanguage = None,
    include_subset: IncludeSubset = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    dry_run: DryRun = None,
    show_labels: ShowLabels = None,
    register: Register = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train a model on corrected lines. Samples of split test are never used.

    Leaves run.yaml, report.json, curve.png, TensorBoard logs and the model in DIR/bundle.
    """
    from ..datasets.summary import include_all
    from ..models.bundle import FIELDS_FAMILY
    from ..train import run
    from ..train.families import family_of, recipe_for
    from ..train.selection import training_parts

    context = open_context(Path(), threads=threads)
    family, _ = family_of(base, workspace=context.root)
    fitted = recipe_for(family, recipe or "", set_ or (), plates=context.settings.plates.alphabet)
    documents = family.name == FIELDS_FAMILY
    given = [context.dataset(ref, documents=documents) for ref in data]
    kept = include_all(given, language=include_language or (), subset=include_subset or ())
    parts = training_parts(kept, context.dataset(val, documents=documents) if val else None)
    if show_labels:
        rows = run.show_labels(parts.train, show_labels, base=base, recipe=fitted, workspace=context.root)
        output.show_labels(rows, json=json)
        return
    common: dict[str, Any] = {"val": parts.val, "left_out": parts.left_out, "base": base, "recipe": fitted}
    common |= {"workspace": context.root, "threads": context.threads}
    registering = Registering(context, register, out)
    with output.progress("training", quiet=json) as bar:
        if dry_run:
            report = run.dry_run(parts.train, dry_run, **common, progress=bar)
            told = output.rehearsal(report)
        else:
            common |= {"out": out, "resume": resume, "progress": registering.watched(bar)}
            result = _trained(parts.train, context.lines_to_read(unlabelled) if unlabelled else None, common)
            registered, sentences = registering.end(result.bundle)
            report, told = {**result.report, **registered}, [*result.sentences(), *sentences]
            if context.workspace:
                told.append(f"put it in use, if it is proven better: emendo promote {out}")
    output.show(report, told, json=json)


def _trained(samples: Sequence[Sample], others: Sequence[Sample] | None, how: Mapping[str, Any]) -> RunResult:
    """A run on samples, with what its model reads of `others` where these are given."""
    from ..train.run import train

    if others is None:
        return train(samples, **how, tell=output.note)
    from ..train.unlabelled import train_with_unlabelled

    return train_with_unlabelled(samples, others, **how)


def crossval(
    data: Annotated[str, typer.Option("--data", metavar="REF", help="Data set with texts.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the folds and of crossval.json.")],
    folds: Annotated[int, typer.Option(metavar="K", min=2, help="How many folds.")] = 5,
    base: Annotated[str, typer.Option(metavar="REF", help="Model to start from, as for train.")] = "auto",
    recipe: RecipeName = None,
    set_: Set = None,
    jobs: Jobs = 0,
    seed: Annotated[int, typer.Option(help="Which lines are in which fold.")] = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Cross-validate: train a model without each fold, read the fold with it, and tell mean and spread.

    No document and no text is in two folds. Samples of split test are never used. Stopped, the same command goes on.
    """
    from json import dumps

    from ..tools.files import write_text
    from ..train.crossval import cross_validate
    from ..train.families import family_of, recipe_for
    from ..types import Split

    context = open_context(Path(), threads=threads)
    family, _ = family_of(base, workspace=context.root)
    dataset = context.dataset(data)
    with output.progress("cross-validating", quiet=json) as bar:
        made = cross_validate(
            dataset,
            folds,
            out,
            samples=[sample for sample in dataset.samples if sample.split is not Split.TEST],
            base=base,
            recipe=recipe_for(family, recipe or "", set_ or ()),
            seed=seed,
            threads=context.threads,
            jobs=jobs,
            limits=context.settings.limits,
            workspace=context.root,
            progress=bar,
        )
    write_text(out / "crossval.json", dumps(made.to_dict(), ensure_ascii=False, indent=1) + "\n")
    output.show(made.to_dict(), made.sentences(), json=json)


def promote(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Run folder or bundle to put in use.")],
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME[@ALIAS]", help="Only keep it under this name, as models:/NAME[@ALIAS]."),
    ] = None,
    workspace: Place = Path(),
    data: Annotated[
        str | None, typer.Option("--data", metavar="REF", help="Test set. [default: the frozen one of the workspace]")
    ] = None,
    general: Annotated[
        list[str] | None, typer.Option("--general", metavar="REF", help="A further set that must not get worse.")
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Put a model in use if it is proven better.

    It must make fewer errors on your frozen test lines, beyond chance, and be nowhere worse; else the reason is told.
    A model that reads the fields of documents is judged on your frozen test documents, and what reads lines stays.
    With --as, nothing is judged and what is in use stays: the model becomes the next version of a name, so that
    `models:/NAME` means it wherever a model is asked for.
    """
    from ..models.references import load_bundle
    from ..release import keep_as
    from ..release import promote as promote_model
    from ..types import Split

    context = open_context(workspace, need_workspace=True, threads=threads)
    assert context.workspace is not None
    if as_ is not None:
        if data or general:
            raise UsageError("--as judges nothing, so it takes no lines", remedy="leave out --data and --general")
        kept, name, version = keep_as(context.workspace, load_bundle(model, workspace=context.root).folder, as_)
        told = {"model": kept, "name": name, "version": version, "reference": f"models:/{as_.removeprefix('models:/')}"}
        output.show(told, [f"{told['reference']} means {kept} now (version {version})"], json=json)
        return
    bundle = load_bundle(model, workspace=context.root)
    personal, kept_general = _judges(context, bundle.info, data)
    decision = promote_model(
        context.workspace,
        bundle.folder,
        personal,
        [kept_general, *(context.dataset(ref) for ref in general or ())],
        split=Split.TEST if any(sample.split is Split.TEST for sample in personal.samples) else None,
        settings=context.settings.gate,
        limits=context.settings.limits,
        threads=context.threads,
    )
    if json:
        output.print_json({**decision.figures(), **registry_state(context)[0]})
    else:
        for finding in decision.findings:
            output.note(f"{'ok' if finding.good else 'no'}  {finding.what}")
        output.note(f"in use now: {decision.candidate}")
        for sentence in registry_state(context)[1]:
            output.note(sentence)


def _judges(context: Context, info: BundleInfo, data: str | None) -> tuple[Dataset, Dataset]:
    """The set that decides on a model, and the general one on which nothing may be forgotten: lines or documents."""
    from ..datasets.invoices.general import general_documents
    from ..datasets.synth import general_set
    from ..models.base import cache_folder
    from ..release.personal import personal_set
    from ..release.promote import reads

    assert context.workspace is not None
    given = context.dataset(data) if data else None
    kind = reads(info, given.samples if given else ())
    cache, lines = cache_folder(), context.settings.gate.general_lines
    general = general_documents(cache) if kind == "fields" else general_set(cache, lines)
    return given or personal_set(context.workspace, kind), general


def rollback(
    workspace: Place = Path(),
    fields: Annotated[
        bool, typer.Option("--fields", help="That for the fields of documents, not that for lines.")
    ] = False,
    json: Json = False,
) -> None:
    """Return to the model that was in use before."""
    from ..release import rollback as roll_back

    context = open_context(workspace, need_workspace=True)
    assert context.workspace is not None
    champion = roll_back(context.workspace, "fields" if fields else "lines")
    state, sentences = registry_state(context)
    told = {"model": champion.model, "since": champion.since, "why": champion.why, **state}
    output.show(told, [f"in use now: {champion.model} ({champion.why})", *sentences], json=json)


def list_models(
    workspace: Place = Path(),
    lineage: Annotated[bool, typer.Option("--lineage", help="Show which corrections made each model.")] = False,
    json: Json = False,
) -> None:
    """List the models of a workspace: which is in use, and why."""
    from dataclasses import asdict

    from ..release import models as known_models
    from ..release.lineage import lineage as origins_of

    context = open_context(workspace, need_workspace=True)
    assert context.workspace is not None
    entries = known_models(context.workspace)
    origins = origins_of(context.workspace) if lineage else {}
    if json:
        shown = {"lineage": {model: one.to_dict() for model, one in origins.items()}} if lineage else {}
        output.print_json({"models": [asdict(entry) for entry in entries], **shown})
        return
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        lines = (entry.dataset or {}).get("usable")
        facts = [
            "reads fields" if entry.reads == "fields" else "",
            f"trained on {counted(lines, 'line')}" if lines and entry.reads == "lines" else "",
            f"in use since {entry.since[:10]}" if entry.state == "champion" and entry.since else "",
            entry.why or entry.fault,
            ", ".join(entry.places),
        ]
        told = "; ".join(fact for fact in facts if fact)
        typer.echo(f"{entry.state:9} {entry.id:17} {entry.name:{width}}  {told}".rstrip())
    for model, one in origins.items():
        typer.echo(f"{model}: {one}")


def lineage(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="NOTE:LINE|MODEL", help="A line, as journal.txt:12; or champion, a model id, models:/NAME."
        ),
    ],
    workspace: Place = Path(),
    json: Json = False,
) -> None:
    """Follow a line of a note to the models that learned from it, or a model back to its lines.

    Of a line: who said what of it and when, the data sets that hold it, the runs and models made of them, and whether
    the model in use learned from it. Of a model: its run, its data set and every correction in it.
    """
    from ..release.trail import origins_of, trail

    context = open_context(workspace, need_workspace=True)
    assert context.workspace is not None
    note, colon, number = subject.rpartition(":")
    if colon and number.isdecimal():
        found = trail(context.workspace, note, int(number))
        if json:
            output.print_json(found.to_dict())
        for sentence in () if json else found.sentences():
            typer.echo(sentence)
        return
    origins, places = origins_of(context.workspace, subject)
    if json:
        rows = [{"place": place, **row} for place, row in zip(places, origins.to_dict()["corrections"], strict=True)]
        output.print_json({"model": origins.model, **origins.to_dict(), "corrections": rows})
        return
    typer.echo(f"{origins.model}: {origins}; run {origins.run or 'elsewhere'}")
    for place, (_, author, version) in zip(places, origins.corrections, strict=True):
        typer.echo(f"{place}  version {version}  by {author}")
