"""Text files that people have edited: read safely, whatever editor and system they come from."""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput

_MARKS = "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u00ad"
_DROP = dict.fromkeys(map(ord, _MARKS))


@dataclass(frozen=True, slots=True)
class State:
    """What tells that a file is the same as before: size in bytes, time of change in nanoseconds, inode."""

    size: int
    changed: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> State | None:
        """State of a regular file, None when there is nothing. Raises BadInput for anything else by that name."""
        try:
            info = path.lstat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(info.st_mode):
            kind = "link" if stat.S_ISLNK(info.st_mode) else "special file"
            kind = "folder" if stat.S_ISDIR(info.st_mode) else kind
            raise BadInput(f"is a {kind}, not a plain file", where=path, remedy="put the text itself there")
        return cls(info.st_size, info.st_mtime_ns, info.st_ino)


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes; never follows a link, never waits on a pipe."""
    state = State.of(path)
    if state is None:
        raise BadInput("is not there", where=path)
    if state.size > limit:
        raise BadInput(
            f"has {state.size:,} bytes, more than the {limit:,} of the setting limits.note_bytes", where=path
        )
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", where=path) from error
    if len(content) > limit:
        raise BadInput(f"grew beyond {limit:,} bytes while it was read", where=path)
    return content


def decode(content: bytes, where: Path) -> str:
    """UTF-8 (with or without byte order mark) or UTF-16 with one; line ends become `\\n`, text NFC.

    Raises BadInput naming the line for any other encoding: guessing one would put wrong characters into labels.
    """
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = f"is not UTF-8 (byte 0x{content[error.start]:02x})"
        raise BadInput(what, where=where, line=line, remedy="save it as UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BadInput("holds a NUL character", where=where, line=line, remedy="save it as plain UTF-8 text")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return unicodedata.normalize("NFC", text)


def clean(line: str) -> str:
    """A line as a label: NFC, runs of white space one blank, none at the ends, no direction or invisible marks."""
    return " ".join(unicodedata.normalize("NFC", line.translate(_DROP)).split())


def numbered(text: str) -> list[tuple[int, str]]:
    """(line number from 1, cleaned text) of the lines that are not blank."""
    lines = ((number, clean(line)) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, line) for number, line in lines if line]
