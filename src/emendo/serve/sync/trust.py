"""What a device may believe: the metadata of a channel, checked by the rules of The Update Framework.

The checks are those of `tuf.ngclient.Updater` (signatures up to the pinned root, expiry, no version smaller than one
that was seen, no pieces of different states); here they get files from a `Source` and their failures get names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from emendo.errors import UsageError
from emendo.models.channel import CERTIFICATE_KEYS, METADATA, Release, read_release
from emendo.tools.files import sync_folder

from .faults import Fault, SyncError
from .source import Source

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile

_LIMITS = UpdaterConfig(max_root_rotations=64, max_delegations=0)


@dataclass(frozen=True, slots=True)
class Offer:
    """A release with its target: length and hashes of the archive."""

    release: Release
    target: TargetFile


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the channel offers, and the public keys whose parity certificates it accepts."""

    offers: tuple[Offer, ...]
    certificate_keys: tuple[dict[str, Any], ...]


def refresh(source: Source, metadata: Path, root: Path) -> Trusted:
    """Fetch and check the newest metadata, keeping what was trusted in `metadata`; `root` is pinned.

    Raises SyncError with the name of what is wrong, UsageError when there is no usable pinned root.
    """
    try:
        pinned = root.read_bytes()
    except OSError as error:
        remedy = "run `emendo sync init --root root.json --url ADDRESS` first"
        raise UsageError(f"there is no trusted root at {root}", remedy=remedy) from error
    metadata.mkdir(parents=True, exist_ok=True)
    for leftover in metadata.glob("tmp*"):
        leftover.unlink()
    fetcher = _Fetcher(source)
    try:
        updater = Updater(str(metadata), METADATA, fetcher=fetcher, config=_LIMITS, bootstrap=pinned)
    except exceptions.RepositoryError as error:
        raise UsageError(f"{root} is no root of a channel ({error})", remedy="run `emendo sync init` again") from error
    try:
        updater.refresh()
        for path in (metadata / "timestamp.json", metadata / "snapshot.json", metadata / "targets.json"):
            _flush(path)
        sync_folder(metadata)
        targets = Metadata[Targets].from_file(str(metadata / "targets.json")).signed
        trusted_root = Metadata[Root].from_file(str(metadata / "root.json")).signed
    except exceptions.RepositoryError as error:
        raise SyncError(_name(error, fetcher, metadata), str(error), where=fetcher.place) from error
    except exceptions.DownloadLengthMismatchError as error:
        raise SyncError(Fault.ENDLESS, str(error), where=fetcher.place) from error
    except exceptions.DownloadError as error:
        raise SyncError(Fault.MISSING, str(error), where=fetcher.place) from error
    offers = tuple(
        Offer(release, target)
        for path, target in targets.targets.items()
        if (release := read_release(path, target.custom)) is not None and "sha256" in target.hashes
    )
    return Trusted(offers, tuple(trusted_root.unrecognized_fields.get(CERTIFICATE_KEYS, ())))


@dataclass
class _Fetcher(FetcherInterface):  # type: ignore[misc]
    source: Source
    place: str = ""
    held: bytearray = field(default_factory=bytearray)

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.place = url
        self.held.clear()
        try:
            body = self.source.open(url)
        except SyncError as error:
            if error.fault is Fault.MISSING:
                raise exceptions.DownloadHTTPError(str(error), 404) from error
            raise
        return self._counted(body.pieces, body.length)

    def fetch(self, url: str) -> Iterator[bytes]:
        """As the base class does it, but for errors that have a name already."""
        return self._fetch(url)

    def _counted(self, pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
        came = 0
        for piece in pieces:
            came += len(piece)
            self.held.extend(piece)
            yield piece
        if came < length:
            raise SyncError(Fault.TRUNCATED, f"{came} of {length} bytes came", where=self.place)

    @property
    def role(self) -> str:
        """The role whose file was asked for last."""
        return self.place.rpartition("/")[2].removesuffix(".json").rpartition(".")[2]


def _name(error: exceptions.RepositoryError, fetcher: _Fetcher, metadata: Path) -> Fault:
    if isinstance(error, exceptions.ExpiredMetadataError):
        return Fault.EXPIRED
    if isinstance(error, exceptions.UnsignedMetadataError):
        return Fault.FORGED
    if isinstance(error, exceptions.BadVersionNumberError):
        return Fault.MIXED if fetcher.role in {"snapshot", "targets"} else Fault.ROLLED_BACK
    if isinstance(error, exceptions.LengthOrHashMismatchError):
        return Fault.MIXED if _signed(bytes(fetcher.held), fetcher.role, metadata) else Fault.WRONG_HASH
    return Fault.DAMAGED_METADATA


def _signed(content: bytes, role: str, metadata: Path) -> bool:
    """Whether a file that does not fit is at least a true one of another state."""
    try:
        root = Metadata[Root].from_file(str(metadata / "root.json")).signed
        other: Metadata[Any] = Metadata.from_bytes(content)
        root.verify_delegate(role, other.signed_bytes, other.signatures)
    except (exceptions.RepositoryError, ValueError, OSError):
        return False
    return True


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
