"""The text layer of a PDF page: each printed character with where it stands in the pixels of the rendered page."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ..types import Box, Point

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

MOST: Final = 20_000
"""Characters of a page that are looked at; a page with more has no layer (a full page of small print has 8,000)."""
_MOST_OBJECTS: Final = 200_000
_DEEPEST: Final = 4
_FINE: Final = 64
"""PDFium places points in whole pixels: it is asked for a page so many times as large."""
_HIDDEN_MODES: Final = frozenset({3, 7})
"""Text rendering modes (ISO 32000-1, 9.3.6) that paint nothing: invisible, and clip only."""
_FAR: Final = 10
"""What reaches further than so many pages is no character."""
_TURNED: Final = math.radians(4)
_HYPHENS: Final = frozenset({0x02, 0xAD})
"""A hyphen at the end of a line, as PDFium marks it, and the soft one, which is printed where it stands."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character. `text` is empty where the file does not tell which it is, a blank for white space; `inferred` is a
    blank that PDFium infers.

    `box` spans its advance, and from the lowest to the highest letter of its face; `origin` lies on its baseline;
    `size` is that of the face, `ink` the box of what is drawn, all in pixels. `turn` counts the quarter turns against
    the clock that the writing is turned by (0: level, 1: up the page), None for a slant. `font` numbers the fonts of
    the page. `shown`: whether it is painted at all.
    """

    text: str
    box: Box
    origin: Point
    size: float
    ink: Box
    turn: int | None
    font: int
    shown: bool
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class TextLayer:
    """The characters of a page in the order of the file, and the boxes of its raster pictures in pixels.

    Where PDFium infers white space between words there is a blank without extent.
    """

    glyphs: tuple[Glyph, ...]
    pictures: tuple[Box, ...]


def text_layer(page: PdfPage, width: int, height: int) -> TextLayer | None:
    """The text layer of an opened page that is rendered to `width` x `height` pixels; None where there is no text.

    Turned pages and crop boxes are taken into account. The caller holds PDFium's lock. Raises PdfiumError for a page
    whose text cannot be read.
    """
    text = page.get_textpage()
    try:
        count = text.count_chars()
        if not 0 < count <= MOST:
            return None
        place = _Placing(page, width, height)
        fonts = _Fonts()
        glyphs = tuple(one for at in range(count) if (one := _glyph(text, at, place, fonts)) is not None)
    finally:
        text.close()
    return TextLayer(glyphs, tuple(_pictures(page, place))) if glyphs else None


class _Placing:
    """From a page's own coordinates to pixels: points, directions and boxes."""

    def __init__(self, page: PdfPage, width: int, height: int) -> None:
        import pypdfium2.raw as pdfium

        def device(x: float, y: float) -> Point:
            across, down = ctypes.c_int(), ctypes.c_int()
            pdfium.FPDF_PageToDevice(page, 0, 0, width * _FINE, height * _FINE, 0, x, y, across, down)
            return across.value / _FINE, down.value / _FINE

        far = 1000.0
        self.most = max(width, height)
        self.x, self.y = device(0, 0)
        (right, rising), (over, up) = device(far, 0), device(0, far)
        self.xx, self.yx = (right - self.x) / far, (rising - self.y) / far
        self.xy, self.yy = (over - self.x) / far, (up - self.y) / far

    def turned(self, x: float, y: float) -> Point:
        return self.xx * x + self.xy * y, self.yx * x + self.yy * y

    def at(self, x: float, y: float) -> Point:
        across, down = self.turned(x, y)
        return self.x + across, self.y + down

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x0, y0), (x1, y1) = self.at(left, bottom), self.at(right, top)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


class _Fonts:
    """Numbers fonts, and remembers of each text object whether it is painted and its font."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[bool, int]] = {}
        self._numbers: dict[int, int] = {}

    def of(self, told: Any) -> tuple[bool, int]:
        import pypdfium2.raw as pdfium

        key = ctypes.cast(told, ctypes.c_void_p).value or 0
        if key not in self._known:
            font = ctypes.cast(pdfium.FPDFTextObj_GetFont(told), ctypes.c_void_p).value or 0
            shown = pdfium.FPDFTextObj_GetTextRenderMode(told) not in _HIDDEN_MODES
            self._known[key] = shown, self._numbers.setdefault(font, len(self._numbers))
        return self._known[key]


def _glyph(text: Any, at: int, place: _Placing, fonts: _Fonts) -> Glyph | None:
    """Character `at`; None for one that has no place."""
    import pypdfium2.raw as pdfium

    x, y = ctypes.c_double(), ctypes.c_double()
    if not pdfium.FPDFText_GetCharOrigin(text, at, x, y):
        return None
    origin = place.at(x.value, y.value)
    if pdfium.FPDFText_IsGenerated(text, at) == 1:
        return Glyph(" ", (*origin, *origin), origin, 1.0, (*origin, *origin), 0, -1, shown=True, inferred=True)
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(text, at, matrix):
        return None
    along, up = place.turned(matrix.a, matrix.b), place.turned(matrix.c, matrix.d)
    size = pdfium.FPDFText_GetFontSize(text, at) * math.hypot(*up)
    box, ink = place.box(*text.get_charbox(at, loose=True)), place.box(*text.get_charbox(at))
    sides = (*along, *origin, *box, *ink)
    if not all(abs(side) <= _FAR * place.most for side in sides) or not 1 <= size <= place.most:  # none of nan
        return None
    shown, font = fonts.of(pdfium.FPDFText_GetTextObject(text, at))
    told = pdfium.FPDFText_HasUnicodeMapError(text, at) != 1
    char = _character(pdfium.FPDFText_GetUnicode(text, at)) if told else ""
    return Glyph(char, box, origin, size, ink, _turn(along), font, shown)


def _turn(along: Point) -> int | None:
    """Quarter turns against the clock of a direction in pixels, y down."""
    angle = math.atan2(-along[1], along[0])
    quarter = round(angle / (math.pi / 2))
    return quarter % 4 if abs(angle - quarter * math.pi / 2) < _TURNED else None


def _character(code: int) -> str:
    """What a code point says; empty for what is no character (private use, control codes, gaps in Unicode)."""
    if code in _HYPHENS:
        return "-"
    if not 0 < code <= 0x10FFFF:
        return ""
    char = chr(code)
    if char.isspace():
        return " "
    if unicodedata.category(char) in {"Cc", "Cn", "Co", "Cs"} or char == "\ufffd":
        return ""
    return unicodedata.normalize("NFKC", char) if 0xFB00 <= code <= 0xFB06 else char


def _pictures(page: PdfPage, place: _Placing) -> Iterator[Box]:
    """Boxes of the raster pictures of a page, also of those inside of forms."""
    import pypdfium2.raw as pdfium

    left = _MOST_OBJECTS
    waiting: list[tuple[Any, Array, int]] = []
    for at in range(min(left, pdfium.FPDFPage_CountObjects(page))):
        waiting.append((pdfium.FPDFPage_GetObject(page, at), np.eye(3), 0))
    while waiting and left > 0:
        left -= 1
        one, around, depth = waiting.pop()
        kind = pdfium.FPDFPageObj_GetType(one)
        if kind not in {pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM}:
            continue
        matrix = pdfium.FS_MATRIX()
        if not pdfium.FPDFPageObj_GetMatrix(one, matrix):
            continue
        own = around @ [[matrix.a, matrix.c, matrix.e], [matrix.b, matrix.d, matrix.f], [0, 0, 1]]
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            for at in range(max(0, min(left, pdfium.FPDFFormObj_CountObjects(one)))):
                waiting.append((pdfium.FPDFFormObj_GetObject(one, at), own, depth + 1))
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            corners = [place.at(*(own @ (x, y, 1))[:2]) for x, y in ((0, 0), (1, 0), (0, 1), (1, 1))]
            xs, ys = zip(*corners, strict=True)
            if all(map(math.isfinite, (*xs, *ys))):
                yield min(xs), min(ys), max(xs), max(ys)
