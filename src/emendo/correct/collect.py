"""Corrections from the files of a workspace into its database: every convention, idempotent, only what changed.

A note's files are only read (one exception: what the page had begun to change in them is brought to its end). All that
one note yields is one transaction: after a crash it is there
whole or not at all, and the next run goes on with the notes that are left.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadInput, EmendoError
from ..pages.note import NoteFiles, finish_stopped
from ..settings import Settings
from ..tools.files import sha256_file
from ..types import Correction, EvidenceRecognizer, Recognizer, Verdict
from ..workspace.folder import Workspace
from ..workspace.store import Entry, Store, Transaction
from .accept import accepted_lines
from .align import Aligned, align
from .evidence import CropJudge
from .notes import (
    CROP_TEXT,
    LINES_FOLDER,
    MADE,
    Note,
    Row,
    conflict_copies,
    find_notes,
    note_named,
    read_lines,
    read_rows,
)
from .result import CollectResult, LeftOut, NoteResult
from .texts import State

NOTE, CROP = "note:", "crop:"
"""How the source of a correction begins: taken from a whole text, or from a text beside one crop."""
RULES = "1"
"""Changes when notes that were collected before must be looked at again."""

Progress = Callable[[int, int, str], None]


def collect(
    workspace: Workspace,
    *,
    recognizer: Recognizer | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    wait: bool = True,
) -> CollectResult:
    """Take in all corrections in the notes of `workspace`.

    `recognizer` gives the evidence where edit costs leave doubt; without one that shows its evidence (the CTC family
    does) more lines are left out. A note that
    changed less than `watch.settle_seconds` ago is waited for, or with `wait` False named in `waiting`. What cannot
    be used is a sentence in `failures`; the other notes are done. Raises Busy when another process collects here,
    WorkspaceError when the database cannot be used.
    """
    settings = settings or workspace.settings()
    with workspace.lock("collect"), workspace.store() as store:
        witness = recognizer if isinstance(recognizer, EvidenceRecognizer) else None
        run = _Run(workspace, store, settings, witness)
        _finish_stopped(workspace.root)
        notes = list(find_notes(workspace.root))
        late = []
        for done, note in enumerate(notes):
            if progress:
                progress(done, len(notes), note.name)
            if not run.take(note):
                late.append(note)
        if late and wait and settings.watch.settle_seconds:
            time.sleep(settings.watch.settle_seconds)
            late = [note for note in late if not run.take(note)]
        if progress:
            progress(len(notes), len(notes), "")
        held = store.corrections()
        return CollectResult(
            notes=tuple(run.results),
            unchanged=run.unchanged,
            waiting=tuple(note.name for note in late),
            failures=tuple(run.failures),
            conflicts=_conflicts(workspace.root),
            total_edited=sum(c.verdict is Verdict.EDITED for c in held),
            total_accepted=sum(c.verdict is Verdict.ACCEPTED for c in held),
        )


def collect_note(
    workspace: Workspace,
    store: Store,
    name: str,
    *,
    recognizer: Recognizer | None = None,
    settings: Settings | None = None,
) -> tuple[str, ...]:
    """Take in one note, by its name, without waiting for it to settle; the caller holds the lock `collect`.

    Returns what could not be used, a sentence each. Nothing is done when the note was collected as it is.
    """
    settings = settings or workspace.settings()
    settings = settings.model_copy(update={"watch": settings.watch.model_copy(update={"settle_seconds": 0.0})})
    witness = recognizer if isinstance(recognizer, EvidenceRecognizer) else None
    run = _Run(workspace, store, settings, witness)
    run.take(note_named(workspace.root, name))
    return tuple(run.failures)


def _finish_stopped(root: Path) -> None:
    for folder, names, _ in os.walk(root):
        here = Path(folder)
        if here.name.endswith(LINES_FOLDER):
            finish_stopped(NoteFiles(here.with_name(here.name.removesuffix(LINES_FOLDER))))
            names.clear()
        names[:] = [name for name in names if not name.startswith(".")]


def _conflicts(root: Path) -> tuple[str, ...]:
    return tuple(
        f"{path.relative_to(root)} is a conflict copy of {original}: not used; merge it by hand and remove it"
        for path, original in conflict_copies(root)
    )


@dataclass
class _Run:
    """One collection on its way."""

    workspace: Workspace
    store: Store
    settings: Settings
    recognizer: EvidenceRecognizer | None
    results: list[NoteResult] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unchanged: int = 0

    def take(self, note: Note) -> bool:
        """Collect one note; False when it is to be looked at later."""
        about = f"{RULES} {self.settings.collect.accept} {self.recognizer is not None}"
        try:
            before = note.signature(about)
            if self.store.signature(note.name) == before:
                self.unchanged += 1
                return True
            if note.unsettled(self.settings.watch.settle_seconds):
                return False
            found = _Finder(note, self.workspace.root, self.settings, self.recognizer)
            found.find()
            if note.signature(about) != before:
                return False  # it was changed while we read it
            self._record(note, found, before)
        except (BadInput, OSError) as error:
            self.failures.append(str(error) if isinstance(error, EmendoError) else f"{note.name}: {error}")
        return True

    def _record(self, note: Note, found: _Finder, signature: str) -> None:
        self.failures += found.failures
        with self.store.transaction() as transaction:
            transaction.put_document(note.name, [(row.line, row.reading) for row in found.distinct])
            _mark_taken_out(transaction, note, self.workspace.root)
            entries = _news(transaction, found.entries)
            new = sum(added for _, added in transaction.add_corrections(entries))
            if not found.failures:
                transaction.set_signature(note.name, signature)
            if new or found.left_out:
                summary = {"document": note.name, "new": new, "left_out": [str(line) for line in found.left_out]}
                transaction.add_event("collect", summary)
        verdicts = [entry.verdict for entry in found.entries]
        result = NoteResult(
            document=note.name,
            lines=len(found.distinct),
            edited=verdicts.count(Verdict.EDITED),
            accepted=verdicts.count(Verdict.ACCEPTED),
            new=new,
            deleted=found.deleted,
            left_out=tuple(found.left_out),
            notices=tuple(found.notices),
        )
        self.results.append(result)


def _news(transaction: Transaction, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that say something new against what the same kind of file said last.

    So a later edit elsewhere in a file does not undo what was corrected in the web page meanwhile; and a line that
    was merely left as it was never overrules anybody.
    """
    ids = [entry.line for entry in entries]
    by_kind = {kind: transaction.latest(ids, source=kind) for kind in (NOTE, CROP)}
    latest = transaction.latest(ids)
    return [entry for entry in entries if _is_news(entry, latest.get(entry.line), by_kind)]


