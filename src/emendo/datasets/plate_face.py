"""The letters and digits of licence plates, drawn as the dies that press them: strokes of one width, narrow and round.

Each sign is a few strokes over a grid of 8 by 8, x to the right and y down; a corner is rounded by the radius of the
die unless it is marked with `!`, a stroke that begins with `o` is closed. One shape so gives many faces: width, weight,
radius and slant of the die differ from region to region. Type faces that are the same on every machine come beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from .faces import BUILT_IN, PDF_FACES, FontFace, Mask, PdfFace

Rng = np.random.Generator
GRID: Final = 8.0
STROKES: Final[dict[str, tuple[str, ...]]] = {
    "0": ("o 00 80 88 08",),
    "1": ("40 48", "22 40! 48", "22 40! 48 / 18 78", "20 40! 48"),
    "2": ("02 00 80 83 08! 88", "01 00 80 84 08! 88"),
    "3": ("01 00 80 84 34 / 34 84 88 08 07", "00 80! 43 83 88 08 06"),
    "4": ("68 60! 06! 86", "60 06! 86 / 64 68"),
    "5": ("80 00! 03! 83 88 08 06", "80 00! 04 84 88 08 07"),
    "6": ("81 80 00 08 88 84 04", "60 04 08 88 84 04"),
    "7": ("00 80! 28", "00 80! 84 38"),
    "8": ("o 00 80 84 04 / o 04 84 88 08", "o 10 70 74 14 / o 04 84 88 08"),
    "9": ("07 08 88 80 00 04 84", "28 84 80 00 04 84"),
    "A": ("08 40! 88 / 15 75", "08 30! 50! 88 / 15 75", "08 02 40 82 88 / 05 85"),
    "B": ("o 00! 70 74 04! / o 04! 84 88 08!",),
    "C": ("82 80 00 08 88 86", "81 80 00 08 88 87"),
    "D": ("o 00! 80 88 08!",),
    "E": ("80 00! 08! 88 / 04 64", "80 00! 08! 88 / 04 74"),
    "F": ("80 00! 08 / 04 64",),
    "G": ("82 80 00 08 88 84! 44", "82 80 00 08 88 85! 55"),
    "H": ("00 08 / 80 88 / 04 84",),
    "I": ("40 48", "20 60 / 40 48 / 28 68"),
    "J": ("80 88 08 06", "40 80! 88 08 06"),
    "K": ("00 08 / 80 05 / 33 88", "00 08 / 80 04! 88"),
    "L": ("00 08! 88",),
    "M": ("08 00! 45! 80! 88", "08 00! 48! 80! 88"),
    "N": ("08 00! 88! 80",),
    "O": ("o 00 80 88 08",),
    "P": ("08 00! 80 84 04", "08 00! 80 85 05"),
    "Q": ("o 00 80 88 08 / 55 88", "o 00 80 88 08 / 46 79"),
    "R": ("08 00! 80 84 04 / 44 88", "08 00! 80 84 04 / 34 88"),
    "S": ("82 80 00 04 84 88 08 06", "81 80 00 04 84 88 08 07"),
    "T": ("00 80 / 40 48",),
    "U": ("00 08 88 80",),
    "V": ("00 48! 80",),
    "W": ("00 28! 43! 68! 80", "00 18! 41! 78! 80"),
    "X": ("00 88 / 80 08",),
    "Y": ("00 44! 80 / 44 48",),
    "Z": ("00 80! 08! 88",),
}
"""The forms of each sign, strokes parted by `/`; a die has one form of each."""

_NARROW: Final = {"1": 0.55, "I": 0.5, "J": 0.9, "M": 1.12, "W": 1.2, "L": 0.92, "O": 1.05, "Q": 1.05}
"""Widths relative to those of the other signs."""


@dataclass(frozen=True, slots=True)
class Die:
    """One die: `width` and `weight` as shares of the height of a sign, `radius` in grid units, `slant` as tangent."""

    width: float
    weight: float
    radius: float
    slant: float
    form: int

    def draw(self, char: str, height: int) -> Mask:
        """One sign, `height` rows high with its strokes, as a mask (height, width)."""
        fine = 2
        rows = height * fine
        pen = max(2, round(self.weight * rows))
        forms = STROKES[char]
        strokes = forms[(self.form + ord(char) * (self.form % 5)) % len(forms)].split("/")
        tall, wide = rows - pen, max(pen, round(self.width * _NARROW.get(char, 1.0) * rows) - pen)
        lean = abs(self.slant) * tall
        canvas = np.zeros((rows, round(wide + pen + lean) + 2), np.uint8)
        for stroke in strokes:
            closed = stroke.strip().startswith("o ")
            points = _rounded(stroke, self.radius, wide / tall, closed=closed)
            x = points[:, 0] / GRID * wide + pen / 2
            y = points[:, 1] / GRID * tall + pen / 2
            x = x + self.slant * (rows - y) + max(0.0, -self.slant) * rows * 0.9
            path = np.round(np.column_stack([x, y]) * 16).astype(np.int32)
            cv2.polylines(canvas, [path], closed, 255, pen, cv2.LINE_AA, 4)
        size = (max(1, canvas.shape[1] // fine), height)
        return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def _rounded(stroke: str, radius: float, aspect: float, *, closed: bool) -> npt.NDArray[np.float64]:
    """The points of a stroke with its corners rounded; `aspect` keeps the rounding circular in narrow signs."""
    marks = stroke.replace("o ", " ").split()
    points = np.asarray([(float(mark[0]), float(mark[1])) for mark in marks])
    sharp = [mark.endswith("!") for mark in marks]
    scale = np.asarray([aspect, 1.0])
    count = len(points)
    path: list[npt.NDArray[np.float64]] = []
    for at in range(count):
        ends = not closed and at in (0, count - 1)
        if sharp[at] or ends or radius <= 0:
            path.append(points[at : at + 1])
            continue
        here = points[at] * scale
        before, after = points[at - 1] * scale - here, points[(at + 1) % count] * scale - here
        reach = [
            min(radius, 0.5 * float(np.hypot(*side))) / max(1e-6, float(np.hypot(*side))) for side in (before, after)
        ]
        t = np.linspace(0, 1, 7)[:, None]
        one, two = here + before * reach[0], here + after * reach[1]
        path.append(((1 - t) ** 2 * one + 2 * t * (1 - t) * here + t**2 * two) / scale)
    return np.concatenate(path)


TypeFace = PdfFace | FontFace
TYPE: Final[tuple[TypeFace, ...]] = (PDF_FACES[0], PDF_FACES[1], PDF_FACES[1], PDF_FACES[5], PDF_FACES[9], BUILT_IN)
"""Type faces for plates that are printed, not pressed."""
_TYPE_SIZE = 96


@lru_cache(maxsize=512)
def type_sign(face: TypeFace, char: str) -> Mask:
    """One sign of a type face, cut to its ink, in a size that plates are drawn from."""
    return face.draw(char, _TYPE_SIZE)


def any_die(rng: Rng) -> Die:
    """A die as one may meet it."""
    return Die(
        width=float(rng.uniform(0.36, 0.66)),
        weight=float(np.clip(rng.normal(0.135, 0.03), 0.07, 0.22)),
        radius=float(rng.choice([1.0, 2.0, 3.0, 4.0])) * float(rng.uniform(0.6, 1.1)),
        slant=float(rng.normal(0, 0.03)) if rng.random() < 0.3 else 0.0,
        form=int(rng.integers(0, 1000)),
    )
