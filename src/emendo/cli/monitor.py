"""Commands: monitor captures, prune, collect; those of drift and of estimates stand in files of their own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..tools.counts import counted
from . import output
from .context import Json, open_context
from .estimate import calibrate, estimate
from .traffic import Folder

if TYPE_CHECKING:
    from ..workspace.folder import Workspace

monitor = typer.Typer(help="Watch what the service reads, and how well.", no_args_is_help=True)
monitor.command()(estimate)
monitor.command()(calibrate)


@monitor.command()
def captures(folder: Folder = Path(), json: Json = False) -> None:
    """Show what was captured, day by day: readings by what became of them, pictures, truths, bytes."""
    from ..monitor import Captures
    from ..monitor.retention import sizes

    held = Captures(_workspace(folder).captures)
    days: dict[str, Counter[str]] = {day.isoformat(): Counter() for day in held.days()}
    for one in held.seen():
        counts = days.setdefault(one.at.date().isoformat(), Counter())
        counts[one.outcome.value] += 1
        counts["pictures"] += bool(one.image)
    for told in held.truths():
        days.setdefault(told.at.date().isoformat(), Counter())["truths"] += 1
    taken = {day.isoformat(): size for day, size in sizes(held).items()}
    rows: list[dict[str, Any]] = [
        {"day": day, **dict(counts), "truths": counts["truths"], "bytes": taken.get(day, 0)}
        for day, counts in sorted(days.items())
    ]
    lines = [", ".join(f"{name} {value}" for name, value in row.items()) for row in rows]
    output.show({"days": rows, "torn": held.torn}, lines or ["nothing was captured yet"], json=json)


@monitor.command()
def prune(
    folder: Folder = Path(),
    days: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Days to keep, today among them. [default: capture.days]")
    ] = None,
    most: Annotated[
        int | None, typer.Option("--bytes", min=0, metavar="N", help="Most bytes to keep. [default: capture.bytes]")
    ] = None,
    json: Json = False,
) -> None:
    """Remove captures that are too old, and the oldest days beyond the bytes that they may take; today stays.

    The service does so itself when it starts and once a day.
    """
    from ..monitor import Captures
    from ..monitor.retention import prune as prune_captures

    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    kept = context.settings.capture
    pruned = prune_captures(
        Captures(context.workspace.captures),
        days=days or kept.days,
        most_bytes=kept.bytes if most is None else most,
        today=datetime.now(UTC).date(),
        log=output.note,
    )
    told = [f"removed: {counted(len(pruned.days), 'day')}, {pruned.bytes:,} bytes; left: {pruned.left:,} bytes"]
    output.show(pruned.to_dict(), told, json=json)


@monitor.command()
def collect(
    folder: Folder = Path(),
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only truths told since that day (UTC), as 2026-11-29.")
    ] = None,
    json: Json = False,
) -> int:
    """Make a data set of the captured pictures whose truth was told, to train with (`emendo train --data ID`).

    It is split by document and keeps who said what, so that `emendo forget` takes it out again. Exit status 1 when
    some truths could not be used.
    """
    from ..correct.dataset import forgotten
    from ..datasets.build import build
    from ..errors import DataError
    from ..monitor import Captures
    from ..monitor.collect import collect as collect_truths
    from .data import show_dataset

    context = open_context(folder, need_workspace=True)
    assert context.workspace is not None
    with context.workspace.store() as store:
        left_out = forgotten(store)
    held = Captures(context.workspace.captures)
    dpi = context.settings.read.dpi
    found = collect_truths(held, without_authors=left_out, since=_day(since), dpi=dpi)
    for one in found.rejects:
        output.note(str(one.error()))
    if not found.samples:
        raise DataError(
            "no truth of a captured picture was told yet",
            where=held.folder,
            remedy="tell the service what is right by POST /v1/feedback",
        )
    built = build(found.samples, context.workspace, name="captures", rejects=found.rejects)
    show_dataset(built.dataset, json, id=built.id, existed=built.existed, left_out=len(found.rejects))
    return 1 if found.rejects else 0


def _workspace(folder: Path) -> Workspace:
    workspace = open_context(folder, need_workspace=True).workspace
    assert workspace is not None
    return workspace


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", remedy="write it as 2026-11-29") from error
