"""Field mode: documents as they are filled in, the words of their pages, and whether their fields hold together.

A document is a unit like a line: its text is its fields as canonical JSON, so that versions, history and conflicts are
those of every other unit. Saving goes through `Desk.save`, whose rule for documents refuses what is no document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import BadInput, FormatError, UsageError
from ..fields import Document, canonical, read_document, read_text, validate_document
from ..fields.names import REGIONS
from ..fields.schema import ROWS, specs
from ..fields.validate import TOLERANCE
from ..image.load import LayeredPages, read_frame, read_layered
from ..models.detector import Detector
from ..pages.layer import layer_words
from ..pages.words import read_words
from ..tools.counts import counted
from ..types import Image, Word
from ..workspace.rows import Kind, Line
from .cards import Card
from .desk import Desk
from .fieldlearning import FieldLearning
from .intake import EMPTY, GIVEN, keep_words, words_file
from .pictures import jpeg
from .prefill import Prefiller
from .rounds import Hand

ORDERS: Mapping[str, str] = {
    "waiting": "those without a verdict",
    "all": "all, as they stand in the folder",
    "done": "those that have a verdict, the latest first",
}
MOST_DOCUMENTS = 1_000_000


@dataclass
class DocumentDesk:
    """Documents of a workspace to be filled in; may be shared by threads."""

    desk: Desk
    finder: Callable[[Image], Any] | None = None
    _reading: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        workspace, settings = self.desk.workspace, self.desk.workspace.settings().prefill
        self.learning = FieldLearning(workspace, self.desk.store, settings.learn_after)
        self.prefiller = Prefiller(
            self.desk, self, self.desk.document_reader, lambda: workspace.in_use("fields"), self.learning.look
        )

    def close(self) -> None:
        """End what goes on in the background."""
        self.prefiller.close()
        self.learning.close()

    def ahead(self) -> dict[str, Any]:
        """What goes on in the background, for the page."""
        return {**self.prefiller.status(), "learning": self.learning.status()}

    def hand(self, author: str, order: str, start: int, count: int, *, fresh: bool = False) -> Hand:
        """Ids of the documents at `start` and after of an order of `ORDERS`.

        Of those that wait, each person is handed what nobody else has in work.
        """
        if order not in ORDERS:
            raise UsageError(f"unknown order {order!r}", remedy=f"use {', '.join(ORDERS)}")
        if order == "waiting":
            waiting = partial(self.desk.store.waiting_ids, kind=Kind.DOCUMENT, limit=MOST_DOCUMENTS)
            return self.desk.rounds.hand(author, "fields", waiting, start, count, fresh=fresh)
        ids = self._ids(order)
        return Hand(ids[start : start + count], len(ids))

    def place(self, name: str) -> int:
        """Where a document stands among all, by its id or its name. Raises BadInput when there is none."""
        for at, line in enumerate(self._lines()):
            if name in (line.id, line.document):
                return at
        raise BadInput("is no document with fields here", where=name[:200])

    def _lines(self) -> list[Line]:
        return self.desk.store.lines(kind=Kind.DOCUMENT)

    def _ids(self, order: str) -> list[str]:
        if order == "done":
            return self.desk.store.verdict_ids(kind=Kind.DOCUMENT)
        return [line.id for line in self._lines()]

    def cards(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Documents as they are shown; those that are not filled in yet come first from now on."""
        self.prefiller.again(ids)
        cards = self.desk.cards(ids)
        self.prefiller.soon(card.line.id for card in cards if not card.version)
        return [{**_card_row(card), **self._known(card)} for card in cards]

    def _known(self, card: Card) -> dict[str, Any]:
        """How sure each field is, which ones earlier corrections told, and what else could stand there."""
        found = self.prefiller.evidence(card.line.id, card.reading.text) if not card.version else None
        comes = self.prefiller.fills and found is None and card.reading.text == EMPTY and not card.version
        if found is None:
            return {"sure": {}, "learnt": [], "others": {}, "fault": "", "comes": comes}
        return {
            "sure": found.certainty,
            "learnt": found.learnt,
            "others": found.others,
            "fault": found.fault,
            "comes": comes,
        }

    def frames(self, line: Line) -> list[Image]:
        """All pages of a document in order. Raises BadInput when one cannot be read."""
        return [self._frame(line, page) for page in range(1, int(line.attributes.get("pages", 1)) + 1)]

    def all_words(self, line: Line) -> list[Word]:
        """The words of all pages, each with its page. Raises BadInput when one cannot be read."""
        pages = range(1, int(line.attributes.get("pages", 1)) + 1)
        return [replace(word, page=page) for page in pages for word in self.words(line.id, page)]

    def words(self, document: str, page: int) -> list[Word]:
        """The words of a page (from 1), read when they are first asked for; none where no model reads here.

        Raises BadInput when the page cannot be read.
        """
        line = self._unit(document, page)
        place = words_file(self.desk.workspace, line.id, line.page - 1 + page)
        found = _kept_words(place)
        if found is None:
            with self._reading:
                found = _kept_words(place)
                if found is None:
                    found = self._read(line, page, place)
        return found

    def kept_words(self, line: Line) -> list[Word] | None:
        """The same without reading any: None where a page's words are not known yet."""
        words: list[Word] = []
        for page in range(1, int(line.attributes.get("pages", 1)) + 1):
            kept = _kept_words(words_file(self.desk.workspace, line.id, line.page - 1 + page))
            if kept is None:
                return None
            words += [replace(word, page=page) for word in kept]
        return words

    def picture(self, document: str, page: int) -> bytes:
        """A page as JPEG."""
        return jpeg(self._frame(self._unit(document, page), page))

    def size(self, document: str, page: int) -> tuple[int, int]:
        """Width and height of a page in the pixels of its words."""
        frame = self._frame(self._unit(document, page), page)
        return frame.shape[1], frame.shape[0]

    def _unit(self, document: str, page: int) -> Line:
        line = self.desk.store.line(document)
        pages = int(line.attributes.get("pages", 1))
        if line.kind is not Kind.DOCUMENT:
            raise BadInput("is no document with fields", where=document[:200])
        if not 1 <= page <= pages:
            raise BadInput(f"has {counted(pages, 'page')}, page {page} was asked for", where=line.document)
        return line

    def _frame(self, line: Line, page: int) -> Image:
        settings = self.desk.workspace.settings()
        path = self.desk.pictures.crop(line.id)
        return read_frame(path, line.page - 2 + page, settings.limits, dpi=settings.read.dpi)

    def _read(self, line: Line, page: int, place: Path) -> list[Word]:
        """By the text layer of a PDF page, else by what fills documents in, where that reads words: then both mean the
        same ones.
        """
        reader = self.prefiller.word_reader()
        settings = self.desk.workspace.settings()
        path, dpi = self.desk.pictures.crop(line.id), settings.read.dpi
        frame, layer = read_layered(path, line.page - 2 + page, settings.limits, dpi=dpi)
        if settings.read.text_layer == "never":
            layer = None
        if reader is not None:
            words = reader.words(LayeredPages([frame], lambda _: layer))
        else:
            recognizer = self.desk.reader()
            if recognizer is None:
                return []
            if self.finder is None:
                self.finder = Detector(threads=settings.cores)
            told = layer_words(frame, layer, recognizer)
            words = told if told is not None else read_words(frame, recognizer, self.finder)
        keep_words(place, words)
        return words


