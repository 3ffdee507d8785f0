"""Corrected documents for the training of readers of fields: crops of regions with what stands in each, and the whole.

manifest.jsonl               {"invoice_id", "image_path", "ground_truth_path"}, a document a line
documents.jsonl              the same as a manifest of ours: image, fields, split, group
images/ID.png ...            its pages as they are
truth/ID.json                its fields
crops/ID_REGION.png          what a region covers, where a person said where its values stand
annotations/ID_REGION.json   {"region", "fields"}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emendo.image.encode import png_bytes

from ..datasets.dataset import Dataset, content_hash
from ..errors import BadInput, DataError
from ..fields import Source, read_text
from ..fields.names import REGIONS
from ..fields.regions import regions_of
from ..fields.schema import Document
from ..formats import jsonl
from ..formats.images import safe_name
from ..image.load import open_document
from ..tools.files import write_bytes, write_text
from ..types import Correction, Image, Origin, Sample, Split, Verdict
from ..workspace.folder import Workspace
from ..workspace.rows import Kind, Line
from ..workspace.store import Store

MARGIN = 0.02
"""What a crop shows around its values, as a share of the page's sides."""
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
    """A sample with `fields` for each of them; those of one group (of the manifest they came with) are never split."""
    for one in filled(store):
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
        fields=one.document.values(),
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
        for region, fields in regions_of(one.document).items():
            crop = _crop(pages, _sources(one.document, region))
            if crop is not None:
                _write_picture(folder / "crops" / f"{name}_{region}.png", crop)
                _write_json(folder / "annotations" / f"{name}_{region}.json", {"region": region, "fields": fields})
        row = {"invoice_id": name, "image_path": f"images/{name}.png", "ground_truth_path": f"truth/{name}.json"}
        rows.append(jsonl.row_text(row))
        own.append(jsonl.row_text(jsonl.to_row(replace(_sample(workspace, one), frame=0), row["image_path"])))
    write_text(folder / "manifest.jsonl", "".join(rows))
    write_text(folder / "documents.jsonl", "".join(own))
    return len(rows), tuple(failures)


def _sources(document: Document, region: str) -> list[Source]:
    found = [source for name, source in document.sources.items() if name in REGIONS[region]]
    for table in ("lines", "taxes"):
        if table in REGIONS[region]:
            found += [source for row in getattr(document, table) for source in row.sources.values()]
    return found


def _crop(pages: Sequence[Image], sources: Sequence[Source]) -> Image | None:
    """The part of the page that has most of these values; None when nobody said where any stands."""
    inside = [source for source in sources if source.page <= len(pages)]
    if not inside:
        return None
    page = Counter(source.page for source in inside).most_common(1)[0][0]
    image = pages[page - 1]
    boxes = np.array([source.box for source in inside if source.page == page])
    height, width = image.shape[:2]
    x0, y0 = np.floor(boxes[:, :2].min(axis=0) - MARGIN * np.array([width, height])).astype(int)
    x1, y1 = np.ceil(boxes[:, 2:].max(axis=0) + MARGIN * np.array([width, height])).astype(int)
    part = image[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
    return part if part.size else None


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
    write_text(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n")
