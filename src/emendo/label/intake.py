"""Invoices and receipts into a workspace: from a manifest with fields, or as they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadInput, EmendoError, FormatError
from ..evaluate.fields.truth import UNKNOWN, written
from ..fields import Document, canonical, read_document
from ..formats import jsonl
from ..formats.base import ReadOptions
from ..image.load import open_document
from ..pages.inputs import expand_inputs
from ..pages.words import given_words
from ..tools.counts import counted
from ..tools.files import sha256_bytes, sha256_file, write_text
from ..types import Reading, Sample, Word
from ..workspace.folder import Workspace
from ..workspace.rows import Kind, Line
from ..workspace.store import Store

GIVEN = "given"
"""Model that stands in readings which a manifest brought."""
EMPTY = canonical(Document())
WORDS = "documents"
"""Folder in `.emendo` with the words of each document's pages."""
REGIONS = ("words", "boxes", "lines")
"""Keys of a manifest's row that hold the words of its page, the first that is there."""
KEPT = ("language", "subset", "group", "split", "source")
"""What of a row goes along as an attribute, under its own name."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Documents that a source holds, how many of them are new here, and what could not be used, a sentence each."""

    documents: int
    new: int
    failures: tuple[str, ...] = ()
    renamed: Mapping[str, int] = field(default_factory=dict)
    """Fields that had another name (`company -> seller`), with the number of documents."""

    def sentences(self) -> list[str]:
        """What a person should know."""
        names = ", ".join(self.renamed)
        told = [f"{counted(self.documents, 'document')} with fields, {self.new} of them new here"]
        return [*told, f"fields that have another name here: {names}"] if names else told


def manifest_in(place: Path) -> Path | None:
    """The manifest of documents with fields that `place` is or holds; None when it is none.

    The first row tells.
    """
    manifest = place if place.suffix == ".jsonl" and place.is_file() else None
    if place.is_dir():
        manifest = jsonl.manifest_of(place)
    if manifest is None:
        return None
    with manifest.open("rb") as stream:
        for line in stream:
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    return None
                return manifest if isinstance(row, dict) and isinstance(row.get("fields"), dict | list) else None
    return None


def workspace_of(place: Path) -> Workspace:
    """The workspace that holds a manifest, a document or a folder; its own folder becomes one where there is none."""
    folder = place if place.is_dir() else place.parent
    return Workspace.find(folder) or Workspace.init(folder)


def take_documents(workspace: Workspace, store: Store, source: Path, *, prefill: bool = False) -> Taken:
    """Let the documents of `source` be filled in: the rows of a manifest, a picture or PDF, or those in a folder.

    What the manifest says of fields is a test's answer more often than a start: it is shown only with `prefill`.
    Documents that are here already keep what was said of them. Raises UsageError when nothing is there, FormatError
    for a manifest without a single good row.
    """
    manifest = manifest_in(source)
    run = _Run(workspace, store)
    if manifest is not None:
        run.manifest(manifest, prefill=prefill)
    elif source.suffix == ".jsonl":
        raise FormatError("has no row with fields", where=source, remedy='a row is {"image": ..., "fields": {...}}')
    else:
        run.files(source)
    new = run.record()
    return Taken(len(run.found), new, tuple(run.failures), dict(sorted(run.renamed.items())))


