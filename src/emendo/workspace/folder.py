"""A workspace on disk: where things lie, which model is in use, and who may work now.

A workspace is any folder with a `.emendo` folder in it. Everything in `.emendo` except the database and the pointer
to the model in use is immutable and named by content, so it may lie in a synced folder (Dropbox, Syncthing). The
database is one file at rest (its `-wal` companion exists only while a command runs), but two machines that write at
the same time make the sync client keep two copies of it: let one machine collect and train, or set `database` in
`emendo.toml` to a PostgreSQL URL or to a SQLite file outside the synced folder. Locks hold within one machine only.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from ..errors import Busy, WorkspaceError
from ..settings import Settings, load_settings
from ..tools.files import write_json, write_text

if TYPE_CHECKING:
    from .store import Store

HIDDEN = ".emendo"
FORMAT = "emendo-workspace/1"
PROMOTING = "promote"
"""Purpose of the lock under which the model in use changes."""
BASE = "base"
"""The embedded model: what stands before the first promotion."""
Reads = Literal["lines", "fields"]
"""What a model in use reads: a workspace has one for lines, and one for the fields of documents."""
FIRST: Final[Mapping[Reads, str]] = {"lines": BASE, "fields": "base-fields"}
"""The model of each kind that stands before the first promotion."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in use and those it replaced, oldest first; `since` is ISO 8601 UTC, `why` a short sentence."""

    model: str
    since: str
    why: str
    history: tuple[tuple[str, str, str], ...] = ()
    """(model, since, why) of each earlier champion that a rollback can return to."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with notes and our memory of them."""

    root: Path

    @classmethod
    def init(cls, folder: Path) -> Workspace:
        """Make `folder` a workspace; on one that exists already nothing changes."""
        workspace = cls(folder.resolve())
        for place in (workspace.datasets, workspace.runs, workspace.models):
            try:
                place.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WorkspaceError(f"cannot be made ({error.strerror})", where=place) from error
        marker = workspace.hidden / "workspace.json"
        if not marker.exists():
            write_text(marker, json.dumps({"format": FORMAT, "created": timestamp()}) + "\n")
        return workspace

    @classmethod
    def open(cls, folder: Path) -> Workspace:
        """The workspace in `folder` itself. Raises WorkspaceError when it is none or of a newer format."""
        workspace = cls(folder.resolve())
        if not workspace.hidden.is_dir():
            raise WorkspaceError("is not a workspace", where=folder, remedy=f"run `emendo init {folder}` first")
        marker = workspace.hidden / "workspace.json"
        if marker.exists():
            form = read_object(marker).get("format")
            if form != FORMAT:
                raise WorkspaceError(
                    f"has format {form!r}, this emendo knows {FORMAT!r}", where=marker, remedy="update emendo"
                )
        return workspace

    @classmethod
    def find(cls, start: Path) -> Workspace | None:
        """The workspace that holds `start` (a file or folder), looking upward; None outside of any."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / HIDDEN).is_dir():
                return cls.open(folder)
        return None

    @property
    def hidden(self) -> Path:
        """The folder that is ours."""
        return self.root / HIDDEN

    @property
    def datasets(self) -> Path:
        """Immutable data sets, one folder each."""
        return self.hidden / "datasets"

    @property
    def runs(self) -> Path:
        """Training runs, one folder each."""
        return self.hidden / "runs"

    @property
    def models(self) -> Path:
        """Bundles, one folder each, named by content id."""
        return self.hidden / "models"

    @property
    def captures(self) -> Path:
        """Readings that the service gave, a folder a day (see `emendo.monitor.captures`); made when first needed."""
        return self.hidden / "captures"

    @property
    def trial_file(self) -> Path:
        """The last trial of two models on the service; there is none before the first."""
        return self.hidden / "trial.json"

    @property
    def trials(self) -> Path:
        """What both models of each trial read, a folder each, of the form of `captures`; made when first needed."""
        return self.hidden / "trials"

    @property
    def database(self) -> Path:
        """The SQLite file that holds the memory when no other database is set."""
        return self.hidden / "emendo.db"

    def settings(self, **flags: Any) -> Settings:
        """The settings in force here (see `emendo.settings.load_settings`)."""
        return load_settings(self.root, **flags)

    def store(self) -> Store:
        """Open the database (SQLite in `.emendo`, or the URL of the setting `database`)."""
        from .store import Store, sqlite_url

        return Store.open(self.settings().database or sqlite_url(self.database))

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Hold the lock of `purpose` (collect, train, promote, ...) while the block runs.

        The operating system frees it when the process ends in any way. Raises Busy, naming the process, when another
        one holds it.
        """
        path = self.hidden / f"{purpose}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                _take(handle)
            except BlockingIOError as error:
                holder = os.read(handle, 200).decode("utf-8", "replace").strip() or "unknown"
                raise Busy(
                    f"another emendo is at `{purpose}` here (process {holder})",
                    where=self.root,
                    remedy="wait for it to end or stop it",
                ) from error
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()} on {socket.gethostname()}, since {timestamp()}\n".encode())
            yield
        finally:
            os.close(handle)

    def holder(self, purpose: str) -> str:
        """Who holds the lock of `purpose` now: process, machine and since when; empty when nobody does."""
        try:
            handle = os.open(self.hidden / f"{purpose}.lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return ""
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(handle, 200).decode("utf-8", "replace").strip() or "unknown"
        finally:
            os.close(handle)
        return ""

    def pointer(self, kind: Reads = "lines") -> Path:
        """The pointer to the model in use for lines or for fields: a small file, for sync clients break links."""
        return self.models / ("champion.json" if kind == "lines" else f"champion-{kind}.json")

    def champion(self, kind: Reads = "lines") -> Champion | None:
        """The model in use, or None before the first promotion. Raises WorkspaceError on a damaged pointer."""
        pointer = self.pointer(kind)
        if not pointer.exists():
            return None
        content = read_object(pointer)
        try:
            return Champion(
                model=str(content["model"]),
                since=str(content["since"]),
                why=str(content["why"]),
                history=tuple((str(h["model"]), str(h["since"]), str(h["why"])) for h in content["history"]),
            )
        except (KeyError, TypeError) as error:
            raise WorkspaceError(
                f"lacks {error}", where=pointer, remedy="remove it to return to the base model"
            ) from error

    def in_use(self, kind: Reads = "lines") -> str:
        """Reference of the model in use: a content id, or the embedded one."""
        champion = self.champion(kind)
        return champion.model if champion else FIRST[kind]

    def set_champion(self, model: str, why: str = "", *, kind: Reads = "lines") -> Champion:
        """Put `model` in use; what was in use before joins the history."""
        before = self.champion(kind) or Champion(FIRST[kind], timestamp(), "embedded")
        history = (*before.history, (before.model, before.since, before.why))
        return self._write_champion(Champion(model, timestamp(), why, history), kind)

    def restore_champion(self, why: str = "rolled back", *, kind: Reads = "lines") -> Champion:
        """Put the model before the present one back in use. Raises WorkspaceError when there is none before it."""
        now = self.champion(kind)
        if now is None or not now.history:
            raise WorkspaceError("no earlier model to return to", where=self.root)
        model = now.history[-1][0]
        return self._write_champion(Champion(model, timestamp(), why, now.history[:-1]), kind)

    def forget_champions(self, models: Collection[str]) -> None:
        """Let no rollback lead to any of these models, which are about to be removed; the present ones stay."""
        for kind in get_args(Reads):
            now = self.champion(kind)
            if now is not None and any(model in models for model, _, _ in now.history):
                history = tuple(one for one in now.history if one[0] not in models)
                self._write_champion(replace(now, history=history), kind)

    def _write_champion(self, champion: Champion, kind: Reads) -> Champion:
        content = {
            "model": champion.model,
            "since": champion.since,
            "why": champion.why,
            "history": [{"model": model, "since": since, "why": why} for model, since, why in champion.history],
        }
        write_json(self.pointer(kind), content)
        return champion


def _take(handle: int) -> None:
    """Lock a file for this process alone; tried a few times, for somebody may only be asking who the holder is."""
    for pause in (0.02, 0.05, 0.1):
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
    return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def timestamp() -> str:
    """The time that is written down: UTC, ISO 8601, seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in one of our files. Raises WorkspaceError when it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"cannot be read ({error})", where=path, remedy="restore it from a backup") from error
    if not isinstance(content, dict):
        raise WorkspaceError("is not a JSON object", where=path, remedy="restore it from a backup")
    return content
