"""Documents to files of fields: `invoice.pdf` has its fields, checked, in `invoice.fields.json`.

document, sha256, pages, dpi, model   what was read, and by what
words, text_layer                     of a PDF: by which of `text layer or OCR` and `OCR` words were to be told, and the
                                      pages whose words are those of its text layer
fields                                canonical fields with their sources
confidence, certainty                 how sure the document and each field is
findings, faults                      what does not add up, and what could not be read
digest                                SHA-256 of the fields as they were read: a file that a person changed is kept
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, overload

from ..errors import BadInput, DocumentError, EmendoError, FormatError
from ..fields.schema import Document, Fault, ReadDocument, read_document
from ..fields.validate import Finding, Severity, validate_document
from ..fields.values import amount_text
from ..image.load import Document as Frames
from ..image.load import LayeredPages, open_document
from ..settings import Settings
from ..tools.files import sha256_bytes, sha256_file, write_json
from ..types import DocumentReader, Image, Reading
from .inputs import expand_inputs
from .session import settled_first

ENDING: Final = ".fields.json"
FORMAT: Final = "emendo.fieldsfile/1"
_PAGE: Final = "page "
Status = Literal["read", "unchanged", "kept"]
Progress = Callable[[int, int, str], None]
_Show = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FieldsFile:
    """The fields of one document as its file holds them.

    `status`: `read` now, `unchanged` since the last reading, or `kept` because a person has changed the file.
    """

    document: Path
    target: Path
    status: Status
    pages: int
    model: str
    fields: Document
    confidence: float
    certainty: Mapping[str, float]
    findings: tuple[Finding, ...]
    faults: Mapping[str, str]
    text_layer: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "document": str(self.document),
            "file": str(self.target),
            "status": self.status,
            "pages": self.pages,
            "text_layer": list(self.text_layer),
            "model": self.model,
            "fields": self.fields.values(sources=True),
            "confidence": self.confidence,
            "certainty": dict(self.certainty),
            "findings": [one.to_dict() for one in self.findings],
            "faults": dict(self.faults),
        }

    def sentence(self) -> str:
        """One line for a person: who sells, when, for how much, how sure that is, and what does not add up."""
        found = self.fields
        total = None if found.total is None else f"{amount_text(found.total, least=2)} {found.currency or ''}".rstrip()
        told = (
            found.seller or "seller not found",
            found.date.isoformat() if found.date else "date not found",
            f"total {total}" if total else "total not found",
            f"{100 * self.confidence:.0f} % sure",
        )
        wrong = [self._placed(one) for one in self.findings if one.severity is Severity.ERROR]
        wrong += [f"{place}: {what}" for place, what in self.faults.items() if place.startswith(_PAGE)]
        return f"{self.document}: {', '.join(told)}" + (f"; {'; '.join(wrong)}" if wrong else "")

    def _placed(self, finding: Finding) -> str:
        """A finding with its field, and the page where that stands."""
        path = finding.paths[0] if finding.paths else ""
        page = f" on page {_page_of(self.fields, path)}" if self.pages > 1 and _page_of(self.fields, path) else ""
        return f"{path}{page}: {finding.what}" if path else finding.what


@dataclass(frozen=True, slots=True)
class FieldsResult:
    """What became of all documents: a file each, sentences on those that failed, and on what was passed over."""

    files: tuple[FieldsFile, ...]
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """The `--json` object."""
        count = {status: sum(one.status == status for one in self.files) for status in ("read", "unchanged", "kept")}
        return {
            "documents": len(self.files) + len(self.failures),
            **count,
            "failed": len(self.failures),
            "results": [one.to_dict() for one in self.files],
            "failures": list(self.failures),
            "notices": list(self.notices),
        }

    def sentences(self) -> list[str]:
        """What a person should know, a line each."""
        told = [one.sentence() for one in self.files if one.status == "read"]
        told += [f"{one.document}: kept, because {one.target.name} was changed" for one in self.files if _kept(one)]
        same = sum(one.status == "unchanged" for one in self.files)
        if same:
            told.append(f"{same} read before and unchanged (--again reads them anew)")
        return [*told, *self.notices]


def read_fields(
    inputs: Sequence[Path],
    *,
    reader: DocumentReader,
    settings: Settings | None = None,
    out: Path | None = None,
    again: bool = False,
    progress: Progress | None = None,
    done: Callable[[Path, FieldsFile | None], None] | None = None,
) -> FieldsResult:
    """Read files and the documents in folders into files of fields, beside them or under `out`.

    Each file, of however many pages, is one document. One that was read before by the same model is not read again
    unless `again` or its content or the resolution changed; a file of fields that a person changed is never touched.
    A document that fails becomes a sentence with its page and stops no other. `done` is called with each document that
    was read now and its fields, None when none were found. Raises UsageError when an input is not there.
    """
    settings = settings or Settings()
    found = expand_inputs(inputs)
    failures, notices = list(found.failures), list(found.notices)
    files: list[FieldsFile] = []
    targets: dict[Path, Path] = {}
    documents = settled_first(found.documents, settings.watch.settle_seconds, notices)
    for number, document in enumerate(documents):
        path = document.path
        target = (out / document.inside if out is not None else path.parent) / (path.stem + ENDING)
        show = _shown(progress, number, len(documents), path.name)
        try:
            if targets.setdefault(target, path) != path:
                raise BadInput(f"would have its fields where those of {targets[target]} are", where=path)
            file = _one(path, target, reader, settings, again=again, show=show)
        except _NoFields as error:
            failures.append(str(error))
            if done is not None:
                done(path, None)
        except EmendoError as error:
            failures.append(str(error))
        else:
            files.append(file)
            if done is not None and file.status == "read":
                done(path, file)
    return FieldsResult(tuple(files), tuple(failures), tuple(notices))


class _NoFields(DocumentError):
    """A document that was read and holds nothing that is asked for."""


def _one(
    path: Path,
    target: Path,
    reader: DocumentReader,
    settings: Settings,
    *,
    again: bool,
    show: Callable[[int, int], None],
) -> FieldsFile:
    with open_document(path, settings.limits, dpi=settings.read.dpi) as opened:
        job = {"document": path.name, "sha256": sha256_file(path), "dpi": settings.read.dpi, "model": reader.model}
        held = _held(target, path)
        layered = opened.kind == "pdf" and settings.read.text_layer == "auto"
        if opened.kind == "pdf":
            job["words"] = "text layer or OCR" if layered else "OCR"
        if held is not None and (_changed(held) or (not again and all(held.get(key) == job[key] for key in job))):
            return _loaded(held, path, target)
        pages = _Pages(opened, show)
        (reading,) = reader.read_documents([LayeredPages(pages, opened.layer) if layered else pages])
        if reading.fields is None:
            raise _NoFields(_nothing(reading, len(opened)), where=path)
        content = _content(reading, {**job, "pages": len(opened)})
    try:
        write_json(target, content)
    except OSError as error:
        raise BadInput(f"cannot be written ({(error.strerror or str(error)).lower()})", where=target) from error
    return _file(content, path, target, "read")


class _Pages(Sequence[Image]):
    """The pages of an opened document, each decoded when it is asked for."""

    def __init__(self, opened: Frames, show: _Show) -> None:
        self._opened, self._show = opened, show

    def __len__(self) -> int:
        return len(self._opened)

    @overload
    def __getitem__(self, at: int) -> Image: ...

    @overload
    def __getitem__(self, at: slice) -> list[Image]: ...

    def __getitem__(self, at: int | slice) -> Image | list[Image]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        number = at + len(self) if at < 0 else at
        page = self._opened.frame(number)
        self._show(number, len(self))
        return page

    def __iter__(self) -> Iterator[Image]:
        return (self[number] for number in range(len(self)))


def _shown(progress: Progress | None, number: int, count: int, name: str) -> _Show:
    def show(page: int, pages: int) -> None:
        if progress is not None:
            progress(number, count, name if pages == 1 else f"{name}, page {page + 1} of {pages}")

    return show


def _content(reading: Reading, job: Mapping[str, Any]) -> dict[str, Any]:
    read = read_document(reading.fields or {})
    faults = {**reading.faults, **{one.path: one.what for one in read.faults}}
    findings = _checked(read.document, faults)
    fields = read.document.values(sources=True)
    return {
        "format": FORMAT,
        **job,
        "text_layer": list(reading.text_layer),
        "fields": fields,
        "confidence": round(reading.confidence, 4),
        "certainty": {path: round(chance, 4) for path, chance in reading.certainty.items()},
        "findings": [one.to_dict() for one in findings],
        "faults": faults,
        "digest": _digest(fields),
    }


def _checked(document: Document, faults: Mapping[str, str]) -> tuple[Finding, ...]:
    unread = tuple(Fault(path, what) for path, what in faults.items() if not path.startswith(_PAGE))
    return validate_document(ReadDocument(document, unread)).findings


def _held(target: Path, path: Path) -> dict[str, Any] | None:
    """What stands at the target; None for nothing. Raises BadInput for what is not ours or another document's."""
    if not target.exists():
        return None
    remedy = f"rename {target.name} or read with --out"
    try:
        content = json.loads(target.read_bytes())
        ours = isinstance(content, dict) and content.get("format") == FORMAT and isinstance(content.get("fields"), dict)
    except (OSError, ValueError, RecursionError):
        ours = False
    if not ours:
        raise BadInput("stands where the fields would go and is not ours", where=target, remedy=remedy)
    if content.get("document") != path.name:
        what = f"holds the fields of {str(content.get('document'))[:80]}, not of {path.name}"
        raise BadInput(what, where=target, remedy=remedy)
    return dict(content)


