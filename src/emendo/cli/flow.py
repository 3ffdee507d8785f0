"""Commands that run flows: flow train, batch, monitor, arabic, deploy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer._click.globals import get_current_context

from ..errors import UsageError
from ..tools.counts import counted
from . import output
from .context import Context, Json, Model, Place, RecipeName, Set, Threads, open_context

if TYPE_CHECKING:
    from ..flows.engine import Flow

flow = typer.Typer(
    help="Run the loop in steps that may stop and go on (Metaflow): here, on Kubernetes or on AWS Batch.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the output; the same one goes on.")]
OutHere = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of the output. [default: one in .emendo/flows of the workspace]"),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the last run of DIR: steps that it finished are taken as they are.")
]


@flow.command()
def batch(
    out: Out,
    inputs: Annotated[list[Path] | None, typer.Argument(metavar="INPUT", help="PDFs, images or folders.")] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="REF", help="Or the lines of a data set.")] = None,
    crops: Annotated[bool, typer.Option("--crops", help="Each picture is one line or plate.")] = False,
    pages: Annotated[bool, typer.Option("--pages", help="With --data: each picture is a whole page.")] = False,
    model: Model = None,
    workspace: Place = Path(),
    resume: Resume = False,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Read very many lines or pages, each exactly once.

    They are divided into shards that are written whole, so the same command goes on after anything that stopped it, and
    a picture that brings down what reads it costs no other. DIR/readings.jsonl has a row for each, DIR/texts the text
    of each document. Exit status 2 when something could not be read; all the rest was.
    """
    from ..flows.orders import BatchOrder

    if bool(inputs) == bool(data):
        raise UsageError("a batch is of inputs or of a data set", remedy="name INPUTs, or give --data")
    if (crops and data) or (pages and not data):
        raise UsageError("--crops is for INPUTs and --pages for --data", remedy="leave it out")
    context = open_context(workspace, model=model, threads=threads)
    order = BatchOrder(
        out=out.absolute(),
        workspace=str(context.root or ""),
        settings=context.settings,
        threads=_threads(context, 1),
        data=data or "",
        inputs=tuple(inputs or ()),
        crops=crops,
        pages=pages,
        model=model or "",
    )
    result = _run("batch", order, workers=context.settings.flow.tasks, resume=resume, quiet=json)
    for failure in result["failures"]:
        output.complain(failure)
    told = f"{result['read']} of {result['items']} read, {counted(result['lines'], 'line')} -> {result['readings']}"
    output.show(result, [told, *_cards(result)], json=json)
    return 2 if result["failures"] else 0


Base = Annotated[str, typer.Option("--base", metavar="REF", help="Model to start from, as for train.")]
Data = Annotated[str, typer.Option("--data", metavar="REF", help="Data set with texts, or a workspace.")]
Seed = Annotated[int, typer.Option("--seed", help="Which lines are in which fold.")]
Require = Annotated[
    list[str] | None,
    typer.Option("--require", metavar="RATE=MOST", help="Largest rate with which it is taken: cer=0.06, wer=0.2."),
]


