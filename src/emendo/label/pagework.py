"""Page mode: the lines of a page as they stand, and changes of them that nobody overwrites unseen.

The files of the note tell which lines a page has, the database what was said of them. A change names the state of the
page that the person saw. It is written into the files first (`pages.relayout`), then the note is collected as it is
after every edit: a process that is killed between the two leaves a note that the next collection takes in. What a page
was before is in the log, so that each change can be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import Any

from ..correct.collect import collect_note
from ..errors import BadInput, Busy, UsageError, WorkspaceError
from ..image.load import open_document, read_image
from ..models.choice import ChoosingRecognizer
from ..pages.lines import TextLine, continues
from ..pages.note import NoteFiles, finish_stopped, put_in_place
from ..pages.relayout import Entry, Made, Manifest, NotePage, geometry, layout_version
from ..tools.counts import counted
from ..types import Image, Recognizer, Verdict
from ..workspace.leases import InWork
from ..workspace.store import Event
from .cards import Card
from .changes import Change, Said, Sheet
from .desk import Desk

KIND = "layout"
"""Kind of the events that tell of changes."""
KEPT = 3
"""Manifests that are kept: turning a page of a long document reads none again."""
PATIENCE = 10.0
"""Seconds that a change waits for another process at work in the workspace."""
LOOKED_BACK = 10_000
"""Events among which a change to be taken back is looked for."""


class StalePage(WorkspaceError):
    """A change that rests on a state of the page which no longer holds."""


@dataclass(frozen=True, slots=True)
class PageState:
    """A page as it is shown: its lines in order, where each lies, and what can be taken back.

    `version` tells two states of the lines apart; `pages` counts those of the document; `fresh` are the lines that the
    last change made.
    """

    document: str
    number: int
    pages: int
    size: tuple[int, int]
    version: str
    cards: tuple[Card, ...]
    shapes: tuple[TextLine, ...]
    undo: str = ""
    fresh: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For the page in the browser."""
        above = (None, *self.shapes[:-1])
        shown = [
            card.to_dict()
            | {"number": at, "middle": shape.spine, "height": round(shape.height, 1)}
            | {"continues": before is not None and continues(before, shape)}
            for at, (card, shape, before) in enumerate(zip(self.cards, self.shapes, above, strict=True), start=1)
        ]
        return {
            "document": self.document,
            "number": self.number,
            "pages": self.pages,
            "size": list(self.size),
            "version": self.version,
            "lines": shown,
            "undo": self.undo,
            "fresh": list(self.fresh),
        }


