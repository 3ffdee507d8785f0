"""What people corrected in field mode, as entries of the log of errors."""

from __future__ import annotations

from pathlib import Path

from ..correct.fields import Filled, filled
from ..errors import DataError, FormatError
from ..fields.schema import Document, read_document, read_text
from ..tools.files import sha256_file
from ..workspace.folder import Workspace
from .errorlog import Entry, ErrorLog, log_error, page_key, read_errors

NO_MODEL = frozenset({"", "given"})
"""Readings of these models were read by none: the form was empty, or a manifest filled it."""


def log_corrections(workspace: Workspace, folder: Path) -> list[Entry]:
    """Log each corrected or accepted document of a workspace with its truth; the entries that are new.

    What was read of it is what the person saw, else what the log holds of an earlier reading; a document that no model
    has read is left out, and so is one whose file is gone. A truth that the log knows of the document already is not
    logged again, so that this may be called as often as one likes.
    """
    try:
        log = read_errors(folder)
    except DataError:
        log = ErrorLog(())
    before = {entry.key: entry for entry in log.newest}
    with workspace.store() as store:
        corrected = [one for one in filled(store) if (workspace.root / one.line.image).is_file()]
        models = {line: reading.model for line, reading in store.readings(one.line.id for one in corrected).items()}
    logged = []
    for one in corrected:
        entry = before.get(page_key(sha256_file(workspace.root / one.line.image), one.first))
        if entry is not None and entry.known and entry.truth == one.document.values():
            continue
        model = models.get(one.line.id, "")
        if model not in NO_MODEL:
            logged.append(_logged(workspace, folder, one, _read(one.correction.reading), model))
        elif entry is not None:
            logged.append(_logged(workspace, folder, one, read_document(entry.found).document, entry.model))
    return logged


def _logged(workspace: Workspace, folder: Path, one: Filled, found: Document | None, model: str) -> Entry:
    return log_error(
        folder,
        one.line.document,
        workspace.root / one.line.image,
        found,
        truth=one.document,
        model=model,
        frame=one.first,
        pages=int(one.line.attributes.get("pages", 1)),
        group=str(one.line.attributes.get("group", "")) or one.line.document,
    )


def _read(text: str) -> Document | None:
    """What was read; None where it cannot be understood (a newer emendo wrote it)."""
    try:
        return read_text(text).document
    except FormatError:
        return None
