"""Corrected documents for the training of readers of fields: crops of regions with what stands in each, and the whole.

manifest.jsonl               {"invoice_id", "image_path", "ground_truth_path"}, a document a line
documents.jsonl              the same as a manifest of ours: image, fields, split, group
images/ID.png ...            its pages as they are
truth/ID.json                its fields
crops/ID_REGION.png          what a region covers, where a person said where its values stand
annotations/ID_REGION.json   {"region", "fields"}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emendo.image.encode import png_bytes

from ..datasets.dataset import Dataset, content_hash
from ..errors import BadInput, DataError
from ..fields import read_text
from ..fields.schema import Document
from ..formats import jsonl
from ..formats.images import safe_name
from ..image.load import open_document
from ..pages.regions import regions_by_sources
from ..tools.files import write_bytes, write_json, write_text
from ..types import Correction, Image, Origin, Sample, Split, Verdict
from ..workspace.folder import Workspace
from ..workspace.rows import Kind, Line
from ..workspace.store import Store
from .dataset import forgotten, forgotten_documents

_ORIGINS = {Verdict.EDITED: Origin.CORRECTED, Verdict.ACCEPTED: Origin.ACCEPTED}


@dataclass(frozen=True, slots=True)
class Filled:
    """A document with the fields that a person gave it."""

    line: Line
    correction: Correction
    document: Document

    @property
    def first(self) -> int:
        """The first of its pages in its file, from 0."""
        return self.line.page - 1


def filled(store: Store, documents: Collection[str] | None = None) -> Iterator[Filled]:
    """The documents whose fields were corrected or accepted, in the order of the verdicts."""
    lines = {line.id: line for line in store.lines(kind=Kind.DOCUMENT)}
    for correction in store.corrections(kind=Kind.DOCUMENT):
        line = lines.get(correction.line)
        if line is None or correction.verdict not in _ORIGINS or not correction.text:
            continue
        if documents is None or line.document in documents:
            yield Filled(line, correction, read_text(correction.text).document)


def document_samples(workspace: Workspace, store: Store) -> Iterator[Sample]:
    """A sample with `fields` for each of them, with where a person saw each value (`sources`): training goes by it.

    Those of one group (of the manifest they came with) are never split. What is forgotten, by author or by
    document, is left out.
    """
    left_out, gone = forgotten(store), forgotten_documents(store)
    for one in filled(store):
        if one.correction.author not in left_out and one.line.document not in gone:
            yield _sample(workspace, one)


def document_set(workspace: Workspace) -> Dataset:
    """The documents of a workspace whose fields were corrected or accepted as a data set.

    Splits are those of the manifests that they came with. Raises DataError when there are none.
    """
    with workspace.store() as store:
        found = tuple(document_samples(workspace, store))
    if not found:
        remedy = f"fill some in with `emendo label {workspace.root} --fields`"
        raise DataError("no document was corrected yet", where=workspace.root, remedy=remedy)
    root = workspace.root
    return Dataset(root.name, root, root, content_hash(found), found)


def _sample(workspace: Workspace, one: Filled) -> Sample:
    known = {name: str(one.line.attributes.get(name, "")) for name in ("group", "subset", "language", "split")}
    split = Split(known["split"]) if known["split"] in set(Split) else None
    return Sample(
        id=one.line.id,
        image=workspace.root / one.line.image,
        frame=one.first,
        fields=one.document.values(sources=True),
        language=known["language"] or "und",
        subset=known["subset"],
        group=known["group"] or one.line.document,
        split=split,
        origin=_ORIGINS[one.correction.verdict],
        source=one.correction.source,
        attributes={
            "document": one.line.document,
            "pages": one.line.attributes.get("pages", 1),
            "version": one.correction.version,
            "author": one.correction.author,
            "at": one.correction.at.isoformat(),
        },
    )


def write_documents(
    workspace: Workspace, folder: Path, documents: Collection[str] | None = None
) -> tuple[int, tuple[str, ...]]:
    """Write the filled documents as above; how many, and a sentence on each that could not be."""
    rows: list[str] = []
    own: list[str] = []
    failures: list[str] = []
    with workspace.store() as store:
        every = list(filled(store, documents))
    for one in every:
        try:
            pages = _pages(workspace, one)
        except BadInput as error:
            failures.append(str(error))
            continue
        name = safe_name(one.line.id)
        for number, page in enumerate(pages, start=1):
            _write_picture(folder / "images" / (f"{name}.png" if number == 1 else f"{name}_{number}.png"), page)
        _write_json(folder / "truth" / f"{name}.json", one.document.values())
        for region in regions_by_sources(one.document, [page.shape[:2] for page in pages]):
            _write_picture(folder / "crops" / f"{name}_{region.name}.png", region.crop(pages))
            content = {"region": region.name, "fields": region.fields}
            _write_json(folder / "annotations" / f"{name}_{region.name}.json", content)
        row = {"invoice_id": name, "image_path": f"images/{name}.png", "ground_truth_path": f"truth/{name}.json"}
        rows.append(jsonl.row_text(row))
        own.append(jsonl.row_text(jsonl.to_row(replace(_sample(workspace, one), frame=0), row["image_path"])))
    write_text(folder / "manifest.jsonl", "".join(rows))
    write_text(folder / "documents.jsonl", "".join(own))
    return len(rows), tuple(failures)


def _pages(workspace: Workspace, one: Filled) -> list[Image]:
    settings = workspace.settings()
    path = (workspace.root / one.line.image).resolve()
    if not path.is_relative_to(workspace.root) or not path.is_file():
        raise BadInput("is not in the workspace any more", where=one.line.image)
    with open_document(path, settings.limits, dpi=settings.read.dpi) as opened:
        last = min(len(opened), one.first + int(one.line.attributes.get("pages", 1)))
        return [opened.frame(at) for at in range(one.first, last)]


def _write_picture(path: Path, image: Image) -> None:
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, png_bytes(image))


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    write_json(path, values)
