"""PDF pages to pixels through PDFium: scanned and vector pages alike are rendered, one page at a time."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import DocumentError
from ..settings import Limits
from ..types import Image
from .glyphs import TextLayer, text_layer
from .raster import check_size

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

POINTS_PER_INCH = 72.0

_pdfium = threading.RLock()
"""PDFium is not thread-safe: one call at a time in the whole process."""


class PdfSource:
    """The pages of one PDF, rendered at `dpi` when asked for. Raises DocumentError."""

    def __init__(self, stream: BinaryIO, path: Path, limits: Limits, dpi: int) -> None:
        import pypdfium2

        self._path = path
        self._limits = limits
        self._dpi = dpi
        self._pdf: Any = None
        with _pdfium:
            try:
                pdf = pypdfium2.PdfDocument(stream)
            except (pypdfium2.PdfiumError, OSError, ValueError) as error:
                raise _unopened(path, str(error)) from error
            self._pdf = pdf
            self._pages = len(pdf)
        if self._pages < 1:
            self.close()
            raise DocumentError("the PDF has no page that can be found", where=path, remedy="export it again")
        if self._pages > limits.document_pages:
            self.close()
            raise DocumentError(
                f"has {self._pages} pages, more than the limit of {limits.document_pages}",
                where=path,
                remedy="split it or raise limits.document_pages",
            )

    def __len__(self) -> int:
        return self._pages

    def frame(self, number: int) -> Image:
        """Page `number` (from 0) as (height, width, 3) uint8 RGB."""
        import pypdfium2

        with _pdfium:
            try:
                page = self._pdf[number]
                try:
                    scale = self._scale(page, number)
                    bitmap = page.render(scale=scale, rev_byteorder=True, fill_color=(255, 255, 255, 255))
                    pixels = bitmap.to_numpy()
                    rgb = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels[:, :, :3].copy()
                    bitmap.close()
                finally:
                    page.close()
            except (pypdfium2.PdfiumError, MemoryError, ValueError, OSError) as error:
                raise DocumentError(
                    f"page {number + 1} of the PDF cannot be rendered ({str(error).rstrip('.')})",
                    where=self._path,
                    remedy="export it again",
                ) from error
        return np.ascontiguousarray(rgb, dtype=np.uint8)

    def layer(self, number: int) -> TextLayer | None:
        """The text layer of page `number` (from 0) in the pixels of its `frame`; None where it has none to be read."""
        import pypdfium2

        with _pdfium:
            try:
                page = self._pdf[number]
                try:
                    scale = self._scale(page, number)
                    width, height = page.get_size()
                    return text_layer(page, math.ceil(width * scale), math.ceil(height * scale))
                finally:
                    page.close()
            except (pypdfium2.PdfiumError, MemoryError, ValueError, OSError):
                return None

    def close(self) -> None:
        """Release the PDF."""
        with _pdfium:
            if self._pdf is not None:
                self._pdf.close()
                self._pdf = None

    def _scale(self, page: PdfPage, number: int) -> float:
        width, height = page.get_size()
        if not (math.isfinite(width) and math.isfinite(height)):
            raise DocumentError(f"page {number + 1} of the PDF has no finite size", where=self._path)
        if max(width, height) > self._limits.pdf_points:
            raise DocumentError(
                f"page {number + 1} is {width:.0f} x {height:.0f} points, more than the limit of "
                f"{self._limits.pdf_points:g} points a side",
                where=self._path,
                remedy="scale the page down or raise limits.pdf_points",
            )
        scale = self._dpi / POINTS_PER_INCH
        check_size(math.ceil(width * scale), math.ceil(height * scale), self._path, self._limits, page=number + 1)
        return scale


def _unopened(path: Path, message: str) -> DocumentError:
    if "password" in message.lower():
        return DocumentError("the PDF is encrypted", where=path, remedy="save it without a password")
    return DocumentError("the PDF is damaged or cut short", where=path, remedy="export or copy it again")
