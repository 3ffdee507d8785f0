"""The characters of a text layer to words and lines, as a reader gives those of a picture.

Boxes are 1.2 times the size of the face high and pieces of text are joined to lines by the rules for those that the
detector finds, because the network of fields has learnt from such words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ..image.glyphs import Glyph
from ..models.pieces import Piece
from ..text.direction import right_to_left
from ..text.normalize import normalize_text
from ..types import Box, Point
from .lines import BODY, TALLER, TextLine, joined_pieces, page_lean

ABOVE: Final = 0.94
BELOW: Final = 0.26
"""How far the detector's boxes reach above and below the baseline, in sizes of the face: medians over 4,018 words."""

_GAP: Final = 0.3
_INFERRED: Final = 0.12
"""Characters so many sizes apart are of two words, and those where PDFium infers a blank between them."""
_BREAK: Final = 0.85
"""Words so many sizes apart are of two pieces, which may be one line still."""
_LEVEL: Final = 0.45
"""Baselines this many sizes apart belong to one word, for indices are set off; a third of it, to one piece."""
_TWICE: Final = 0.12
"""The same character so many sizes from where it stands already was printed twice to look bold."""
_CAPITAL: Final = 0.7
"""Usual height of capitals and figures in sizes of the face; a font whose are outside of _ODD states another size."""
_ODD: Final = (0.5, 1.0)
_MOST: Final = 1000
"""Pieces of a page that are joined, for each is held against each; a dense table has 700."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A word of the layer with its characters. `start`, `end` along the writing and `base` across it, in pixels."""

    text: str
    glyphs: tuple[Glyph, ...]
    start: float
    end: float
    base: float
    size: float

    @property
    def turn(self) -> int:
        """Quarter turns against the clock."""
        return self.glyphs[0].turn or 0

    @property
    def box(self) -> Box:
        """Left, top, right, bottom on the page."""
        return _on_page(self.turn, self.start, self.base - ABOVE * self.size, self.end, self.base + BELOW * self.size)


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line of the page with its words in the order in which they are read."""

    line: TextLine
    words: tuple[Typed, ...]


def typed_words(glyphs: Sequence[Glyph]) -> list[Typed]:
    """The words of characters in the order of the file; those on a slant, and words without a known character, are
    left out.
    """
    scale = _sizes(glyphs)
    words: list[Typed] = []
    held: list[Glyph] = []
    gap = _GAP
    for glyph in [*_once(glyphs), None]:
        if glyph is not None and glyph.inferred:
            gap = _INFERRED
            continue
        blank = glyph is None or glyph.text == " " or glyph.turn is None
        if held and (glyph is None or blank or not _follows(held[-1], glyph, scale, gap)):
            words += _word(held, scale)
            held = []
        if glyph is not None and not blank:
            held.append(glyph)
        gap = _GAP
    return words


def typed_lines(words: Sequence[Typed]) -> tuple[list[TypedLine], float]:
    """The lines of words, top to bottom, and the lean (dy/dx) of the writing; order within the page is `arrange`'s.

    None where the page is in too many pieces.
    """
    runs = list(_runs(words))
    if len(runs) > _MOST:
        return [], 0.0
    pieces = [_piece(run) for run in runs]
    lines = []
    for line, members in joined_pieces(pieces):
        some = sorted((word for at in members for word in runs[at]), key=lambda word: word.start)
        if sum(right_to_left(word.text) for word in some) > len(some) / 2:
            some.reverse()
        lines.append(TypedLine(line, tuple(some)))
    return lines, page_lean([piece for piece in pieces if not piece.upright])


def _once(glyphs: Sequence[Glyph]) -> Iterator[Glyph]:
    """Each character once, where it is printed twice to look bold."""
    seen: dict[str, list[Point]] = defaultdict(list)
    for glyph in glyphs:
        x, y = glyph.origin
        near = _TWICE * glyph.size
        # it was printed shortly before: fonts print a line, then the same line again
        if glyph.text != " " and any(abs(x - a) < near and abs(y - b) < near for a, b in seen[glyph.text][-200:]):
            continue
        seen[glyph.text].append(glyph.origin)
        yield glyph


def _sizes(glyphs: Sequence[Glyph]) -> dict[int, float]:
    """By font what its stated size must be taken times, so that capitals and figures are as high as usual."""
    told: dict[int, list[float]] = defaultdict(list)
    for glyph in glyphs:
        if glyph.turn is not None and glyph.text.isalnum() and (glyph.text.isdigit() or glyph.text.isupper()):
            across = glyph.ink[3] - glyph.ink[1] if glyph.turn % 2 == 0 else glyph.ink[2] - glyph.ink[0]
            told[glyph.font].append(across / glyph.size)
    high = {font: median(some) for font, some in told.items()}
    return {font: one / _CAPITAL for font, one in high.items() if one > 0 and not _ODD[0] <= one <= _ODD[1]}


def _along(glyph: Glyph) -> tuple[float, float, float]:
    """Where a character starts and ends along its writing, and its baseline across it, growing downwards."""
    (x0, y0, x1, y1), (x, y) = glyph.box, glyph.origin
    return [(x0, x1, y), (-y1, -y0, x), (-x1, -x0, -y), (y0, y1, -x)][glyph.turn or 0]


def _on_page(turn: int, start: float, top: float, end: float, bottom: float) -> Box:
    """The other way: a box along the writing as one on the page."""
    boxes = [
        (start, top, end, bottom),
        (top, -end, bottom, -start),
        (-end, -bottom, -start, -top),
        (-bottom, start, -top, end),
    ]
    return boxes[turn]


def _follows(one: Glyph, other: Glyph, scale: dict[int, float], most: float) -> bool:
    """Whether two characters stand beside each other in one word, at `most` sizes apart; from right to left they go
    the other way.
    """
    if one.turn != other.turn:
        return False
    size = max(one.size * scale.get(one.font, 1.0), other.size * scale.get(other.font, 1.0))
    (start, end, base), (start_2, end_2, base_2) = _along(one), _along(other)
    gap = max(start_2 - end, start - end_2)
    return abs(base - base_2) < _LEVEL * size and -size < gap < most * size


def _word(glyphs: Sequence[Glyph], scale: dict[int, float]) -> list[Typed]:
    text = normalize_text("".join(glyph.text for glyph in glyphs))
    if not text:
        return []
    starts, ends, bases = zip(*map(_along, glyphs), strict=True)
    sizes = [glyph.size * scale.get(glyph.font, 1.0) for glyph in glyphs]
    return [Typed(text, tuple(glyphs), min(starts), max(ends), median(bases), median(sizes))]


def _runs(words: Sequence[Typed]) -> Iterator[list[Typed]]:
    """Words that follow each other on a line as closely as words do."""
    run: list[Typed] = []
    for one, other in pairwise([*words, None]):
        assert one is not None
        run.append(one)
        if other is None or not _goes_on(one, other):
            yield run
            run = []


def _goes_on(one: Typed, other: Typed) -> bool:
    small, large = sorted((one.size, other.size))
    gap = max(other.start - one.end, one.start - other.end)
    level = abs(one.base - other.base) < _LEVEL / 3 * large
    return one.turn == other.turn and level and -0.3 * large < gap < _BREAK * large and large < TALLER * small


def _piece(run: Sequence[Typed]) -> Piece:
    """A run as the detector would have found it."""
    start, end = min(word.start for word in run), max(word.end for word in run)
    size, base = median(word.size for word in run), median(word.base for word in run)
    turn = run[0].turn
    middle = base - (ABOVE - BELOW) / 2 * size
    (x0, y0, x1, y1) = _on_page(turn, start, middle, end, middle)
    spine = ((x0, y1), (x1, y0)) if turn % 2 else ((x0, y0), (x1, y1))
    return Piece(spine, (ABOVE + BELOW) * size / BODY, 1.0, upright=turn % 2 == 1)
