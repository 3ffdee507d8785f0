"""The log of errors: one JSON object a line, appended whole, with a copy of each document by its content.

    errors.jsonl          what was read, when, by which model, the classes of error, the truth where it is known
    images/HASH.EXT       the pages of each document, or its PDF

A document is known by the content of its first page: read again it is the same, whatever it is called. A later entry on
the same document holds; a truth once known stays known. From the log come hard samples (see `hard`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..errors import DataError, FormatError
from ..fields.error_classes import classify_error, regions_with_errors, severity, suspected, wrong_fields
from ..fields.schema import Document, read_document
from ..fields.validate import validate_document
from ..tools.files import append_line, sha256_file, write_bytes
from ..types import Sample

LOG: Final = "errors.jsonl"
_NAMED: Final = 24
"""Characters of the hash that names a page."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document as it was read: classes of error (worst first), regions and fields in which they are, and what was
    read.

    `fields` are those with errors against the truth, rows as `lines[].amount`. `told` names the fields of which the
    truth speaks; empty means all. `image` holds the document from page `frame` (0 up) on, `pages` of them where that is
    known (0: as many as there are); `images` are the files of its further pages.
    """

    id: str
    image: str
    classes: tuple[str, ...]
    severity: int
    at: str
    model: str = ""
    known: bool = False
    """Whether the truth was known, or the validator's findings stand for it."""
    regions: tuple[str, ...] = ()
    found: Mapping[str, Any] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    frame: int = 0
    pages: int = 0
    images: tuple[str, ...] = ()
    group: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same document (see `page_key`)."""
        return page_key(Path(self.image).stem, self.frame)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two truths of one document: the fields in which they differ, and when each was told; the later one holds."""

    id: str
    fields: tuple[str, ...]
    at: str
    before: str
    other: str = ""
    """What the document was called then, where it was called otherwise."""

    def __str__(self) -> str:
        named = f"{self.id} and {self.other} are one document and have" if self.other else f"{self.id} has"
        return f"{named} two truths in {', '.join(self.fields)}; the one of {self.at[:19]} holds"


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """All of a log in the order in which it was written; `torn` counts lines that a crash cut off."""

    entries: tuple[Entry, ...]
    torn: int = 0

    @property
    def newest(self) -> list[Entry]:
        """One entry a document, that which holds, in the order of the log."""
        kept: dict[tuple[str, int], Entry] = {}
        for entry in self.entries:
            before = kept.pop(entry.key, None)
            kept[entry.key] = _by_known_truth(entry, before) if before and before.known else entry
        return list(kept.values())

    @property
    def contradictions(self) -> list[Contradiction]:
        """Documents that were given a truth that differs from the one they had."""
        told: dict[tuple[str, int], list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.known:
                told[entry.key].append(entry)
        return [found for entries in told.values() if (found := _contradiction(entries))]


def log_error(
    folder: Path,
    name: str,
    image: Path,
    found: Document | None,
    *,
    truth: Document | None = None,
    told: Collection[str] | None = None,
    model: str = "",
    frame: int = 0,
    pages: int = 0,
    others: Sequence[Path] = (),
    group: str = "",
) -> Entry:
    """Append what was read of a document to the log in `folder`, with a copy of its files; the entry.

    `image` holds its first page (or all of them from `frame` on), `others` the further ones. `told` names the fields of
    which the truth speaks (None: all). Also a reading without error is logged, as CORRECT: it ends what was logged of
    the document before.
    """
    entry = Entry(
        id=name,
        image=_kept(folder, image),
        classes=(),
        severity=0,
        at=datetime.now(UTC).isoformat(),
        model=model,
        known=truth is not None,
        found=found.values() if found else {},
        truth=truth.values() if truth else {},
        told=tuple(told or ()),
        frame=frame,
        pages=pages,
        images=tuple(_kept(folder, other) for other in others),
        group=group,
    )
    entry = _classified(entry, truth, found)
    append_line(folder / LOG, json.dumps(asdict(entry), ensure_ascii=False, separators=(",", ":")))
    return entry


def log_sample(
    folder: Path,
    sample: Sample,
    found: Document | None,
    *,
    truth: Document | None = None,
    told: Collection[str] | None = None,
    model: str = "",
) -> Entry:
    """The same of a sample, under its id and its group."""
    pages = sample.attributes.get("pages")
    return log_error(
        folder,
        sample.id,
        sample.image,
        found,
        truth=truth,
        told=told,
        model=model,
        frame=sample.frame,
        pages=pages if isinstance(pages, int) else 0,
        others=further_pages(sample),
        group=sample.group,
    )


def further_pages(sample: Sample) -> list[Path]:
    """The files of a document's pages after the first, where its manifest names one a page (`images`)."""
    named = sample.attributes.get("images")
    if not isinstance(named, list | tuple) or len(named) < 2:
        return []
    root = next((place for place in sample.image.parents if (place / named[0]).is_file()), sample.image.parent)
    return [root / one for one in named[1:]]


def page_key(sha256: str, frame: int) -> tuple[str, int]:
    """What makes a document the same one: the content of the file of its first page, and the page in it."""
    return sha256[:_NAMED], frame


def read_errors(folder: Path) -> ErrorLog:
    """A log with all of its entries. A line that is no JSON is one that a crash cut off: it is left out and counted.

    Raises DataError when there is no log or nothing in it, FormatError for a line that is none of ours.
    """
    path = folder / LOG
    if not path.is_file():
        raise DataError("holds no log of errors", where=folder, remedy="read documents with --error-log first")
    entries: list[Entry] = []
    torn = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                torn += 1
                continue
            entries.append(_entry(row, path, number))
    if torn and not entries:
        raise FormatError("is no log of errors", where=path, remedy="name the folder that --error-log named")
    if not entries:
        raise DataError("the log of errors is empty", where=folder, remedy="read documents with --error-log first")
    return ErrorLog(tuple(entries), torn)


def read_log(folder: Path) -> list[Entry]:
    """The entry that holds of each document, in the order of the log. Raises what `read_errors` raises."""
    return read_errors(folder).newest


def drop_entries(folder: Path, names: Collection[str], hashes: Collection[str]) -> int:
    """Take the entries of some documents out of a log, by name, group or the SHA-256 of their file, and their pictures.

    Returns how many entries went; there need be no log.
    """
    path = folder / LOG
    if not path.is_file():
        return 0
    starts = {one[:_NAMED] for one in hashes}
    kept: list[bytes] = []
    named: set[str] = set()
    dropped = 0
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # torn: nobody can say of which document
        if {row.get("id"), row.get("group")} & set(names) or Path(str(row.get("image"))).stem in starts:
            dropped += 1
            continue
        kept.append(line)
        named |= {str(row.get("image")), *map(str, row.get("images", ()))}
    if dropped:
        write_bytes(path, b"".join(line + b"\n" for line in kept))
    for image in (folder / "images").glob("*"):
        if f"images/{image.name}" not in named:
            image.unlink()
    return dropped


def truth_of_entry(entry: Entry) -> Document:
    """The truth of an entry; empty where none is known."""
    return read_document(entry.truth).document


def _entry(row: Any, path: Path, number: int) -> Entry:
    try:
        lists = {name: tuple(row.get(name, ())) for name in ("classes", "regions", "fields", "told", "images")}
        return Entry(**{**row, **lists})
    except (TypeError, AttributeError) as error:
        what = "is no entry of a log of errors"
        raise FormatError(what, where=path, line=number, remedy="remove the line") from error


def _kept(folder: Path, file: Path) -> str:
    place = folder / "images" / f"{sha256_file(file)[:_NAMED]}{file.suffix.lower()}"
    if not place.is_file():
        write_bytes(place, file.read_bytes())
    return f"images/{place.name}"


def _classified(entry: Entry, truth: Document | None, found: Document | None) -> Entry:
    """The entry with its classes: by the truth, or where none is known by what the validator finds."""
    if truth is None:
        classes = suspected(validate_document(found or Document()))
        return replace(entry, classes=tuple(classes), severity=severity(classes))
    told = entry.told or None
    classes = classify_error(truth, found, told)
    return replace(
        entry,
        classes=tuple(classes),
        severity=severity(classes),
        regions=regions_with_errors(truth, found, told),
        fields=wrong_fields(truth, found, told),
    )


def _by_known_truth(entry: Entry, before: Entry) -> Entry:
    """An entry without a truth, judged by the one that is known of its document."""
    if entry.known:
        return entry
    known = replace(entry, known=True, truth=before.truth, told=before.told, group=entry.group or before.group)
    return _classified(known, truth_of_entry(known), read_document(known.found).document)


def _contradiction(entries: Iterable[Entry]) -> Contradiction | None:
    """The last change of a document's truth in what both truths speak of."""
    found = None
    before: Entry | None = None
    for entry in entries:
        if before is not None and before.truth != entry.truth:
            told = _both_told(before, entry)
            differing = wrong_fields(truth_of_entry(entry), truth_of_entry(before), told)
            other = before.id if before.id != entry.id else ""
            if differing:
                found = Contradiction(entry.id, differing, entry.at, before.at, other)
        before = entry
    return found


def _both_told(one: Entry, other: Entry) -> Collection[str] | None:
    if one.told and other.told:
        return set(one.told) & set(other.told)
    return one.told or other.told or None
