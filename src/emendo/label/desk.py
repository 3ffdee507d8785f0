"""The desk of a workspace: lines in an order, each with its reading and what holds; verdicts, with nothing lost.

An order is worked out once and kept as a list of line ids, so that the next line costs one look-up however many lines
the workspace has. A verdict names the version that the person saw: when somebody else was quicker, `Stale` carries the
text that holds, and nothing is written.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from emendo.image.pixels import cv2

from ..correct.notes import DRAFT
from ..errors import BadInput, UsageError
from ..image.load import read_frame, read_image
from ..pages.note import NoteFiles
from ..text.direction import right_to_left
from ..text.normalize import normalize_text
from ..types import Correction, DocumentReader, EvidenceRecognizer, Image, Reading, Recognizer, Verdict
from ..workspace.doubts import Doubt, Doubts, doubts_in
from ..workspace.efforts import Effort, add_effort
from ..workspace.folder import Workspace
from ..workspace.leases import Leases, holders_in, release
from ..workspace.people import People
from ..workspace.seconds import Second, Seconds, decide
from ..workspace.store import Entry, Kind, Line, Store, Transaction
from .alternatives import Alternative, alternatives
from .foresight import Foresight
from .queues import EVERYTHING, HANDED, Filter, Queues
from .rounds import Hand, Rounds
from .rules import Rule, rules_of
from .search import Index

LANGUAGE_LINES = 200
"""Readings that the language is told from."""
PAGE_SIDE = 2200
"""Longest side of a page's picture, in pixels."""
SOURCE, RESTORED = "page", "restored"
MOST_CHARACTERS = {Kind.LINE: 20_000, Kind.PLATE: 20_000, Kind.DOCUMENT: 500_000}
"""Characters of a text, by the kind of its unit."""


