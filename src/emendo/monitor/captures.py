"""What was captured, on disk: a folder a day, so that what is too old goes by whole folders.

    captures/2026-11-29/seen.jsonl      one reading a line (see `Seen`)
    captures/2026-11-29/truths.jsonl    what people said of readings, by the day on which they said it
    captures/2026-11-29/images/HASH.ext pictures that were kept, by their content

Lines are appended whole (several processes may write); a line torn by a crash is counted and left out. Whoever changes
or removes what stands there holds the `lock`.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from ..errors import FormatError
from ..tools.files import PARTIAL, append_line, sha256_bytes, sync_folder, write_bytes
from ..tools.locks import held
from ..workspace.folder import Workspace
from .seen import Seen, Truth, day_of

SEEN: Final = "seen.jsonl"
TRUTHS: Final = "truths.jsonl"
IMAGES: Final = "images"
LOCK: Final = ".lock"


class _Dated(Protocol):
    @property
    def at(self) -> datetime: ...


T = TypeVar("T")
D = TypeVar("D", bound=_Dated)


@dataclass(frozen=True, slots=True)
class Picture:
    """The content of a picture, when it was read, and how a file of its kind ends."""

    content: bytes
    at: datetime
    suffix: str = ".png"

    @property
    def name(self) -> str:
        """By which `Seen.image` calls it."""
        return f"{_day(self.at)}/{IMAGES}/{sha256_bytes(self.content)[:32]}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many readings, truths and pictures were taken out of the captures."""

    readings: int = 0
    truths: int = 0
    pictures: int = 0

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.readings + other.readings, self.truths + other.truths, self.pictures + other.pictures)


