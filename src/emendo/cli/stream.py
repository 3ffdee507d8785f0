"""Commands: stream run|show."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Model, open_context

if TYPE_CHECKING:
    from ..flows.stream import Consumer

stream = typer.Typer(help="Read what the gates of instruments in Redis or Valkey admit.", no_args_is_help=True)

Instruments = Annotated[
    list[str] | None, typer.Argument(metavar="INSTRUMENT...", help="Instruments. [default: all that have a gate]")
]
Folder = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace whose champion reads.")]
Url = Annotated[
    str | None, typer.Option(metavar="URL", help="Address of the server. [default: redis://localhost:6379/0]")
]


@stream.command()
def run(
    instruments: Instruments = None,
    model: Model = None,
    workspace: Folder = Path(),
    url: Url = None,
    root: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder below which spans lie. [default: the workspace, or here]")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(metavar="poll|notify", help="Look again and again, or let the server tell.")
    ] = None,
    service: Annotated[
        str | None, typer.Option(metavar="URL", help="Let a running service read. [default: this process]")
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(metavar="KIND,...", help="What is read: line, page, plate, document. [default: as with serve]"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once at every gate and leave.")] = False,
    json: Json = False,
) -> None:
    """Read gate:last:INSTRUMENT and write ocr:last:INSTRUMENT.

    A gate is read when it admits, is fresh and names a span; each ts_ms is handled once, and no result replaces a newer
    one. When the server goes away, it is waited for. Ctrl+C and SIGTERM end after the gate at work.
    """
    context = open_context(
        workspace,
        model=model,
        stream__url=url,
        stream__root=root,
        stream__mode=mode,
        stream__service=service,
        serve__kinds=tuple(part.strip() for part in kinds.split(",")) if kinds is not None else None,
    )
    consumer = _consumer(context, instruments or [])
    ended = threading.Event()
    if once:
        from ..flows.stream import reached

        with reached(context.settings.stream) as client:
            consumer.look(client)
    else:
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: ended.set())
        output.note("reading gates (Ctrl+C ends)")
        consumer.run(ended.wait)
    counts = {name: count for name, count in sorted(consumer.counts.items()) if count}
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    output.show(dict(consumer.counts), [told or "no gate was new"], json=json)


def _consumer(context: Context, instruments: list[str]) -> Consumer:
    from ..flows.spans import local_reader, service_reader
    from ..flows.stream import Consumer

    settings = context.settings
    folder = Path(settings.stream.root) if settings.stream.root else context.root or Path()
    if not folder.is_dir():
        raise UsageError("is not a folder", where=folder, remedy="give the folder below which spans lie to --root")
    address = settings.stream.service
    reader = service_reader(address, settings) if address else local_reader(settings, context.root)
    return Consumer(settings.stream, reader, settings.limits, folder, instruments, output.note)


@stream.command()
def show(instruments: Instruments = None, workspace: Folder = Path(), url: Url = None, json: Json = False) -> None:
    """Show the last gate and the last result of each instrument."""
    from ..flows.stream import reached, shown

    settings = open_context(workspace, stream__url=url).settings
    with reached(settings.stream) as client:
        rows = shown(client, instruments or (), settings.limits)
    output.show({"instruments": rows}, [_sentence(row) for row in rows] or ["no instrument has a gate"], json=json)


def _sentence(row: dict[str, Any]) -> str:
    gate, result = row["gate"], row["result"]
    first = f"{row['instrument']}: gate {gate['ts_ms'] if gate else 'none'}"
    if result is None:
        return f"{first}, no result"
    what = result.get("text") or result.get("reason") or ", ".join(result.get("fields") or ())
    return f"{first}, result {result['ts_ms']} {result['status']}: {str(what)[:100]}"
