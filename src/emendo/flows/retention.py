"""What is kept of readings for a time goes when its time is over: captures, old readings, pictures, reports, runs.

Never the person's own notes, never what a model in use, a name, a data set or an unfinished round still needs. Each
thing goes by itself, whole or not at all, so that a call that was cut off is repeated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

from sqlalchemy import func, select

from ..correct.notes import find_notes
from ..datasets import open_dataset
from ..datasets.dataset import CARD, IMAGES
from ..errors import EmendoError
from ..evaluate.boards.results import find_reports
from ..learn.fields import unfinished_fields
from ..learn.round import LOCK, Log, unfinished
from ..monitor.captures import IMAGES as PICTURES
from ..monitor.captures import Captures, trial_captures
from ..release.lineage import REPORT, lineage
from ..settings import RetentionSettings
from ..tools.counts import counted
from ..tools.files import remove_folder
from ..workspace.database import Database
from ..workspace.folder import Reads, Workspace
from ..workspace.names import places
from ..workspace.schema import readings
from ..workspace.store import Store
from .contained import RUN_FILE

EVENT: Final = "retention"
DAY: Final = 86_400.0
KEPT_OF_RUNS: Final = (REPORT, RUN_FILE, "pipeline.yaml", "read.jsonl")
"""Files of a run that stay: without them nobody could say what a model learned from."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing whose time is over: its kind, what it is, its bytes, and how it goes."""

    kind: str
    name: str
    bytes: int
    remove: Callable[[], object] = field(repr=False, compare=False)
    count: int = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What went (or with `dry` would go) by kind: how many, and their bytes; and the settings that said so."""

    dry: bool
    counts: dict[str, int]
    bytes: dict[str, int]
    settings: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        kinds = {kind: {"count": count, "bytes": self.bytes[kind]} for kind, count in self.counts.items()}
        return {"dry_run": self.dry, "kinds": kinds, "bytes": sum(self.bytes.values()), "settings": self.settings}

    def sentences(self) -> list[str]:
        """For a person."""
        verb = "would go" if self.dry else "went"
        told = [
            f"{count} {kind} {verb}, {self.bytes[kind] / 1e6:.1f} MB" for kind, count in self.counts.items() if count
        ]
        return told or [f"nothing {'would go' if self.dry else 'was to go'}: its time is not over"]


def apply(
    workspace: Workspace,
    settings: RetentionSettings,
    *,
    captures_days: int = 0,
    dry: bool = False,
    now: datetime | None = None,
    log: Log = print,
) -> Kept:
    """Remove what is older than the settings say, and captures and readings of trials older than `captures_days` (0:
    none); with `dry` only tell. `now` is the time from which days count (UTC).

    Raises Busy when another process learns here, whose files these are.
    """
    now = now or datetime.now(UTC)
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    with workspace.lock(LOCK), workspace.store() as store:
        for item in _due(workspace, store, settings, captures_days, now):
            counts[item.kind] = counts.get(item.kind, 0) + item.count
            sizes[item.kind] = sizes.get(item.kind, 0) + item.bytes
            log(f"{'would remove' if dry else 'removing'} {item.kind}: {item.name}, {item.bytes / 1e6:.1f} MB")
            if not dry:
                item.remove()
        done = Kept(dry, counts, sizes, {"captures_days": captures_days, **settings.model_dump()})
        if counts and not dry:
            store.add_event(EVENT, done.to_dict())
    return done


def _due(
    workspace: Workspace, store: Store, settings: RetentionSettings, captures_days: int, now: datetime
) -> Iterator[Item]:
    captures, never = Captures(workspace.captures), datetime.min.replace(tzinfo=UTC)
    whole = now - timedelta(days=captures_days) if captures_days else never
    for one in (captures, *trial_captures(workspace)):
        yield from _captures(one, whole)
    if settings.capture_pictures_days:
        yield from _capture_pictures(captures, whole, now - timedelta(days=settings.capture_pictures_days))
    if settings.readings_days:
        yield from _readings(store.database, now - timedelta(days=settings.readings_days))
    if settings.pictures_days:
        yield from _pictures(workspace, _before(now, settings.pictures_days))
    used = _in_use(workspace)
    if settings.reports_days:
        yield from _reports(workspace, _before(now, settings.reports_days), used)
    if settings.runs_days:
        yield from _runs(workspace, store, _before(now, settings.runs_days), used)


def _before(now: datetime, days: int) -> float:
    """Seconds since 1970 before which a file is too old; never in the future, where a wrong clock could put it."""
    return min(now.timestamp(), time.time()) - days * DAY


def _captures(captures: Captures, before: datetime) -> Iterator[Item]:
    """Whole days: one goes when its last moment is too old."""
    for day in captures.days():
        if day < before.date():
            folder = captures.folder / day.isoformat()
            yield Item("days of captures", day.isoformat(), _size(folder), partial(remove_folder, folder))


def _capture_pictures(captures: Captures, whole: datetime, before: datetime) -> Iterator[Item]:
    """Those of days that do not go whole."""
    for day in captures.days():
        folder = captures.folder / day.isoformat() / PICTURES
        if whole.date() <= day < before.date() and folder.is_dir():
            count = sum(1 for _ in folder.iterdir())
            name = f"{day.isoformat()}/{PICTURES}"
            yield Item("captured pictures", name, _size(folder), partial(remove_folder, folder), count)


def _readings(database: Database, before: datetime) -> Iterator[Item]:
    """Readings that are not the latest of their line."""
    others = readings.alias()
    newest = select(func.max(others.c.id)).where(others.c.unit == readings.c.unit).scalar_subquery()
    old = (readings.c.at < before.isoformat(), readings.c.id != newest)
    with database.read() as connection:
        length = func.length(readings.c.text) + func.length(readings.c.characters)
        count, size = connection.execute(select(func.count(), func.coalesce(func.sum(length), 0)).where(*old)).one()

    def remove() -> None:
        with database.write() as connection:
            connection.execute(readings.delete().where(*old))
        database.scrub()

    if count:
        yield Item("replaced readings", f"{counted(int(count), 'row')} of the database", int(size), remove, int(count))


def _pictures(workspace: Workspace, before: float) -> Iterator[Item]:
    """Pictures in the store of the data sets that none of them names, and those of lines that were taken out."""
    spare: list[Path] = []
    store = workspace.datasets / IMAGES
    named: set[Path] = set()
    try:
        for card in workspace.datasets.glob(f"*/{CARD}"):
            named |= {sample.image.resolve() for sample in open_dataset(card.parent).samples}
        spare += [path for path in store.rglob("*") if path.is_file() and path.resolve() not in named]
    except EmendoError:
        pass  # a data set that cannot be opened may need any of them
    with workspace.store() as held:
        shown = {line.image for line in held.lines()}
    for note in find_notes(workspace.root):
        spare += [path for path in note.taken_out() if path.relative_to(workspace.root).as_posix() not in shown]
    for path in sorted(spare):
        if path.stat().st_mtime < before:
            name = path.relative_to(workspace.root).as_posix()
            yield Item("pictures of lines", name, path.stat().st_size, partial(path.unlink, missing_ok=True))


def _reports(workspace: Workspace, before: float, used: frozenset[str]) -> Iterator[Item]:
    for folder in find_reports([workspace.hidden / "reports"]):
        figures = folder / REPORT
        model = ""
        with suppress(OSError, ValueError, AttributeError):
            model = str(json.loads(figures.read_bytes()).get("model", ""))
        if figures.stat().st_mtime < before and model.rpartition("@")[2] not in used:
            name = folder.relative_to(workspace.hidden).as_posix()
            yield Item("reports", name, _size(folder), partial(remove_folder, folder))


def _runs(workspace: Workspace, store: Store, before: float, used: frozenset[str]) -> Iterator[Item]:
    begun = {str(plan["run"]) for plan in (unfinished(store), unfinished_fields(store)) if plan is not None}
    needed = {one.run for model, one in lineage(workspace).items() if model in used} | begun
    for run in sorted(path for path in workspace.runs.iterdir() if path.is_dir()):
        report = run / REPORT
        rest = [path for path in run.iterdir() if path.name not in KEPT_OF_RUNS]
        if run.name in needed or not report.is_file() or report.stat().st_mtime >= before or not rest:
            continue
        yield Item("runs", run.name, sum(map(_size, rest)), partial(_clear, rest))


def _clear(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            remove_folder(path)
        else:
            path.unlink(missing_ok=True)


def _in_use(workspace: Workspace) -> frozenset[str]:
    """Content ids of the models in use, of those that a rollback can return to, and of those that have a name."""
    found = set(places(workspace))
    for kind in get_args(Reads):
        champion = workspace.champion(kind)
        if champion is not None:
            found |= {champion.model, *(model for model, _, _ in champion.history)}
    return frozenset(found)


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file() and not one.is_symlink())
    return path.lstat().st_size
