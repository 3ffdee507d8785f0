"""What the network is shown of each word of a document: how it is written, its numbers, and where it stands.

A word is an OCR word, not a piece of a tokenizer: its text becomes hashed pieces of one to four characters, each with
a weight of its own (Bojanowski et al., "Enriching Word Vectors with Subword Information", 2017), so that a word with a
misread character still looks like itself. Lengths are in heights of a usual word of the page, so that neither
resolution nor paper matter. Between every two words stands how far apart they are and how they line up, as in BROS
(Hong et al., 2022) and LayoutLMv3 (Huang et al., 2022).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from emendo.fields.currencies import DECIMALS, SIGNS, WORDS
from emendo.types import Word

from .numbers import NUMBERS, number_features, value_of

VERSION: Final = 1
"""Raised when a feature changes: a network is only of use with the features that it was trained with."""
BUCKETS: Final = 8192
PIECES: Final = 40
"""Most pieces of a word that count."""
LONGEST: Final = 24
"""Characters of a word that are looked at."""
BINS: Final = 21
"""Distances are told apart in 2 * BINS + 1 steps, fine ones near and coarse ones far."""
SIDES: Final = 17
"""Ways in which two words line up: left edges, right edges, neighbours in reading order, one row; and the last for
words on different pages. The number SIDES itself stands for words that are none, see `padded`.
"""
ACROSS: Final = 2 * BINS + 1
_CURRENCY = frozenset({*DECIMALS, *SIGNS, *WORDS})
_DATE = re.compile(r"(?<![\d.,/-])(\d{1,4})[-/. ](\d{1,2}|[A-Z]{3,9})[-/. ](\d{1,4})(?![\d./,-])")
_MONTH = re.compile(
    r"(JAN|FEB|FEV|MAR|APR|AVR|ABR|MAI|MAY|JUN|JUL|GIU|LUG|AUG|AOU|AGO|SEP|SET|OCT|OKT|OTT|NOV|DEC|DEZ|DIC)[A-Z]{0,7}\.?"
)
_MONEY = re.compile(r"\D{0,12}\d[\d.,' ]*[.,]\d\d\D{0,4}")
_TIME = re.compile(r"\d{1,2}[:.]\d\d([:.]\d\d)?")
_TAX_ID = re.compile(r"[A-Z]{2,3}\d{8,12}[A-Z\d]{0,3}|\d{12}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{0,30}")
_WEB = re.compile(r"@|WWW|HTTP|\.(COM|DE|FR|NET|ORG|EXAMPLE|NL|IT|ES|EU)\b")
SHAPES: Final = 31
PLACES: Final = 23
FEATURES: Final = SHAPES + NUMBERS + PLACES


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document of N words as the network takes it.

    `pieces` (N, PIECES) int32, 0 where there is none; `features` (N, FEATURES) float32; `across`, `down` and `sides`
    (N, N) int32 in [0, ACROSS), [0, ACROSS) and [0, SIDES]: where the word of the column stands from that of the row.
    """

    pieces: npt.NDArray[np.int32]
    features: npt.NDArray[np.float32]
    across: npt.NDArray[np.int32]
    down: npt.NDArray[np.int32]
    sides: npt.NDArray[np.int32]

    def feeds(self) -> dict[str, npt.NDArray[Any]]:
        """By the names of the graph's inputs."""
        return {
            "pieces": self.pieces,
            "features": self.features,
            "across": self.across,
            "down": self.down,
            "sides": self.sides,
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the words of a document stand: all lengths in heights of a usual word, pages one below the other.

    `boxes` (N, 4) left, top, right, bottom; `shares` (N, 4) the same as shares of what is printed on the page; `pages`
    (N,) from 0; `rows` (N,) numbers what stands beside each other on the paper, whatever the reader took for a line.
    """

    boxes: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    pages: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


def encode(words: Sequence[Word]) -> Encoded:
    """The words of a document, page by page, as the network takes them."""
    layout = lay_out(words)
    shapes = np.asarray([shape_of(word.text) for word in words], np.float32).reshape(len(words), SHAPES)
    pieces = np.zeros((len(words), PIECES), np.int32)
    for at, word in enumerate(words):
        found = pieces_of(word.text)
        pieces[at, : len(found)] = found
    numbers = number_features([value_of(word.text) for word in words], layout.boxes, layout.rows)
    features = np.concatenate([shapes, numbers, _places(words, layout)], axis=1)
    across, down, sides = _between(layout)
    return Encoded(pieces, features.astype(np.float32), across, down, sides)


def padded(encoded: Encoded, count: int) -> Encoded:
    """The same with words that are none behind it, so that there are `count`; nothing looks at them."""
    more = count - len(encoded.pieces)
    behind, around = ((0, more), (0, 0)), ((0, more), (0, more))
    return Encoded(
        np.pad(encoded.pieces, behind),
        np.pad(encoded.features, behind),
        np.pad(encoded.across, around, constant_values=BINS),
        np.pad(encoded.down, around, constant_values=BINS),
        np.pad(encoded.sides, around, constant_values=SIDES),
    )


def lay_out(words: Sequence[Word]) -> Layout:
    """Where the words stand."""
    count = len(words)
    raw = np.asarray([word.box for word in words], np.float64).reshape(count, 4)
    pages = np.asarray([word.page for word in words], np.int64) - 1
    boxes, shares = np.zeros((count, 4)), np.zeros((count, 4))
    rows = np.zeros(count, np.int64)
    top, first = 0.0, 0
    for page in np.unique(pages):
        at = np.flatnonzero(pages == page)
        own = raw[at]
        unit = max(1e-6, float(np.median(own[:, 3] - own[:, 1])))
        low, high = own.min(axis=0), own.max(axis=0)
        origin = np.asarray([low[0], low[1], low[0], low[1]])
        size = np.maximum(1e-6, np.asarray([high[2] - low[0], high[3] - low[1]] * 2))
        moved = (own - origin) / unit
        shares[at] = (own - origin) / size
        moved[:, 1::2] += top
        boxes[at] = moved
        rows[at] = first + _rows(moved)
        top, first = moved[:, 3].max() + 20, int(rows[at].max()) + 1
    return Layout(boxes, shares, pages, rows)


def _rows(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Numbers rows of words from the top, left to right: a word joins the row whose last word it stands beside."""
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    heights = boxes[:, 3] - boxes[:, 1]
    found = np.zeros(len(boxes), np.int64)
    ends: list[tuple[float, float, float]] = []  # middle, height and right edge of the last word of each row
    owners: list[float] = []
    for at in np.argsort(boxes[:, 0], kind="stable"):
        best, least = -1, math.inf
        for row, (middle, height, right) in enumerate(ends):
            off = abs(middle - middles[at])
            if off < 0.5 * min(max(height, 0.6), max(heights[at], 0.6)) and boxes[at, 0] > right - 1.5 and off < least:
                best, least = row, off
        if best < 0:
            owners.append(middles[at])
            ends.append((middles[at], heights[at], boxes[at, 2]))
            best = len(ends) - 1
        else:
            ends[best] = (middles[at], heights[at], boxes[at, 2])
        found[at] = best
    order = np.empty(len(owners), np.int64)
    order[np.argsort(owners, kind="stable")] = np.arange(len(owners))
    return order[found]


@lru_cache(maxsize=1 << 16)
def folded(text: str) -> str:
    """Upper case without accents: what is left where a reader or a printer is careless."""
    plain = unicodedata.normalize("NFKD", text.upper())
    return "".join(char for char in plain if not unicodedata.combining(char))


@lru_cache(maxsize=1 << 16)
def pieces_of(text: str) -> tuple[int, ...]:
    """Numbers in [1, BUCKETS) of the pieces of a word, figures as one figure, and of the word as it is."""
    plain = folded(text)[:LONGEST]
    shape = re.sub(r"\d", "0", plain)
    whole = f"<{shape}>"
    found = [f"={plain}", f"~{shape}"]
    for size in (3, 2, 4, 1):
        found += [f"{size}{whole[at : at + size]}" for at in range(len(whole) - size + 1)]
    hashed = [1 + crc32(piece.encode()) % (BUCKETS - 1) for piece in dict.fromkeys(found)]
    return tuple(hashed[:PIECES])


@lru_cache(maxsize=1 << 16)
def shape_of(text: str) -> tuple[float, ...]:
    """How a word is written, SHAPES values about 0 to 1."""
    plain = folded(text)
    count = max(1, len(plain))
    digits = sum(char.isdigit() for char in plain)
    letters = sum(char.isalpha() for char in plain)
    capitals = sum(char.isupper() for char in text)
    tight = plain.strip(".,:;()[]*-")
    bare = re.sub(r"[^A-Z]", "", plain)
    return (
        min(count, 30) / 10,
        digits / count,
        letters / count,
        capitals / max(1, letters),
        float(text[:1].isupper()),
        float(digits == count),
        min(digits, 20) / 10,
        float(letters == count),
        float(plain in _CURRENCY or bare in _CURRENCY),
        float(any(sign in text for sign in "€$£¥")),
        float("%" in plain),
        float(_DATE.search(tight) is not None),
        float(_MONTH.fullmatch(tight) is not None),
        float(re.fullmatch(r"(19|20)\d\d", tight) is not None),
        float(_MONEY.fullmatch(plain) is not None),
        float(re.fullmatch(r"\d{1,3}", tight) is not None),
        float(re.fullmatch(r"\d+[.,]\d{3,}", tight) is not None),
        float("," in plain),
        float("." in plain),
        float(plain.startswith(("-", "(")) or plain.endswith("-")),
        float(plain.endswith(":")),
        float(":" in plain),
        float("/" in plain),
        float("-" in plain[1:]),
        float(_TIME.search(plain) is not None),
        float(_TAX_ID.fullmatch(re.sub(r"[^A-Z0-9]", "", plain)) is not None),
        float(_IBAN.fullmatch(plain) is not None),
        float(_WEB.search(plain) is not None),
        float(re.fullmatch(r"(\D{0,3}-)?\d{4,5}", tight) is not None),
        float(plain in {"X", "*", "@", "×"}),
        float("#" in plain or plain.startswith(("NO.", "NR.", "N°"))),
    )


def _places(words: Sequence[Word], layout: Layout) -> npt.NDArray[np.float64]:
    """Where each word stands, (N, PLACES)."""
    boxes, shares = layout.boxes, layout.shares
    count = len(words)
    found = np.zeros((count, PLACES))
    if not count:
        return found
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    found[:, 0:4] = shares
    found[:, 22] = 1  # tells words from padding
    found[:, 4], found[:, 5] = np.minimum(width, 20) / 10, np.minimum(height, 4) / 2
    tallest = {row: height[layout.rows == row].max() for row in np.unique(layout.rows)}
    found[:, 6] = [min(tallest[row], 4) / 2 for row in layout.rows]
    pages = int(layout.pages.max()) + 1
    found[:, 7], found[:, 8] = layout.pages == layout.pages.min(), layout.pages == layout.pages.max()
    found[:, 9] = math.log(pages)
    found[:, 10] = math.log(1 + count) / 5
    rows = int(layout.rows.max()) + 1
    found[:, 11] = layout.rows / rows
    found[:, 12], found[:, 13] = np.minimum(layout.rows, 10) / 10, np.minimum(rows - 1 - layout.rows, 10) / 10
    found[:, 14] = [word.confidence for word in words]
    page_width = {page: boxes[layout.pages == page, 2].max() for page in np.unique(layout.pages)}
    found[:, 15] = [min(page_width[page], 120) / 60 for page in layout.pages]
    for row in by_row(layout.rows):
        members = row[np.argsort(boxes[row, 0], kind="stable")]
        gaps = boxes[members[1:], 0] - boxes[members[:-1], 2]
        left = np.concatenate([[20.0], gaps]).clip(-1, 20)
        right = np.concatenate([gaps, [20.0]]).clip(-1, 20)
        found[members, 16], found[members, 17] = np.log1p(left + 1) / 3, np.log1p(right + 1) / 3
        found[members, 18] = np.arange(len(members)) / 10
        found[members, 19] = (len(members) - 1 - np.arange(len(members))) / 10
        found[members, 20] = math.log(len(members)) / 3
        found[members, 21] = (boxes[members, 0].min() + boxes[members, 2].max()) / 2 / max(1e-6, boxes[:, 2].max())
    return found


def by_row(rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """The words of each row, from the top."""
    order = np.argsort(rows, kind="stable")
    ends = np.flatnonzero(np.diff(rows[order])) + 1
    return [part for part in np.split(order, ends) if len(part)]


def _between(layout: Layout) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    boxes = layout.boxes.astype(np.float32)
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    order = np.arange(len(boxes))
    sides = (np.abs(boxes[None, :, 0] - boxes[:, None, 0]) < 0.6).astype(np.int32)
    sides += 2 * (np.abs(boxes[None, :, 2] - boxes[:, None, 2]) < 0.6)
    sides += 4 * (np.abs(order[None] - order[:, None]) == 1)
    sides += 8 * (layout.rows[None] == layout.rows[:, None])
    apart = layout.pages[None] != layout.pages[:, None]
    sides[apart] = SIDES - 1
    return _step(x[None] - x[:, None]), _step(y[None] - y[:, None]), sides


def _step(distance: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int32]:
    """A distance in word heights as a step in [0, ACROSS), BINS for none."""
    steps = np.rint(np.sign(distance) * np.log1p(np.abs(distance) * 2) * 4)
    return np.asarray(np.clip(steps, -BINS, BINS) + BINS, np.int32)
