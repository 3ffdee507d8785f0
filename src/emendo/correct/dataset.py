"""The corrections of a workspace as samples, each traceable to page, line, reading and verdict."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..datasets.build import build
from ..datasets.dataset import Dataset
from ..datasets.splits import load_state
from ..errors import DataError
from ..tools.files import sha256_file
from ..types import UNKNOWN_LANGUAGE, Correction, Origin, Sample, Split, Verdict
from ..workspace.folder import Workspace
from ..workspace.store import TAKEN_OUT, Kind, Line, Store

FORGOTTEN = "forgotten"
"""Kind of the event that says that an author's corrections are not to be used any more."""
FORGOTTEN_DOCUMENT = "forgotten document"
"""Kind of the event that says so of everything in a document."""

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

    The group is document and page (`journal#3`): lines of one page are never split; for a plate it is the text, O and 0
    held equal, so that a plate is never in two parts. `since` is an earlier
    `store.mark()`; lines whose last verdict is by one of `without_authors`, or by a forgotten author, are left out, and
    so are those of a forgotten document.
    Lines whose picture is no longer there are left out too (`missing_pictures` names them), and those that a person
    took out in the page: what is no line trains no model.
    """
    lines = {line.id: line for line in store.lines(present=False)}
    left_out, gone = {*without_authors, *forgotten(store)}, forgotten_documents(store)
    for correction in store.corrections(since=since):
        line = lines[correction.line]
        if (
            line.document in gone
            or correction.author in left_out
            or correction.verdict not in _ORIGINS
            or not correction.text
        ):
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


def uncorrected(workspace: Workspace) -> list[Sample]:
    """The lines, without text, that nobody has given a verdict on.

    Pages of the validation and the test part are left out: a model must not have seen what it is judged on.
    """
    held_out = {group for group, part in load_state(workspace.datasets).items() if part is not Split.TRAIN}
    with workspace.store() as store:
        present, _ = store.counts()
        gone = forgotten_documents(store)
        waiting = [line for line, _ in store.queue(limit=present) if line.document not in gone]
    return [
        Sample(id=line.id, image=workspace.root / line.image, group=_page(line))
        for line in waiting
        if _page(line) not in held_out and (workspace.root / line.image).is_file()
    ]


def forgotten(store: Store) -> frozenset[str]:
    """Authors whose corrections are not to be used any more."""
    return frozenset(str(event.data["author"]) for event in store.events(FORGOTTEN, limit=100_000))


def forgotten_documents(store: Store) -> frozenset[str]:
    """Names of the documents that nothing is to be learned from any more."""
    return frozenset(
        str(name) for event in store.events(FORGOTTEN_DOCUMENT, limit=100_000) for name in event.data["names"]
    )


def missing_pictures(workspace: Workspace, store: Store) -> list[Line]:
    """Lines with a verdict whose picture is gone: the note was moved away or its folder removed."""
    lines = {line.id: line for line in store.lines(present=False)}
    held = (lines[correction.line] for correction in store.corrections())
    return [line for line in held if not line.attributes.get(TAKEN_OUT) and not _has_picture(workspace, line)]


def _has_picture(workspace: Workspace, line: Line) -> bool:
    """Whether the picture of a line is there. A later reading may have given the name to that of another line."""
    path = workspace.root / line.image
    return path.is_file() and (line.present or sha256_file(path) == line.sha256)


def _group(line: Line, correction: Correction) -> str:
    if line.kind is Kind.PLATE:
        return f"plate {(correction.text or '').replace('O', '0')}"
    return _page(line)


def _page(line: Line) -> str:
    return f"{line.document}#{line.page}"


def _sample(workspace: Workspace, line: Line, correction: Correction, language: str) -> Sample:
    return Sample(
        id=line.id,
        image=workspace.root / line.image,
        text=correction.text,
        language=language,
        subset=str(line.kind) if line.kind is Kind.PLATE else "",
        group=_group(line, correction),
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
