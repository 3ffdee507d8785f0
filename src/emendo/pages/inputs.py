"""What a person named to be read: files, and the documents in folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..tools.sync import conflict_of
from .arrivals import is_partial
from .note import LINES_FOLDER, MANIFEST, READING, STATE, NoteFiles

ENDINGS = (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
"""Endings, in lower case, by which documents are found in a folder. A file named itself may have any."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document to read. `inside` is its folder within the folder that was named (`.` for a file named itself)."""

    path: Path
    inside: Path = Path()
    named: bool = True


@dataclass(frozen=True, slots=True)
class Inputs:
    """Documents to read, sentences on what cannot be read, and sentences on what was passed over."""

    documents: tuple[Document, ...]
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def expand_inputs(inputs: Sequence[Path]) -> Inputs:
    """The documents among `inputs`: files as they are, folders searched.

    In a folder hidden names, the line folders of notes and files still being written are passed over; conflict copies
    of a sync client are passed over and told; links, FIFOs and devices with a document's name are failures. Each
    document comes once, in order. Raises UsageError when an input is not there.
    """
    documents: dict[Path, Document] = {}
    failures: list[str] = []
    notices: list[str] = []
    for given in inputs:
        if not os.path.lexists(given):
            raise UsageError("is not there", where=given)
        if not given.is_dir():
            documents.setdefault(given.absolute(), Document(given))
            continue
        for path, beside in _walk(given):
            fault = _fault(path)
            original = conflict_of(path.name, beside)
            if fault:
                failures.append(f"{path}: {fault}")
            elif original is not None:
                notices.append(f"{path} is a conflict copy of {original} and was not read: keep one of them")
            else:
                inside = path.parent.relative_to(given)
                documents.setdefault(path.absolute(), Document(path, inside, named=False))
    return Inputs(tuple(documents.values()), tuple(failures), tuple(notices))


def _walk(root: Path) -> Iterator[tuple[Path, set[str]]]:
    """Entries under `root` that are named like a document, folder by folder in order, and the names beside each.

    Links are not entered.
    """
    for folder, names, files in os.walk(root):
        here = Path(folder)
        links = [name for name in names if name.lower().endswith(ENDINGS) and (here / name).is_symlink()]
        names[:] = sorted(name for name in names if not name.startswith(".") and not is_line_folder(here / name))
        beside = {*files, *links}
        for name in sorted(beside):
            if name.lower().endswith(ENDINGS) and not name.startswith(".") and not is_partial(name):
                yield here / name, beside


def is_line_folder(folder: Path) -> bool:
    """Whether a folder holds the line pictures of a note (also as a sync client's conflict copy)."""
    return LINES_FOLDER in folder.name and any((folder / name).exists() for name in (MANIFEST, STATE, READING))


def _fault(path: Path) -> str:
    """Why an entry of a folder is not read; empty for a regular file."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"cannot be looked at ({(error.strerror or 'unknown').lower()})"
    if stat.S_ISLNK(mode):
        return "is a link, and links in a folder are not followed; name it itself to read it"
    if not stat.S_ISREG(mode):
        return f"is a {'FIFO' if stat.S_ISFIFO(mode) else 'special file'}, not a document; remove it from the folder"
    return ""


def source_of(stem: Path) -> Path | None:
    """The document that the note at `stem` (its path without an ending) was read from; None when it is gone."""
    job = NoteFiles(stem).job()
    names = [job.source] if job is not None else []
    names += [stem.name + end for end in (*ENDINGS, *map(str.upper, ENDINGS))]
    return next((stem.parent / name for name in names if (stem.parent / name).is_file()), None)
