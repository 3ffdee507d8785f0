"""Pieces of text joined into text lines.

A detector gives a handwritten or widely spaced line as several pieces. Two pieces belong to one line when the second
begins where the first, carried on along its own slope, would go on, and when the gap between them is a gap between
words and not the gutter between columns: a wide gap is bridged only where the line above or below runs across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..models.pieces import Piece, outline
from ..types import Point, Polygon

WORD_GAP = 0.6
"""A gap up to this share of the line's height is always a gap between words."""

WIDE_GAP = 3.5
"""A gap beyond this many heights is never bridged."""

MISFIT = 0.4
"""Greatest vertical distance between two pieces of one line, as a share of the height."""

TALLER = 1.7
"""A piece this many times as high as its neighbour is no part of the same line."""

BODY = 0.85
"""Height of a line's outline as a share of its piece's height: less takes in neighbours, more cuts letters off."""

REACH = 1.1
"""Height of the band that is cut out for reading, as a share of the piece's height: the letters whole."""

BASELINE = 0.22
"""The baseline lies this share of the height below the middle."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text line on a page, in page pixels.

    `polygon` is the outline, `reach` the wider band to cut out for reading, `baseline` runs from the first to the
    last character (upwards for a line that is written up the page), `height` is the full height of the writing.
    """

    polygon: Polygon
    reach: Polygon
    baseline: tuple[Point, ...]
    height: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the outline."""
        xs, ys = zip(*self.polygon, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def upright(self) -> bool:
        """Whether the line is written up or down the page."""
        (x0, y0), (x1, y1) = self.baseline[0], self.baseline[-1]
        return abs(y1 - y0) > abs(x1 - x0)

    @property
    def spine(self) -> tuple[Point, ...]:
        """The middle of the writing, from the first to the last character."""
        across, down = (BASELINE * self.height, 0.0) if self.upright else (0.0, BASELINE * self.height)
        return tuple((x - across, y - down) for x, y in self.baseline)


def join(pieces: Sequence[Piece]) -> list[TextLine]:
    """Text lines from pieces, top to bottom by their middles; written-up pieces stay alone and come last."""
    return [line for line, _ in joined_pieces(pieces)]


def joined_pieces(pieces: Sequence[Piece]) -> list[tuple[TextLine, tuple[int, ...]]]:
    """The same, each line with which of the pieces it is made of, from left to right."""
    level = [at for at, piece in enumerate(pieces) if not piece.upright]
    lean = page_lean([pieces[at] for at in level])
    level.sort(key=lambda at: _Band(pieces[at], lean).x0)
    bands = [_Band(pieces[at], lean) for at in level]
    lines = [(_line([bands[i] for i in chain]), tuple(level[i] for i in chain)) for chain in _chains(bands)]
    lines.sort(key=lambda line: (line[0].box[1] + line[0].box[3]) / 2)
    alone = [at for at, piece in enumerate(pieces) if piece.upright]
    return lines + [(_line([_Band(pieces[at], lean)]), (at,)) for at in alone]


def page_lean(pieces: Sequence[Piece]) -> float:
    """Slope dy/dx that most of the writing follows: the median over pieces long enough to tell, by their length."""
    told = [(p.spine[-1][0] - p.spine[0][0], p) for p in pieces]
    told = [(length, p) for length, p in told if length > 5 * p.height]
    if not told:
        return 0.0
    slopes = np.array([(p.spine[-1][1] - p.spine[0][1]) / length for length, p in told])
    lengths = np.array([length for length, _ in told])
    order = np.argsort(slopes)
    half = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    return float(slopes[order][half])


def continues(first: TextLine, second: TextLine) -> bool:
    """Whether `second` goes on where `first` ends, as one line would: they stand side by side at one height."""
    return not (first.upright or second.upright) and _continues(_band(first), _band(second))


def joined(lines: Sequence[TextLine]) -> TextLine:
    """One line along the spines of several, in this order."""
    return _line([_band(line) for line in lines])


def _band(line: TextLine) -> _Band:
    return _Band(Piece(line.spine, line.height, 1.0, line.upright), 0.0)


class _Band:
    """A piece with what joining asks of it."""

    def __init__(self, piece: Piece, lean: float) -> None:
        self.piece = piece
        points = np.asarray(piece.spine, dtype=np.float64)
        self.x0, self.x1 = float(points[0, 0]), float(points[-1, 0])
        self.height = piece.height
        self.points = points
        long = self.x1 - self.x0 > 5 * piece.height
        self.start = _slope(points[:2]) if long else lean
        self.end = _slope(points[-2:]) if long else lean

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    def at(self, x: float) -> float:
        """y of the middle at `x`, carried on beyond the ends along their slopes."""
        if x < self.x0:
            return float(self.points[0, 1]) + (x - self.x0) * self.start
        if x > self.x1:
            return float(self.points[-1, 1]) + (x - self.x1) * self.end
        return float(np.interp(x, self.points[:, 0], self.points[:, 1]))


def _slope(points: npt.NDArray[np.float64]) -> float:
    run = float(points[1, 0] - points[0, 0])
    return float(points[1, 1] - points[0, 1]) / run if run > 0 else 0.0


def _chains(bands: list[_Band]) -> list[list[int]]:
    """Each band (by its place) linked to the nearest one that continues it, where both agree."""
    right = {i: _best(bands, i, forward=True) for i in range(len(bands))}
    left = {i: _best(bands, i, forward=False) for i in range(len(bands))}
    follows = {i: j for i, j in right.items() if j is not None and left[j] == i}
    begun = set(range(len(bands))) - set(follows.values())
    chains = []
    for i in sorted(begun):
        chain, j = [i], follows.get(i)
        while j is not None:
            chain.append(j)
            j = follows.get(j)
        chains.append(chain)
    return chains


def _best(bands: list[_Band], i: int, *, forward: bool) -> int | None:
    best, nearest = None, float("inf")
    for j, other in enumerate(bands):
        if i == j:
            continue
        a, b = (bands[i], other) if forward else (other, bands[i])
        gap = b.x0 - a.x1
        if gap < nearest and _continues(a, b) and _bridged(bands, a, b):
            best, nearest = j, gap
    return best


def _continues(a: _Band, b: _Band) -> bool:
    """Whether `b` goes on where `a` ends."""
    # a dash or a full stop is low and short: the longer piece tells the height of the line
    main, other = (a, b) if a.width >= b.width else (b, a)
    height = main.height if other.width < 1.5 * main.height else _mean(a, b)
    gap = b.x0 - a.x1
    if gap > WIDE_GAP * height or gap < -1.2 * height or b.x0 <= a.x0 or b.x1 <= a.x1:
        return False
    if other.height > TALLER * main.height or (other.width > 2 * height and main.height > TALLER * other.height):
        return False
    between = (a.x1 + b.x0) / 2
    return abs(a.at(between) - b.at(between)) < MISFIT * height


def _mean(a: _Band, b: _Band) -> float:
    return (a.height + b.height) / 2


def _bridged(bands: list[_Band], a: _Band, b: _Band) -> bool:
    """Whether the gap between `a` and `b` is one between words."""
    height, gap = _mean(a, b), b.x0 - a.x1
    if gap <= WORD_GAP * height:
        return True
    x = (a.x1 + b.x0) / 2
    y = (a.at(x) + b.at(x)) / 2
    near = [
        band for band in bands if band is not a and band is not b and 0.4 * height < abs(band.at(x) - y) < 2.4 * height
    ]
    near = [band for band in near if band.x1 > a.x0 and band.x0 < b.x1]
    if not near:
        return gap <= 1.5 * height
    return any(band.x0 < a.x1 - 0.5 * height and band.x1 > b.x0 + 0.5 * height for band in near)


def _line(chain: list[_Band]) -> TextLine:
    """One line along the spines of its bands."""
    points: list[Point] = []
    for band in chain:
        for x, y in band.piece.spine:
            if band.piece.upright or not points or x > points[-1][0]:
                points.append((x, y))
    lengths = np.array([max(1.0, len_) for len_ in (_length(band.piece.spine) for band in chain)])
    heights = np.array([band.height for band in chain])
    height = float((heights * lengths).sum() / lengths.sum())
    return along_spine(tuple(points), height, upright=chain[0].piece.upright)


def along_spine(spine: tuple[Point, ...], height: float, *, upright: bool = False) -> TextLine:
    """The line whose middle is `spine` and whose writing is `height` pixels high."""
    body, reach, below = height * BODY / 2, height * REACH / 2, height * BASELINE
    drop = np.array([below, 0.0]) if upright else np.array([0.0, below])
    baseline = tuple((float(x), float(y)) for x, y in np.asarray(spine) + drop)
    return TextLine(outline(spine, body, body), outline(spine, reach, reach), baseline, height)


def _length(spine: Sequence[Point]) -> float:
    return float(np.hypot(*np.diff(np.asarray(spine), axis=0).T).sum())
