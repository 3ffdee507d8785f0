"""Archives: strangers' ones unpacked within limits, our own packed so that the same files give the same bytes."""

from __future__ import annotations

import gzip
import os
import tarfile
import unicodedata
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import BadInput
from ..settings import Limits
from .files import PARTIAL, sync_folder

_PIECE = 1 << 20
_MOST_FILES = 100_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_STORED = frozenset({".png", ".jpg", ".jpeg", ".webp", ".zip"})
"""Endings of files that are packed already."""


def pack(folder: Path, target: Path, *, stored: bool = False) -> None:
    """All files below a folder as a zip, whole or not at all: by name, without times and owners.

    With `stored` nothing is compressed, so that the bytes do not depend on the version of zlib.
    """
    partial = target.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
    try:
        _write(folder, partial, stored)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def _write(folder: Path, target: Path, stored: bool) -> None:
    with zipfile.ZipFile(target, "x") as opened:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            packed = stored or path.suffix.lower() in _STORED
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            with path.open("rb") as source, opened.open(entry, "w") as out:
                while piece := source.read(_PIECE):
                    out.write(piece)


def pack_members(members: Mapping[str, Path], target: Path) -> None:
    """Regular files as a .tar.gz, whole or not at all: by name, without times and owners, for anybody to read.

    `members` are the files by the names that they get, which may have folders. Nothing is compressed (the gzip has
    stored blocks): weights hardly shrink, and the bytes do not depend on a version of zlib.
    """
    partial = target.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
    try:
        with partial.open("xb") as out:
            _write_tar(members, out)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def _write_tar(members: Mapping[str, Path], out: IO[bytes]) -> None:
    with (
        gzip.GzipFile("", "wb", compresslevel=0, fileobj=out, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, source in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = source.stat().st_size, 0o644
            with source.open("rb") as stream:
                tar.addfile(entry, stream)


def unpack(archive: Path, folder: Path, limits: Limits) -> None:
    """Unpack the regular files of a zip or tar archive below `folder`. Raises BadInput.

    Refused as a whole: names that lead outside, links, devices, more than `limits.archive_bytes` unpacked (counted
    while unpacking, whatever the headers say) or more than 100,000 files. No owner, mode or time is taken over.
    """
    left = limits.archive_bytes
    try:
        for count, (name, stream) in enumerate(_members(archive), 1):
            if count > _MOST_FILES:
                raise BadInput(f"holds more than {_MOST_FILES:,} files", where=archive)
            target = folder.joinpath(*_safe_parts(name, archive))
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                while piece := stream.read(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        what = f"unpacks to more than {limits.archive_bytes:,} bytes"
                        raise BadInput(what, where=archive, remedy="raise limits.archive_bytes if it is right")
                    out.write(piece)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        what = " ".join(str(error).split())[:120]
        raise BadInput(f"is a damaged archive ({what})", where=archive, remedy="get it again") from error
    except FileExistsError as error:
        raise BadInput("holds two files of one name", where=archive) from error


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                kind = (member.external_attr >> 16) & 0o170000
                if kind not in (0, 0o100000, 0o040000):
                    raise BadInput(f"holds {member.filename[:80]!r}, a link or device", where=archive)
                if not member.is_dir():
                    with opened.open(member) as stream:
                        yield member.filename, stream
        return
    with tarfile.open(archive, "r:*") as tar:
        for one in tar:
            if not (one.isfile() or one.isdir()):
                raise BadInput(f"holds {one.name[:80]!r}, a link or device", where=archive)
            if one.isfile():
                extracted = tar.extractfile(one)
                if extracted is not None:
                    yield one.name, extracted


def _safe_parts(name: str, archive: Path) -> tuple[str, ...]:
    parts = PurePosixPath(name).parts
    bad = not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]
    if bad or any(unicodedata.category(char) == "Cc" for char in name):
        raise BadInput(f"holds {name[:80]!r}, a name that leads outside", where=archive)
    return parts
