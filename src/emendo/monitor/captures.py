"""What was captured, on disk: a folder a day, so that what is too old goes by whole folders.

    captures/2026-11-29/seen.jsonl      one reading a line (see `Seen`)
    captures/2026-11-29/truths.jsonl    what people said of readings, by the day on which they said it
    captures/2026-11-29/images/HASH.ext pictures that were kept, by their content

Lines are appended whole (several processes may write); a line torn by a crash is counted and left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from ..errors import FormatError
from ..tools.files import append_line, sha256_bytes, write_bytes
from ..tools.locks import held
from .seen import Seen, Truth

SEEN: Final = "seen.jsonl"
TRUTHS: Final = "truths.jsonl"
IMAGES: Final = "images"
LOCK: Final = ".lock"
"""File whose lock is held while lines are appended or taken out, so that neither loses what the other does."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many readings, truths and pictures were taken out of the captures."""

    readings: int = 0
    truths: int = 0
    pictures: int = 0


@dataclass(slots=True)
class Captures:
    """The captures of one workspace or service; `torn` counts the lines that could not be read so far."""

    folder: Path
    torn: int = field(default=0, compare=False)

    def add(self, seen: Sequence[Seen]) -> None:
        """Append readings; they are on the disk when this returns."""
        with self._held():
            for day, rows in _by_day(seen).items():
                append_line(self.folder / day / SEEN, "\n".join(_line(one.to_dict()) for one in rows))

    def add_truths(self, truths: Sequence[Truth]) -> None:
        """Append what people said; it is on the disk when this returns."""
        with self._held():
            for day, rows in _by_day(truths).items():
                append_line(self.folder / day / TRUTHS, "\n".join(_line(one.to_dict()) for one in rows))

    def put_image(self, content: bytes, at: datetime, suffix: str = ".png") -> str:
        """Keep a picture beside the readings of its day; returns the name by which `Seen.image` calls it."""
        name = f"{_day(at)}/{IMAGES}/{sha256_bytes(content)[:32]}{suffix}"
        if not (self.folder / name).exists():
            write_bytes(self.folder / name, content)
        return name

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

    def drop(
        self, *, callers: Collection[str] = (), authors: Collection[str] = (), documents: Collection[str] = ()
    ) -> Dropped:
        """Take out what these callers sent and all readings of these documents, with their pictures and the truths of
        them, and what these authors said of any reading. Cut off in the middle, it is called again.
        """
        if not self.folder.is_dir():
            return Dropped()
        readings = truths = pictures = 0
        with self._held():
            gone = {one.id for one in self.seen() if one.caller in callers or one.document in documents}
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

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder / LOCK):
            yield

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


def _by_day(rows: Sequence[Any]) -> dict[str, list[Any]]:
    days: dict[str, list[Any]] = {}
    for one in rows:
        days.setdefault(_day(one.at), []).append(one)
    return days


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