@dataclass
class PageDesk:
    """Pages of a workspace to be seen and changed; may be shared by threads."""

    desk: Desk
    _turn: RLock = field(default_factory=RLock)
    _manifests: dict[str, Manifest] = field(default_factory=dict)
    _frames: dict[tuple[Path, int, int], tuple[int, Image]] = field(default_factory=dict)

    def documents(self) -> list[dict[str, Any]]:
        """The documents that have lines, by name, each with the number of the first page that has any."""
        return [{"document": document, "page": page} for document, page in self.desk.store.documents()]

    def page(self, document: str, number: int) -> PageState:
        """Page `number` (from 1) of a document. Raises BadInput when there is none."""
        with self._turn:
            stopped = finish_stopped(self._files(document))
            note = self._loaded(document, number)
            known = self.desk.store.look_up([str(entry["id"]) for entry in note.lines])[0]
            if stopped or len(known) < len(note.lines) or not all(line.present for line in known.values()):
                with self._work(document):
                    note = self._loaded(document, number)
            return self._state(note, document)

    def change(self, document: str, number: int, version: str, change: Change, author: str) -> PageState:
        """Change the lines of a page; on the disk when this returns.

        Raises StalePage when `version` is not the state that holds, InWork when somebody else has one of the lines that
        would go in work, UsageError when the change cannot be, Busy when another process is at work for too long.
        """
        with self._turn:
            with self._work(document):
                note = self._checked(document, number, version)
                frame, _ = self._frame(document, number, note)
                sheet = self._sheet(note, (frame.shape[1], frame.shape[0]))
                what = {"what": type(change).__name__.lower(), "author": author}
                fresh = self._put(note, document, change.apply(sheet), frame, what)
            return self._state(self._loaded(document, number), document, fresh)

    def undo(self, document: str, number: int, version: str, author: str) -> PageState:
        """Take back the last change of a page that still stands. Raises as `change`, UsageError when there is none."""
        with self._turn:
            with self._work(document):
                note = self._checked(document, number, version)
                last = self._last(document, number, version)
                if last is None:
                    raise UsageError("no change of this page is left to take back")
                rows = {str(row["id"]): row for row in (*last.data["gone"], *note.lines)}
                items = [rows[id] for id in last.data["lines"]]
                what = {"what": "undo", "author": author, "undoes": last.number}
                back = self._put(note, document, items, None, what)
            return self._state(self._loaded(document, number), document, back)

    def _files(self, document: str) -> NoteFiles:
        root, place = self.desk.workspace.root, PurePosixPath(document)
        files = NoteFiles(root / document)
        plain = document == str(place) and not place.is_absolute() and ".." not in place.parts and "\0" not in document
        if not plain or not files.folder.resolve().is_relative_to(root) or not files.folder.is_dir():
            raise BadInput(
                "has no pictures of lines in this workspace", where=document, remedy="read it with `emendo read` first"
            )
        return files

    def _loaded(self, document: str, number: int) -> NotePage:
        root, limits = self.desk.workspace.root, self.desk.workspace.settings().limits
        kept = self._manifests.pop(document, None)
        if kept is None or not kept.holds(root, document):
            kept = Manifest.load(root, document, limits)
        self._manifests[document] = kept
        while len(self._manifests) > KEPT:
            self._manifests.pop(next(iter(self._manifests)))
        return NotePage(self._files(document), number, kept, limits)

    def _checked(self, document: str, number: int, version: str) -> NotePage:
        note = self._loaded(document, number)
        if note.version != version:
            raise StalePage("the lines of this page were changed meanwhile", remedy="look at them and try again")
        return note

    @contextmanager
    def _work(self, document: str) -> Iterator[None]:
        """Hold the workspace and the note, within a turn: all that its files say is in the database around it."""
        files = self._files(document)
        with _patiently(self.desk), files.lock():
            put_in_place(files)
            self._collect(document)
            yield
            self._collect(document)

    def _collect(self, document: str) -> None:
        """What of the note's texts cannot be used is told by `emendo collect`; its lines are taken in all the same."""
        desk = self.desk
        collect_note(desk.workspace, desk.store, document, recognizer=desk.reader())

    def _state(self, note: NotePage, document: str, fresh: Sequence[str] = ()) -> PageState:
        lines, number = note.lines, note.number
        shapes = [geometry(entry) for entry in lines]
        pages, size = self._facts(document, note)
        last = self._last(document, number, note.version)
        return PageState(
            document=document,
            number=number,
            pages=pages,
            size=size,
            version=note.version,
            cards=tuple(self.desk.cards([str(entry["id"]) for entry in lines])),
            shapes=tuple(shapes),
            undo=str(last.data["what"]) if last else "",
            fresh=tuple(fresh),
        )

    def _sheet(self, note: NotePage, size: tuple[int, int]) -> Sheet:
        cards = {card.line.id: card for card in self.desk.cards([str(entry["id"]) for entry in note.lines])}
        said = {}
        for id, card in cards.items():
            judged = card.verdict is not None and card.verdict.verdict in (Verdict.ACCEPTED, Verdict.EDITED)
            said[id] = Said(card.text, card.reading, by_person=judged or card.text != card.reading.text)
        return Sheet(note.lines, said, note.filed, size, lambda id: read_image(self.desk.pictures.crop(id)).shape[1])

    def _put(
        self, note: NotePage, document: str, items: Sequence[Entry | Made], frame: Image | None, what: Mapping[str, Any]
    ) -> list[str]:
        """Write the lines after a change, and what they were into the log; ids of those that were made."""
        new = [item for item in items if isinstance(item, Made)]
        made = iter(note.make(new, frame, self._reader(note)) if frame is not None else [])
        lines: list[Entry] = []
        pictures: dict[str, bytes] = {}
        filed: dict[str, str] = {}
        for item in items:
            if not isinstance(item, Made):
                lines.append(item)
                continue
            row, data = next(made)
            lines.append(row)
            pictures[str(row["image"])] = data
            if item.filed is not None:
                filed[str(row["id"])] = item.filed
        staying = {str(entry["id"]) for entry in lines}
        lines_before = [str(entry["id"]) for entry in note.lines]
        gone = [entry for entry in note.lines if entry["id"] not in staying]
        left = [str(entry["id"]) for entry in gone]
        told = {
            "document": document,
            "page": note.number,
            "lines": lines_before,
            "gone": gone,
            "before": note.version,
            "after": layout_version(lines),
        }
        for lease in self.desk.leases.holders(left).values():
            if lease.author != what["author"]:
                raise InWork(lease)
        self.desk.store.add_event(KIND, {**told, **what})
        note.put(lines, pictures, filed)
        self.desk.leases.free(left, what["author"])
        return [id for id in (str(entry["id"]) for entry in lines) if id not in lines_before]

    def _reader(self, note: NotePage) -> Recognizer | None:
        """The model that read most lines of the page, where it is one of several that could."""
        reader = self.desk.reader()
        if isinstance(reader, ChoosingRecognizer) and note.lines:
            models = [str(entry["model"]) for entry in note.lines]
            return reader.named(max(models, key=models.count)) or reader
        return reader

    def _last(self, document: str, number: int, version: str) -> Event | None:
        """The newest change of a page that leads to this state and was not taken back."""
        before: float = float("inf")
        for event in self.desk.store.events(KIND, limit=LOOKED_BACK):
            data = event.data
            if (data["document"], data["page"], data["after"]) != (document, number, version):
                continue
            if event.number >= before:
                continue
            if data.get("undoes") is None:
                return event
            before = int(data["undoes"])
        return None

    def _facts(self, document: str, note: NotePage) -> tuple[int, tuple[int, int]]:
        """Number of pages of the document, and size of this page."""
        pages = max((int(entry["page"]) for entry in note.entries), default=1)
        if note.lines:
            return max(pages, note.read_pages), (int(note.lines[0]["page_width"]), int(note.lines[0]["page_height"]))
        frame, count = self._frame(document, note.number, note)
        return max(pages, count), (frame.shape[1], frame.shape[0])

    def _frame(self, document: str, number: int, note: NotePage) -> tuple[Image, int]:
        """The page's image as it was read, and the number of pages; the last two are kept.

        Raises BadInput when it is another one now.
        """
        settings = self.desk.workspace.settings()
        path = self.desk.pictures.source(document)
        job = note.files.job()
        key = (path, path.stat().st_mtime_ns, number)
        if key not in self._frames:
            with open_document(path, settings.limits, dpi=job.dpi if job else settings.read.dpi) as opened:
                if not 1 <= number <= len(opened):
                    raise BadInput(f"has {counted(len(opened), 'page')}, page {number} was asked for", where=document)
                while len(self._frames) > 1:
                    self._frames.pop(next(iter(self._frames)), None)
                self._frames[key] = len(opened), opened.frame(number - 1)
        pages, frame = self._frames[key]
        told = {(int(entry["page_width"]), int(entry["page_height"])) for entry in note.lines}
        if told - {(frame.shape[1], frame.shape[0])}:
            raise BadInput(
                "is not the page that was read, its size is another", where=document, remedy="run `emendo read --again`"
            )
        return frame, pages


@contextmanager
def _patiently(desk: Desk) -> Iterator[None]:
    """The lock that collections take, waited for."""
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(desk.workspace.lock("collect"))
                break
            except Busy:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield
