"""A sheet to write on: text, rules and shapes at places in points, that become a PDF with a text layer.

Only the standard faces of PDF are used (ISO 32000-1, 9.6.2.2), which every renderer brings along, so the same sheet
gives the same file and the same pixels everywhere. Of each word the box and what it means are kept.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from math import cos, radians, sin
from typing import Final

import pypdfium2.raw as pdfium

ASCENT, DESCENT = 0.72, 0.2
"""How far letters reach above and below the baseline, in sizes."""
FACES: Final = (
    ("Helvetica", "Helvetica-Bold"),
    ("Times-Roman", "Times-Bold"),
    ("Courier", "Courier-Bold"),
)
"""Families of faces: plain and bold."""
Colour = tuple[float, float, float]
BLACK: Final[Colour] = (0.0, 0.0, 0.0)
_NAMES: Final = tuple(name for family in FACES for name in family)


@dataclass(frozen=True, slots=True)
class Word:
    """A printed word: its box (left, top, right, bottom) in points from the top left, and the place of its value.

    `meaning` is a path of the fields (`total`, `lines.2.amount`), empty for all other words; `region` names the part
    of the document in which it stands.
    """

    text: str
    page: int
    box: tuple[float, float, float, float]
    meaning: str = ""
    region: str = ""


@dataclass(slots=True)
class Sheet:
    """Pages of one size (width, height) in points; y runs down from the top."""

    width: float
    height: float
    words: list[Word] = field(default_factory=list)
    pages: list[list[bytes]] = field(default_factory=lambda: [[]])
    stretch: float = 1.0
    """Width of letters relative to the face's own."""

    def new_page(self) -> None:
        """Go on with the next page."""
        self.pages.append([])

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        face: str,
        size: float,
        align: str = "left",
        colour: Colour = BLACK,
        meaning: str = "",
        region: str = "",
    ) -> float:
        """Write a line with its baseline at `y`, from, around or up to `x`; where it ends."""
        wide = self.measure(text, face, size)
        left = x - (wide if align == "right" else wide / 2 if align == "centre" else 0)
        self._show(left, self.height - y, text, face, size, colour, 0.0)
        at = left
        space = self.measure(" ", face, size)
        for part in text.split(" "):
            end = at + self.measure(part, face, size)
            if part:
                box = (at, y - ASCENT * size, end, y + DESCENT * size)
                self.words.append(Word(part, len(self.pages), box, meaning, region))
            at = end + space
        return left + wide

    def slanted(self, x: float, y: float, text: str, *, face: str, size: float, angle: float, colour: Colour) -> None:
        """Write a stamp, turned by `angle` degrees around its left end; its words count as none."""
        self._show(x, self.height - y, text, face, size, colour, angle)

    def rule(
        self, x0: float, y0: float, x1: float, y1: float, *, width: float = 0.6, colour: Colour = BLACK, dash: str = ""
    ) -> None:
        """Draw a line; `dash` are the lengths of strokes and gaps."""
        self._add(f"q {dash and f'[{dash}] 0 d '}{width:.2f} w {_rgb(colour)} RG {x0:.2f} {self.height - y0:.2f} m ")
        self._add(f"{x1:.2f} {self.height - y1:.2f} l S Q\n")

    def box(
        self, x0: float, y0: float, x1: float, y1: float, *, fill: Colour | None = None, edge: Colour | None = None
    ) -> None:
        """Draw a rectangle, filled, with an edge, or both."""
        paint = "B" if fill and edge else "f" if fill else "S"
        colours = (f"{_rgb(fill)} rg " if fill else "") + (f"{_rgb(edge)} RG 0.6 w " if edge else "")
        self._add(f"q {colours}{x0:.2f} {self.height - y1:.2f} {x1 - x0:.2f} {y1 - y0:.2f} re {paint} Q\n")

    def polygon(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """Fill an outline."""
        (x, y), *rest = [(one, self.height - other) for one, other in points]
        path = f"{x:.2f} {y:.2f} m " + " ".join(f"{one:.2f} {other:.2f} l" for one, other in rest)
        self._add(f"q {_rgb(fill)} rg {path} h f Q\n")

    def measure(self, text: str, face: str, size: float) -> float:
        """Width of a text in points."""
        return sum(_advance(face, char) for char in text) * size * self.stretch

    def pdf(self) -> bytes:
        """The pages as a PDF 1.4 without dates or identifiers: the same sheet gives the same bytes."""
        fonts = "".join(f"/F{at} {3 + at} 0 R" for at in range(len(_NAMES)))
        first = 3 + len(_NAMES)
        kids = " ".join(f"{first + 2 * at} 0 R" for at in range(len(self.pages)))
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            f"<</Type/Pages/Kids[{kids}]/Count {len(self.pages)}>>".encode(),
            *(_font(name) for name in _NAMES),
        ]
        for at, parts in enumerate(self.pages):
            drawing = b"".join(parts)
            size = f"/MediaBox[0 0 {self.width:.2f} {self.height:.2f}]/Resources<</Font<<{fonts}>>>>"
            objects.append(f"<</Type/Page/Parent 2 0 R{size}/Contents {first + 2 * at + 1} 0 R>>".encode())
            objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing))
        return _file(objects)

    def _show(self, x: float, y: float, text: str, face: str, size: float, colour: Colour, angle: float) -> None:
        shown = text.encode("cp1252", "replace").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
        turn = (
            f"{cos(radians(angle)):.4f} {sin(radians(angle)):.4f} {-sin(radians(angle)):.4f} {cos(radians(angle)):.4f}"
        )
        head = f"BT /F{_NAMES.index(face)} {size:.2f} Tf {_rgb(colour)} rg {100 * self.stretch:.1f} Tz "
        self._add(f"{head}{turn} {x:.2f} {y:.2f} Tm (")
        self.pages[-1].append(shown)
        self._add(") Tj ET\n")

    def _add(self, drawing: str) -> None:
        self.pages[-1].append(drawing.encode("ascii"))


def _rgb(colour: Colour) -> str:
    return " ".join(f"{one:.3f}" for one in colour)


def _font(name: str) -> bytes:
    widths = " ".join(
        str(round(1000 * _advance(name, bytes([code]).decode("cp1252", "replace")))) for code in range(32, 256)
    )
    head = f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding/FirstChar 32/LastChar 255"
    return f"{head}/Widths[{widths}]>>".encode()


def _file(objects: Sequence[bytes]) -> bytes:
    out, places = [b"%PDF-1.4\n"], []
    size = len(out[0])
    for number, body in enumerate(objects, 1):
        places.append(size)
        part = b"%d 0 obj%s endobj\n" % (number, body)
        out.append(part)
        size += len(part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    out.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table))
    out.append(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, size))
    return b"".join(out)


@cache
def _advance(face: str, char: str) -> float:
    """Width of a character in sizes, as pdfium's own copy of the face has it."""
    width = ctypes.c_float()
    _document, font = _loaded(face)
    found = pdfium.FPDFFont_GetGlyphWidth(font, ord(char), ctypes.c_float(1000), width)
    return width.value / 1000 if found else 0.5


@cache
def _loaded(face: str) -> tuple[object, object]:
    document = pdfium.FPDF_CreateNewDocument()
    return document, pdfium.FPDFText_LoadStandardFont(document, face.encode())