@flow.command()
def train(
    data: Data,
    out: OutHere = None,
    folds: Annotated[int, typer.Option("--folds", metavar="K", min=2, help="How many folds.")] = 3,
    base: Base = "auto",
    recipe: RecipeName = None,
    set_: Set = None,
    seed: Seed = 0,
    require: Require = None,
    general: Annotated[
        list[str] | None, typer.Option("--general", metavar="REF", help="A further set that must not get worse.")
    ] = None,
    register: Annotated[str, typer.Option(metavar="NAME", help="Register what passes under this name.")] = "",
    alias: Annotated[str, typer.Option(metavar="ALIAS", help="With --register: let this alias mean it.")] = "",
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only when enough corrections are new (setting watch.min_corrections).")
    ] = False,
    workspace: Place = Path(),
    resume: Resume = False,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Check the data, cross-validate and train on all of them, evaluate, and register what is proven.

    In a workspace the model is put in use if the never-worse gate lets it pass. The same command goes on after anything
    that stopped it. DIR/cards has the pages: the folds with their spread, the model with its worst lines, the verdict.
    Exit status 1 when the model was not good enough.
    """
    from ..flows.orders import TrainOrder
    from ..train.parallel import jobs_for

    context = open_context(workspace, need_workspace=if_due, threads=threads)
    if if_due and (waiting := _waiting(context)) < context.settings.watch.min_corrections:
        least = context.settings.watch.min_corrections
        told = f"not due: {waiting} new corrections, {least} are needed"
        output.show({"due": False, "waiting": waiting, "needed": least}, [told], json=json)
        return 0
    if alias and not register:
        raise UsageError("--alias is for a model that is registered", remedy="add --register NAME")
    side = _side(context, folds + 1, jobs_for(folds + 1, context.threads))
    order = TrainOrder(
        out=_out(context, out, "train"),
        workspace=str(context.root or ""),
        settings=context.settings,
        threads=_threads(context, side),
        alone=_threads(context, 1),
        data=data,
        folds=folds,
        base=base,
        recipe=recipe or "",
        changes=tuple(set_ or ()),
        seed=seed,
        require=_rates(require or []),
        general=tuple(general or ()),
        name=register,
        alias=alias,
    )
    result = _run("train", order, workers=side, resume=resume, quiet=json)
    output.show(result, [*_told_of_training(result), *_cards(result)], json=json)
    return 0 if result["passed"] else 1


@flow.command()
def monitor(
    out: OutHere = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=0, help="Only the last N days; 0: all.")] = 0,
    workspace: Place = Path(),
    resume: Resume = False,
    json: Json = False,
) -> int:
    """Look at what the service read: traffic, confidence and whatever else is watched, on one page.

    Exit status 1 when there are alerts.
    """
    from ..flows.orders import MonitorOrder
    from ..flows.parts.looks import LOOKS

    context = open_context(workspace, need_workspace=True)
    order = MonitorOrder(
        out=_out(context, out, "monitor"), workspace=str(context.root or ""), settings=context.settings, days=days
    )
    side = _side(context, len(LOOKS), min(len(LOOKS), context.threads))
    result = _run("monitor", order, workers=side, resume=resume, quiet=json)
    readings = counted(result["readings"], "reading")
    told = [readings, *(f"alert: {one}" for one in result["alerts"]), *_cards(result)]
    output.show(result, told, json=json)
    return 1 if result["alerts"] else 0


@flow.command()
def arabic(
    data: Data,
    out: Out,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Attribute that names the book, or group.")] = "book",
    book: Annotated[list[str] | None, typer.Option("--book", metavar="NAME", help="Only this book.")] = None,
    base: Base = "base-ar",
    normalize: Annotated[
        str, typer.Option("--normalize", metavar="A,B", help="Foldings of the figures beside: arabic, alef, ya, ...")
    ] = "arabic",
    recipe: RecipeName = None,
    set_: Set = None,
    workspace: Place = Path(),
    resume: Resume = False,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Adapt the Arabic reader to each book, and show what it is worth: as read and normalised side by side.

    Each book learns from its own training lines and is judged on its own test lines by the never-worse gate; what the
    options of decoding and spelling are worth is measured on its validation lines. Exit status 1 when the gate refused
    the model of a book, which then stays with the base.
    """
    from ..evaluate import Measures
    from ..flows.orders import ArabicOrder
    from ..train.parallel import jobs_for

    context = open_context(workspace, threads=threads)
    folds = tuple(one for one in normalize.split(",") if one)
    Measures(folds=folds)  # a name that is unknown is told before anything is trained
    side = _side(context, 100, jobs_for(4, context.threads))
    order = ArabicOrder(
        out=out.absolute(),
        workspace=str(context.root or ""),
        settings=context.settings,
        threads=_threads(context, side),
        data=data,
        by=by,
        books=tuple(book or ()),
        base=base,
        normalize=folds,
        recipe=recipe or "",
        changes=tuple(set_ or ()),
    )
    result = _run("arabic", order, workers=side, resume=resume, quiet=json)
    output.show(result, [*map(_told_of_book, result["books"]), *_cards(result)], json=json)
    return 0 if result["passed"] else 1