@dataclass(slots=True)
class Captures:
    """The captures of one workspace or service; `torn` counts the lines that could not be read so far."""

    folder: Path
    torn: int = field(default=0, compare=False)

    def add(self, seen: Sequence[Seen], pictures: Sequence[Picture] = ()) -> int:
        """Append readings and keep pictures that they name; all is on the disk when this returns, the pictures first.

        How many bytes are new.
        """
        with self.lock():
            return self._put(pictures) + self._append(seen, SEEN, Seen.to_dict)

    def add_truths(self, truths: Sequence[Truth]) -> int:
        """Append what people said; it is on the disk when this returns. How many bytes it takes."""
        with self.lock():
            return self._append(truths, TRUTHS, Truth.to_dict)

    def put_image(self, content: bytes, at: datetime, suffix: str = ".png") -> str:
        """Keep a picture beside the readings of its day; returns the name by which `Seen.image` calls it."""
        picture = Picture(content, at, suffix)
        with self.lock():
            self._put([picture])
        return picture.name

    def lock(self) -> AbstractContextManager[None]:
        """Hold what lies here against other writers, of this process and others; for work of milliseconds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return held(self.folder / LOCK)

    def days(self) -> list[date]:
        """Days of which something is kept, oldest first."""
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                found.append(date.fromisoformat(path.name))
            except ValueError:
                continue
        return sorted(found)

    def seen(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Seen]:
        """Readings from `since` to before `until`, in the order in which they were written, day by day."""
        for one in self._rows(SEEN, Seen.from_dict, since, until):
            if _within(one.at, since, until):
                yield one

    def truths(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Truth]:
        """What people said from `since` to before `until`; a later one of the same reading and line holds."""
        for one in self._rows(TRUTHS, Truth.from_dict, since, until):
            if _within(one.at, since, until):
                yield one

    def find(self, name: str) -> Seen | None:
        """The reading of that id, which tells the day: a reading ends on that day or, after a long wait, the next."""
        day = day_of(name)
        for one in (day, day + timedelta(1)) if day is not None else ():
            for row in self._named(one, SEEN, name):
                return Seen.from_dict(row)
        return None

    def truths_of(self, name: str) -> list[Truth]:
        """What people said of the reading of that id, in the order in which they said it."""
        day = day_of(name)
        days = [one for one in self.days() if day is not None and one >= day]
        return [Truth.from_dict(row) for one in days for row in self._named(one, TRUTHS, name)]

    def drop(
        self, *, callers: Collection[str] = (), authors: Collection[str] = (), documents: Collection[str] = ()
    ) -> Dropped:
        """Take out what these callers sent and all readings of these documents, with their pictures and the truths of
        them, and what these authors said of any reading. A reading without a document is called by its id. Cut off in
        the middle, it is called again.
        """
        if not self.folder.is_dir():
            return Dropped()
        readings = truths = pictures = 0
        with self.lock():
            gone = {one.id for one in self.seen() if one.caller in callers or one.group in documents}
            for day in self.days():
                folder = self.folder / day.isoformat()
                truths += _without(folder / TRUTHS, lambda row: row.get("id") in gone or row.get("author") in authors)
            for day in self.days():  # after all truths: without a reading nobody would know that they are of it
                folder = self.folder / day.isoformat()
                kept = {one.image for one in self._rows(SEEN, Seen.from_dict, None, None, [day]) if one.id not in gone}
                shown = {one.image for one in self._rows(SEEN, Seen.from_dict, None, None, [day]) if one.id in gone}
                for name in shown - kept - {""}:
                    pictures += (self.folder / name).is_file()
                    (self.folder / name).unlink(missing_ok=True)
                readings += _without(folder / SEEN, lambda row: row.get("id") in gone)
        return Dropped(readings, truths, pictures)

    def _put(self, pictures: Sequence[Picture]) -> int:
        new = 0
        folders: set[Path] = set()
        for one in pictures:
            target = self.folder / one.name
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{PARTIAL}{os.getpid()}-{target.name}")
            try:
                with partial.open("wb") as stream:
                    stream.write(one.content)
                    stream.flush()
                    os.fsync(stream.fileno())
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
            folders.add(target.parent)
            new += len(one.content)
        for folder in folders:
            sync_folder(folder)
        return new

    def _append(self, rows: Sequence[D], name: str, row_of: Callable[[D], dict[str, Any]]) -> int:
        count = 0
        for day, group in _by_day(rows).items():
            text = "\n".join(_line(row_of(one)) for one in group)
            append_line(self.folder / day / name, text)
            count += len(text.encode()) + 1
        return count

    def _named(self, day: date, file: str, name: str) -> Iterator[dict[str, Any]]:
        """The whole rows of a file that are of the reading `name`; the id stands first in each."""
        path = self.folder / day.isoformat() / file
        wanted = b'{"id":"%s"' % name.encode()
        try:
            with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                at = content.find(wanted)
                while at >= 0:
                    end = content.find(b"\n", at)
                    if end < 0:
                        return
                    yield json.loads(content[at:end])
                    at = content.find(wanted, end)
        except (FileNotFoundError, ValueError):  # no such day; a file without content cannot be mapped
            return

    def _rows(
        self,
        name: str,
        read: Callable[[dict[str, Any]], T],
        since: datetime | None,
        until: datetime | None,
        days: Sequence[date] | None = None,
    ) -> Iterator[T]:
        for day in self.days() if days is None else days:
            path = self.folder / day.isoformat() / name
            if (since and day < since.date()) or (until and day > until.date()) or not path.is_file():
                continue
            with path.open("rb") as lines:
                for line in lines:
                    try:
                        row = json.loads(line)
                        if not isinstance(row, dict):
                            raise FormatError("is no JSON object")
                        yield read(row)
                    except (ValueError, FormatError):
                        self.torn += 1


def all_captures(workspace: Workspace) -> list[Captures]:
    """The captures of a workspace, and those of its trials."""
    return [Captures(workspace.captures), *trial_captures(workspace)]


def trial_captures(workspace: Workspace) -> list[Captures]:
    """What both models read in each trial of a workspace."""
    folders = sorted(workspace.trials.iterdir()) if workspace.trials.is_dir() else []
    return [Captures(folder) for folder in folders if folder.is_dir()]


def _without(path: Path, gone: Callable[[dict[str, Any]], bool]) -> int:
    """Write a file anew without some of its rows; how many those were. Torn lines go too: nobody can say of whom."""
    if not path.is_file():
        return 0
    kept: list[bytes] = []
    dropped = torn = 0
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            torn += 1
            continue
        if isinstance(row, dict) and gone(row):
            dropped += 1
        else:
            kept.append(line)
    if dropped or torn:
        write_bytes(path, b"".join(line + b"\n" for line in kept))
    return dropped


def _by_day(rows: Sequence[D]) -> dict[str, list[D]]:
    days: dict[str, list[D]] = {}
    for one in rows:
        days.setdefault(_day(one.at), []).append(one)
    return days


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
