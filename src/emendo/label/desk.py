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
from threading import Lock

from ..errors import UsageError
from ..image.load import read_image
from ..text.normalize import normalize_text
from ..types import Correction, DocumentReader, EvidenceRecognizer, Image, Reading, Recognizer, Verdict
from ..workspace.doubts import Doubts
from ..workspace.efforts import Effort, add_effort
from ..workspace.folder import Workspace
from ..workspace.leases import Leases, release
from ..workspace.people import People
from ..workspace.seconds import Second, Seconds, decide
from ..workspace.store import Entry, Kind, Store, Transaction
from .alternatives import Alternative, alternatives
from .cards import Card, cards_of
from .foresight import Foresight
from .pictures import Pictures
from .queues import EVERYTHING, HANDED, Filter, Queues
from .rounds import Hand, Rounds
from .rules import Rule, rules_of
from .search import Index

LANGUAGE_LINES = 200
"""Readings that the language is told from."""
SOURCE, RESTORED = "page", "restored"
MOST_CHARACTERS = {Kind.LINE: 20_000, Kind.PLATE: 20_000, Kind.DOCUMENT: 500_000}
"""Characters of a text, by the kind of its unit."""


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
        self.pictures = Pictures(self.workspace, self.store)
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
        cards = cards_of(self.store, lines)
        return [replace(card, verdict=None, doubt=None, second=True) for card in cards] if second else cards

    def card(self, line: str) -> Card:
        """One line. Raises WorkspaceError when it is unknown."""
        self.store.line(line)
        return cards_of(self.store, [line])[0]

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
        image, reader = read_image(self.pictures.crop(line)), self.reader()
        if not isinstance(reader, EvidenceRecognizer):
            return []
        return alternatives(reader, image, self.card(line).reading)

    def _shown(self, line: str) -> tuple[Image, Reading]:
        return read_image(self.pictures.crop(line)), self.card(line).reading

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
