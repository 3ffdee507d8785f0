"""New lines of the same hand: words cut from real lines and set side by side in another order.

A few lines hold few words in one order each, and a network learns them by heart. Cut at the gaps between words, which
forced alignment of the true text finds, and put together anew, they are as many lines as one likes in the same hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emendo.image.line import LineGeometry, ink_mask, paper_colour, writing_rows
from emendo.image.pixels import cv2
from emendo.models.ctc.align import forced_alignment
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.types import Character, Image

from .selection import TrainingLine

HEIGHT = 60
"""Rows of a spliced line: more than the network takes, so that augmentation has something to resample."""
_REACH, _MOST_INK, _LEAST_WIDTH, _GAP = 12, 0.25, 6, 10


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or a few that could not be parted: its picture (rows of the writing only), paper colour (3,), text."""

    image: Image
    paper: npt.NDArray[np.int16]
    text: str


def pieces_of(lines: Sequence[TrainingLine], recognizer: CtcRecognizer) -> list[Piece]:
    """The lines cut at their word gaps, as the recogniser's evidence places them.

    A gap is cut where it has the least ink within a dozen columns, and not at all where letters run through it.
    """
    found = []
    for start in range(0, len(lines), 32):
        part = lines[start : start + 32]
        for line, evidence in zip(part, recognizer.evidence([one.image for one in part]), strict=True):
            found += _cut(line, forced_alignment(evidence, line.text), recognizer.geometry)
    return found


def _cut(line: TrainingLine, characters: Sequence[Character], geometry: LineGeometry) -> list[Piece]:
    height, width = line.image.shape[:2]
    ink = (ink_mask(line.image) > 0).sum(axis=0).astype(np.float64)
    top, bottom = writing_rows(line.image, geometry)
    paper = paper_colour(line.image).astype(np.int16)
    pieces, left, text = [], 0, ""
    for character in (*characters, None):
        if character is not None and character.text != " ":
            text += character.text
            continue
        right = width if character is None else _gap(character, ink, _MOST_INK * height)
        if right is None:
            text += " "
            continue
        if text.strip() and right - left > _LEAST_WIDTH:
            pieces.append(Piece(line.image[top:bottom, left:right], paper, text.strip()))
        left, text = right, ""
    return pieces


def _gap(space: Character, ink: npt.NDArray[np.float64], most: float) -> int | None:
    first, last = max(0, int(space.start) - _REACH), min(len(ink), int(space.end) + _REACH)
    if last - first < 3:
        return None
    smooth = np.convolve(ink[first:last], np.ones(5), "same")
    at = int(smooth.argmin())
    return first + at if smooth[at] <= most else None


def splice(pieces: Sequence[Piece], columns: int, rng: np.random.Generator) -> tuple[Image, str]:
    """Random pieces side by side until they take `columns` (at `HEIGHT` rows); the picture and its text.

    Each piece is shifted to the paper colour of the first.
    """
    images: list[Image] = []
    texts: list[str] = []
    paper = pieces[0].paper
    width = 0
    while width < columns or not images:
        piece = pieces[int(rng.integers(len(pieces)))]
        paper = paper if images else piece.paper
        shifted = np.clip(piece.image.astype(np.int16) + (paper - piece.paper), 0, 255).astype(np.uint8)
        rows = shifted.shape[0]
        size = (max(4, round(shifted.shape[1] * HEIGHT / rows)), HEIGHT)
        scaled = cv2.resize(shifted, size, interpolation=cv2.INTER_AREA if rows > HEIGHT else cv2.INTER_LINEAR)
        gap = int(rng.integers(_GAP)) if images else 0
        images += [np.broadcast_to(paper.astype(np.uint8), (HEIGHT, gap, 3)), np.asarray(scaled, np.uint8)]
        texts.append(piece.text)
        width += gap + size[0]
    return np.ascontiguousarray(np.concatenate(images, axis=1)), " ".join(texts)
