"""Commands: forget, retention apply."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Json, Place, Threads, open_context

if TYPE_CHECKING:
    from ..workspace.folder import Workspace

retention = typer.Typer(help="How long what is kept of readings stays.", no_args_is_help=True)


@retention.command()
def apply(
    folder: Place = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and how much.")] = False,
    json: Json = False,
) -> None:
    """Remove what is older than emendo.toml says: captures (capture.days), and by [retention] their pictures, replaced
    readings, pictures of lines, reports and runs.

    Never notes, nor what a model in use or a data set needs. Run it from cron; cut off, run it again.
    """
    from ..flows.retention import apply as apply_retention

    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    settings = context.settings
    done = apply_retention(
        context.workspace, settings.retention, captures_days=settings.capture.days, dry=dry_run, log=output.note
    )
    output.show(done.to_dict(), done.sentences(), json=json)


def forget(
    author: Annotated[str, typer.Option("--author", metavar="NAME", help="Whose corrections to forget.")] = "",
    document: Annotated[
        str, typer.Option("--document", metavar="FILE", help="Document: its path, or its name at the service.")
    ] = "",
    erase: Annotated[
        bool, typer.Option("--erase", help="Delete the rows of the database and the files too, for good.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before files are erased.")] = False,
    look: Annotated[
        list[Path] | None,
        typer.Option("--look", metavar="DIR", help="Look there too for models that contain it: exports, a channel."),
    ] = None,
    workspace: Place = Path(),
    rebuild: Annotated[bool, typer.Option("--rebuild/--no-rebuild", help="Train anew without them.")] = True,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Remove everything that was learned from one author's corrections or one document, and rebuild the model.

    The verdicts stay in the log, unused, and notes stay as they are. With --erase both go, and a report tells which
    models still contain them. Cut off, the same command goes on.
    """
    from ..flows.forget import forget as forget_subject

    context = open_context(workspace, need_workspace=True, threads=threads)
    assert context.workspace is not None
    for place in look or ():
        if not place.is_dir():
            raise UsageError("is not a folder", where=place, remedy="give folders with exports or a channel to --look")
    if erase and not yes:
        _confirm(context.workspace, author, document)
    done = forget_subject(
        context.workspace,
        context.settings,
        author,
        document=document,
        erase=erase,
        look=look or (),
        rebuild=rebuild,
        threads=context.threads,
        log=output.note,
    )
    output.show(done.to_dict(), done.sentences(), json=json)


def _confirm(workspace: Workspace, author: str, document: str) -> None:
    """Name the files that are erased or changed and ask. Raises UsageError where nobody can answer or says no."""
    from ..flows.erase import own_files
    from ..flows.forget import find_subject

    with workspace.store() as store:
        files = own_files(workspace, find_subject(workspace, store, author=author, document=document))
    output.note(f"{'these files change' if author else 'these files are deleted'} in {workspace.root}:")
    for path in files:
        output.note(f"  {path.relative_to(workspace.root)}")
    if not sys.stdin.isatty():
        raise UsageError("erasing must be confirmed", remedy="add --yes when you are sure; nothing was changed")
    if not typer.confirm("Erase for good?", err=True):
        raise UsageError("nothing was erased", remedy="leave --erase out to keep rows and files, unused")
