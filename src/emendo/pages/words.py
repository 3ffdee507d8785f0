"""A page to its words, each with its box: the pieces from which a person takes what belongs into a field."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Final

from shapely import box as box_of
from shapely.errors import GEOSException
from shapely.geometry import Polygon as Area

from ..formats.base import Refusal, outline
from ..text.direction import right_to_left
from ..text.normalize import normalize_text
from ..types import Box, Character, Image, Polygon, Reading, Recognizer, Word
from .lines import TextLine
from .segment import Finder, line_image, segment

ROAD: Final = 1
"""Raised when a page's words come out otherwise with the same reader and finder, so that old ones are left aside."""
AT_ONCE = 8
"""Lines handed to the recogniser at a time."""

_NARROW, _NARROW_ONES = 0.55, frozenset(" .,:;'!|()[]/-iljtfrI1")
_WIDE, _WIDE_ONES = 1.3, frozenset("mwABCDGHKMNOQRUVWXY@%&")
"""Widths of characters in print, in widths of a usual one."""


def read_words(
    page: Image, recognizer: Recognizer, finder: Finder | None = None, *, number: int = 1, threads: int = 1
) -> list[Word]:
    """The words of page `number` (H, W, 3) uint8 RGB in reading order.

    With `threads` above 1 so many parts of the page are read at the same time, by a recogniser that threads may share:
    the words are the same.
    """
    lines = [placed.line for placed in segment(page, finder)]

    def part(start: int) -> list[Word]:
        some = lines[start : start + AT_ONCE]
        pictures = [line_image(page, line) for line in some]
        read = zip(some, pictures, recognizer.read(pictures), strict=True)
        return [
            word for at, one in enumerate(read, start) for word in words_of_line(one[0], one[1].shape[1], one[2], at)
        ]

    starts = range(0, len(lines), AT_ONCE)
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(min(threads, len(starts))) as pool:
            parts = list(pool.map(part, starts))
    else:
        parts = [part(start) for start in starts]
    return [replace(word, page=number) for words in parts for word in words]


def split_words(text: str, polygon: Polygon, line: int) -> list[Word]:
    """The words of a region whose text is known: its width is shared out by how wide characters are in print."""
    ends = [
        0.0,
        *accumulate(_NARROW if char in _NARROW_ONES else _WIDE if char in _WIDE_ONES else 1.0 for char in text),
    ]
    places = [
        (char, first / ends[-1], last / ends[-1]) for char, (first, last) in zip(text, pairwise(ends), strict=True)
    ]
    if right_to_left(text):
        places = [(char, 1 - last, 1 - first) for char, first, last in places]
    return _cut(places, polygon, line)


def words_of_line(line: TextLine, width: int, read: Reading, number: int) -> list[Word]:
    """The words of a read line by where the characters were seen in its crop of `width` columns.

    A line that runs up the page stays whole.
    """
    if line.upright:
        return [Word(read.text, line.box, number, confidence=_least(read.characters))] if read.text else []
    if not read.characters:
        return [replace(word, confidence=read.confidence) for word in split_words(read.text, line.polygon, number)]
    xs = [x for x, _ in line.reach]
    left, wide = min(xs), max(xs) - min(xs)
    own, own_wide = line.box[0], max(1e-9, line.box[2] - line.box[0])

    def share(column: float) -> float:
        return (left + wide * column / max(1, width) - own) / own_wide

    places = [(one.text, share(one.start), share(one.end)) for one in read.characters]
    words = _cut(places, line.polygon, number)
    parts = _between_blanks([one.text for one in read.characters])
    return [
        replace(word, confidence=_least(read.characters[first:last]))
        for word, (first, last) in zip(words, parts, strict=True)
    ]


def _least(characters: Sequence[Character]) -> float:
    return min((one.probability for one in characters), default=1.0)


def _cut(places: Sequence[tuple[str, float, float]], polygon: Polygon, line: int) -> list[Word]:
    """Words between blanks: each has what the outline holds from where it begins to where it ends."""
    words = []
    for first, last in _between_blanks([char for char, _, _ in places]):
        some = places[first:last]
        low, high = min(one[1] for one in some), max(one[2] for one in some)
        words.append(Word("".join(one[0] for one in some), _strip(polygon, low, high), line))
    return words


def _between_blanks(characters: Sequence[str]) -> list[tuple[int, int]]:
    """Where each word begins and ends."""
    blanks = [-1, *(at for at, char in enumerate(characters) if not char.strip()), len(characters)]
    return [(first + 1, last) for first, last in pairwise(blanks) if last > first + 1]


def _strip(polygon: Polygon, low: float, high: float) -> Box:
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    left, right = min(xs), max(xs)
    x0, x1 = left + max(0.0, low) * (right - left), left + min(1.0, max(low + 1e-6, high)) * (right - left)
    whole = (x0, min(ys), x1, max(ys))
    try:
        part = Area(polygon).intersection(box_of(x0, min(ys), x1, max(ys)))
    except GEOSException:  # an outline that crosses itself
        return whole
    if part.is_empty or part.area == 0:
        return whole
    _, top, _, bottom = part.bounds
    return x0, float(top), x1, float(bottom)


def given_words(regions: object, frame: int = 0) -> list[Word]:
    """Words of regions as a manifest has them (`poly`, `polygon` or `box`, and `text`); what is none is left out.

    `frame` counts the pages from 0; a region that names none is on the first.
    """
    words: list[Word] = []
    for line, row in enumerate(regions if isinstance(regions, list) else []):
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or row.get("frame", 0) != frame:
            continue
        place = next((row[key] for key in ("poly", "polygon", "box") if key in row), None)
        try:
            found = outline(place, "box")
        except Refusal:
            continue
        clean = normalize_text(row["text"])
        words += split_words(clean, found, line) if clean else []
    return words
