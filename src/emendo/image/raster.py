"""Pictures of one frame (PNG, JPEG, WebP) and TIFF of many, decoded by Pillow: sizes are checked before pixels are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import BadInput, DocumentError, ImageError
from ..settings import Limits
from ..types import Image

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

SNIFF = 1024
"""Bytes of a file that tell its kind."""

DECODING_FAULTS = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, OverflowError, ArithmeticError, RuntimeError,
    MemoryError, AttributeError, AssertionError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on damaged files."""


class RasterSource:
    """PNG, JPEG, WebP: one frame. TIFF: one frame a page."""

    def __init__(self, stream: BinaryIO, path: Path, limits: Limits, kind: str) -> None:
        self._path, self._stream = path, stream
        self._limits = limits
        self._kind = kind
        try:
            if kind in _HEADERS:
                check_size(*_HEADERS[kind](stream.read(SNIFF)), path, limits)
                stream.seek(0)
            self._image = OPENERS[kind](stream)
            check_size(*self._image.size, path, limits)
            self._frames = self._count() if kind == "tiff" else 1
        except DECODING_FAULTS as error:
            raise self._damaged(error) from error

    def __len__(self) -> int:
        return self._frames

    def frame(self, number: int) -> Image:
        """Frame `number` (from 0) as (height, width, 3) uint8 RGB. Raises ImageError."""
        try:
            if self._kind == "tiff":
                self._image.seek(number)
                self._check_tiles()
            check_size(*self._image.size, self._path, self._limits)
            return _to_rgb(self._image if self._kind == "tiff" else self._single())
        except DECODING_FAULTS as error:
            raise self._damaged(error, number) from error

    def close(self) -> None:
        """Release the image; the stream stays open."""
        self._image.close()

    def _single(self) -> ImageFile:
        """The only frame, opened for this decoding alone, so that its pixels are not held twice."""
        self._stream.seek(0)
        return OPENERS[self._kind](self._stream)

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


OPENERS: dict[str, Callable[[BinaryIO], ImageFile]] = {
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
