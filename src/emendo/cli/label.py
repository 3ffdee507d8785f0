"""`emendo label`: the page in which people correct."""

from __future__ import annotations

import getpass
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EngineError, UsageError
from . import documents as of_documents
from . import output
from .context import Context, Json, Model, Threads, open_context
from .plates import begin_plates, take_plates

if TYPE_CHECKING:
    from socket import socket as Socket

    from fastapi import FastAPI

    from ..label.desk import Desk
    from ..settings import Settings
    from ..workspace.folder import Workspace


def label(
    folder: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Workspace or a folder in it; a manifest of documents with fields.")
    ] = Path(),
    model: Model = None,
    host: Annotated[str, typer.Option(help="Address to listen at; other than this machine's own only if you must.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    token: Annotated[
        str, typer.Option(envvar="EMENDO_TOKEN", help="Token of the address; a new one if left out.")
    ] = "",
    review: Annotated[bool, typer.Option("--review", help="Plates: go over the labelled ones.")] = False,
    plates: Annotated[
        bool, typer.Option("--plates", help="The pictures in DIR are crops of plates (else told by their look).")
    ] = False,
    fields: Annotated[
        bool, typer.Option("--fields", help="The pictures and PDFs of INPUT are invoices or receipts to fill in.")
    ] = False,
    prefill: Annotated[
        bool, typer.Option("--prefill", help="Start from the fields that the manifest has (else from empty ones).")
    ] = False,
    threads: Threads = None,
) -> int:
    """Correct line by line in the browser.

    Enter: right, or save and go on. Tab: to the next doubtful place; arrow up and down: the words offered.
    Escape: skip. [: back. Ctrl+Q: save and leave. What has been read is taken in first, as by `emendo collect`. A line
    counts as saved when it is on the disk; until then it is kept in the browser. The address that is printed is yours;
    others get their own by `emendo people add`. A folder of crops of licence plates becomes a workspace of plates;
    their labels also stand in DIR/labels.txt. INPUT may be a manifest (JSONL) whose rows have fields, or a folder with
    one: its receipts and invoices are filled in as a form, ahead of you by a model of fields (--model).
    """
    _check_packages()
    from ..label.desk import Desk
    from ..tools.listen import bound, listening

    documents = of_documents.take_fields(folder, fields=fields, prefill=prefill)
    crops = documents is None and take_plates(folder, plates=plates)
    if review and not crops:
        raise UsageError("holds no crops of plates to review", where=folder, remedy="say --plates if it does")
    for_lines = None if documents else model  # documents are filled in by it
    context = open_context(folder, need_workspace=True, model=for_lines, threads=threads)
    assert context.workspace is not None
    if not crops and documents is None:
        _take_lines(context, context.workspace)
    key = token or secrets.token_urlsafe(24)
    socket = bound(host, port)
    address = listening(socket)
    fills = of_documents.document_reader(context, model) if documents else None
    desk = Desk.open(context.workspace, lambda: context.recognizer, lambda: context.plate_reader, fills)
    app = _page(desk, context.settings, address, key)
    place = "#fields" if documents else "#plates/review" if review else "#plates" if crops else ""
    output.note(f"open http://{address}/?token={key}{place} (Ctrl+C ends)")
    if documents:
        of_documents.tell(documents)
    if crops:
        begin_plates(desk)
    _serve(app, socket)
    return 0


def _check_packages() -> None:
    """Raise EngineError naming the first package of the page that is not installed."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise EngineError(f"the page needs {error.name!r}", remedy="pip install 'emendo[web]'") from error


def _take_lines(context: Context, workspace: Workspace) -> None:
    """Take in what has been read, as `emendo collect` does, and say what could not be."""
    from ..correct import collect

    taken = collect(workspace, recognizer=context.recognizer, settings=context.settings, wait=False)
    for failure in taken.failures:
        output.complain(failure)


def _page(desk: Desk, settings: Settings, address: str, key: str) -> FastAPI:
    """The page for who brings the key, the person of this machine, and for those whom the workspace knows."""
    from ..web.app import create_app
    from ..web.guard import Guard, first_of, one_person
    from ..workspace.people import Person

    hosts = frozenset({address, f"localhost:{address.rpartition(':')[2]}", *settings.label.hosts})
    person = Person(settings.author or getpass.getuser())
    return create_app(desk, Guard(first_of(one_person(key, person), desk.people.holder), hosts))


def _serve(app: FastAPI, opened: Socket) -> None:
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[opened])


def effort(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Workspace or a folder in it.")] = Path(),
    author: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person did.")] = None,
    json: Json = False,
) -> None:
    """Show what correcting in the page has cost: keys and seconds, by person and day.

    Per 1,000 characters of saved text. A pause counts as 30 seconds at most; days are of UTC.
    """
    from ..workspace.efforts import spent, totals

    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    with context.workspace.store() as store:
        days = spent(store, author)
    if json:
        output.print_json({"days": [one.to_dict() for one in days], "totals": [one.to_dict() for one in totals(days)]})
        return
    if not days:
        output.note("nothing was corrected in the page yet")
    output.show_efforts([*days, *totals(days)])
