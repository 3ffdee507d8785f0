"""The one road from a file to pixels: every image and every page that emendo sees comes through here.

Kinds are told by content, never by name: PNG, JPEG, TIFF (many pages), WebP, PDF. The declared size is checked
against the limits before anything is decoded. Every decoded image is (height, width, 3) uint8 RGB, upright (EXIF
orientation applied), transparency laid on white, 16 bits reduced to 8.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

import numpy as np

from ..errors import BadInput, DocumentError, ImageError
from ..settings import Limits
from ..types import Image, Sample
from .crop import crop_line

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

SNIFF = 1024
"""Bytes of a file that tell its kind."""

DECODING_FAULTS = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, OverflowError, ArithmeticError, RuntimeError,
    MemoryError, AttributeError, AssertionError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on damaged files."""


class Source(Protocol):
    """An opened file of one or more frames."""

    def __len__(self) -> int: ...

    def frame(self, number: int) -> Image:
        """Decode frame `number`, counted from 0."""
        ...

    def close(self) -> None:
        """Release the source."""
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
        if kind not in _OPENERS:
            raise ImageError(_not_an_image(head, kind), where=path, remedy="emendo reads PNG, JPEG, TIFF, WebP and PDF")
        return Document(_RasterSource(stream, path, limits, kind), stream, kind)
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
        if not 0 <= number < len(document):
            raise DocumentError(f"has {len(document)} pages, page {number + 1} was asked for", where=path)
        return document.frame(number)


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


def sample_pages(sample: Sample, limits: Limits | None = None) -> list[Image]:
    """All pages of the document that a sample shows, in order. Raises ImageError or DocumentError.

    They are the files that its attribute `images` names (relative to the manifest, which lies in a folder above the
    sample's own file), else the pages of its own file: from `frame` on as many as its attribute `pages` says, all where
    it says nothing and starts at the first. A part of a page (`polygon`) is a page of its own.
    """
    limits = limits or Limits()
    others = sample.attributes.get("images")
    if isinstance(others, list) and others and all(isinstance(one, str) for one in others):
        root = next((place for place in sample.image.parents if (place / others[0]).is_file()), sample.image.parent)
        return [read_image(root / one, limits) for one in others]
    if sample.polygon is not None:
        return [sample_image(sample, limits)]
    with open_document(sample.image, limits) as document:
        told = sample.attributes.get("pages")
        count = told if isinstance(told, int) and told > 0 else 1 if sample.frame else len(document)
        if sample.frame >= len(document):
            raise DocumentError(f"has {len(document)} pages, page {sample.frame + 1} was asked for", where=sample.image)
        return [document.frame(at) for at in range(sample.frame, min(len(document), sample.frame + count))]


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


class _RasterSource:
    """PNG, JPEG, WebP: one frame. TIFF: one frame a page."""

    def __init__(self, stream: BinaryIO, path: Path, limits: Limits, kind: str) -> None:
        self._path, self._stream = path, stream
        self._limits = limits
        self._kind = kind
        try:
            if kind in _HEADERS:
                check_size(*_HEADERS[kind](stream.read(SNIFF)), path, limits)
                stream.seek(0)
            self._image = _OPENERS[kind](stream)
            check_size(*self._image.size, path, limits)
            self._frames = self._count() if kind == "tiff" else 1
        except DECODING_FAULTS as error:
            raise self._damaged(error) from error

    def __len__(self) -> int:
        return self._frames

    def frame(self, number: int) -> Image:
        try:
            if self._kind == "tiff":
                self._image.seek(number)
                self._check_tiles()
            check_size(*self._image.size, self._path, self._limits)
            return _to_rgb(self._image if self._kind == "tiff" else self._single())
        except DECODING_FAULTS as error:
            raise self._damaged(error, number) from error

    def close(self) -> None:
        self._image.close()

    def _single(self) -> ImageFile:
        """The only frame, opened for this decoding alone, so that its pixels are not held twice."""
        self._stream.seek(0)
        return _OPENERS[self._kind](self._stream)

    def _count(self) -> int:
        limit = self._limits.document_pages
        for number in range(1, limit + 1):
            try:
                self._image.seek(number)
            except EOFError:
                return number
        raise DocumentError(
            f"has more than {limit} pages", where=self._path, remedy="split it or raise limits.document_pages"
        )

    def _check_tiles(self) -> None:
        tags = getattr(self._image, "tag_v2", {})
        tile = (tags.get(322, 0), tags.get(323, 0))
        if all(isinstance(side, int) and side > 0 for side in tile):
            check_size(*tile, self._path, self._limits)

    def _damaged(self, error: BaseException, number: int = 0) -> BadInput:
        if isinstance(error, BadInput):
            return error
        page = f"page {number + 1} of " if self._frames_known() > 1 else ""
        detail = " ".join(str(error).split()) or type(error).__name__
        return ImageError(
            f"{page}the {self._kind.upper()} image is damaged or cut short ({detail[:160]})",
            where=self._path,
            remedy="export or copy it again",
        )

    def _frames_known(self) -> int:
        return getattr(self, "_frames", 1)


