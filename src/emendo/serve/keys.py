"""API keys: who may ask for readings, and who may change the model.

The file holds one key a line, `role name sha256`, where the last is the SHA-256 of the key in hexadecimal: a key is
256 random bits, so a plain hash is as good as a slow one. Lines that begin with `#` are remarks. The file is read
again when it changes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ..errors import SettingsError, UsageError
from ..tools.files import write_text

PREFIX: Final = "emendo_"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


class Access(StrEnum):
    """What a key lets its holder do: `read` asks for readings, `admin` also changes the model."""

    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str
    access: Access


@dataclass(frozen=True, slots=True)
class _Key:
    caller: Caller
    digest: bytes


class Keys:
    """The keys of a file. Raises SettingsError when it cannot be read, holds no key, or a line of it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = threading.Lock()
        self._stamp = self._now()
        self._keys = read_keys(path)

    def holder(self, key: str) -> Caller | None:
        """Who holds a key; None for a key that nobody holds. Takes as long for a wrong key as for a right one."""
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        found = None
        for one in self._keys:
            if hmac.compare_digest(one.digest, digest):
                found = one.caller
        return found

    def refresh(self) -> None:
        """Read the file again if it changed; a file that went bad leaves the keys as they were and raises."""
        with self._reading:
            stamp = self._now()
            if stamp != self._stamp:
                self._stamp = stamp
                self._keys = read_keys(self.path)

    def _now(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def read_keys(path: Path) -> tuple[_Key, ...]:
    """The keys of a file; errors as for `Keys`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"cannot be read ({error})", where=path, remedy="make keys with `emendo api-key`"
        ) from error
    keys: list[_Key] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        keys.append(_parse(line, path, number))
    if not keys:
        raise SettingsError("holds no key", where=path, remedy="make one with `emendo api-key`")
    return tuple(keys)


def _parse(line: str, path: Path, number: int) -> _Key:
    role, name, digest, *rest = [*line.split(), "", "", ""]
    if any(rest[:-2]) or role not in set(Access) or not _NAME.fullmatch(name) or not _HASH.fullmatch(digest):
        what = "is no key (role, name, SHA-256)"
        raise SettingsError(what, where=path, line=number, remedy="make keys with `emendo api-key`")
    return _Key(Caller(name, Access(role)), bytes.fromhex(digest))


def add_key(path: Path, name: str, access: Access) -> str:
    """Make a key, add its hash to the file, and return the key, which is kept nowhere.

    Raises UsageError for a name that cannot be or is taken, SettingsError when the file is damaged.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name", remedy="use letters, digits, dots, hyphens and underscores")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before.strip() and any(one.caller.name == name for one in read_keys(path)):
        raise UsageError(f"{name!r} has a key already", where=path, remedy="remove its line first")
    key = PREFIX + secrets.token_urlsafe(32)
    line = f"{access.value} {name} {hashlib.sha256(key.encode()).hexdigest()}\n"
    write_text(path, before + ("" if not before or before.endswith("\n") else "\n") + line)
    return key
