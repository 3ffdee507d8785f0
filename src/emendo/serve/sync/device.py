"""What a device keeps of a channel, below `.emendo/sync`: all of it in small files that are written whole.

root.json        the root that is trusted from the beginning (pinned)
metadata/        the newest metadata that were trusted
download/        the release that is being fetched, as far as it came
staging/         a release that is being tried
tests/ID/        the self-test of each model that was put in use
state.json       what is in use, what was good, what is bad
marks.json       starts of the model in use that have not proved good yet
status.json      for people and monitors
events.jsonl     what happened, the older half in events.jsonl.1
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emendo.settings import ChannelSettings
from emendo.tools.files import sha256_bytes, write_text
from emendo.tools.locks import held
from emendo.workspace.folder import Workspace, timestamp

from .faults import TRIES

EVENTS_BYTES: Final = 1_000_000
"""Size at which the log of events becomes the older half."""
MOST_BAD: Final = 50


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Kept = TypeVar("Kept", bound=_Kept)


class InUse(_Kept):
    """A release that was put in use.

    `checked` is when its self-test passed last (ISO 8601 UTC); `leaving` is the fault for which it is being given
    back, written before anything is changed so that whoever comes after a crash goes on with it.
    """

    bundle: str
    number: int
    checked: str = ""
    leaving: str = ""


class Bad(_Kept):
    """A release that is not tried again."""

    bundle: str
    number: int
    fault: str
    at: str


class State(_Kept):
    """What a device remembers: `release` is what it put in use last, `kept` the models that it put on the disk.

    `good` is the model that proved good last, `tries` how often a release failed that may yet be good.
    """

    release: InUse | None = None
    good: str = ""
    bad: tuple[Bad, ...] = ()
    kept: tuple[str, ...] = ()
    tries: dict[str, int] = Field(default_factory=dict)

    def is_bad(self, bundle: str, number: int) -> bool:
        """Whether a release is remembered as bad."""
        return any((one.bundle, one.number) == (bundle, number) for one in self.bad)

    def with_failure(self, bundle: str, number: int, fault: str, *, certain: bool) -> State:
        """The state after a release failed: bad when that is certain, or after `TRIES` failures."""
        key = f"{bundle} {number}"
        count = self.tries.get(key, 0) + 1
        if certain or count >= TRIES:
            return self.with_bad(bundle, number, fault).model_copy(update={"tries": {}})
        return self.model_copy(update={"tries": {key: count}})

    def with_bad(self, bundle: str, number: int, fault: str) -> State:
        """The state that remembers one more bad release."""
        if self.is_bad(bundle, number):
            return self
        bad = (*self.bad, Bad(bundle=bundle, number=number, fault=fault, at=timestamp()))[-MOST_BAD:]
        return self.model_copy(update={"bad": bad})


class Status(_Kept):
    """What a device tells of itself. `state` is `up to date`, `never`, or the name of the last fault; times ISO UTC."""

    device: str = ""
    group: str = ""
    url: str = ""
    state: str = "never"
    what: str = ""
    model: str = ""
    release: int = Field(0, description="Number of the release in use; 0: none of the channel.")
    tried: str = ""
    succeeded: str = ""
    next: str = ""
    failures: int = 0
    bad: tuple[Bad, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """The part of a workspace in which it follows a channel."""

    workspace: Workspace
    settings: ChannelSettings

    @property
    def folder(self) -> Path:
        """Where everything lies."""
        return self.workspace.hidden / "sync"

    @property
    def root(self) -> Path:
        """The pinned root."""
        return self.folder / "root.json"

    @property
    def metadata(self) -> Path:
        """What The Update Framework keeps."""
        return self.folder / "metadata"

    @property
    def download(self) -> Path:
        """The release that is being fetched."""
        return self.folder / "download"

    @property
    def staging(self) -> Path:
        """The release that is being tried."""
        return self.folder / "staging"

    @property
    def tests(self) -> Path:
        """Self-tests by model."""
        return self.folder / "tests"

    @property
    def name(self) -> str:
        """The name by which shares are drawn; it never leaves the device."""
        return self.settings.device or _machine()

    def state(self) -> State:
        """What is remembered; nothing when that is damaged (the champion tells what is in use)."""
        return _read(self.folder / "state.json", State())

    def update(self, change: Callable[[State], State]) -> State:
        """Change what is remembered; one process at a time."""
        with held(self.folder / "state.lock"):
            state = change(self.state())
            write_text(self.folder / "state.json", state.model_dump_json(indent=1) + "\n")
        return state

    def status(self) -> Status:
        """What the last look told."""
        return _read(self.folder / "status.json", Status())

    def tell(self, status: Status) -> None:
        """Keep a status."""
        write_text(self.folder / "status.json", status.model_dump_json(indent=1) + "\n")

    def log(self, event: str, what: str, **more: Any) -> None:
        """Add an event to the log. Raises OSError when the disk does not take it."""
        path = self.folder / "events.jsonl"
        row = json.dumps({"at": timestamp(), "event": event, "what": what, **more}, ensure_ascii=False)
        if path.is_file() and path.stat().st_size > EVENTS_BYTES:
            path.replace(path.with_name("events.jsonl.1"))
        with path.open("a+b") as stream:
            if stream.tell() and (stream.seek(-1, 2), stream.read(1))[1] != b"\n":
                row = "\n" + row  # a line that a crash cut short stays one line
            stream.write(row.encode("utf-8") + b"\n")

    def events(self) -> list[dict[str, Any]]:
        """The newer half of the log, oldest first; a line that a crash cut short is left out."""
        path = self.folder / "events.jsonl"
        found = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found


def _read(path: Path, empty: Kept) -> Kept:
    try:
        return type(empty).model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return empty


def _machine() -> str:
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        if path.is_file() and (text := path.read_text(encoding="utf-8", errors="replace").strip()):
            return sha256_bytes(f"emendo\n{text}".encode())[:16]
    return socket.gethostname()
