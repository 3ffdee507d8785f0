"""Commands: sync [--once|--status], sync init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Json, open_context

sync = typer.Typer(help="Follow a channel of releases on a device.", invoke_without_command=True, no_args_is_help=False)

Folder = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace of the device.")]


@sync.callback()
def follow(
    context: typer.Context,
    folder: Folder = Path(),
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Tell what the last look found, and only that.")] = False,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Answer GET /status there while running.")
    ] = None,
    json: Json = False,
) -> int:
    """Follow a channel of releases on a device.

    A new release is fetched, verified, tried out in a process of its own and put in use; if it fails, or crash-loops,
    the one before returns. Without --once it stays and looks every `channel.interval_seconds`. Status 1: the channel
    could not be reached or was refused; the model in use goes on reading.
    """
    if context.invoked_subcommand is not None:
        return 0
    try:
        from ..serve.sync.agent import UP_TO_DATE, Agent
    except ModuleNotFoundError as error:
        raise _no_tuf(error) from error
    from ..serve.sync.daemon import run, status_page
    from ..serve.sync.device import Device

    held = open_context(folder, need_workspace=True)
    assert held.workspace is not None
    told = None
    if not status:
        if not held.settings.channel.url:
            raise UsageError("this workspace follows no channel", remedy="run `emendo sync init` first")
        agent = Agent.of(held.workspace, held.settings.channel, output.note)
        if once:
            with output.progress("fetching", quiet=json) as agent.bar:
                told = agent.look()
        elif listen is None:
            run(agent)
        else:
            with status_page(agent.device, listen, output.note):
                run(agent)
    failed = told is not None and told.state != UP_TO_DATE
    told = told or Device(held.workspace, held.settings.channel).status()
    lines = [f"{told.state}: {told.what}", f"model in use: {told.model}", f"last success: {told.succeeded or 'never'}"]
    output.show(told.model_dump(mode="json"), lines if status else lines[1:2], json=json)
    return 1 if failed else 0


@sync.command()
def init(
    root: Annotated[Path, typer.Option(metavar="FILE", help="Root of the channel (1.root.json), brought by hand.")],
    url: Annotated[str, typer.Option(metavar="ADDRESS", help="Where the channel is: http(s) or a folder.")],
    group: Annotated[str, typer.Option(metavar="NAME", help="Group of devices. [default: stable]")] = "",
    device: Annotated[str, typer.Option(metavar="NAME", help="Name of the device. [default: its machine id]")] = "",
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Let this device trust a channel and follow it."""
    try:
        from ..serve.sync.setup import pin

        workspace = pin(folder, root, url, group, device)
    except ModuleNotFoundError as error:
        raise _no_tuf(error) from error
    told = {"workspace": str(workspace.root), **workspace.settings().channel.model_dump(mode="json")}
    output.show(told, [f"{workspace.root} follows {url}; fetch with `emendo sync --once`"], json=json)


def _no_tuf(error: ModuleNotFoundError) -> UsageError:
    return UsageError(f"sync needs {error.name!r}", remedy="pip install 'emendo[edge]'")
