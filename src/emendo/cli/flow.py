"""Commands that run flows: flow train, batch, monitor, arabic, deploy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from . import output
from .context import Json, Model, Threads, open_context

if TYPE_CHECKING:
    from ..flows.engine import Flow

flow = typer.Typer(
    help="Run the loop in steps that may stop and go on (Metaflow): here, on Kubernetes or on AWS Batch.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the output; the same one goes on.")]
Place = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace.")]
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
        threads=context.threads,
        data=data or "",
        inputs=tuple(inputs or ()),
        crops=crops,
        pages=pages,
        model=model or "",
    )
    result = _run("batch", order, workers=context.settings.flow.tasks, resume=resume, quiet=json)
    for failure in result["failures"]:
        output.complain(failure)
    told = f"{result['read']} of {result['items']} read, {result['lines']} lines -> {result['readings']}"
    output.show(result, [told, *_cards(result)], json=json)
    return 2 if result["failures"] else 0


def _run(name: str, order: Any, *, workers: int, resume: bool, quiet: bool) -> dict[str, Any]:
    from ..flows.engine import run_flow

    with output.progress(f"flow {name}", quiet=quiet) as bar:
        return run_flow(_flow(name, order, workers), resume=resume, progress=bar, log=output.note)


def _flow(name: str, order: Any, workers: int) -> Flow:
    from ..flows.engine import Flow

    return Flow(name, order, order.settings.flow, workers)


def _cards(result: dict[str, Any]) -> list[str]:
    return [f"card: {one}" for one in result["cards"]]
