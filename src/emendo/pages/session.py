"""Reading many documents: each is done or has its sentence, and one that fails stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EmendoError, UsageError
from ..settings import Settings
from ..types import Recognizer
from ..workspace.folder import Workspace
from .arrivals import wait_settled
from .inputs import Document, expand_inputs
from .read import NoteResult, Progress, read_document
from .segment import Finder


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What became of all documents: one result each, sentences on those that failed, and on what was passed over."""

    notes: tuple[NoteResult, ...]
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """The `--json` object."""
        return {
            "documents": len(self.notes) + len(self.failures),
            "read": self._count("read"),
            "unchanged": self._count("unchanged"),
            "kept": self._count("kept"),
            "failed": len(self.failures),
            "pages": sum(note.pages for note in self.notes),
            "lines": sum(note.lines for note in self.notes),
            "notes": [
                {
                    "document": str(note.document),
                    "text": str(note.text),
                    "folder": str(note.folder),
                    "status": note.status,
                    "pages": note.pages,
                    "lines": note.lines,
                }
                for note in self.notes
            ],
            "failures": list(self.failures),
            "notices": list(self.notices),
        }

    def sentences(self) -> list[str]:
        """What a person should know, a line each."""
        told = [
            f"{note.document}: {note.lines} lines on {note.pages} page{'s' * (note.pages != 1)} -> {note.text}"
            if note.lines
            else f"{note.document}: no line of writing found -> {note.text}"
            for note in self.notes
            if note.status == "read"
        ]
        told += [
            f"{note.document}: kept, because {note.text.name}, a correction beside it or its lines were changed"
            for note in self.notes
            if note.status == "kept"
        ]
        if self._count("unchanged"):
            told.append(f"{self._count('unchanged')} read before and unchanged (--again reads them anew)")
        return [*told, *self.notices]

    def _count(self, status: str) -> int:
        return sum(note.status == status for note in self.notes)


def read_inputs(
    inputs: Sequence[Path],
    *,
    recognizer: Recognizer,
    detector: Finder | None = None,
    settings: Settings | None = None,
    workspace: Workspace | None = None,
    out: Path | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> ReadResult:
    """Read files and the documents in folders; see `read_document` for one of them.

    With `out`, the notes of a folder's documents keep their subfolders there. Documents in a folder that changed less
    than `watch.settle_seconds` ago are read last, and left for the next time when they are still arriving then. In a
    `workspace` what was read is told in its log. Raises UsageError when an input is not there.
    """
    settings = settings or Settings()
    found = expand_inputs(inputs)
    failures, notices = list(found.failures), list(found.notices)
    notes: list[NoteResult] = []
    targets: dict[Path, Path] = {}
    for document in settled_first(found.documents, settings.watch.settle_seconds, notices):
        target = out / document.inside if out is not None else None
        try:
            note = read_document(
                document.path,
                recognizer=recognizer,
                detector=detector,
                out=_apart(document.path, target, targets),
                settings=settings,
                again=again,
                progress=progress,
            )
        except EmendoError as error:
            failures.append(str(error))
        else:
            notes.append(note)
    result = ReadResult(tuple(notes), tuple(failures), tuple(notices))
    if workspace is not None and any(note.status == "read" for note in notes):
        with workspace.store() as store:
            store.add_event("read", {"model": recognizer.model, **result.summary()})
    return result


def settled_first(documents: Sequence[Document], seconds: float, notices: list[str]) -> list[Document]:
    """Named files, then the folders' files that have arrived; those still on their way become notices."""
    found = [document.path for document in documents if not document.named]
    _, arriving = wait_settled(found, seconds)
    notices += [f"{path} is still arriving and was left for the next time" for path in arriving]
    late = set(arriving)
    return [document for document in documents if document.path not in late]


def _apart(path: Path, out: Path | None, targets: dict[Path, Path]) -> Path | None:
    """`out`, refusing two documents whose notes would be the same file there."""
    if out is not None:
        target = out / path.name
        if targets.setdefault(target, path) != path:
            raise UsageError(f"has the name of {targets[target]}, so both would be one note", where=path)
    return out
