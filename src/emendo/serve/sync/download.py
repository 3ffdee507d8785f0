"""A release comes in: on from where it stopped, never more bytes than were declared, believed only when they fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tuf.api.exceptions import LengthOrHashMismatchError

from emendo.models.channel import TARGETS
from emendo.tools.files import PARTIAL

from .device import Device
from .faults import Fault, SyncError
from .source import Source
from .trust import Offer

Bar = Callable[[int, int], None]
_MEGABYTE = 1 << 20


def download(device: Device, source: Source, offer: Offer, bar: Bar) -> Path:
    """The archive of a release, whole and with the hashes that the channel declares, in the device's download folder.

    What came stays there when the connection breaks off, and the next call goes on from it. `bar` hears the bytes that
    are there and how many there will be. Raises SyncError.
    """
    target = offer.target
    if target.length > device.settings.release_bytes:
        what = f"the release has {target.length} bytes, at most {device.settings.release_bytes} are taken"
        raise SyncError(Fault.ENDLESS, what)
    device.download.mkdir(parents=True, exist_ok=True)
    part = device.download / f"{target.hashes['sha256']}.part"
    for other in device.download.iterdir():
        if other != part:
            other.unlink()
    there = part.stat().st_size if part.is_file() else 0
    if there > target.length:
        part.unlink()
        there = 0
    check_space(device, 2 * target.length - there)
    if there < target.length:
        _fetch(source, offer, part, there, bar)
    with part.open("rb") as stream:
        try:
            target.verify_length_and_hashes(stream)
        except LengthOrHashMismatchError as error:
            part.unlink()
            raise SyncError(Fault.WRONG_HASH, f"the release is not what was signed ({error})") from error
    return part


def check_space(device: Device, needed: int) -> None:
    """Raise SyncError when `needed` further bytes leave less free than the settings say."""
    free = shutil.disk_usage(device.folder).free
    least = needed + device.settings.free_megabytes * _MEGABYTE
    if free < least:
        what = f"{free // _MEGABYTE} MB are free and {-(-least // _MEGABYTE)} are needed"
        raise SyncError(Fault.DISK_FULL, what, where=str(device.folder))


def clean(device: Device) -> None:
    """Remove what a killed sync left; a part of a release stays, the next download goes on from it."""
    shutil.rmtree(device.staging, ignore_errors=True)
    for folder in (device.folder, device.tests):
        for leftover in folder.glob(f"{PARTIAL}*") if folder.is_dir() else ():
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def _fetch(source: Source, offer: Offer, part: Path, there: int, bar: Bar) -> None:
    target = offer.target
    name = f"{TARGETS}/{target.hashes['sha256']}.{target.path}"
    body = source.open(name, there)
    came = body.start
    with part.open("r+b" if part.exists() else "wb") as stream:
        stream.seek(came)
        stream.truncate()
        for piece in body.pieces:
            came += len(piece)
            if came > target.length:
                stream.truncate(0)
                raise SyncError(Fault.ENDLESS, f"more than the {target.length} bytes that were declared", where=name)
            stream.write(piece)
            bar(came, target.length)
    if came < target.length:
        raise SyncError(Fault.TRUNCATED, f"{came} of {target.length} bytes came", where=name)
