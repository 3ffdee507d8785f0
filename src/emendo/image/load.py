"""The one road from a file to pixels: every image and every page that emendo sees comes through here.

Kinds are told by content, never by name: PNG, JPEG, TIFF (many pages), WebP, PDF. The declared size is checked
against the limits before anything is decoded. Every decoded image is (height, width, 3) uint8 RGB, upright (EXIF
orientation applied), transparency laid on white, 16 bits reduced to 8.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, overload, runtime_checkable

from ..errors import DocumentError, ImageError
from ..settings import Limits
from ..tools.counts import counted
from ..types import Image, Sample
from .crop import crop_line
from .glyphs import TextLayer
from .raster import OPENERS, SNIFF, RasterSource


class Source(Protocol):
    """An opened file of one or more frames."""

    def __len__(self) -> int: ...

    def frame(self, number: int) -> Image:
        """Decode frame `number`, counted from 0."""
        ...

    def close(self) -> None:
        """Release the source."""
        ...


@runtime_checkable
class Layered(Protocol):
    """A source whose pages may have a text layer."""

    def layer(self, number: int) -> TextLayer | None:
        """That of page `number`, counted from 0."""
        ...


class Document:
    """An opened image or document: `len()` frames, each decoded only when asked for. Close it, or use `with`.

    `kind` is what its content says (see `sniff`).
    """

    def __init__(self, source: Source, stream: BinaryIO, kind: str) -> None:
        self._source = source
        self._stream = stream
        self.kind = kind

    def __len__(self) -> int:
        return len(self._source)

    def frame(self, number: int) -> Image:
        """Frame `number` (from 0) as (height, width, 3) uint8 RGB. Raises ImageError or DocumentError."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._source.frame(number)

    def layer(self, number: int) -> TextLayer | None:
        """The text layer of page `number` (from 0) of a PDF in the pixels of its frame; None where there is none."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._source.layer(number) if isinstance(self._source, Layered) else None

    def close(self) -> None:
        """Release the file."""
        self._source.close()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LayeredPages(Sequence[Image]):
    """Pages that can be asked for their text layer: a reader of documents may take its words in place of its own.

    `layer` gives that of page `at` (from 0), None where there is none.
    """

    def __init__(self, pages: Sequence[Image], layer: Callable[[int], TextLayer | None]) -> None:
        self._pages, self.layer = pages, layer

    def __len__(self) -> int:
        return len(self._pages)

    @overload
    def __getitem__(self, at: int) -> Image: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Image]: ...

    def __getitem__(self, at: int | slice) -> Image | Sequence[Image]:
        return self._pages[at]

    def __iter__(self) -> Iterator[Image]:
        return iter(self._pages)


def open_document(path: Path, limits: Limits | None = None, *, dpi: int = 200) -> Document:
    """Open an image, a multi-page TIFF or a PDF; PDF pages will be rendered at `dpi` dots per inch.

    Raises ImageError or DocumentError when the file is not a regular file, of no known kind, damaged in a way that
    shows on opening, or beyond the limits.
    """
    return _opened(open_regular(path), path, limits or Limits(), dpi)


def open_content(content: bytes, name: str, limits: Limits | None = None, *, dpi: int = 200) -> Document:
    """The same for the content of a file that arrived over the network, which errors call `name`."""
    return _opened(BytesIO(content), Path(name), limits or Limits(), dpi)


def _opened(stream: BinaryIO, path: Path, limits: Limits, dpi: int) -> Document:
    try:
        head = stream.read(SNIFF)
        kind = sniff(head)
        stream.seek(0)
        if kind == "pdf":
            from .pdf import PdfSource

            return Document(PdfSource(stream, path, limits, dpi), stream, kind)
        if kind not in OPENERS:
            raise ImageError(_not_an_image(head, kind), where=path, remedy="emendo reads PNG, JPEG, TIFF, WebP and PDF")
        return Document(RasterSource(stream, path, limits, kind), stream, kind)
    except BaseException:
        stream.close()
        raise


def read_image(path: Path, limits: Limits | None = None) -> Image:
    """The first frame of a file as (height, width, 3) uint8 RGB. Raises ImageError or DocumentError."""
    with open_document(path, limits) as document:
        return document.frame(0)


def read_frame(path: Path, number: int, limits: Limits | None = None, *, dpi: int = 200) -> Image:
    """Frame `number` (from 0) of a file. Raises ImageError or DocumentError, also when there is no such frame."""
    with open_document(path, limits, dpi=dpi) as document:
        return _there(document, number, path).frame(number)


def read_layered(
    path: Path, number: int, limits: Limits | None = None, *, dpi: int = 200
) -> tuple[Image, TextLayer | None]:
    """Frame `number` (from 0) of a file and its text layer, where it has one. Errors as for `read_frame`."""
    with open_document(path, limits, dpi=dpi) as document:
        return _there(document, number, path).frame(number), document.layer(number)


def _there(document: Document, number: int, path: Path) -> Document:
    """The document, if it has that frame."""
    if not 0 <= number < len(document):
        raise DocumentError(f"has {counted(len(document), 'page')}, page {number + 1} was asked for", where=path)
    return document


def frames(path: Path, limits: Limits | None = None, *, dpi: int = 200) -> Iterator[Image]:
    """All frames of a file in order, each decoded when reached. Raises ImageError or DocumentError."""
    with open_document(path, limits, dpi=dpi) as document:
        for number in range(len(document)):
            yield document.frame(number)


def sample_image(sample: Sample, limits: Limits | None = None) -> Image:
    """The pixels of a sample: its frame, cut to its polygon when it has one. Raises ImageError or DocumentError.

    The last pages that samples were cut from are kept, so that the lines of one page decode it once.
    """
    limits = limits or Limits()
    if sample.polygon is None and sample.frame == 0:
        return read_image(sample.image, limits)
    try:
        status = sample.image.stat()
    except (OSError, ValueError) as error:
        raise ImageError(_cannot_open(error), where=sample.image) from error
    page = _kept_frame(sample.image, status.st_mtime_ns, status.st_size, sample.frame, limits)
    return page.copy() if sample.polygon is None else crop_line(page, sample.polygon)


def sample_pages(sample: Sample, limits: Limits | None = None, *, dpi: int = 200) -> list[Image]:
    """All pages of a document in order, PDF pages rendered at `dpi`.

    These are the files of its attribute `images`, given relative to the manifest as the sample's own image is, in place
    of that; else all frames of its file, or the one frame or part that the sample names. Raises ImageError or
    DocumentError, which name the page.
    """
    if sample.polygon is not None or sample.frame:
        return [sample_image(sample, limits)]
    names = sample.attributes.get("images")
    if names is None:
        return list(frames(sample.image, limits, dpi=dpi))
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise DocumentError(f"`images` of {sample.id} is no list of paths", remedy="list the pages of the document")
    root = next((root for root in sample.image.parents if all((root / name).is_file() for name in names)), None)
    if root is None:
        missing = next(name for name in names if not any((root / name).is_file() for root in sample.image.parents))
        at = names.index(missing) + 1
        raise DocumentError(f"page {at} of {sample.id} is not there: {missing}", remedy="put it beside the manifest")
    return [page for name in names for page in frames(root / name, limits, dpi=dpi)]


@lru_cache(maxsize=2)
def _kept_frame(path: Path, modified: int, size: int, number: int, limits: Limits) -> Image:
    page = read_frame(path, number, limits)
    page.flags.writeable = False
    return page


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises ImageError for anything else: a folder, FIFO, device, looped link."""
    try:
        # O_NONBLOCK: opening a FIFO that nobody writes to must not wait
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise ImageError(_cannot_open(error), where=path) from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        name = next((name for test, name in _FILE_KINDS if test(mode)), "special file")
        raise ImageError(f"is a {name}, not a regular file", where=path)
    return os.fdopen(handle, "rb")


