"""Whether a new model proves good in use: whoever uses it says so, and three starts that came to nothing roll it back.

    model = note_start(workspace)     before the model is loaded
    ...                               some good reads, or some seconds
    note_good(workspace)
    note_end(workspace)               when it ends as it should

A start has come to nothing when its process is gone and never said that the model is good. A model that has proved
good once is not judged by crashes any more: power that fails three times is no reason to change it. In a workspace that
follows no channel they do nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from emendo.errors import Busy
from emendo.tools.files import write_text
from emendo.tools.locks import held
from emendo.workspace.folder import Workspace, timestamp

from .device import Device, State
from .faults import Fault
from .install import current, step_back

STARTS: Final = 3
"""Starts that came to nothing after which a model is given back."""


class Start(BaseModel):
    """A process that began to use the model: its number and when the system started it (clock ticks since boot)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    process: int
    began: str
    at: str


class Marks(BaseModel):
    """Starts of a model, and whether it has proved good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""
    good: str = ""
    starts: tuple[Start, ...] = ()


def note_start(workspace: Workspace) -> str:
    """Say that this process is about to use the champion, which is rolled back first when it crash-loops.

    Returns the model to use: a content id, or `base`.
    """
    device = Device(workspace, workspace.settings().channel)
    if not device.folder.is_dir():
        return current(workspace)
    watch_starts(device)
    model = current(workspace)
    with _marks(device) as (path, found):
        marks = found if found.model == model else Marks(model=model)
        if not marks.good:
            mine = Start(process=os.getpid(), began=_began(os.getpid()), at=timestamp())
            others = tuple(one for one in marks.starts if one.process != mine.process)
            _write(path, marks.model_copy(update={"starts": (*others, mine)}))
    return model


def note_good(workspace: Workspace) -> None:
    """Say that the champion does its work in this process."""
    device = Device(workspace, workspace.settings().channel)
    if not device.folder.is_dir():
        return
    with _marks(device) as (path, marks):
        if marks.model == current(workspace) and not marks.good:
            device.update(lambda state: state.model_copy(update={"good": marks.model}))
            _write(path, Marks(model=marks.model, good=timestamp()))


def note_end(workspace: Workspace) -> None:
    """Say that this process ends as it should, so that its start counts for nothing."""
    device = Device(workspace, workspace.settings().channel)
    if not device.folder.is_dir():
        return
    with _marks(device) as (path, marks):
        left = tuple(one for one in marks.starts if one.process != os.getpid())
        if left != marks.starts:
            _write(path, marks.model_copy(update={"starts": left}))


def watch_starts(device: Device) -> bool:
    """Roll the champion back when it came from the channel and `STARTS` starts with it came to nothing.

    Returns whether it did. While another process promotes, nothing happens: the next call sees to it.
    """
    workspace = device.workspace
    with _marks(device) as (path, marks):
        failed = [one for one in marks.starts if _began(one.process) != one.began]
        release = device.state().release
        mine = release is not None and release.bundle == marks.model == current(workspace)
        if release is None or not mine or marks.good or len(failed) < STARTS:
            return False
        what = f"{marks.model} was started {len(failed)} times and never proved good"
        try:
            give_back(device, Fault.CRASH_LOOP, what)
        except Busy:
            return False
        _write(path, Marks(model=current(workspace)))
        return True


def give_back(device: Device, fault: Fault, what: str) -> None:
    """Roll the release in use back and remember it as bad, unless it was withdrawn or damaged here.

    Raises Busy while another process promotes; it is finished by `finish_giving_back` then, as after a crash.
    """
    release = device.update(lambda state: _with_release(state, leaving=str(fault))).release
    if release is not None:
        device.log(str(fault), what, release=release.number, model=release.bundle)
        finish_giving_back(device)


def finish_giving_back(device: Device) -> bool:
    """Go on with a roll-back that was begun; returns whether there was one."""
    release = device.state().release
    if release is None or not release.leaving:
        return False
    if current(device.workspace) == release.bundle:
        step_back(device.workspace, f"rolled back: {release.leaving}")

    def forget(state: State) -> State:
        if release.leaving not in {Fault.WITHDRAWN, Fault.DAMAGED}:
            state = state.with_bad(release.bundle, release.number, release.leaving)
        return state.model_copy(update={"release": None})

    device.update(forget)
    device.log("rolled back to", current(device.workspace), release=release.number, model=release.bundle)
    return True


def _with_release(state: State, **changes: str) -> State:
    if state.release is None:
        return state
    return state.model_copy(update={"release": state.release.model_copy(update=changes)})


@contextmanager
def _marks(device: Device) -> Iterator[tuple[Path, Marks]]:
    path = device.folder / "marks.json"
    with held(device.folder / "marks.lock"):
        try:
            marks = Marks.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            marks = Marks()
        yield path, marks


def _write(path: Path, marks: Marks) -> None:
    write_text(path, json.dumps(marks.model_dump(mode="json")) + "\n")


def _began(process: int) -> str:
    """When a process was started, in clock ticks since boot and with the boot's id; empty when it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot} {fields[19]}"
