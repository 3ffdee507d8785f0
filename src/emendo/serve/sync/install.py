"""A release becomes the model in use: unpacked, verified, tried in a process of its own, swapped in one rename.

Everything happens in the staging folder until the last two steps: the bundle's folder is renamed to its content id,
and the pointer file is replaced. Whatever ends the process in between, the model in use is the old or the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emendo.errors import BadInput, BundleError
from emendo.models.bundle import Bundle, read_bundle
from emendo.models.certificate import check_certificate
from emendo.models.channel import BUNDLE, SELF_TEST, Release, compare, read_self_test
from emendo.models.probe import probe
from emendo.pages.probed import probed_by
from emendo.settings import ChannelSettings, Limits
from emendo.tools.archives import unpack
from emendo.tools.files import PARTIAL, new_folder, remove_folder, sync_folder
from emendo.workspace.folder import BASE, PROMOTING, Champion, Workspace
from emendo.workspace.names import places

from .device import Device
from .faults import Fault, SyncError, sentence


def prepare(device: Device, archive: Path, release: Release, keys: Sequence[Mapping[str, Any]]) -> Path:
    """Unpack a release, verify its bundle and try it out; returns the folder that holds `bundle` and `selftest`.

    Raises SyncError naming what is wrong with it.
    """
    place = device.staging / release.bundle
    limits = Limits(archive_bytes=archive.stat().st_size)  # nothing in it is compressed
    try:
        with new_folder(place, replace=True) as folder:
            unpack(archive, folder, limits)
            if {path.name for path in folder.iterdir()} != {BUNDLE, SELF_TEST}:
                raise BadInput("holds something else than a bundle and its self-test")
    except BadInput as error:
        raise SyncError(Fault.BAD_ARCHIVE, sentence(error)) from error
    try_out(place / BUNDLE, place / SELF_TEST, release.bundle, keys, device.settings)
    return place


def try_out(
    folder: Path, tests: Path, bundle: str, keys: Sequence[Mapping[str, Any]], settings: ChannelSettings
) -> None:
    """Verify a bundle and its certificate, and let it read its self-test in a child. Raises SyncError."""
    held = verified(folder, bundle)
    try:
        check_certificate(held, keys)
    except BundleError as error:
        raise SyncError(Fault.NO_CERTIFICATE, sentence(error)) from error
    self_test(held, tests, settings)


def verified(folder: Path, bundle: str) -> Bundle:
    """The bundle in a folder, every file of it checked. Raises SyncError when it is another or damaged."""
    try:
        held = read_bundle(folder)
    except BundleError as error:
        raise SyncError(Fault.BAD_BUNDLE, sentence(error)) from error
    except OSError as error:  # a disk that cannot read it any more
        raise SyncError(Fault.BAD_BUNDLE, sentence(error), certain=False) from error
    if held.id != bundle:
        raise SyncError(Fault.BAD_BUNDLE, f"the release of {bundle} holds {held.id}")
    return held


def self_test(bundle: Bundle, tests: Path, settings: ChannelSettings) -> None:
    """Let a model read the pictures in `tests` in a child process. Raises SyncError."""
    from emendo.image.load import read_image

    try:
        lines = read_self_test(tests).lines
        images = [read_image(tests / line.image) for line in lines]
        seconds, megabytes = settings.probe_seconds, settings.probe_megabytes
        seen = probe(bundle.folder, images=images, seconds=seconds, megabytes=megabytes, by=probed_by(bundle))
    except BadInput as error:
        raise SyncError(Fault.SELF_TEST, sentence(error), certain=False) from error
    wrong = compare([line.text for line in lines], seen.texts)
    if wrong:
        raise SyncError(Fault.SELF_TEST, wrong)


def put_in_use(device: Device, place: Path | None, release: Release, why: str) -> None:
    """Make a release the model in use: from where it was prepared, or None when it lies among the models already."""
    workspace = device.workspace
    with workspace.lock(PROMOTING):
        if place is not None:
            _move(place / SELF_TEST, device.tests / release.bundle)
            _move(place / BUNDLE, workspace.models / release.bundle)
            for leftover in workspace.models.glob(f"{PARTIAL}*"):  # of a crash; nobody else is at it now
                shutil.rmtree(leftover, ignore_errors=True)
            sync_folder(device.tests)
            sync_folder(workspace.models)
        if current(workspace) != release.bundle:
            workspace.set_champion(release.bundle, why)


def step_back(workspace: Workspace, why: str) -> Champion | None:
    """Put the newest earlier model that is sound back in use, the embedded base at last; None when it is in use."""
    with workspace.lock(PROMOTING):
        now = workspace.champion()
        if now is None or now.model == BASE:
            return None
        while now.history:
            now = workspace.restore_champion(why)
            if now.model == BASE or _sound(workspace.models / now.model):
                return now
        return workspace.set_champion(BASE, why)


def drop_older(device: Device, kept: Sequence[str], good: str) -> tuple[str, ...]:
    """Remove the models of the channel but the one in use and the last good one; returns what is left of `kept`.

    The last good one is `good`, or the one before where none has proved good. Models that were promoted here or that
    have a name in the workspace are nobody's but their owner's.
    """
    workspace = device.workspace
    with workspace.lock(PROMOTING):
        champion = workspace.champion()
        if champion is None:
            return tuple(kept)
        before = [model for model, _, _ in champion.history if model != champion.model]
        stay = {champion.model, good if good in before else (before or [BASE])[-1]}
        gone = [model for model in kept if model not in stay and model not in places(workspace)]
        workspace.forget_champions(gone)
        for model in gone:
            remove_folder(workspace.models / model)
            remove_folder(device.tests / model)
    return tuple(model for model in kept if model not in gone)


def current(workspace: Workspace) -> str:
    """What is in use: a content id, or `base`."""
    champion = workspace.champion()
    return champion.model if champion else BASE


def _move(source: Path, target: Path) -> None:
    """Put a folder in the place of what may be there from before, which is no more than the same content, or damaged.

    A model that is there and sound stays: others may be reading it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if _sound(target):
        return
    remove_folder(target)
    source.replace(target)


def _sound(folder: Path) -> bool:
    try:
        return read_bundle(folder).id == folder.name
    except (BundleError, OSError):
        return False