def check(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a form needs while it is filled in: each value as it will be kept, and what does not hold together.

    Raises UsageError for fields of another schema.
    """
    try:
        read = read_document(fields)
    except FormatError as error:
        raise UsageError(error.what, remedy="update emendo") from error
    validation = validate_document(read, tolerance=TOLERANCE)
    return {
        "values": read.document.values(sources=True),
        "text": canonical(read.document),
        "findings": [one.to_dict() for one in validation.findings],
        "checked": validation.checked,
        "ok": validation.ok,
    }


def form() -> dict[str, Any]:
    """The fields for a form: regions with their fields, the columns of tables, and how each value is written."""
    kinds = {spec.name: spec.kind.value for spec in specs(Document)}
    return {
        "regions": [
            {"name": region, "fields": [{"name": name, "kind": kinds.get(name, "table")} for name in names]}
            for region, names in REGIONS.items()
        ],
        "tables": {
            table: [{"name": spec.name, "kind": spec.kind.value} for spec in specs(part)]
            for table, part in ROWS.items()
        },
        "orders": dict(ORDERS),
    }


def _card_row(card: Card) -> dict[str, Any]:
    text = card.text or EMPTY
    return {
        "id": card.line.id,
        "document": card.line.document,
        "pages": int(card.line.attributes.get("pages", 1)),
        "text": text,
        "fields": _values(text),
        "reading": card.reading.text,
        "prefilled": card.reading.text != EMPTY,
        "given": card.reading.model == GIVEN,
        "model": card.reading.model,
        "version": card.version,
        "verdict": card.verdict.verdict.value if card.verdict else "",
        "author": card.verdict.author if card.verdict else "",
        "holder": card.holder,
    }


def _values(text: str) -> dict[str, Any]:
    try:
        return read_text(text).document.values(sources=True)
    except FormatError:  # written by a newer emendo: shown empty, and a save names the version that was seen
        return {}


def _kept_words(place: Path) -> list[Word] | None:
    """The words that were kept; None when there are none that can be read."""
    try:
        return [_word(*row) for row in json.loads(place.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return None


def _word(text: str, x0: float, y0: float, x1: float, y1: float, line: int, confidence: float = 1.0) -> Word:
    return Word(str(text), (float(x0), float(y0), float(x1), float(y1)), int(line), confidence=float(confidence))
