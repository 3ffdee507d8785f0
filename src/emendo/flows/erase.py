"""Where copies of what was read and said lie in a workspace, and how they go: reports, captures, caches, files."""

from __future__ import annotations

import json
import mmap
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..correct.texts import clean
from ..datasets.splits import forget_groups
from ..evaluate.boards.results import find_reports
from ..label.intake import WORDS
from ..label.uploads import FOLDER as UPLOADS
from ..learn.mine_documents import ERRORS, FOLDER
from ..mine.errorlog import drop_entries
from ..monitor.captures import Dropped, all_captures
from ..pages.fieldfiles import ENDING
from ..pages.given import layout_file
from ..pages.note import CORRECTED
from ..pages.wordcache import clear_words
from ..tools.files import remove_folder, write_bytes, write_text
from ..workspace.erasure import LEAST
from ..workspace.folder import Workspace
from ..workspace.rows import Kind
from .subject import Subject

MOST_TEXTS: Final = 200
"""Texts that are looked for when all is erased, the longest: they stand nowhere by chance."""
_LOGS: Final = ("training.log", "learning-fields.log")
_NOTE, _CROP = "note:", "crop:"


@dataclass(frozen=True, slots=True)
class Copies:
    """What went besides data sets, runs and models."""

    captures: Dropped
    reports: int
    errors: int
    mining: int

    def to_dict(self) -> dict[str, int]:
        """For `--json`."""
        seen = self.captures
        return {
            "captured_readings": seen.readings,
            "captured_truths": seen.truths,
            "captured_pictures": seen.pictures,
            "reports": self.reports,
            "logged_errors": self.errors,
            "mining_rounds": self.mining,
        }


def drop_copies(workspace: Workspace, subject: Subject) -> Copies:
    """Remove the captures, kept reports, logged errors, rounds of mining and caches that hold anything of it."""
    seen = Dropped()
    for captures in all_captures(workspace):
        if subject.author:
            seen += captures.drop(callers={subject.author}, authors={subject.author})
        else:
            seen += captures.drop(documents=subject.names | {subject.asked})
    reports = [one for one in find_reports([workspace.hidden / "reports"]) if _holds(one, subject.ids)]
    for folder in reports:
        remove_folder(folder)
    documents = [line for line in subject.lines if line.kind is Kind.DOCUMENT]
    names = {line.document for line in documents} | subject.names
    errors = drop_entries(workspace.hidden / ERRORS, names, {line.sha256 for line in documents})
    rounds: list[Path] = []
    if documents:
        mining = workspace.hidden / FOLDER
        rounds = sorted(path for path in mining.iterdir() if path.is_dir()) if mining.is_dir() else []
        for folder in rounds:
            remove_folder(folder)
        clear_words()
    if not subject.author:
        for line in documents:
            for path in (workspace.hidden / WORDS).glob(f"{line.id}.*"):
                path.unlink()
    return Copies(seen, len(reports), errors, len(rounds))


def _holds(report: Path, ids: Collection[str]) -> bool:
    """Whether a report has a row on one of these samples."""
    for name in ("lines.jsonl", "documents.jsonl"):
        with suppress(OSError, ValueError), (report / name).open("rb") as rows:
            if any(json.loads(row).get("id") in ids for row in rows if row.strip()):
                return True
    return False


def own_files(workspace: Workspace, subject: Subject) -> list[Path]:
    """The person's own files that erasing a document removes, or that erasing an author changes, sorted."""
    if subject.author:
        return sorted(_notes_of(workspace, subject))
    root, note = workspace.root, subject.note
    if note is None:
        return []
    found = {note.text, note.original, note.folder, *(note.stem.with_name(note.stem.name + end) for end in CORRECTED)}
    found |= {root / line.image for line in subject.lines if line.kind is not Kind.LINE}
    document = subject.document
    if document is not None:
        found.add(document)
        layout = layout_file(document)
        if layout is not None and layout.stem == document.stem:
            found.add(layout)
    fields = root / Path(subject.asked).with_suffix("") if Path(subject.asked).suffix else root / subject.asked
    target = fields.with_name(fields.name + ENDING)
    if _object(target).get("document", "") == Path(subject.asked).name or not Path(subject.asked).suffix:
        found.add(target)
    found |= set((workspace.hidden / UPLOADS).glob(f"*/{Path(subject.asked).name}"))
    inside = (path for path in found if path.exists() and path.resolve().is_relative_to(root))
    return sorted(inside)


def erase_files(workspace: Workspace, subject: Subject) -> list[str]:
    """Remove a document with its note, or take an author's words out of the notes; the files concerned.

    A note on which only the author worked goes back to what was read. In one that others corrected too, the author's
    lines go out: the reading would look as if the others had let it stand.
    """
    files = own_files(workspace, subject)
    for name in _LOGS:
        (workspace.hidden / name).unlink(missing_ok=True)
    if subject.author:
        for path in files:
            _take_out(workspace, subject, path)
    else:
        forget_groups(workspace.datasets, subject.names | {line.document for line in subject.lines})
        for path in files:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return [path.relative_to(workspace.root).as_posix() for path in files]


def _notes_of(workspace: Workspace, subject: Subject) -> Iterator[Path]:
    """The files into which an author wrote."""
    seen: set[Path] = set()
    for _, author, _, source in subject.in_files:
        path = _place(workspace, source)
        if author == subject.author and path is not None and path not in seen and path.is_file():
            seen.add(path)
            yield path


def _place(workspace: Workspace, source: str) -> Path | None:
    """The file of a source `note:journal.txt:12` or `crop:journal_lines/line_003.gt.txt`, inside of the workspace."""
    if source.startswith(_NOTE):
        path = workspace.root / source.removeprefix(_NOTE).rpartition(":")[0]
    elif source.startswith(_CROP):
        path = workspace.root / source.removeprefix(_CROP)
    else:
        return None
    return path if path.resolve().is_relative_to(workspace.root) else None


def _take_out(workspace: Workspace, subject: Subject, path: Path) -> None:
    rows = [row for row in subject.in_files if _place(workspace, row[3]) == path]
    original = path.with_name(path.name + ".orig")
    if all(author == subject.author for _, author, _, _ in rows):
        if original.is_file():
            write_bytes(path, original.read_bytes())
        else:
            path.unlink()  # note_corrected.txt, or the text beside a crop
        return
    own = {clean(text) for _, author, text, _ in rows if author == subject.author}
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except UnicodeDecodeError:
        return  # what stays is found by `found_again`
    write_text(path, "".join(line for line in lines if clean(line.strip()) not in own))


def found_again(root: Path, texts: Collection[str]) -> tuple[str, ...]:
    """Files under `root` that hold one of the texts still, as it is or as JSON writes it; the longest are tried."""
    longest = sorted((text for text in texts if len(text) >= LEAST), key=lambda text: (-len(text), text))[:MOST_TEXTS]
    needles = {
        form.encode("utf-8", "replace")
        for text in longest
        for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    }
    found = []
    for path in sorted(root.rglob("*")) if needles else ():
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            with (
                suppress(OSError),
                path.open("rb") as stream,
                mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                if any(content.find(needle) >= 0 for needle in needles):
                    found.append(path.relative_to(root).as_posix())
    return tuple(found)


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
