"""Faces that can write a line of text as a mask of ink.

Three kinds are on every machine and always the same: the pen font of `strokes`, the twelve text faces that every PDF
renderer carries (pdfium draws them from its own copies), and Pillow's built-in face. Fonts found on the machine come
on top of them; what is drawn with those depends on the machine.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pypdfium2
from PIL import ImageFont

from emendo.image.pixels import cv2

from .strokes import Curve, covers, glyph

Mask = npt.NDArray[np.uint8]
"""(height, width) uint8: 0 paper, 255 ink. Cut to the ink."""

MISSING = "\uffff"
"""Never a character: what a font draws for it stands for a missing glyph."""

INKED = 16
"""A row or column of a mask holds ink when a pixel of it is above this."""

_PROBE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Face(Protocol):
    """Something that writes."""

    @property
    def name(self) -> str:
        """Stands in the manifest."""
        ...

    def covers(self, text: str) -> bool:
        """True when no glyph is missing."""
        ...

    def draw(self, text: str, size: int) -> Mask:
        """The text in letters of about `size` pixels height (ascender to descender)."""
        ...


@dataclass(frozen=True)
class PdfFace:
    """One of the standard faces of PDF (ISO 32000-1, 9.6.2.2), for the characters of Windows-1252."""

    name: str

    def covers(self, text: str) -> bool:
        """See Face."""
        try:
            return all(byte >= 0x20 and byte != 0x7F for byte in text.encode("cp1252"))
        except UnicodeEncodeError:
            return False

    def draw(self, text: str, size: int) -> Mask:
        """See Face."""
        width, height = size * (len(text) + 2), size * 2
        document = pypdfium2.PdfDocument(_pdf(self.name, text, size, (width, height)))
        try:
            bitmap = document[0].render(scale=1, grayscale=True)
            return cut(255 - np.array(bitmap.to_numpy(), dtype=np.uint8).reshape(height, width, -1)[:, :, 0])
        finally:
            document.close()


def _pdf(face: str, text: str, size: int, page: tuple[int, int]) -> bytes:
    shown = text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
    drawing = b"BT /F %d Tf %d %d Td (" % (size, size, size // 2 + size // 6) + shown + b") Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>" % page,
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
        b"<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding/WinAnsiEncoding>>" % face.encode(),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return out + head + table + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))


@dataclass(frozen=True)
class FontFace:
    """A TrueType or OpenType file; without a path, Pillow's built-in face."""

    name: str
    path: Path | None = None

    def covers(self, text: str) -> bool:
        """See Face. A glyph is missing when it looks like that of a character that cannot be."""
        return all(char.isspace() or _has_glyph(self.path, char) for char in set(text))

    def draw(self, text: str, size: int) -> Mask:
        """See Face."""
        font = _font(self.path, size)
        mask = font.getmask(text, mode="L")
        return cut(np.array(mask, dtype=np.uint8).reshape(mask.size[1], mask.size[0]))


@lru_cache(maxsize=64)
def _font(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType")
    return font


@lru_cache(maxsize=65536)
def _has_glyph(path: Path | None, char: str) -> bool:
    font = _font(path, 32)
    drawn = font.getmask(char, mode="L")
    missing = font.getmask(MISSING, mode="L")
    return drawn.getbbox() is not None and (drawn.size != missing.size or bytes(drawn) != bytes(missing))


@dataclass(frozen=True)
class Hand:
    """A made-up writer: the pen font with this writer's own letter shapes, slant, width, and unsteadiness.

    `seed` fixes what stays the same from line to line (the shapes); `draw` takes a further seed for what does not.
    `strangeness` (0 neat .. 1 hard to read) scales how far the letters are bent from the plain font.
    """

    seed: int
    strangeness: float = 0.4
    name: str = field(default="")

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"hand-{self.seed}")

    def covers(self, text: str) -> bool:
        """See Face."""
        return covers(text)

    def draw(self, text: str, size: int, line_seed: int = 0) -> Mask:
        """See Face; `line_seed` varies what varies between two lines of one writer."""
        return self.trace(text, size, line_seed)[0]

    def trace(self, text: str, size: int, line_seed: int = 0) -> tuple[Mask, int]:
        """As `draw`, and the row of the baseline (may lie outside of the mask)."""
        habit = np.random.default_rng([self.seed, 1])
        rng = np.random.default_rng([self.seed, 2, line_seed])
        slant, width = habit.normal(0.15, 0.22), habit.uniform(0.88, 1.2)
        gap, space = habit.uniform(-0.1, 0.6), habit.uniform(1.8, 3.2)
        small = habit.uniform(0.75, 1.1)  # height of small letters against the rest
        drift, rise = habit.uniform(0.05, 0.25), rng.normal(0, 0.01)
        x, curves = 0.0, []
        phase = rng.uniform(0, 6.3)
        for char in text:
            if char == " ":
                x += space * width * rng.uniform(0.75, 1.3)
                continue
            advance, strokes = self._letter(char)
            grow, turn = rng.normal(1, 0.05), rng.normal(0, 0.03)
            lift = drift * np.sin(phase + x / 9) + rise * x + rng.normal(0, 0.08)
            for curve in strokes:
                moved = curve * [width * grow, grow]
                moved[:, 1] *= np.where(moved[:, 1] > 4, 1.0, small)
                moved = moved + rng.normal(0, 0.05, moved.shape[1])
                moved[:, 0] += moved[:, 1] * (slant + turn) + x
                moved[:, 1] += lift
                curves.append(moved)
            x += advance * width * grow + gap * rng.uniform(0.6, 1.4)
        return _ink(curves, size, habit.uniform(0.35, 0.75), rng)

    def _letter(self, char: str) -> tuple[float, tuple[Curve, ...]]:
        """This writer's form of a character: one of the two allographs, bent by a smooth field of its own."""
        own = np.random.default_rng([self.seed, 3, ord(char)])
        plain = np.random.default_rng([self.seed, 4, ord(char.lower())])
        found = glyph(char, other=bool(plain.random() < 0.5))
        if found is None:
            raise ValueError(f"the pen cannot write {char!r}")
        advance, strokes = found
        bend = self.strangeness * own.normal(0, 0.9, (2, 2, 2))
        reach = self.strangeness * own.normal(0, 0.25, 2)
        out = []
        for curve in strokes:
            u, v = curve[:, 0] / 4, curve[:, 1] / 6
            field_ = (
                np.outer((1 - u) * (1 - v), bend[0, 0])
                + np.outer(u * (1 - v), bend[1, 0])
                + np.outer((1 - u) * v, bend[0, 1])
                + np.outer(u * v, bend[1, 1])
            )
            out.append(curve * (1 + reach) + field_ * 0.6)
        return advance * float(1 + reach[0]), tuple(out)


