"""Capture: who watches a service and writes down what it read.

The threads that read put each reading in a queue in memory and go on: one thread writes, in batches. A full queue drops
what comes and counts it. What is in the queue when the process is killed is lost, a part of a second at most; what
stands on the disk is never touched again. Several processes may write into one folder.

A part of the readings is enough to watch most services. It is chosen by a hash of the document, so that a document is
kept whole or not at all, and the same ones in every process; pictures are kept of a part of these. What was refused or
failed is kept always, without a picture.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final

from ..image.load import sniff
from ..settings import CaptureSettings
from .captures import Captures, Picture
from .retention import prune
from .seen import Outcome, Seen, Truth

PAUSE: Final = 0.2
"""Seconds between two batches, and the longest that a reading waits to be written while the disk keeps up."""
BATCH: Final = 256
"""Most readings written at once."""
RECENT: Final = 1000
"""Readings whose truth can be told though they are not captured, or not written yet."""
PICTURES_ROOM: Final = 0.9
"""Share of the room beyond which old days go, and the pictures of today; the rest is for rows."""
RECKON_SECONDS: Final = 600.0
"""Time after which the folder is measured again, for others may write there too."""
SUFFIXES: Final = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp", "pdf": ".pdf"}


@dataclass(slots=True)
class Counts:
    """What became of the readings: rows and pictures written, rows dropped by reason (`queue`: it was full, `disk`: it
    could not be written, `space`: the folder holds what it may), pictures left out for the same reasons, and bytes."""

    written: int = 0
    pictures: int = 0
    bytes: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: {"queue": 0, "disk": 0, "space": 0})
    pictures_dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    seen: Seen
    content: bytes


def chosen(group: str, share: float) -> bool:
    """Whether the readings of a document are among this share of all; those of a smaller share are among them too."""
    return int.from_bytes(sha256(group.encode()).digest()[:8]) < share * 2**64


def withheld(seen: Seen) -> Seen:
    """A reading without its texts and fields: of these the lengths and the counts of classes of characters stay."""
    lines = tuple(replace(line, text="", withheld=len(line.text)) for line in seen.lines)
    return replace(seen, lines=lines, fields=None, classes=dict(seen.class_counts()))


class Capture:
    """An observer of a service (`serve.observe`) that keeps a part of what it is told in `captures`.

    `start` it before use and `close` it at the end. It never raises and never waits for the disk in the caller's
    thread. `log` is told when readings cannot be written, and what goes for want of room.
    """

    def __init__(
        self, captures: Captures, settings: CaptureSettings, log: Callable[[str], None] = lambda _: None
    ) -> None:
        self.captures, self.settings, self._log = captures, settings, log
        self.counts = Counts()
        self.held_bytes = 0
        """Bytes of the folder, as measured and written since."""
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._recent: OrderedDict[str, tuple[Seen, bool]] = OrderedDict()
        self._changing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._reckoned, self._today = -RECKON_SECONDS, date.min
        self._crowded = False
        self._trouble = ""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, seconds: float = 10.0) -> bool:
        """Write what waits, within so many seconds, and end. Whether all of it was written."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive() and not self._waiting

    @property
    def waiting(self) -> int:
        """Readings that wait to be written."""
        return len(self._waiting)

    def __call__(self, seen: Seen, content: bytes) -> None:
        """Be told of an image that came; `content` is the file that was sent."""
        settings = self.settings
        if not settings.texts:
            seen = withheld(seen)
        if not settings.callers:
            seen = replace(seen, caller="")
        read = seen.outcome is Outcome.READ
        kept = not read or chosen(seen.group, settings.share)
        if read and kept:
            seen = replace(seen, share=settings.share)
        if not (read and kept and settings.images and chosen(seen.group, settings.share * settings.images)):
            content = b""
        with self._changing:
            if kept and len(self._waiting) >= settings.queue:
                self.counts.dropped["queue"] += 1
                kept = False
            if content and kept and self._waiting_bytes + len(content) > settings.queue_bytes:
                self.counts.pictures_dropped += 1
                content = b""
            if kept:
                self._waiting.append(_Waiting(seen, content))
                self._waiting_bytes += len(content)
            if read:
                self._recent[seen.id] = (seen, kept)
                if len(self._recent) > RECENT:
                    self._recent.popitem(last=False)

    def find(self, name: str) -> Seen | None:
        """The reading of that id: one of the last, or one that was captured."""
        with self._changing:
            found = self._recent.get(name)
        return found[0] if found is not None else self.captures.find(name)

    def tell(self, seen: Seen, truth: Truth) -> bool:
        """Keep what a person said of a reading; on the disk when this returns. False: it was known already.

        A reading that was not captured is kept with it (with share 0), for a truth alone says nothing. Raises OSError.
        """
        same = [one for one in self.captures.truths_of(truth.id) if one.line == truth.line]
        if same and replace(same[-1], at=truth.at) == truth:
            return False
        with self._changing:
            known, kept = self._recent.get(truth.id, (seen, True))
            if not kept:
                self._recent[truth.id] = (known, True)
        if not kept:
            self._account(self.captures.add([replace(known, share=0.0)]))
        self._account(self.captures.add_truths([truth]))
        return True

    def _account(self, new: int) -> None:
        with self._changing:
            self.counts.bytes += new
            self.held_bytes += new

    def _run(self) -> None:
        ended = False
        while not ended:
            self._keep_house()
            ended = self._ended.wait(PAUSE)
            while batch := self._next():
                self._write(batch)

    def _next(self) -> list[_Waiting]:
        with self._changing:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            self._waiting_bytes -= sum(len(one.content) for one in batch)
        return batch

    def _write(self, batch: list[_Waiting]) -> None:
        room = self.settings.bytes - self.held_bytes
        if room <= 0:
            with self._changing:
                self.counts.dropped["space"] += len(batch)
            return
        pictures: list[Picture] = []
        rows: list[Seen] = []
        for one in batch:
            row = one.seen
            if one.content and self.held_bytes < PICTURES_ROOM * self.settings.bytes:
                picture = Picture(one.content, row.at, SUFFIXES.get(sniff(one.content[:2048]), ".bin"))
                pictures.append(picture)
                row = replace(row, image=picture.name)
            elif one.content:
                self.counts.pictures_dropped += 1
            rows.append(row)
        try:
            new = self.captures.add(rows, pictures)
        except OSError as error:
            with self._changing:
                self.counts.dropped["disk"] += len(batch)
            self._tell(
                f"readings cannot be captured: {error.filename or self.captures.folder}: {error.strerror or error}"
            )
            return
        self._tell("")
        self._account(new)
        with self._changing:
            self.counts.written += len(rows)
            self.counts.pictures += len(pictures)

    def _tell(self, trouble: str) -> None:
        """Tell the log of trouble once, and of its end."""
        if trouble != self._trouble:
            self._log(trouble or "readings are captured again")
            self._trouble = trouble

    def _keep_house(self) -> None:
        """Remove what is too old or too much: at the start, once a day, and whenever there is no room."""
        now, today = time.monotonic(), datetime.now(UTC).date()
        most = int(PICTURES_ROOM * self.settings.bytes)
        full = self.held_bytes > most and not self._crowded
        if today == self._today and not full and now - self._reckoned < RECKON_SECONDS:
            return
        try:
            left = prune(self.captures, days=self.settings.days, most_bytes=most, today=today, log=self._log).left
        except OSError as error:
            self._tell(
                f"captures cannot be tidied: {error.filename or self.captures.folder}: {error.strerror or error}"
            )
            left = self.held_bytes
        if left > most and (not self._crowded or today != self._today):
            self._log(
                f"the captures of today take {left:,} of {self.settings.bytes:,} bytes: no more pictures are kept"
            )
        self.held_bytes, self._reckoned, self._today, self._crowded = left, now, today, left > most