@flow.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def deploy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="FLOW", help="train, batch, monitor or arabic, with its options.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be created.")] = False,
    json: Json = False,
) -> int:
    """Give a flow to the scheduler of a cluster: Argo Workflows on Kubernetes, Step Functions for AWS Batch.

    Where it runs, with how much, how often and when follows from the settings of section [flow]; FLOW takes the options
    that it takes when it runs here.
    """
    from ..flows.engine import NAMES

    if name not in NAMES:
        raise UsageError(f"no flow {name!r}", remedy=f"use {', '.join(NAMES)}")
    command = typer.main.get_command(flow).commands[name]  # type: ignore[attr-defined]
    with command.make_context(name, list(context.args), obj=_Deploying(dry_run, json)) as inner:
        return int(command.invoke(inner) or 0)


def _told_of_training(result: dict[str, Any]) -> list[str]:
    became = "in use now" if result["promoted"] else "registered" if result["registered"] else "kept"
    verdict = f"{became}: {result['reason']}" if result["passed"] else f"refused: {result['reason']}"
    mean, spread = output.percent(result["folds"]["cer"]), 100 * result["spread"]["cer"]
    return [
        f"CER of the folds {mean}, spread {spread:.1f} points",
        f"CER {output.percent(result['cer'])} on {result['judged_on']}",
        verdict,
        f"model: {result['bundle']}",
    ]


def _told_of_book(one: dict[str, Any]) -> str:
    if one["adapted"] is None:
        return f"{one['book']}: {one['reason']}"
    before, after = one["base"], one["adapted"]
    moved = f"CER {output.percent(before['raw']['cer'])} -> {output.percent(after['raw']['cer'])}"
    folded = f"{output.percent(before['normalized']['cer'])} -> {output.percent(after['normalized']['cer'])} normalised"
    return f"{one['book']}: {moved} ({folded}), {'better' if one['passed'] else 'not better: ' + one['reason']}"


def _waiting(context: Context) -> int:
    from ..flows.parts.train import corrections_waiting

    assert context.workspace is not None
    with context.workspace.store() as store:
        return corrections_waiting(store)


def _out(context: Context, out: Path | None, name: str) -> Path:
    """The folder of the output; by default one of the workspace, for training another after each new correction."""
    if out is not None:
        return out.absolute()
    if context.workspace is None:
        raise UsageError("outside of a workspace a flow needs a folder", remedy="give --out DIR")
    if name == "train":
        with context.workspace.store() as store:
            name = f"train-{store.mark()}"
    return context.workspace.hidden / "flows" / name


def _side(context: Context, most: int, here: int) -> int:
    """Steps side by side: as many as there are where each has a machine of its own, else what this one bears."""
    return here if context.settings.flow.engine == "local" else most


def _threads(context: Context, side: int) -> int:
    """Threads of each of `side` steps side by side: its share of this machine, or all of its own."""
    flow = context.settings.flow
    return max(1, context.threads // side if flow.engine == "local" else int(flow.cpu))


def _rates(given: list[str]) -> dict[str, float]:
    rates = {}
    for one in given:
        name, _, value = one.partition("=")
        try:
            rates[name] = float(value)
        except ValueError:
            rates[name] = -1.0
        if name not in {"cer", "wer"} or not 0 <= rates[name] <= 1:
            raise UsageError(f"--require {one!r} is no rate", remedy="write cer=0.06 or wer=0.2, as shares of 1")
    return rates


@dataclass(frozen=True)
class _Deploying:
    """In the context of a command: it is not to run, but to be given to a scheduler."""

    dry_run: bool
    json: bool


def _run(name: str, order: Any, *, workers: int, resume: bool, quiet: bool) -> dict[str, Any]:
    from ..flows.engine import run_flow

    asked = get_current_context().obj
    if isinstance(asked, _Deploying):
        from ..flows.deploy import create, plan_deployment

        deployment = plan_deployment(_flow(name, order, workers))
        said = [] if asked.dry_run else [create(deployment)]
        output.show(deployment.to_dict(), [*deployment.sentences(), *said], json=asked.json)
        raise typer.Exit
    if order.out.exists() and not order.out.is_dir():
        raise UsageError("is a file", where=order.out, remedy="give another --out, a folder")
    with output.progress(f"flow {name}", quiet=quiet) as bar:
        return run_flow(_flow(name, order, workers), resume=resume, progress=bar, log=output.note)


def _flow(name: str, order: Any, workers: int) -> Flow:
    from ..flows.engine import Flow

    return Flow(name, order, order.settings.flow, workers)


def _cards(result: dict[str, Any]) -> list[str]:
    return [f"card: {one}" for one in result["cards"]]
