"""Commands that find what to learn from: lines to correct next, the log of errors, rounds of mining on documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import UsageError
from ..tools.counts import counted
from . import output
from .context import Json, RecipeName, Set, Threads, open_context

DEFAULT = "lines"
"""What `emendo mine` does where it names no command."""


class WithDefault(TyperGroup):
    """A group whose first command may be left out: `emendo mine DIR` is `emendo mine lines DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command in front, unless a command or the help of the group is asked for."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


mine = typer.Typer(
    cls=WithDefault,
    help="Find what to learn from: lines to correct next (without a command), errors of documents, rounds of mining.",
    no_args_is_help=False,
)
Region = Annotated[str, typer.Option(metavar="NAME", help="Only errors in this region: totals_section, vendor_block.")]
Classes = Annotated[
    list[str] | None, typer.Option("--class", metavar="NAME", help="Only errors of this class: TOTAL_MISMATCH.")
]
Most = Annotated[
    int, typer.Option(metavar="N", min=0, help="At most so many documents, drawn by severity. [default: all]")
]
LogFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a log of errors.")]
Documents = Annotated[
    str | None,
    typer.Option("--data", metavar="REF", help="Documents with their fields. [default: the workspace's]"),
]
RoundFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the rounds; with --data it must be named.")
]
Deciding = Annotated[
    str | None, typer.Option(metavar="REF", help="What the gate judges on. [default: split val of --data]")
]
Usual = Annotated[
    float | None, typer.Option(metavar="X", min=0, max=0.95, help="Share of usual documents. [default: 0.2]")
]
MadeUp = Annotated[
    int, typer.Option(metavar="N", min=0, help="Made-up documents that must not be read worse; 0: none.")
]


@mine.command(DEFAULT)
def lines(
    workspace: Annotated[Path, typer.Argument(metavar="DIR", help="Workspace.")] = Path(),
    number: Annotated[int, typer.Option("-n", metavar="N", help="How many lines to name.")] = 20,
    json: Json = False,
) -> None:
    """Say which lines to correct next, and how far that will bring you."""
    from ..mine.workspace import workspace_advice, workspace_queue

    context = open_context(workspace, need_workspace=True)
    assert context.workspace is not None
    advice = workspace_advice(context.workspace)
    queued = workspace_queue(context.workspace, most=number)
    if json:
        rows = [
            {"document": line.document, "page": line.page, "text_line": line.text_line, "image": line.image}
            | {"id": one.id, "score": one.score, "expected_cer": one.expected_cer}
            for line, one in queued
        ]
        output.print_json({**advice.figures(), "queue": rows})
        return
    typer.echo(advice.sentence)
    for line, one in queued:
        place = f"{line.document}.txt:{line.text_line}"
        typer.echo(f"{place}  page {line.page}  expected CER {output.percent(one.expected_cer)}  {line.image}")


@mine.command("log")
def show_log(
    folder: LogFolder,
    number: Annotated[
        int, typer.Option("-n", metavar="N", min=0, help="How many of the worst documents to name.")
    ] = 20,
    workspace: Annotated[
        Path | None,
        typer.Option("--corrections", metavar="DIR", help="First log the corrected documents of this workspace."),
    ] = None,
    json: Json = False,
) -> None:
    """Tell what a log of errors holds.

    Classes with their severities, fields, the worst documents, how it went by model and by day, and documents that were
    given two truths.
    """
    from ..mine.corrections import log_corrections
    from ..mine.logbook import summarize_log

    if workspace is not None:
        context = open_context(workspace, need_workspace=True)
        assert context.workspace is not None
        new = log_corrections(context.workspace, folder)
        output.note(f"{counted(len(new), 'correction')} {'is' if len(new) == 1 else 'are'} new in the log")
    told = summarize_log(folder, worst=number)
    if json:
        output.print_json(told.to_dict())
        return
    for sentence in told.sentences():
        typer.echo(sentence)


@mine.command("hard")
def hard_samples(
    folder: LogFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the data set; it must not exist.")],
    region: Region = "",
    classes: Classes = None,
    most: Most = 0,
    seed: Annotated[int, typer.Option(help="Which documents are drawn.")] = 0,
    json: Json = False,
) -> None:
    """Write the documents of a log whose truth is known and that were read wrong, as a data set to train on."""
    from ..mine.errorlog import read_errors
    from ..mine.hard import build_hard_sample_dataset

    if out.exists():
        raise UsageError(f"{out} is there already", remedy="name a new folder")
    made = build_hard_sample_dataset(folder, out, region_type=region, classes=classes or (), most=most, seed=seed)
    counted: dict[str, int] = {}
    for sample in made:
        worst = str(sample.attributes["error"])
        counted[worst] = counted.get(worst, 0) + 1
    contradictions = [str(one) for one in read_errors(folder).contradictions]
    for sentence in contradictions:
        output.note(sentence)
    report = {"dataset": str(made.where), "documents": len(made), "classes": counted, "contradictions": contradictions}
    shown = ", ".join(f"{name} {count}" for name, count in counted.items())
    output.show(report, [f"{len(made)} hard documents in {made.where}: {shown}"], json=json)


@mine.command("documents")
def documents(
    data: Documents = None,
    workspace: Annotated[Path, typer.Option(metavar="DIR", help="Workspace with corrected documents.")] = Path(),
    model: Annotated[str, typer.Option(metavar="REF", help="With --data: the model that begins.")] = "base-fields",
    out: RoundFolder = None,
    val: Deciding = None,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds to which the documents are shared out.")] = 1,
    region: Region = "",
    classes: Classes = None,
    most: Most = 0,
    share: Usual = None,
    general: MadeUp = 100,
    recipe: RecipeName = None,
    set_: Set = None,
    seed: Annotated[int, typer.Option(help="How documents are shared out and drawn.")] = 0,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Learn from mistakes: log what is read wrong, train on it, judge, and put the model in use if it is better.

    Of a workspace its corrected documents are read, and its model in use is replaced; of a data set those of split
    train, and the model stays in the folder of its round. Stopped or killed, the same command goes on. Exit status 1
    when no round made a better model.
    """
    from ..learn.means import Workshop
    from ..learn.mine_documents import Order, mine_dataset, mine_workspace
    from ..learn.mining import Wanted
    from ..mine.hard import REPLAY_SHARE

    context = open_context(workspace, need_workspace=data is None, threads=threads)
    wanted = Wanted(region, tuple(classes or ()), most, REPLAY_SHARE if share is None else share, seed)
    order = Order(rounds, wanted, general)
    with output.progress("mining", quiet=json) as bar:
        workshop = Workshop(
            recipe=recipe or "",
            changes=tuple(set_ or ()),
            threads=context.threads,
            workspace=context.root,
            limits=context.settings.limits,
            progress=bar,
            tell=output.note,
        )
        if data is None:
            assert context.workspace is not None
            made = mine_workspace(context.workspace, workshop, order, out=out)
        elif out is None:
            raise UsageError("where to keep the rounds is not said", remedy="name a folder with --out")
        else:
            deciding = context.dataset(val) if val else None
            made = mine_dataset(context.dataset(data), model, out, workshop, order, val=deciding)
    better = [one for one in made if one.promoted]
    report = {"rounds": [one.to_dict() for one in made], "in_use": made[-1].in_use, "promoted": len(better)}
    output.show(report, [f"in use now: {made[-1].in_use}"], json=json)
    return 0 if better else 1
