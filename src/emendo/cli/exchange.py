"""Workspaces for other programs and back: `dataset export --to`, `dataset import --workspace`."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path

from ..tools.counts import counted
from . import output
from .context import open_context


def into_workspace(source: Path, folder: Path, json: bool) -> int:
    """Take a file into the workspace at `folder`; 1 when something in it could not be used."""
    from ..correct.importing import import_file

    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    author = context.settings.author or getuser()
    with output.progress("importing", quiet=json) as bar:
        done = import_file(context.workspace, source, author=author, recognizer=context.recognizer, progress=bar)
    for failure in done.failures:
        output.complain(failure)
    output.show(done.summary(), done.sentences(), json=json)
    return 1 if done.failures else 0


def from_workspace(folder: Path, form: str, out: Path, json: bool) -> int:
    """Write the workspace at `folder` as a zip; 1 when a page had to be left out."""
    from ..correct.export import export_workspace
    from ..workspace.folder import Workspace

    with output.progress("exporting", quiet=json) as bar:
        done = export_workspace(Workspace.open(folder), form, out, progress=bar)
    for failure in done.failures:
        output.complain(failure)
    told = f"{counted(done.pages, 'page')}, {counted(done.lines, 'line')}, {done.judged} with a verdict"
    output.show(done.summary(), [told], json=json)
    return 1 if done.failures else 0
