"""Documents are filled in ahead of the person: by a reader in the background, and by what each correction told.

What is read of a document is a reading like any other, in the database and there whole or not at all; a process that is
killed goes on where it was. What a person said is never touched: only documents that nobody gave a verdict on are read,
and what came with a manifest stays. How sure each field is, and what else could stand there, lies beside the words of
the pages (`EVIDENCE`), and counts only as long as it is about the reading that holds.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..correct.dataset import forgotten, forgotten_documents
from ..errors import EmendoError
from ..fields import Document, canonical, read_document, read_text
from ..models.extract.memory import SellerMemory
from ..tools.files import write_text
from ..types import DocumentReader, Image, Reading, Verdict, Word
from ..workspace.rows import Kind, Line
from .candidates import candidates
from .desk import Desk
from .intake import EMPTY, GIVEN, WORDS
from .remembered import together

EVIDENCE = ".prefill.json"
"""Ending of the file with what is known of a prefilled document."""
PAUSE = 2.0
"""Seconds between two looks for documents that came meanwhile."""
NICE = 10
"""How far reading steps back behind those who correct."""
AT_ONCE = 200
"""Waiting documents that are looked at together."""
TAUGHT = frozenset({Verdict.ACCEPTED, Verdict.EDITED})


class Pages(Protocol):
    """Where the pages of a document and their words come from."""

    def frames(self, line: Line) -> list[Image]:
        """Its pages in order. Raises BadInput."""
        ...

    def all_words(self, line: Line) -> list[Word]:
        """The words of all its pages, read where nobody has read them yet. Raises BadInput."""
        ...

    def kept_words(self, line: Line) -> list[Word] | None:
        """The same where they have all been read, else None."""
        ...


@runtime_checkable
class WordReader(Protocol):
    """A reader of documents that goes by their words, which can be kept."""

    def words(self, pages: Sequence[Image]) -> list[Word]:
        """The words of a document, page by page."""
        ...

    def of_words(self, words: Sequence[Word], pages: int) -> Reading:
        """The reading of a document of so many pages with these words."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a document that was filled in ahead.

    `read` is what the reader said and `text` what is shown, both canonical; `certainty` the chance that a field is
    right, by path; `learnt` are the fields that earlier corrections told; `others` what else could stand there, by
    path, as `[value, page, x0, y0, x1, y1]`; `fault` says why it could not be read.
    """

    text: str
    read: str = EMPTY
    model: str = ""
    certainty: Mapping[str, float] = field(default_factory=dict)
    told: Mapping[str, float] = field(default_factory=dict)
    learnt: Sequence[str] = ()
    others: Mapping[str, Sequence[Sequence[Any]]] = field(default_factory=dict)
    fault: str = ""


@dataclass
class Prefiller:
    """Fills in the documents of one workspace; may be shared by threads. Close it when the server ends.

    `open_reader` loads the reader when the first document is to be read; `in_use` names, at little cost, the model that
    it would load, so that a better one that was put in use meanwhile takes over. Without a reader nothing is filled in.
    `between` is called between two documents.
    """

    desk: Desk
    pages: Pages
    open_reader: Callable[[], DocumentReader] | None
    in_use: Callable[[], str] = lambda: ""
    between: Callable[[], object] = lambda: None
    _reader: DocumentReader | None = None
    _opened: str = ""
    _fault: str = ""
    _first: deque[str] = field(default_factory=deque)
    _failed: set[str] = field(default_factory=set)
    _memory: SellerMemory = field(default_factory=SellerMemory)
    _later: set[str] = field(default_factory=set)
    _mark: int = 0
    _taught: int = 0
    _asked: dict[str, int] = field(default_factory=dict)
    _wake: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _closing: bool = False

    # ---- the work
    def start(self) -> None:
        """Begin, if there is a reader and a document."""
        if self.open_reader is None or self._thread is not None or not self.desk.store.counts(kind=Kind.DOCUMENT)[0]:
            return
        self._thread = threading.Thread(target=self._run, name="prefill", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the document at hand."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def soon(self, ids: Iterable[str]) -> None:
        """These documents are looked at now: they come first."""
        with self._lock:
            for one in reversed(list(ids)):
                if one in self._first:
                    self._first.remove(one)
                self._first.appendleft(one)
        self._wake.set()

    @property
    def fills(self) -> bool:
        """Whether documents are being filled in."""
        return self._thread is not None and self._thread.is_alive() and not self._fault

    def status(self) -> dict[str, Any]:
        """For the page: whether documents are filled in ahead, by which model, and why not."""
        return {"fills": self.fills, "model": self._reader.model if self._reader else "", "fault": self._fault}

    def _run(self) -> None:
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while not self._closing:
            try:
                done = self._one()
            except EmendoError as error:  # the disk is full or the database locked: it is tried again
                self._fault, done = str(error), False
            self.between()
            if not done:
                self._wake.wait(PAUSE)
                self._wake.clear()

    def _one(self) -> bool:
        """Fill in the document that is wanted most; False where none waits."""
        reader = self._current()
        line = self._next(reader.model) if reader is not None else None
        if reader is None or line is None:
            return reader is not None and self._learn_more()
        try:
            if isinstance(reader, WordReader):
                words = self.pages.all_words(line)
                read = reader.of_words(words, int(line.attributes.get("pages", 1)))
            else:
                read = reader.read_documents([self.pages.frames(line)])[0]
                words = self.pages.all_words(line)
        except (EmendoError, ValueError) as error:  # a model that another version wrote fails as it pleases
            self._failed.add(line.id)
            self._keep(line, Evidence(EMPTY, model=reader.model, fault=str(error).partition("\n")[0]))
            return True
        if read.fields is None:
            self._failed.add(line.id)
            why = "; ".join(f"{where}: {what}" for where, what in read.faults.items())
            self._keep(line, Evidence(EMPTY, model=reader.model, fault=why or "no fields were found"))
            return True
        document = read_document(read.fields).document
        certainty = {path: round(float(value), 4) for path, value in read.certainty.items()}
        self.learn()
        self._keep(line, self._filled(document, certainty, reader.model, words))
        return True

    def word_reader(self) -> WordReader | None:
        """The reader that fills in, where there is one and it goes by words."""
        reader = self._current() if self.fills else None
        return reader if isinstance(reader, WordReader) else None

    def _current(self) -> DocumentReader | None:
        """The reader in use; None where it cannot be loaded, which is said once for each model."""
        assert self.open_reader is not None
        with self._opening:
            name = self.in_use()
            if (self._reader is None and not self._fault) or name != self._opened:
                self._opened, self._fault, self._reader = name, "", None
                try:
                    self._reader = self.open_reader()
                except EmendoError as error:
                    self._fault = str(error)
            return self._reader

    def _next(self, model: str) -> Line | None:
        """A document that nobody gave a verdict on and that this model has not read; those looked at come first."""
        while True:
            with self._lock:
                wanted = self._first.popleft() if self._first else None
            if wanted is None:
                break
            if found := self._unread([wanted], model):
                return found
        waiting = self.desk.store.waiting_ids(kind=Kind.DOCUMENT, limit=1_000_000)
        for start in range(0, len(waiting), AT_ONCE):
            if found := self._unread(waiting[start : start + AT_ONCE], model):
                return found
        return None

    def _unread(self, ids: Sequence[str], model: str) -> Line | None:
        lines, readings, verdicts = self.desk.store.look_up(ids)
        for one in ids:
            read = readings[one].model if one in readings else ""
            if one in lines and one not in verdicts and one not in self._failed and read not in (model, GIVEN):
                return lines[one]
        return None

    def _filled(self, document: Document, certainty: Mapping[str, float], model: str, words: list[Word]) -> Evidence:
        """The reader's fields, with what earlier corrections of the same seller tell."""
        with self._lock:
            recalled = self._memory.recall(words) if self.desk.workspace.settings().prefill.sellers else {}
        shown, sure, learnt = together(document, certainty, recalled)
        return Evidence(
            text=canonical(shown),
            read=canonical(document),
            model=model,
            certainty=sure,
            told=certainty,
            learnt=learnt,
            others=candidates(shown, words),
        )

    def _keep(self, line: Line, evidence: Evidence) -> None:
        """The file first: a reading without it would look sure."""
        write_text(self._file(line.id), json.dumps(asdict(evidence), ensure_ascii=False))
        least = min(evidence.certainty.values(), default=0.0)
        reading = Reading(evidence.text, least, (), evidence.model)

        def put(transaction: Any) -> None:
            if not transaction.judged([line.id]):
                transaction.add_readings({line.id: reading})

        self.desk.store.work(put)

    # ---- what is known
    def evidence(self, document: str, text: str) -> Evidence | None:
        """What is known of a document whose reading is `text`; None for another reading, or none of this kind."""
        try:
            values = json.loads(self._file(document).read_text(encoding="utf-8"))
            found = Evidence(**values)
        except (OSError, ValueError, TypeError):
            return None
        return found if found.text == text else None

    def _file(self, document: str) -> Path:
        folder = self.desk.workspace.hidden / WORDS
        folder.mkdir(exist_ok=True)
        return folder / f"{document}{EVIDENCE}"

    # ---- what corrections tell at once
    def learn(self) -> None:
        """Take in what was said since the last time; documents whose words nobody has read wait for a quiet moment."""
        with self._lock:
            mark = self.desk.store.mark()
            if mark != self._mark:
                self._later.update(
                    one.line for one in self.desk.store.corrections(since=self._mark, kind=Kind.DOCUMENT)
                )
                self._mark = mark
            self._later = {one for one in self._later if not self._learnt(one, self.pages.kept_words)}

    def _learn_more(self) -> bool:
        """Take in one document of those whose words have to be read first; False where there is none."""
        with self._lock:
            waiting = min(self._later, default=None)
        if waiting is None:
            return False
        words = []
        with suppress(EmendoError):
            words = self.pages.all_words(self.desk.store.line(waiting))
        with self._lock:
            self._learnt(waiting, lambda _: words)
            self._later.discard(waiting)
        return True

    def _learnt(self, document: str, words_of: Callable[[Line], list[Word] | None]) -> bool:
        """Take in what holds of a document now; False where its words are not known."""
        lines, _, verdicts = self.desk.store.look_up([document])
        said = verdicts.get(document)
        taught = said is not None and said.verdict in TAUGHT and document in lines
        store = self.desk.store
        gone = taught and lines[document].document in forgotten_documents(store)
        if said is None or not said.text or not taught or gone or said.author in forgotten(store):
            self._memory.forget(document)
            self._taught += 1
            return True
        words = words_of(lines[document])
        if words is None:
            return False
        with suppress(EmendoError):  # written by a newer emendo
            self._memory.learn(document, read_text(said.text).document, words)
        self._taught += 1
        return True

    def again(self, ids: Sequence[str]) -> None:
        """Let what was learnt change documents that were filled in before and that nobody gave a verdict on."""
        if self.open_reader is None:
            return
        self.learn()
        asked = [one for one in ids if self._asked.get(one) != self._taught]
        lines, readings, verdicts = self.desk.store.look_up(asked)
        for one in asked:
            if one not in lines or one in verdicts or one not in readings or readings[one].model in ("", GIVEN):
                continue
            self._asked[one] = self._taught
            held, words = self.evidence(one, readings[one].text), self.pages.kept_words(lines[one])
            if held is None or held.fault or words is None:
                continue
            now = self._filled(read_text(held.read).document, held.told, held.model, words)
            if now.text != held.text:
                self._keep(lines[one], now)
