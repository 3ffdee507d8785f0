"""Commands: monitor captures, estimate, calibrate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from . import output
from .context import Json, open_context
from .estimate import calibrate, estimate

monitor = typer.Typer(help="Watch what the service reads, and how well.", no_args_is_help=True)
monitor.command()(estimate)
monitor.command()(calibrate)

Folder = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace whose service is watched.")]


@monitor.command()
def captures(folder: Folder = Path(), json: Json = False) -> None:
    """Show what was captured, day by day."""
    from ..monitor import Captures

    workspace = open_context(folder, need_workspace=True).workspace
    assert workspace is not None
    held = Captures(workspace.captures)
    days: dict[str, Counter[str]] = {}
    for one in held.seen():
        days.setdefault(one.at.date().isoformat(), Counter())[one.outcome.value] += 1
    truths = Counter(one.at.date().isoformat() for one in held.truths())
    rows = [{"day": day, **dict(days.get(day, Counter())), "truths": truths[day]} for day in sorted({*days, *truths})]
    lines = [", ".join(f"{name} {value}" for name, value in row.items()) for row in rows]
    output.show({"days": rows, "torn": held.torn}, lines or ["nothing was captured yet"], json=json)