def _changed(held: Mapping[str, Any]) -> bool:
    return bool(held.get("digest") != _digest(held["fields"]))


def _loaded(held: Mapping[str, Any], path: Path, target: Path) -> FieldsFile:
    return _file(held, path, target, "kept" if _changed(held) else "unchanged")


def _file(content: Mapping[str, Any], path: Path, target: Path, status: Status) -> FieldsFile:
    read = read_document(content["fields"])
    faults, certainty = content.get("faults"), content.get("certainty")
    if not isinstance(faults, dict) or not isinstance(certainty, dict):
        raise FormatError("is no whole file of fields", where=target, remedy="remove it and read the document again")
    faults = {**faults, **{one.path: one.what for one in read.faults}}
    if status == "kept":  # a person's values: what could not be read before is theirs now
        faults = {one.path: one.what for one in read.faults}
    return FieldsFile(
        document=path,
        target=target,
        status=status,
        pages=int(content.get("pages") or 1),
        model=str(content.get("model", "")),
        fields=read.document,
        confidence=float(content.get("confidence") or 0.0),
        certainty=certainty,
        findings=_checked(read.document, faults),
        faults=faults,
        text_layer=tuple(content.get("text_layer") or ()),
    )


def _digest(fields: Mapping[str, Any]) -> str:
    return sha256_bytes(json.dumps(fields, ensure_ascii=False, sort_keys=True).encode())


def _nothing(reading: Reading, pages: int) -> str:
    where = "its page" if pages == 1 else f"its {pages} pages"
    of_pages = [what for path, what in reading.faults.items() if path.startswith(_PAGE)]
    if len(of_pages) == pages:
        return f"{'; '.join(dict.fromkeys(of_pages))} on {where}; scan or photograph it again"
    unread = "; ".join(f"{path}: {what}" for path, what in reading.faults.items() if not path.startswith(_PAGE))
    told = f" ({unread})" if unread else ""
    return f"the words on {where} tell no field of an invoice or receipt{told}; look whether it is one"


def _page_of(document: Document, path: str) -> int:
    """The page on which a field stands; 0 where that is not known."""
    table, _, rest = path.partition(".")
    row, _, name = rest.partition(".")
    rows: Iterable[Any] = getattr(document, table, ()) if name else ()
    part = next((one for at, one in enumerate(rows) if str(at) == row), document) if name else document
    source = part.sources.get(name or path)
    return source.page if source is not None else 0


def _kept(file: FieldsFile) -> bool:
    return file.status == "kept"
