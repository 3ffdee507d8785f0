"""Commands of the daily loop: init, read, collect, watch, learn."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Language, Model, RecipeName, Threads, open_context


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of your notes; made when it is not there.")],
) -> None:
    """Make a folder a workspace.

    Readings, corrections and models are remembered in DIR/.emendo.
    """
    from ..workspace.folder import Workspace

    workspace = Workspace.init(folder)
    output.note(f"{workspace.root} is a workspace; put documents in it and run `emendo read {folder}`")


def read(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="PDFs, images or folders.")],
    model: Model = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the texts here, not beside the input.")] = None,
    dpi: Annotated[int | None, typer.Option(help="Resolution at which PDF pages are rendered. [default: 200]")] = None,
    language: Language = None,
    again: Annotated[bool, typer.Option("--again", help="Read anew what was read and not edited since.")] = False,
    crops: Annotated[
        bool, typer.Option("--crops", help="Each picture is one line or plate: print what it says, write nothing.")
    ] = False,
    fields: Annotated[
        bool, typer.Option("--fields", help="Each file is an invoice or receipt: write its fields to NAME.fields.json.")
    ] = False,
    reader: Annotated[
        str | None, typer.Option(metavar="REF", help="OCR reader for --fields. [default: that of the model]")
    ] = None,
    text_layer: Annotated[
        Literal["auto", "never"] | None,
        typer.Option(
            help="Words for --fields: from the text layer of a PDF page where it has a good one. [default: auto]"
        ),
    ] = None,
    error_log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --fields: log what does not add up there, for mining.")
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Read pages into text that you can correct.

    Beside note.pdf come note.txt, its untouched copy note.txt.orig, and note_lines/ with a picture of each line.
    Correct note.txt with any editor, then run `emendo collect`. A stopped run goes on where it was.
    """
    if (reader is not None or text_layer is not None or error_log is not None) and not fields:
        what = "--reader, --text-layer and --error-log are for documents"
        raise UsageError(what, remedy="add --fields, or leave them out")
    if fields:
        if crops or language is not None:
            raise UsageError("--fields reads whole documents", remedy="leave out --crops and --language")
        from .fields import read_to_fields

        context = open_context(inputs[0], model=model, threads=threads, read__dpi=dpi, read__text_layer=text_layer)
        return read_to_fields(inputs, context, reader=reader or "", out=out, again=again, log=error_log, json=json)
    if crops:
        if out is not None or again or dpi is not None:
            raise UsageError("--crops reads single pictures", remedy="leave out --out, --again and --dpi")
        return _read_crops(inputs, open_context(inputs[0], model=model, threads=threads, read__language=language), json)
    context = open_context(inputs[0], model=model, threads=threads, read__dpi=dpi, read__language=language)
    return _read_text(inputs, context, out, again=again, json=json)


def _read_text(inputs: list[Path], context: Context, out: Path | None, *, again: bool, json: bool) -> int:
    from ..pages.session import read_inputs

    with output.progress("reading", quiet=json) as bar:
        result = read_inputs(
            inputs,
            recognizer=context.recognizer,
            detector=context.detector,
            settings=context.settings,
            workspace=context.workspace,
            out=out,
            again=again,
            progress=bar,
        )
    for failure in result.failures:
        output.complain(failure)
    if json:
        output.print_json(result.summary())
    else:
        for line in result.sentences():
            output.note(line)
        if out is None and any(note.status == "read" and note.lines for note in result.notes):
            output.note(_what_next(context))
    return 2 if result.failures else 0


def _read_crops(inputs: list[Path], context: Context, json: bool) -> int:
    from ..models.crops import read_crops

    with output.progress("reading", quiet=json) as bar:
        result = read_crops(inputs, context.recognizer, limits=context.settings.limits, progress=bar)
    for failure in result.failures:
        output.complain(failure)
    output.show(result.to_dict(), [f"{path}\t{reading.text}" for path, reading in result.readings], json=json)
    return 2 if result.failures else 0


def _what_next(context: Context) -> str:
    if context.workspace is None:
        return "to let emendo learn from your corrections, make the folder a workspace: emendo init DIR"
    return f"correct the text with any editor, then run: emendo collect {context.workspace.root}"


def collect(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Workspace or a folder in it.")] = Path(),
    json: Json = False,
) -> int:
    """Take in your corrections as training lines.

    They are what you changed in note.txt, or wrote to note_corrected.txt or, beside a line's picture, to
    line_003.gt.txt. Merge, split and reflow lines as you like; a line whose text is not certain is left out and told.
    """
    from ..correct import collect as collect_corrections

    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    with output.progress("collecting", quiet=json) as bar:
        result = collect_corrections(
            context.workspace, recognizer=context.recognizer, settings=context.settings, progress=bar
        )
    if json:
        output.print_json(result.summary())
    else:
        for line in result.sentences():
            output.note(line)
        if result.new:
            output.note(f"to learn from them: emendo watch {folder}, or emendo train --data {folder} --out run")
    for failure in result.failures:
        output.complain(failure)
    return 2 if result.failures else 0


def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Workspace to look after.")],
    once: Annotated[bool, typer.Option("--once", help="Do what is due and leave (for cron).")] = False,
    min_corrections: Annotated[
        int | None, typer.Option(metavar="N", help="Train after N new corrections. [default: 50]")
    ] = None,
    recipe: RecipeName = None,
    json: Json = False,
) -> int:
    """Let the whole loop run by itself.

    Reads new pages, collects corrections, trains when enough are new, and puts the new model in use if it is proven
    better. It may be stopped or killed at any point; the next start goes on.
    """
    from ..flows.watch import Watcher
    from ..flows.watch import watch as watch_folder

    context = open_context(folder, need_workspace=True, watch__min_corrections=min_corrections)
    assert context.workspace is not None
    watcher = Watcher(context.workspace, context.settings, recipe, context.threads, output.note)
    result = watch_folder(watcher, once=once)
    if json:
        output.print_json(result.summary())
    return 2 if result.failures else 0


def learn(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Workspace.")] = Path(),
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Training recipe. [default: setting watch.recipe]")
    ] = None,
    put_in_use: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Put the model in use if it is proven better, or only judge.")
    ] = True,
    fields: Annotated[
        bool, typer.Option("--fields", help="From corrected documents. [default: where no line was corrected]")
    ] = False,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Learn from the corrections once: data set, training, and the judgement of the never-worse gate.

    Stopped (Ctrl-C) or killed, the same command goes on where it was. Exit status 1 when no better model came of it.
    """
    from ..learn import learn as of_lines
    from ..learn import learn_fields, only_documents

    _hear_ctrl_c()
    context = open_context(folder, need_workspace=True, threads=threads)
    assert context.workspace is not None
    run_round = learn_fields if fields or only_documents(context.workspace) else of_lines
    ended = run_round(
        context.workspace,
        context.settings,
        recipe=recipe,
        threads=context.threads,
        put_in_use=put_in_use,
        log=output.note,
    )
    if json:
        output.print_json(ended.figures())
    return 1 if ended.promoted is None or (put_in_use and not ended.promoted) else 0


def _hear_ctrl_c() -> None:
    """Let SIGINT stop a process that leads a session of its own, as one that the page has started.

    Whoever was begun in the background (`nohup`, `&` of a script) ignores it and hands that on; in a session of its own
    no Ctrl-C reaches a process but what is meant for it.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored and sys.platform != "win32" and os.getsid(0) == os.getpid():
        signal.signal(signal.SIGINT, signal.default_int_handler)