def _ink(curves: list[Curve], size: int, pen: float, rng: np.random.Generator) -> tuple[Mask, int]:
    """Draw curves (font units, y upward) with a pen of `pen` units, ten units being `size` pixels; and the baseline."""
    if not curves:
        return np.zeros((size, size), np.uint8), size
    every = np.concatenate(curves)
    scale, fine = size / 10, 2
    low, high = every.min(axis=0) - 1, every.max(axis=0) + 1
    shape = np.ceil((high - low) * scale * fine).astype(int)
    canvas = np.zeros((shape[1], shape[0]), np.uint8)
    for curve in curves:
        points = np.column_stack([curve[:, 0] - low[0], high[1] - curve[:, 1]]) * scale * fine * 16
        thickness = max(1, round(pen * scale * fine * rng.uniform(0.85, 1.15)))
        cv2.polylines(canvas, [np.round(points).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, 4)
    wide = (max(1, shape[0] // fine), max(1, shape[1] // fine))
    mask = np.asarray(cv2.resize(canvas, wide, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    first = int(np.argmax(mask.max(axis=1) > INKED))
    return cut(mask), round(high[1] * scale) - first


def cut(mask: Mask) -> Mask:
    """The part of a mask that holds ink; a single pixel of paper when there is none."""
    rows, columns = np.flatnonzero(mask.max(axis=1) > INKED), np.flatnonzero(mask.max(axis=0) > INKED)
    if not len(rows):
        return np.zeros((1, 1), np.uint8)
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


PDF_FACES = tuple(
    PdfFace(name)
    for name in (
        *("Helvetica", "Helvetica-Bold", "Helvetica-Oblique", "Helvetica-BoldOblique"),
        *("Times-Roman", "Times-Bold", "Times-Italic", "Times-BoldItalic"),
        *("Courier", "Courier-Bold", "Courier-Oblique", "Courier-BoldOblique"),
    )
)
BUILT_IN = FontFace("Aileron")


def font_folders() -> list[Path]:
    """Where fonts lie on this machine, those of installed Python packages included."""
    home = Path.home()
    places = {
        "darwin": [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"],
        "win32": [Path("C:/Windows/Fonts")],
    }.get(
        sys.platform,
        [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"],
    )
    matplotlib = find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin:
        places.append(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")
    return [place for place in places if place.is_dir()]


def found_fonts(folders: list[Path] | None = None) -> tuple[FontFace, ...]:
    """Text faces among the font files of these folders (default: of this machine), one a file name, sorted by name."""
    files: dict[str, Path] = {}
    for folder in font_folders() if folders is None else folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in (".ttf", ".otf"):
                files.setdefault(path.name, path)
    faces = (FontFace(path.stem, path) for _, path in sorted(files.items()))
    return tuple(face for face in faces if _usable(face))


def _usable(face: FontFace) -> bool:
    try:
        return face.covers(_PROBE)
    except OSError:
        return False  # a damaged font file is no face