_FILE_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISCHR, "device"),
)


def _cannot_open(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened ({error.strerror.lower()})"
    return f"cannot be opened ({error})"


def sniff(head: bytes) -> str:
    """Kind of a file from its first bytes: png, jpeg, tiff, webp, pdf, html, postscript, empty; `""` when unknown."""
    if not head:
        return "empty"
    for kind, offset, signature in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return kind
    if b"%PDF-" in head:
        return "pdf"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "html"
    return ""


_SIGNATURES = (
    ("png", 0, b"\x89PNG\r\n\x1a\n"),
    ("jpeg", 0, b"\xff\xd8\xff"),
    ("tiff", 0, b"II*\0"),
    ("tiff", 0, b"MM\0*"),
    ("tiff", 0, b"II+\0"),
    ("tiff", 0, b"MM\0+"),
    ("webp", 8, b"WEBP"),
    ("postscript", 0, b"%!PS"),
    ("postscript", 0, b"\xc5\xd0\xd3\xc6"),
)


def _not_an_image(head: bytes, kind: str) -> str:
    if kind == "empty":
        return "is empty"
    if kind == "html":
        return "holds a web page (HTML), not an image"
    if kind == "postscript":
        return "holds PostScript, not an image"
    return f"is no image or PDF (it starts with {head[:8]!r})"
