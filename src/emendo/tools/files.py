"""Files that appear whole or not at all, and their hashes.

A write goes to a temporary name in the same folder, is flushed to the disk, renamed over the target, and the folder
is flushed too: after a crash the target holds the old or the new content, never a part of it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARTIAL = ".partial-"
"""Prefix of temporary names; anything so named is the leftover of a crash and may be removed."""

MANY = 100
"""More files than this are brought to the disk together: one by one each would wait for a turn of the disk."""


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(target: Path, data: bytes) -> None:
    """Write `data` to `target` whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
    try:
        with partial.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 `text` to `target` whole or not at all; line ends stay as given."""
    write_bytes(target, text.encode("utf-8"))


def write_json(target: Path, value: Any) -> None:
    """Write a value as JSON that people can read, whole or not at all."""
    write_text(target, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def append_line(file: Path, line: str) -> None:
    """Add one line (without its end) so that it is on the disk when this returns, whole among those of other writers.

    A torn last line (the leftover of a crash) is ended first, so that it can never swallow the new one.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    new = not file.exists()
    with file.open("ab+", buffering=0) as stream:  # one write: lines of several programs never mix
        start = b""
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            start = b"" if stream.read(1) == b"\n" else b"\n"
        data = start + f"{line}\n".encode()
        if stream.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        os.fsync(stream.fileno())
    if new:
        sync_folder(file.parent)


@contextmanager
def new_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` when the block ends without an error.

    With `replace`, an existing `target` is moved aside first and removed after the rename (there is one instant
    without it; where that matters, name folders by content and switch a pointer file instead). Raises
    FileExistsError when `target` exists and `replace` is False, also when another process made it in the meantime.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not replace:
        raise FileExistsError(target)
    partial = target.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
    partial.mkdir()
    try:
        yield partial
        _flush(partial)
        if replace and target.exists():
            aside = target.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
            target.replace(aside)
            _become(partial, target)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            _become(partial, target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Bring all files below a folder to the disk: one by one, or where they are many all that the machine has."""
    held = [(Path(root), names) for root, _, names in os.walk(folder)]
    if sum(len(names) for _, names in held) > MANY:
        os.sync()
        return
    for root, names in held:
        for name in names:
            with (root / name).open("rb") as stream:
                os.fsync(stream.fileno())
        sync_folder(root)


def _become(partial: Path, target: Path) -> None:
    try:
        partial.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(errno.EEXIST, "was made by another process in the meantime", str(target)) from error
        raise


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there, so that nobody ever finds half of it under its name."""
    aside = folder.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
    try:
        folder.replace(aside)
    except FileNotFoundError:
        return
    shutil.rmtree(aside, ignore_errors=True)


def sha256_bytes(data: bytes) -> str:
    """Hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
