"""Lines of any script, set from font files: shaping by HarfBuzz and bidirectional order by FriBidi (Pillow's raqm).

A line is set word by word along one baseline, so that gaps can vary as in justified print, note numbers can stand
high, and signs that a font lacks come from another one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import ImageFont, features

from ..errors import EngineError
from ..text.direction import Direction
from .faces import FontFace, Mask, cut

RAISED_SIZE, RAISED_LIFT = 0.68, 0.34
"""Size of a raised sign and height of its baseline, in the size of the line."""
RISE, _TALL = 0.62, "اאHН"
"""Height of a tall letter above the baseline in the size of the line, and the letters it is measured on."""


@dataclass(frozen=True, slots=True)
class Word:
    """What is drawn between two gaps: `drawn` in logical order, and what a transcriber writes for it.

    `tight` words follow the one before without a gap; `raised` ones stand small and high.
    """

    drawn: str
    label: str
    tight: bool = False
    raised: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to set a line: main face and helper, letter size in pixels, direction, language tag, gap in sizes."""

    face: FontFace
    helper: FontFace
    size: int
    direction: Direction
    language: str
    gap: float


def label_of(words: Sequence[Word]) -> str:
    """The text of a line of words, in logical order."""
    return "".join(("" if word.tight or not at else " ") + word.label for at, word in enumerate(words))


def set_line(words: Sequence[Word], setting: Setting, rng: np.random.Generator) -> Mask:
    """The words as a mask cut to its ink.

    Raises EngineError when this Pillow cannot shape text.
    """
    require_shaping()
    pieces = [piece for at, word in enumerate(words) for piece in _pieces(word, setting, first=at == 0)]
    gaps = setting.size * setting.gap * rng.uniform(0.8, 1.25, len(pieces))
    wide = rng.random(len(pieces)) < 0.02
    gaps = np.where(wide, gaps * rng.uniform(2, 5, len(pieces)), gaps)
    advances = [_advance(piece, setting) for piece in pieces]
    total = sum(advances) + sum(float(gap) for gap, piece in zip(gaps, pieces, strict=True) if piece.gap)
    canvas = np.zeros((5 * setting.size, round(total) + 4 * setting.size), np.uint8)
    base, left = 3 * setting.size, 2 * setting.size
    pen = left + total if setting.direction == "rtl" else float(left)
    for piece, advance, gap in zip(pieces, advances, gaps, strict=True):
        step = advance + (float(gap) if piece.gap else 0.0)
        at = pen - step if setting.direction == "rtl" else pen + step - advance
        _draw(canvas, piece, setting, round(at), base - (round(RAISED_LIFT * setting.size) if piece.raised else 0))
        pen += -step if setting.direction == "rtl" else step
    return cut(canvas)


def require_shaping() -> None:
    """Raise EngineError when this Pillow was built without raqm."""
    if not features.check("raqm"):
        raise EngineError("this Pillow cannot shape text (no raqm)", remedy="pip install --only-binary :all: pillow")


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    face: FontFace
    gap: bool
    raised: bool


def _pieces(word: Word, setting: Setting, *, first: bool) -> list[_Piece]:
    """A word as one piece, or cut around the signs that its face lacks.

    A word is never cut between letters, for they join: where a letter is lacking, the helper draws all of them. Marks
    on letters that the face of the word lacks are left out.
    """
    letters = [char for char in word.drawn if char.isalpha()]
    main = setting.face if all(setting.face.covers(char) for char in letters) else setting.helper
    chosen: list[tuple[str, FontFace]] = []
    for char in word.drawn:
        if main.covers(char):
            chosen.append((char, main))
        elif unicodedata.category(char)[0] != "M" and setting.helper.covers(char):
            chosen.append((char, setting.helper))
    found: list[_Piece] = []
    for face, group in groupby(chosen, key=lambda one: one[1]):
        text = "".join(char for char, _ in group)
        found.append(_Piece(text, face, not found and not first and not word.tight, word.raised))
    return found


def _advance(piece: _Piece, setting: Setting) -> float:
    return float(
        _font(piece.face.path, _size(piece, setting)).getlength(
            piece.text, direction=setting.direction, language=setting.language
        )
    )


def _draw(canvas: Mask, piece: _Piece, setting: Setting, x: int, y: int) -> None:
    drawn, (dx, dy) = _font(piece.face.path, _size(piece, setting)).getmask2(
        piece.text, mode="L", direction=setting.direction, language=setting.language, anchor="ls"
    )
    width, height = drawn.size
    if not width or not height:
        return
    mask = np.frombuffer(bytes(drawn), np.uint8).reshape(height, width)
    top, left = max(0, y + round(dy)), max(0, x + round(dx))
    part = canvas[top : top + height, left : left + width]
    np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)


def _size(piece: _Piece, setting: Setting) -> int:
    """Size to ask of the piece's font, so that its tall letters rise as high as those of any other face."""
    size = setting.size * _rise(piece.face.path)
    return max(6, round(size * RAISED_SIZE if piece.raised else size))


@lru_cache(maxsize=256)
def _rise(path: Path | None) -> float:
    """What to multiply a size by so that the tallest plain letter (alef, or a capital) rises `RISE` of it."""
    font = _font(path, 100)
    for letter in _TALL:
        if FontFace("", path).covers(letter):
            top = -font.getbbox(letter, anchor="ls")[1]
            return 100 * RISE / max(20.0, float(top))
    return 1.0


@lru_cache(maxsize=256)
def _font(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    if path is None:
        raise ValueError("a line is set from font files")
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.RAQM)
