"""Whose traces are to go: an author's, or a document's, as database, files and captures of a workspace know them."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..correct.dataset import FORGOTTEN, FORGOTTEN_DOCUMENT
from ..datasets import Dataset
from ..pages.note import NoteFiles, note_files
from ..workspace.erasure import file_verdicts, texts_by, texts_of, units_by, units_of
from ..workspace.folder import Workspace
from ..workspace.rows import Kind, Line
from ..workspace.store import Event, Store
from .captured import Captured, captured_documents, captured_of

_LONGEST: Final = 240
"""Bytes of a file's name to which the endings of a note can be added still."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An author, or a document (`asked` is how the caller named it).

    `names` are those that a document has in the database, in captures and in data sets; `note` holds the files of its
    note, None where its name is no path in the workspace; `lines` are the units concerned, `verdicts` how many of them
    a person judged, `captured` what the service captured of it, `texts` all that was read or said in the database;
    these and the captured ones must be found nowhere when all is erased. `in_files` tells (document, reading, text,
    source) of what an author wrote into the files of notes.
    """

    asked: str
    author: str = ""
    names: frozenset[str] = frozenset()
    document: Path | None = None
    note: NoteFiles | None = None
    lines: tuple[Line, ...] = ()
    verdicts: int = 0
    captured: Captured = field(default_factory=Captured)
    texts: frozenset[str] = frozenset()
    in_files: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the units."""
        return frozenset(line.id for line in self.lines)

    @property
    def kind(self) -> str:
        """Kind of the event that keeps it forgotten."""
        return FORGOTTEN if self.author else FORGOTTEN_DOCUMENT

    @property
    def wish(self) -> dict[str, object]:
        """What that event says of it."""
        return {"author": self.author} if self.author else {"document": self.asked, "names": sorted(self.names)}

    def owes(self, dataset: Dataset | None) -> bool:
        """Whether a data set holds anything of it; one that cannot be opened (None) cannot be said to be free of it."""
        if dataset is None:
            return True
        if self.author:
            return any(sample.attributes.get("author") == self.author for sample in dataset.samples)
        return any(
            sample.attributes.get("document") in self.names or self.captured.owns(sample, self.names)
            for sample in dataset.samples
        )

    def earlier(self, store: Store) -> list[Event]:
        """The times that the same was asked before, the latest first."""
        key = "author" if self.author else "document"
        return [one for one in store.events(self.kind, limit=100_000) if one.data.get(key) == self.asked]


def author_subject(store: Store, author: str) -> Subject:
    """An author, with all that they said in any version."""
    lines = units_by(store.database, author)
    said = [one for one in store.corrections() if one.author == author]
    return Subject(
        asked=author,
        author=author,
        lines=tuple(lines),
        verdicts=len(said),
        texts=frozenset(texts_by(store.database, author)),
        in_files=tuple(file_verdicts(store.database, {line.document for line in lines})),
    )


def document_subject(workspace: Workspace, store: Store, asked: str) -> Subject:
    """A document by its path, in the workspace or from here, or by the name under which a client sent it to the
    service; it need not be there any more."""
    path = _place(workspace.root, asked)
    if path is None:
        names = frozenset({asked})
        return Subject(asked=asked, names=names, captured=captured_of(workspace, names))
    root, note = workspace.root, note_files(path)
    inside = path.relative_to(root).as_posix()
    names = frozenset({inside, note.stem.relative_to(root).as_posix()})
    if path == (root / asked).resolve():
        names |= {asked}  # as a client may have sent it: `scans//1`
    lines = units_of(store.database, names, {inside})
    names |= {line.document for line in lines}
    job = note.job()
    source = path.parent / job.source if job and not path.suffix else path
    judged = {one.line for one in store.corrections()} & {line.id for line in lines}
    return Subject(
        asked=inside,
        names=names,
        document=source if source.is_file() else None,
        note=note,
        lines=tuple(lines),
        verdicts=len(judged),
        captured=captured_of(workspace, names),
        texts=frozenset(texts_of(store.database, [line.id for line in lines])),
    )


def _place(root: Path, asked: str) -> Path | None:
    """Where a document lies in a workspace, seen from here or from its root; None for a name that is no path there."""
    given = Path(asked)
    if any(len(os.fsencode(part)) > _LONGEST for part in given.parts):
        return None
    path = given.resolve() if not given.is_absolute() and given.exists() else (root / given).resolve()
    return path if path.is_relative_to(root) and path != root else None


def known_documents(workspace: Workspace, store: Store) -> list[str]:
    """Names of the documents that the database or the captures know."""
    read = {name for kind in Kind for name, _ in store.documents(kind=kind)}
    return sorted(read | captured_documents(workspace))


def known_authors(store: Store) -> Collection[str]:
    """Who has given a verdict that holds."""
    return sorted({one.author for one in store.corrections()})
