"""Commands: people add|list|role|disable|enable|renew|remove|agreement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..tools.counts import counted
from ..workspace.roles import Role
from . import output
from .context import Json, open_context

if TYPE_CHECKING:
    from ..settings import Settings
    from ..workspace.folder import Workspace
    from ..workspace.people import People

T = TypeVar("T")

people = typer.Typer(help="Who may correct in the page, and what they may do there.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name that stands in what the person does.")]
Folder = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace or a folder in it.")]


@people.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = Role.ANNOTATOR,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Let a person in; prints their token, once."""
    workspace, settings = _opened(folder)
    _token(name, _with(workspace, lambda known: known.add(name, role)), settings, json)


@people.command("list")
def list_(folder: Folder = Path(), json: Json = False) -> None:
    """Show who the people are."""
    members = _with(_opened(folder)[0], lambda known: known.members())
    rows = [member.to_dict() for member in members]
    lines = [
        f"{row['name']}  {row['role']}{'' if row['active'] else ', disabled'}, since {row['since']}" for row in rows
    ]
    output.show({"people": rows}, lines or ["nobody: add people with `emendo people add NAME`"], json=json)


@people.command()
def role(name: Name, role: Annotated[Role, typer.Argument()], folder: Folder = Path(), json: Json = False) -> None:
    """Give a person another role."""
    _with(_opened(folder)[0], lambda known: known.set_role(name, role))
    output.show({"name": name, "role": role.value}, [f"{name} is {role.value} now"], json=json)


@people.command()
def disable(name: Name, folder: Folder = Path(), json: Json = False) -> None:
    """Keep a person out, within two seconds; what they did stays."""
    _with(_opened(folder)[0], lambda known: known.set_active(name, False))
    output.show({"name": name, "active": False}, [f"{name} cannot come in any more"], json=json)


@people.command()
def enable(name: Name, folder: Folder = Path(), json: Json = False) -> None:
    """Let a disabled person in again, with the token they had."""
    _with(_opened(folder)[0], lambda known: known.set_active(name, True))
    output.show({"name": name, "active": True}, [f"{name} can come in again"], json=json)


@people.command()
def renew(name: Name, folder: Folder = Path(), json: Json = False) -> None:
    """Give a person a new token; the one before is worth nothing then."""
    workspace, settings = _opened(folder)
    _token(name, _with(workspace, lambda known: known.renew(name)), settings, json)


@people.command()
def remove(name: Name, folder: Folder = Path(), json: Json = False) -> None:
    """Forget a person; what they did stays under their name."""
    _with(_opened(folder)[0], lambda known: known.remove(name))
    output.show({"name": name, "removed": True}, [f"{name} is no longer known"], json=json)


@people.command()
def agreement(folder: Folder = Path(), json: Json = False) -> None:
    """Show how far second readers agree with the first, over all and by pair of people."""
    from ..label.agreement import agreement as agree
    from ..workspace.seconds import Seconds

    workspace, settings = _opened(folder)
    with workspace.store() as store:
        found = agree(Seconds(store.database, settings.label.second_share).all())
    sentences = [
        f"{' and '.join(one.readers) or 'all'}: {one.same} of {counted(one.lines + one.refused, 'line')} the same "
        f"({one.exact:.1%}, 95 % {one.exact_low:.1%} to {one.exact_high:.1%}); characters that differ "
        f"{one.cer:.2%} ({one.cer_low:.2%} to {one.cer_high:.2%})"
        for one in found
        if one.lines or one.refused
    ]
    rows = {"agreement": [one.to_dict() for one in found]}
    output.show(rows, sentences or ["no line was read a second time yet"], json=json)


def _opened(folder: Path) -> tuple[Workspace, Settings]:
    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    return context.workspace, context.settings


def _with(workspace: Workspace, act: Callable[[People], T]) -> T:
    from ..workspace.people import People

    with workspace.store() as store:
        return act(People(store.database))


def _token(name: str, token: str, settings: Settings, json: bool) -> None:
    host = settings.label.hosts[0] if settings.label.hosts else "127.0.0.1:8765"
    address = f"http://{host}/?token={token}"
    lines = [f"{name}: {address}", "This is shown once; the database holds only a hash of it."]
    output.show({"name": name, "token": token, "address": address}, lines, json=json)