def _is_news(entry: Entry, latest: Correction | None, by_kind: dict[str, dict[str, Correction]]) -> bool:
    kind = NOTE if entry.source.startswith(NOTE) else CROP
    said = by_kind[kind].get(entry.line)
    if said and (said.text, said.verdict) == (entry.text, entry.verdict):
        return False
    if kind == NOTE and entry.verdict is Verdict.ACCEPTED:
        return latest is None or latest.source.startswith(NOTE)
    return True


def _mark_taken_out(transaction: Transaction, note: Note, root: Path) -> None:
    """Lines that a person took out in the page are marked: their corrections stay, and train no model."""
    for picture in note.taken_out():
        was = (note.folder / picture.name).relative_to(root).as_posix()
        transaction.take_out(note.name, was, picture.relative_to(root).as_posix())


class _Finder:
    """What the files of one note say."""

    def __init__(self, note: Note, root: Path, settings: Settings, recognizer: EvidenceRecognizer | None) -> None:
        self.note = note
        self.root = root
        self.settings = settings
        self.recognizer = recognizer
        self.rows = read_rows(note, root, settings.limits)
        self.distinct: list[Row] = []
        self.entries: list[Entry] = []
        self.left_out: list[LeftOut] = []
        self.notices: list[str] = []
        self.failures: list[str] = []
        self.deleted = 0
        self._author = settings.author or getpass.getuser()

    def find(self) -> None:
        """Fill the lists."""
        seen: set[str] = set()
        for row in self.rows:
            if row.line.id not in seen:
                self.distinct.append(row)
            seen.add(row.line.id)
        own = self._crop_entries()
        try:
            source = self._source()
            if source is not None:
                self._text_entries(*source, own)
        except BadInput as error:
            self.failures.append(str(error))
        self.entries = [entry for entry in [*own.values(), *self.entries] if self._crop_is_sound(entry.line)]

    def _crop_entries(self) -> dict[str, Entry]:
        """Texts beside single crops: they need no alignment and win over the note's text."""
        by_image = {Path(row.line.image).stem: row for row in self.distinct}
        entries = {}
        for path in self.note.crop_texts():
            row = by_image.get(path.name.removesuffix(CROP_TEXT))
            if row is None:
                self.notices.append(f"{path.name} belongs to no line of {self.note.manifest.name}")
                continue
            try:
                lines = read_lines(path, self.settings.limits)
            except BadInput as error:
                self.failures.append(str(error))
                continue
            text = " ".join(line for _, line in lines)
            if text:
                entries[row.line.id] = self._entry(row, text, f"{CROP}{path.relative_to(self.root).as_posix()}")
        return entries

    def _source(self) -> tuple[Path, list[tuple[int, str]]] | None:
        """The text with corrections and its lines; None when nobody has edited anything."""
        note, limits = self.note, self.settings.limits
        read = [row.reading.text for row in self.rows if row.reading.text]
        if State.of(note.original) is not None:
            original = [line for _, line in read_lines(note.original, limits)]
            if original != read:
                self.notices.append(f"{note.original.name} is not what {note.manifest.name} says was read")
        else:
            original = read
        candidates = []
        for path in (*note.corrected, note.text):
            if State.of(path) is None:
                continue
            lines = read_lines(path, limits)
            if not lines and original:
                raise BadInput(
                    f"has no lines left, the reading had {len(original)}",
                    where=path,
                    remedy=f"nothing was taken from it; copy {note.original.name} back to start again",
                )
            if [line for _, line in lines] not in (original, read):
                candidates.append((path, lines))
        for path, _ in candidates[1:]:
            self.notices.append(f"{path.name} is edited too, {candidates[0][0].name} is used")
        return candidates[0] if candidates else None

    def _text_entries(self, path: Path, lines: list[tuple[int, str]], own: dict[str, Entry]) -> None:
        readings = [row.reading.text for row in self.rows]
        judge = None
        if self.recognizer is not None:
            crops = [self.root / row.line.image for row in self.rows]
            judge = CropJudge(self.recognizer, crops, readings, self.settings.limits)
        aligned = align(readings, lines, judge)
        pairs = zip(aligned, readings, strict=True)
        touched = [one.text != reading and bool(reading or one.text) for one, reading in pairs]
        pages = [row.line.page for row in self.rows]
        confidences = [row.reading.confidence for row in self.rows]
        accepted, notices = accepted_lines(self.settings.collect.accept, pages, touched, confidences)
        self.notices += notices
        done: dict[str, str] = {}
        for i, (row, one) in enumerate(zip(self.rows, aligned, strict=True)):
            if one.text is None:
                self._without_text(row, one)
                continue
            seen = i in accepted and MADE not in row.line.attributes  # a new line was never before the person's eyes
            if row.line.id in own or not (touched[i] or seen):
                continue
            if row.line.id in done:
                if done[row.line.id] != one.text:
                    self._leave_out(row, "its image is the same as that of an earlier line, its text is not")
                continue
            done[row.line.id] = one.text
            name = path.relative_to(self.root).as_posix()
            self.entries.append(self._entry(row, one.text, f"{NOTE}{name}:{one.first}"))

    def _without_text(self, row: Row, one: Aligned) -> None:
        if not one.lost:
            self._leave_out(row, one.reason)
        elif row.reading.text:
            self.deleted += 1

    def _entry(self, row: Row, text: str, source: str) -> Entry:
        verdict = Verdict.ACCEPTED if text == row.reading.text else Verdict.EDITED
        return Entry(
            line=row.line.id,
            reading=row.reading.text,
            text=text,
            verdict=verdict,
            author=self._author,
            source=source,
        )

    def _leave_out(self, row: Row, reason: str) -> None:
        self.left_out.append(LeftOut(self.note.name, row.line.text_line, row.line.page, reason))

    def _crop_is_sound(self, line: str) -> bool:
        row = next(row for row in self.distinct if row.line.id == line)
        path = self.root / row.line.image
        try:
            state = State.of(path)
        except BadInput:
            state = None
        if state is None:
            self._leave_out(row, f"its picture {path.name} is missing")
            return False
        if sha256_file(path) != row.line.sha256:
            self._leave_out(row, f"its picture {path.name} is not the one that was read")
            return False
        return True
