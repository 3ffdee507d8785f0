"""What `emendo label` does before it serves documents with fields: find them and take them in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import output

if TYPE_CHECKING:
    from ..label.intake import Taken
    from ..types import DocumentReader
    from .context import Context

NOTHING = "none"


def take_fields(place: Path, *, fields: bool, prefill: bool) -> Taken | None:
    """Take in the documents that `place` names: a manifest with fields, or with `fields` pictures and PDFs. Else None.

    The folder becomes a workspace where it is in none. Raises UsageError when `prefill` has nothing to start from.
    """
    from ..label.intake import manifest_in, take_documents, workspace_of

    if not place.exists():
        raise UsageError("is not there", where=place)
    manifest = manifest_in(place)
    if manifest is None and prefill:
        raise UsageError("has no manifest with fields to start from", where=place, remedy="leave out --prefill")
    if manifest is None and not fields and place.suffix != ".jsonl":
        return None
    workspace = workspace_of(place)
    with workspace.store() as store:
        return take_documents(workspace, store, place, prefill=prefill)


def tell(taken: Taken) -> None:
    """Say what was taken in, and what could not be."""
    for failure in taken.failures:
        output.complain(failure)
    for sentence in taken.sentences():
        output.note(sentence)


def document_reader(context: Context, model: str | None) -> Callable[[], DocumentReader] | None:
    """Opens what fills documents in: `model`, else that of the settings. None where nothing is to be filled in."""
    ref = model or context.settings.prefill.model
    if ref == NOTHING:
        return None

    def opened() -> DocumentReader:
        from ..pages.fields import load_document_reader

        return load_document_reader(ref, workspace=context.root, threads=context.threads)

    return opened