@dataclass
class _Run:
    workspace: Workspace
    store: Store
    failures: list[str] = field(default_factory=list)
    renamed: Counter[str] = field(default_factory=Counter)
    found: dict[str, tuple[Line, Reading | None]] = field(default_factory=dict)

    def manifest(self, manifest: Path, *, prefill: bool) -> None:
        limits = self.workspace.settings().limits
        content = jsonl.read(manifest, ReadOptions(limits=limits))
        self.failures += [str(one.error()) for one in content.rejects]
        samples = [one for one in content.samples if one.fields is not None]
        if len(samples) < len(content.samples):
            left = len(content.samples) - len(samples)
            self.failures.append(f"{manifest}: rows without fields were left out ({left})")
        several = {path for path, count in Counter(one.image for one in samples).items() if count > 1}
        mark, order = written(samples) if prefill else UNKNOWN
        for sample in samples:
            text = None
            if prefill:
                read = read_document(_fields(sample), mark=mark, order=order)
                self.failures += [f"{sample.id}: {one.path}: {one.what}" for one in read.faults]
                self.renamed.update(f"{old.rpartition('.')[2]} -> {new}" for old, new in (read.renamed or {}).items())
                text = canonical(read.document)
            self._one(sample.image, sample if sample.image in several or sample.frame else None, text, sample)

    def files(self, source: Path) -> None:
        found = expand_inputs([source])
        self.failures += [*found.failures, *found.notices]
        for one in found.documents:
            self._one(one.path, None, None, None)

    def record(self) -> int:
        """Write all of them, or none; how many were not here before."""
        known, readings, _ = self.store.look_up(list(self.found))
        with self.store.transaction() as transaction:
            for key, (line, given) in self.found.items():
                reading = given if given or key in readings else Reading(EMPTY, 0.0)
                transaction.put_document(line.document, [(line, reading)], kind=Kind.DOCUMENT)
        return len(self.found) - len(known)

    def _one(self, path: Path, single: Sample | None, text: str | None, sample: Sample | None) -> None:
        """Put one document in; `single`: only one page of the file is it."""
        try:
            self._put(path, single.frame if single else None, text, sample)
        except EmendoError as error:
            self.failures.append(str(error))

    def _put(self, path: Path, frame: int | None, text: str | None, sample: Sample | None) -> None:
        root, settings = self.workspace.root, self.workspace.settings()
        real = path.resolve()
        if not real.is_relative_to(root):
            raise BadInput("is not inside of the workspace", where=path, remedy=f"put it under {root}")
        image = real.relative_to(root).as_posix()
        name = image if frame is None else f"{image}#{frame + 1}"
        sha = sha256_file(path)
        key = sha256_bytes(f"document:{sha}:{frame}".encode())[:16]
        if key in self.found:
            other = self.found[key][0].document
            raise BadInput(f"is the same picture as {other}", where=name, remedy="keep one of them")
        with open_document(path, settings.limits, dpi=settings.read.dpi) as opened:
            pages = len(opened) if frame is None else 1
        line = Line(
            id=key,
            document=name,
            number=1,
            text_line=1,
            page=(frame or 0) + 1,
            image=image,
            sha256=sha,
            kind=Kind.DOCUMENT,
            attributes={"pages": pages, **_kept(sample)},
        )
        self._words(key, line, sample)
        self.found[key] = line, Reading(text, 1.0, (), GIVEN) if text is not None else None

    def _words(self, key: str, line: Line, sample: Sample | None) -> None:
        """Keep the words that the manifest has; those of other pages are read when they are looked at."""
        regions = (
            next((sample.attributes[name] for name in REGIONS if name in sample.attributes), None) if sample else None
        )
        if not regions:
            return
        first = line.page - 1
        for at in range(int(line.attributes["pages"])):
            words = given_words(regions, at)
            if words:
                keep_words(words_file(self.workspace, key, first + at + 1), words)


def keep_words(place: Path, words: Sequence[Word]) -> None:
    """Keep the words of a page for the next time."""
    text = json.dumps([[one.text, *one.box, one.line, one.confidence] for one in words], ensure_ascii=False)
    if not place.is_file() or place.read_text(encoding="utf-8") != text:
        place.parent.mkdir(exist_ok=True)
        write_text(place, text)


def words_file(workspace: Workspace, document: str, page: int) -> Path:
    """Where the words of a page are kept."""
    return workspace.hidden / WORDS / f"{document}.{page}.json"


def _fields(sample: Sample) -> Mapping[str, Any]:
    """The fields of a sample; of several records the first."""
    fields = sample.fields or {}
    records = fields.get("records")
    if isinstance(records, Sequence) and len(fields) == 1:
        return records[0] if records and isinstance(records[0], Mapping) else {}
    return fields


def _kept(sample: Sample | None) -> dict[str, Any]:
    if sample is None:
        return {}
    values = {name: getattr(sample, name) for name in KEPT}
    return {"row": sample.id} | {name: str(value) for name, value in values.items() if value and value != "und"}