def check_size(width: int, height: int, path: Path, limits: Limits, *, page: int | None = None) -> None:
    """Raise ImageError (DocumentError with a `page`, from 1) when an image has no pixels or too many."""
    kind, place = (ImageError, "") if page is None else (DocumentError, f"page {page} ")
    if width <= 0 or height <= 0:
        raise kind(f"{place}is {width} x {height} pixels, so it shows nothing", where=path)
    if width * height > limits.image_megapixels * 1e6:
        raise kind(
            f"{place}is {width} x {height} pixels, more than the limit of {limits.image_megapixels:g} megapixels",
            where=path,
            remedy="scale it down or raise limits.image_megapixels",
        )


def webp_size(head: bytes) -> tuple[int, int]:
    """Canvas (width, height) from the first 30 bytes of a WebP file (RFC 9649). Raises ValueError."""
    chunk = head[12:16]
    if chunk == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if chunk == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP header")


def png_size(head: bytes) -> tuple[int, int]:
    """(width, height) from the first 24 bytes of a PNG file. Raises ValueError."""
    if len(head) < 24 or head[12:16] != b"IHDR":
        raise ValueError("no PNG header")
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


_HEADERS = {"png": png_size, "webp": webp_size}
"""Kinds whose plugin fails without saying why, or takes memory, before it tells the size."""


# The plugins are opened directly: `PIL.Image.open` would apply Pillow's own process-wide size limit over ours.
def _open_png(stream: BinaryIO) -> ImageFile:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(stream)


def _open_jpeg(stream: BinaryIO) -> ImageFile:
    from PIL.JpegImagePlugin import JpegImageFile

    return JpegImageFile(stream)


def _open_tiff(stream: BinaryIO) -> ImageFile:
    from PIL.TiffImagePlugin import TiffImageFile

    return TiffImageFile(stream)


def _open_webp(stream: BinaryIO) -> ImageFile:
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(stream)


_OPENERS: dict[str, Callable[[BinaryIO], ImageFile]] = {
    "png": _open_png,
    "jpeg": _open_jpeg,
    "tiff": _open_tiff,
    "webp": _open_webp,
}


def _to_rgb(image: ImageFile) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageOps

    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    upright: Pillow.Image = image
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_deep(np.asarray(upright))
    if upright.has_transparency_data:
        coloured = upright.convert("RGBA")
        paper = Pillow.new("RGBA", coloured.size, (255, 255, 255, 255))
        upright = Pillow.alpha_composite(paper, coloured)
    return np.array(upright if upright.mode == "RGB" else upright.convert("RGB"), dtype=np.uint8)


def _from_deep(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Image:
    """Grey of 16 or 32 bits, or floats, as 8-bit RGB: full scale is 65535 (255 or 1 where nothing exceeds it)."""
    grey = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=65535.0, neginf=0.0)
    top = float(grey.max(initial=0.0))
    scale = 255.0 if top <= 1 and values.dtype.kind == "f" else 1.0 if top <= 255 else 255.0 / 65535.0
    eight = np.clip(grey * scale + 0.5, 0, 255).astype(np.uint8)
    return np.repeat(eight[:, :, None], 3, axis=2)
