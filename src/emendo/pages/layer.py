"""A page of a PDF to its words by the text layer, where that can be believed; else the page is read as a picture.

The layer of a page is used when all of this holds, and of what it says only what a person sees on the page:

- it has at least LEAST characters that are painted on the page (those of an invisible layer are another program's
  reading of a scan);
- at most UNKNOWN of them are none: private use, control codes, fonts that do not say which characters they draw;
- at most ASKEW of them are on a slant or upside down;
- raster pictures cover less than SCAN of the page: else it is a scan, whatever text lies over or under it;
- at most UNSEEN of its words stand where the page shows no ink (white on white, covered); those that do are left out;
- the reader reads some words of each main font much as the layer has them (AGREED): a font that names wrong characters
  is found out. Other than Latin letters and figures are not compared;
- what is printed beside it, like the name in a logo, is at most LINES lines with at most UNTOLD of its characters.
  They are read by the reader, and their words are added.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from emendo.image.pixels import cv2

from ..image.glyphs import Glyph, TextLayer
from ..types import Box, Image, Recognizer, Word
from .lines import TextLine, along_spine
from .order import arrange
from .profile import ink_of, spans
from .segment import line_image
from .typed import Typed, TypedLine, typed_lines, typed_words
from .words import words_of_line

LEAST: Final = 12
UNKNOWN: Final = 0.02
ASKEW: Final = 0.2
SCAN: Final = 0.5
UNSEEN: Final = 0.1
AGREED: Final = 0.6
UNTOLD: Final = 0.25
LINES: Final = 8

_CONTRAST: Final = 40
"""Grey levels between the darkest and the lightest pixel of a word."""
_COMPARED: Final = 6
"""Latin letters and figures of a font that a piece of a line needs to speak for it; _ENOUGH is as good as more."""
_ENOUGH: Final = 12
_MAIN: Final = 0.05
"""Share of the characters that makes a font a main one; the _FONTS most frequent are looked at."""
_FONTS: Final = 6
_SURE: Final = 0.5
"""Confidence from which a line beside the layer is writing, and not a drawing."""
Mask = npt.NDArray[np.uint8]


def layer_words(page: Image, layer: TextLayer | None, recognizer: Recognizer, *, number: int = 1) -> list[Word] | None:
    """The words of page `number` (H, W, 3) uint8 RGB by its text layer, in reading order; None where that is not
    usable by the rules above. `recognizer` reads the lines that confirm it, and those that it lacks.
    """
    glyphs = _believable(layer, page) if layer is not None else []
    words = _seen(typed_words([glyph for glyph in glyphs if glyph.turn != 2]), page)
    if not words:
        return None
    lines, lean = typed_lines(words)
    if not lines:
        return None
    told = [word.box for word in words] + [glyph.ink for glyph in glyphs if glyph.turn in {None, 2}]
    beside = _untold(page, told, float(np.median([word.size for word in words])))
    if beside is None or not _agrees(page, lines, recognizer):
        return None
    read = _read(page, beside, recognizer)
    if sum(len(one.text) for _, some in read for one in some) > UNTOLD * sum(len(word.text) for word in words):
        return None
    of_line = {id(one.line): _words_of(one) for one in lines} | {id(line): some for line, some in read}
    order = arrange([*(one.line for one in lines), *(line for line, _ in read)], lean)
    return [replace(word, line=at, page=number) for at, placed in enumerate(order) for word in of_line[id(placed.line)]]


def _believable(layer: TextLayer, page: Image) -> list[Glyph]:
    """The characters that are painted on the page; none where they are too few or too odd, or the page is a scan."""
    height, width = page.shape[:2]
    shown = [one for one in layer.glyphs if one.shown and 0 <= one.origin[0] < width and 0 <= one.origin[1] < height]
    printed = [one for one in shown if one.text != " "]
    known = [one for one in printed if one.text]
    askew = sum(one.turn in {None, 2} for one in printed)
    if len(known) < max(LEAST, (1 - UNKNOWN) * len(printed)) or askew > ASKEW * len(printed):
        return []
    return [] if _covered(layer.pictures, width, height) >= SCAN else shown


def _covered(boxes: Sequence[Box], width: int, height: int) -> float:
    """Share of a page that boxes cover together, for a scan may come in strips."""
    grid = np.zeros((128, 128), np.bool_)
    for left, top, right, bottom in boxes:
        x0, x1 = (round(128 * min(max(x / width, 0), 1)) for x in (left, right))
        y0, y1 = (round(128 * min(max(y / height, 0), 1)) for y in (top, bottom))
        grid[y0:y1, x0:x1] = True
    return float(grid.mean())


def _seen(words: Sequence[Typed], page: Image) -> list[Typed]:
    """The words that the page shows; none where many are not to be seen."""
    seen = [word for word in words if _shows(page, word.box)]
    return seen if len(seen) >= (1 - UNSEEN) * len(words) else []


def _shows(page: Image, box: Box) -> bool:
    left, top, right, bottom = box
    part = page[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
    return part.size > 0 and int(np.ptp(part.reshape(-1, 3).astype(np.int16), axis=0).max()) >= _CONTRAST


def _words_of(line: TypedLine) -> list[Word]:
    """The words of a line, as high as the line; a line that runs up or down the page stays whole."""
    box = line.line.box
    if line.line.upright:
        return [Word(" ".join(word.text for word in line.words), box, 0)]
    return [Word(word.text, (word.start, box[1], word.end, box[3]), 0) for word in line.words]


def _agrees(page: Image, lines: Sequence[TypedLine], recognizer: Recognizer) -> bool:
    """Whether the reader sees what the layer says, in a piece of each main font that can be compared."""
    chosen = list(_telling(lines))
    read = recognizer.read([line_image(page, _alone(words)) for words in chosen]) if chosen else []
    return all(
        Levenshtein.normalized_similarity(_folded("".join(word.text for word in words)), _folded(reading.text))
        >= AGREED
        for words, reading in zip(chosen, read, strict=True)
    )


def _telling(lines: Sequence[TypedLine]) -> Iterator[list[Typed]]:
    """For each main font the piece of a line with most of its Latin letters and figures, each once."""
    pieces = [piece for line in lines if not line.line.upright for piece in _short(line.words)]
    counted = [Counter(one.font for word in piece for one in word.glyphs if _folded(one.text)) for piece in pieces]
    usual = sum(counted, Counter[int]())
    given: set[int] = set()
    for font, count in usual.most_common(_FONTS):
        best = max(range(len(pieces)), key=lambda at: counted[at][font])
        if count >= _MAIN * usual.total() and counted[best][font] >= _COMPARED and best not in given:
            given.add(best)
            yield pieces[best]


def _short(words: Sequence[Typed]) -> Iterator[list[Typed]]:
    """A line in pieces of words that stand side by side and that together are as long as is enough to compare."""
    piece: list[Typed] = []
    for word in words:
        far = bool(piece) and not 0 <= word.start - piece[-1].end < word.size
        if far or sum(len(one.text) for one in piece) >= _ENOUGH:
            yield piece
            piece = []
        piece.append(word)
    if piece:
        yield piece


def _alone(words: Sequence[Typed]) -> TextLine:
    return typed_lines(words)[0][0].line


def _folded(text: str) -> str:
    """Its Latin letters without case and accents, and its figures."""
    plain = unicodedata.normalize("NFKD", text.upper())
    return "".join(char for char in plain if char.isascii() and char.isalnum())


def _untold(page: Image, told: Sequence[Box], size: float) -> list[TextLine] | None:
    """What is printed like writing where no box tells of it, as lines; None where there is too much of it.

    `size` is the usual size of the faces.
    """
    ink, scale = ink_of(page)
    unit, around = size * scale, 0.2 * size
    for left, top, right, bottom in told:
        x0, y0, x1, y1 = (side * scale for side in (left - around, top - around, right + around, bottom + around))
        ink[max(0, int(y0)) : max(0, int(np.ceil(y1))), max(0, int(x0)) : max(0, int(np.ceil(x1)))] = 0
    left_over = _letters(ink, unit)
    near = np.ones((1, 2 * round(0.6 * unit) + 1), np.uint8)
    lines = []
    for x, y, width, height, blob in _parts(cv2.dilate(left_over, near).astype(np.uint8)):
        rows = left_over[y : y + height, x : x + width] * blob
        for first, last in spans(np.asarray(rows.any(axis=1), np.bool_)):
            columns = np.flatnonzero(rows[first:last].any(axis=0))
            if last - first >= 0.4 * unit and columns[-1] - columns[0] >= max(1.2 * unit, 0.8 * (last - first)):
                middle = (y + (first + last) / 2) / scale
                spine = ((x + columns[0]) / scale, middle), ((x + columns[-1] + 1) / scale, middle)
                lines.append(along_spine(spine, 1.5 * (last - first) / scale))
    return lines if len(lines) <= LINES else None


def _letters(ink: Mask, unit: float) -> Mask:
    """The parts of a mask that may be letters: neither specks, rules, frames nor pictures."""
    kept = np.zeros_like(ink)
    for x, y, width, height, part in _parts(ink):
        if 0.25 * unit <= height <= 6 * unit and width <= 10 * height and part.sum() >= 0.12 * width * height:
            kept[y : y + height, x : x + width] |= part
    return kept


def _parts(mask: Mask) -> Iterator[tuple[int, int, int, int, Mask]]:
    """Connected parts: left, top, width and height, and the part alone."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label in range(1, count):
        x, y, width, height, _ = map(int, stats[label])
        yield x, y, width, height, (labels[y : y + height, x : x + width] == label).astype(np.uint8)


def _read(page: Image, lines: Sequence[TextLine], recognizer: Recognizer) -> list[tuple[TextLine, list[Word]]]:
    """The words of lines in which the reader is sure to see some."""
    pictures = [line_image(page, line) for line in lines]
    read = recognizer.read(pictures) if pictures else []
    return [
        (line, words_of_line(line, picture.shape[1], reading, 0))
        for line, picture, reading in zip(lines, pictures, read, strict=True)
        if reading.confidence >= _SURE and sum(char.isalnum() for char in reading.text) > 1
    ]