@dataclass(frozen=True, slots=True)
class Card:
    """One line as it is shown: where it stands, what a model read, and the verdict that holds, if any."""

    line: Line
    reading: Reading
    verdict: Correction | None
    holder: str = ""
    """Who has it in work."""
    doubt: Doubt | None = None
    """Why the text that holds is likely wrong."""
    second: bool = False
    """Whether it is to be read a second time, without the text that holds (then `verdict` is None)."""

    @property
    def text(self) -> str:
        """What stands in the field: the corrected text, else what was said before a new cut, else the reading."""
        if self.verdict and self.verdict.text is not None:
            return self.verdict.text
        return str(self.line.attributes.get(DRAFT) or self.reading.text)

    @property
    def version(self) -> int:
        """Number of verdicts so far."""
        return self.verdict.version if self.verdict else 0

    def to_dict(self) -> dict[str, Any]:
        """For the page; the outline is in pixels of the page's picture at `page_size`."""
        line = self.line
        known = self.reading.characters if self.text == self.reading.text else ()
        return {
            "id": line.id,
            "document": line.document,
            "page": line.page,
            "number": line.number,
            "text": self.text,
            "reading": self.reading.text,
            "confidence": round(self.reading.confidence, 4),
            "model": self.reading.model,
            "characters": [[one.text, round(one.probability, 4)] for one in known],
            "version": self.version,
            "verdict": self.verdict.verdict.value if self.verdict else "",
            "author": self.verdict.author if self.verdict else "",
            "direction": "rtl" if right_to_left(self.text) else "ltr",
            "polygon": [[round(x, 1), round(y, 1)] for x, y in line.polygon],
            "page_size": [line.page_width, line.page_height],
            "holder": self.holder,
            "doubt": _doubt_row(self.doubt, self.text) if self.doubt else None,
            "second": self.second,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Lines of the workspace: all of them, and how many have a verdict."""

    total: int
    done: int


@dataclass
class Desk:
    """What a page asks of a workspace; may be shared by threads. Close it when done."""

    workspace: Workspace
    store: Store
    recognizer: Callable[[], Recognizer] | None = None
    plate_reader: Callable[[], Recognizer] | None = None
    document_reader: Callable[[], DocumentReader] | None = None
    _lock: Lock = field(default_factory=Lock)
    _reader: Recognizer | None = None
    _rules: Mapping[Kind, Rule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = self.workspace.settings().label
        self.people = People(self.store.database)
        self.leases = Leases(self.store.database, settings.lease_minutes)
        self.seconds = Seconds(self.store.database, settings.second_share)
        self.rounds = Rounds(self.store, self.leases)
        self.index = Index(self.store)
        self.queues = Queues(self.workspace, self.store, self.index)
        self.doubts = Doubts(self.store.database)
        self.foresight = Foresight(self.reader, self._shown, self._said)

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        recognizer: Callable[[], Recognizer] | None = None,
        plate_reader: Callable[[], Recognizer] | None = None,
        document_reader: Callable[[], DocumentReader] | None = None,
    ) -> Desk:
        """The desk of a workspace. Its models are opened when they are first needed: `recognizer` for alternatives,
        `plate_reader` for pre-labels of plates, `document_reader` when the first document is filled in.
        """
        store = workspace.store()
        return cls(workspace, store, recognizer, plate_reader, document_reader, _rules=rules_of(workspace, store))

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def order(self, name: str, only: Filter = EVERYTHING, *, fresh: bool = False) -> list[str]:
        """Ids of the lines in an order of `ORDERS`, worked out at the first call or anew with `fresh`."""
        return self.queues.order(name, only, fresh=fresh)

    def place(self, name: str, only: Filter, line: str) -> int:
        """Where a line stands in an order, worked out anew; 0 when it is not in it, or each is handed their own."""
        if name in HANDED and only.waits:
            return 0
        lines = self.order(name, only, fresh=True)
        return lines.index(line) if line in lines else 0

    def hand(
        self, author: str, name: str, start: int, count: int, *, fresh: bool = False, only: Filter = EVERYTHING
    ) -> Hand:
        """The lines at `start` and after of an order, as they are handed to a person (see `Rounds`)."""
        if name in HANDED and only.waits:
            key = name if only == EVERYTHING else f"{name} {only}"
            order = partial(self.queues.order, name, only, fresh=True)
            return self.rounds.hand(author, key, order, start, count, fresh=fresh)
        if name == "second":
            return self.rounds.own(author, name, lambda: self.seconds.waiting(author), start, count, fresh=fresh)
        lines = self.order(name, only, fresh=fresh)
        return Hand(lines[start : start + count], len(lines))

    def cards(self, lines: Sequence[str], *, second: bool = False) -> list[Card]:
        """Lines as they are shown; `second`: to a second reader."""
        return [replace(card, verdict=None, doubt=None, second=True) if second else card for card in self._cards(lines)]

    def card(self, line: str) -> Card:
        """One line. Raises WorkspaceError when it is unknown."""
        self.store.line(line)
        return self._cards([line])[0]

    def _cards(self, ids: Sequence[str]) -> list[Card]:
        nothing = Reading("", 0.0)
        with self.store.database.read() as connection:
            view = Transaction(connection)
            lines, readings, verdicts = view.lines(ids), view.readings(ids), view.latest(ids)
            holders, doubts = holders_in(connection, ids), doubts_in(connection, verdicts)
        cards = []
        for one in (one for one in ids if one in lines):
            holder = holders[one].author if one in holders else ""
            verdict, doubt = verdicts.get(one), doubts.get(one)
            if doubt is not None and (verdict is None or verdict.version != doubt.version):
                doubt = None
            cards.append(Card(lines[one], readings.get(one, nothing), verdict, holder, doubt))
        return cards

    def progress(self) -> Progress:
        """How far the people are."""
        return Progress(*self.store.counts())

    def save(
        self,
        line: str,
        text: str | None,
        verdict: Verdict,
        *,
        expected: int,
        author: str,
        effort: Effort | None = None,
    ) -> Correction:
        """Record a verdict and what it took; on the disk when this returns.

        `text` is normalised as all texts are (NFC, no direction marks). One that equals the reading is ACCEPTED,
        another EDITED. Raises Stale when `expected` is not the version that holds, UsageError when there is no text
        and the verdict is not that the line is skipped or unreadable.
        """
        said = self.store.work(self._saving(line, text, verdict, expected, author, effort))
        self._learn(said)
        return said

    async def save_soon(
        self,
        line: str,
        text: str | None,
        verdict: Verdict,
        *,
        expected: int,
        author: str,
        effort: Effort | None = None,
    ) -> Correction:
        """The same for a coroutine, which needs no thread while it waits for the disk."""
        said = await self.store.soon(self._saving(line, text, verdict, expected, author, effort))
        if self.foresight.learns:
            await to_thread(self._learn, said)
        return said

    def _learn(self, said: Correction) -> None:
        if said.text is not None and self.store.line(said.line).kind is Kind.LINE:
            self.foresight.learn(said.line, said.text)

    def _saving(
        self, line: str, text: str | None, verdict: Verdict, expected: int, author: str, effort: Effort | None
    ) -> Callable[[Transaction], Correction]:
        def recorded(transaction: Transaction) -> Correction:
            release(transaction.connection, line, author)
            said = self._clean(transaction, line, text)
            entry = _entry(line, transaction.hold(line), said, verdict, expected, author)
            correction, new = self._add(transaction, entry)
            if new and effort is not None:
                add_effort(transaction.connection, correction, effort)
            return correction

        return recorded

    def _clean(self, transaction: Transaction, line: str, text: str | None) -> str | None:
        """The text as the rule of the line's kind has it. Raises UsageError for one that cannot be of that kind."""
        kind = transaction.kind(line)
        most = MOST_CHARACTERS[kind]
        if text is not None and len(text) > most:
            raise UsageError(f"a text of {len(text):,} characters is too long", remedy=f"{most:,} are the most")
        rule = self._rules.get(kind)
        return rule.clean(text) if rule and text else text

    def _add(self, transaction: Transaction, entry: Entry) -> tuple[Correction, bool]:
        """Record a verdict, and what the rule of the line's kind writes with it."""
        correction, new = transaction.add_corrections([entry])[0]
        rule = self._rules.get(transaction.kind(entry.line)) if new else None
        if rule is not None:
            rule.saved(transaction.lines([entry.line])[entry.line], correction)
        return correction, new

    def restore(self, line: str, version: int, *, expected: int, author: str) -> Correction:
        """Make an earlier verdict hold again, as a new version. Raises Stale as `save` does, UsageError for a version
        that the line does not have.
        """

        def restored(transaction: Transaction) -> Correction:
            release(transaction.connection, line, author)
            history = transaction.history(line)
            if not 0 < version <= len(history):
                raise UsageError(f"line {line} has no version {version}", remedy=f"it has {len(history)}")
            said = history[version - 1]
            entry = Entry(
                line=line,
                reading=said.reading,
                text=said.text,
                verdict=said.verdict,
                author=author,
                source=RESTORED,
                expected=expected,
            )
            return self._add(transaction, entry)[0]

        return self.store.work(restored)

    def read_second(self, line: str, text: str | None, verdict: Verdict, *, author: str) -> Second:
        """Record what a second reader says. Raises UsageError when this person may not read this line again."""

        def read(transaction: Transaction) -> Second:
            entry = _entry(line, transaction.hold(line), self._clean(transaction, line, text), verdict, 0, author)
            return self.seconds.add(transaction.connection, line, entry.text, entry.verdict, author)

        return self.store.work(read)

    def decide(self, line: str, text: str | None, verdict: Verdict, *, expected: int, author: str) -> Correction:
        """Record what holds where two readers differ. Raises Stale as `save` does, and when somebody else decided."""

        def decided(transaction: Transaction) -> Correction:
            decide(transaction.connection, line, author)
            said = self._clean(transaction, line, text)
            entry = _entry(line, transaction.hold(line), said, verdict, expected, author)
            return self._add(transaction, entry)[0]

        return self.store.work(decided)

    def history(self, line: str) -> list[Correction]:
        """Every verdict on a line, the first first."""
        return self.store.history(line)

    def alternatives(self, line: str) -> list[Alternative]:
        """What else could stand at each place of the reading; nothing where the model does not show evidence."""
        image, reader = read_image(self.crop(line)), self.reader()
        if not isinstance(reader, EvidenceRecognizer):
            return []
        return alternatives(reader, image, self.card(line).reading)

    def _shown(self, line: str) -> tuple[Image, Reading]:
        return read_image(self.crop(line)), self.card(line).reading

    def _said(self, most: int) -> tuple[dict[str, str], list[str]]:
        said = {one.line: one.text for one in self.store.corrections(kind=Kind.LINE)[-most:] if one.text is not None}
        waiting = self.store.waiting_ids(limit=LANGUAGE_LINES)
        return said, [reading.text for reading in self.store.readings(waiting).values()]

    def reader(self) -> Recognizer | None:
        """The model that reads, opened when it is first needed; None when this desk has none."""
        with self._lock:
            if self._reader is None and self.recognizer is not None:
                self._reader = self.recognizer()
            return self._reader

    def crop(self, line: str) -> Path:
        """The file of a line's picture. Raises WorkspaceError for an unknown line, BadInput when it is not there."""
        return self._inside(self.store.line(line).image)

    def page(self, document: str, number: int) -> bytes:
        """A page of a document as JPEG, at most `PAGE_SIDE` pixels. Raises BadInput when it cannot be read."""
        path, settings = self.source(document), self.workspace.settings()
        return jpeg(read_frame(path, number - 1, settings.limits))

    def source(self, document: str) -> Path:
        """The file of a document. Raises BadInput when it is not there."""
        job = NoteFiles(self.workspace.root / document).job()
        named = Path(document).parent / Path(job.source).name if job is not None else Path()
        if named.name and (self.workspace.root / named).is_file():
            return self._inside(str(named))
        for path in sorted(self.workspace.root.glob(f"{_plain(document)}.*")):
            if path.suffix.lower() in {".txt", ".orig", ".jsonl", ".json"} or not path.is_file():
                continue
            return self._inside(str(path.relative_to(self.workspace.root)))
        raise BadInput("its document is not there any more", where=document)

    def _inside(self, name: str) -> Path:
        path = (self.workspace.root / name).resolve()
        if not path.is_relative_to(self.workspace.root) or not path.is_file():
            raise BadInput("is not in the workspace any more", where=name, remedy="run `emendo read` again")
        return path


def _entry(line: str, reading: str, text: str | None, verdict: Verdict, expected: int, author: str) -> Entry:
    """What is recorded when a person says this of a line that was read so."""
    clean = None
    if verdict in (Verdict.ACCEPTED, Verdict.EDITED):
        clean = normalize_text(text or "")
        if not clean:
            raise UsageError(f"line {line} would get an empty text", remedy="skip it, or mark it as unreadable")
        verdict = Verdict.ACCEPTED if clean == reading else Verdict.EDITED
    return Entry(
        line=line, reading=reading, text=clean, verdict=verdict, author=author, source=SOURCE, expected=expected
    )


def _doubt_row(doubt: Doubt, text: str) -> dict[str, Any]:
    """For the page: the chance, who doubts, and what is read instead, in pieces with whether the text has them not."""
    pieces = [
        [doubt.reading[one.dest_start : one.dest_end], one.tag != "equal"]
        for one in Levenshtein.opcodes(text, doubt.reading)
        if one.dest_end > one.dest_start
    ]
    return {"wrong": round(doubt.wrong, 2), "model": doubt.model, "reading": pieces}


def _plain(document: str) -> str:
    """The name with everything escaped that a glob would understand."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in document)


def jpeg(image: Image) -> bytes:
    """A page as JPEG, at most `PAGE_SIDE` pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, PAGE_SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    if not done:
        raise BadInput("a page cannot be made a JPEG")
    return data.tobytes()
