"""What can be wrong with a channel or a release: each has a name that stands in the log of the device."""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import Final

from emendo.errors import BadInput, EmendoError


class Fault(StrEnum):
    """Why a device did not take what it was offered, or gave back what it had."""

    OFFLINE = "offline"
    MISSING = "missing"
    STALLED = "stalled"
    TRUNCATED = "truncated"
    ENDLESS = "endless"
    EXPIRED = "expired"
    ROLLED_BACK = "rolled back"
    MIXED = "mixed"
    FORGED = "forged signature"
    WRONG_HASH = "wrong hash"
    DAMAGED_METADATA = "damaged metadata"
    BAD_ARCHIVE = "bad archive"
    NO_CERTIFICATE = "no certificate"
    BAD_BUNDLE = "bad bundle"
    SELF_TEST = "self-test failed"
    CRASH_LOOP = "crash loop"
    DISK_FULL = "disk full"
    DAMAGED = "damaged model"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    BUSY = "busy"
    SYSTEM = "system error"


OF_THE_RELEASE = frozenset({Fault.BAD_ARCHIVE, Fault.NO_CERTIFICATE, Fault.BAD_BUNDLE, Fault.SELF_TEST})
"""Faults of the release itself, which is remembered as bad."""
TRIES: Final = 3
"""Tries after which a release is bad that only may be."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SyncError(BadInput):
    """A channel or a release that is not as it should be; `fault` is its name in the log.

    One that is not `certain` may be the doing of this device (no memory, no time), so it is tried again.
    """

    def __init__(self, fault: Fault, what: str, *, where: str = "", certain: bool = True) -> None:
        self.fault = fault
        self.certain = certain
        super().__init__(what, where=where)


def from_system(error: OSError) -> SyncError:
    """An error of the operating system while something was written or read here."""
    fault = Fault.DISK_FULL if error.errno in _FULL else Fault.SYSTEM
    return SyncError(fault, f"{error.strerror or error}", where=str(error.filename or ""))


def sentence(error: EmendoError | Exception) -> str:
    """An error in one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]
