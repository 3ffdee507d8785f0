"""The corrections of a workspace as samples, each traceable to page, line, reading and verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..datasets.build import build
from ..datasets.dataset import Dataset
from ..errors import DataError
from ..tools.files import sha256_file
from ..types import UNKNOWN_LANGUAGE, Correction, Origin, Sample, Verdict
from ..workspace.folder import Workspace
from ..workspace.store import TAKEN_OUT, Kind, Line, Store

FORGOTTEN = "forgotten"
"""Kind of the event that says that an author's corrections are not to be used any more."""

_ORIGINS = {Verdict.EDITED: Origin.CORRECTED, Verdict.ACCEPTED: Origin.ACCEPTED}


def samples(
    workspace: Workspace,
    store: Store,
    *,
    since: int = 0,
    without_authors: Collection[str] = (),
    language: str = UNKNOWN_LANGUAGE,
) -> Iterator[Sample]:
    """A sample for each line whose verdict is edited or accepted, in the order of the verdicts.

    The group is document and page (`journal#3`): lines of one page are never split. `since` is an earlier
    `store.mark()`; lines whose last verdict is by one of `without_authors`, or by a forgotten author, are left out.
    Lines whose picture is no longer there are left out too (`missing_pictures` names them), and those that a person
    took out in the page: what is no line trains no model.
    """
    lines = {line.id: line for line in store.lines(present=False)}
    left_out = {*without_authors, *forgotten(store)}
    for correction in store.corrections(since=since):
        line = lines[correction.line]
        if correction.author in left_out or correction.verdict not in _ORIGINS or not correction.text:
            continue
        if (
            line.kind is Kind.DOCUMENT
        ):  # its text is fields, nothing that stands in a line (see `fields.document_samples`)
            continue
        if not line.attributes.get(TAKEN_OUT) and _has_picture(workspace, line):
            yield _sample(workspace, line, correction, language)


def corrected_set(workspace: Workspace) -> Dataset:
    """All corrections of a workspace as one of its data sets, split by page; the same corrections give the same set.

    Raises DataError when none was collected yet.
    """
    with workspace.store() as store:
        found = list(samples(workspace, store))
    if not found:
        remedy = f"correct a text that was read and run `emendo collect {workspace.root}`"
        raise DataError("holds no corrections yet", where=workspace.root, remedy=remedy)
    return build(found, workspace, name=workspace.root.name).dataset


def forgotten(store: Store) -> frozenset[str]:
    """Authors whose corrections are not to be used any more."""
    return frozenset(str(event.data["author"]) for event in store.events(FORGOTTEN, limit=100_000))


def missing_pictures(workspace: Workspace, store: Store) -> list[Line]:
    """Lines with a verdict whose picture is gone: the note was moved away or its folder removed."""
    lines = {line.id: line for line in store.lines(present=False)}
    held = (lines[correction.line] for correction in store.corrections())
    return [line for line in held if not line.attributes.get(TAKEN_OUT) and not _has_picture(workspace, line)]


def _has_picture(workspace: Workspace, line: Line) -> bool:
    """Whether the picture of a line is there. A later reading may have given the name to that of another line."""
    path = workspace.root / line.image
    return path.is_file() and (line.present or sha256_file(path) == line.sha256)


def _sample(workspace: Workspace, line: Line, correction: Correction, language: str) -> Sample:
    return Sample(
        id=line.id,
        image=workspace.root / line.image,
        text=correction.text,
        language=language,
        group=f"{line.document}#{line.page}",
        origin=_ORIGINS[correction.verdict],
        source=correction.source,
        attributes={
            "document": line.document,
            "page": line.page,
            "line": line.number,
            "sha256": line.sha256,
            "reading": correction.reading,
            "version": correction.version,
            "author": correction.author,
            "at": correction.at.isoformat(),
        },
    )
