"""Reading licence plates: the high characters of a crop, and of those only what a plate may hold.

A crop shows more than the plate's text: the name of the state, a slogan, stickers, the frame. The line detector finds
the pieces of text, the highest ones are the plate's, each is cut out tight and upright and read as a line. What the
network gives to characters that no plate holds (the hyphen, the dot, the emblem between two groups) goes to the
blank, lower case to upper case. A model that was trained on whole crops is shown whole crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np

from emendo.image.line import LineGeometry
from emendo.image.pixels import cv2
from emendo.types import Character, Evidence, EvidenceRecognizer, Image, Reading, Recognizer

from .ctc.decode import greedy, text_of
from .ctc.recognizer import CtcRecognizer
from .detector import Detector, DetectorSettings
from .engine import EngineName
from .ensemble import combined
from .pieces import Piece
from .rapid import RAPIDOCR, RapidOcrRecognizer
from .references import AUTO, champion_folder, embedded_names, load_bundle, load_recognizer
from .remote import RemoteRecognizer, is_remote

TALL = 0.65
"""Pieces at least so high as a share of the highest are the plate's."""
ACROSS, DOWN = 0.2, -0.04
"""What is cut out beside and above a piece, in its heights: the detector's pieces are high rather than long."""
GEOMETRY = LineGeometry(crop="none", stretch=1.3)
"""How a piece is shown: all its rows, a little wider, for the characters of plates are narrow."""
FINDING = DetectorSettings(short_side=320, long_side=1280)


class PlateRecognizer:
    """Reads crops of plates with a line recogniser, restricted to an alphabet; may be shared by threads if it may.

    `detector` finds the pieces; without one a crop is shown whole.
    """

    def __init__(self, inner: EvidenceRecognizer, alphabet: str, detector: Detector | None) -> None:
        self.inner, self.alphabet, self.detector = inner, alphabet, detector

    @property
    def model(self) -> str:
        """That of the line recogniser, and that it is restricted."""
        return f"plate({self.inner.model})"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per crop (H, W, 3) uint8 RGB, in order; its confidence is the product of the characters'."""
        parts = [self._parts(image) for image in images]
        evidence = iter(self.inner.evidence([part for some in parts for part in some]))
        return [self._joined([next(evidence) for _ in some]) for some in parts]

    def _parts(self, image: Image) -> list[Image]:
        found = high_pieces(self.detector(image)) if self.detector is not None else []
        return [cut_piece(image, piece) for piece in found] or [image]

    def _joined(self, evidences: Sequence[Evidence]) -> Reading:
        characters: tuple[Character, ...] = ()
        for evidence in evidences:
            characters += greedy(restricted(evidence, self.alphabet))
        sure = exp(sum(log(max(one.probability, 1e-9)) for one in characters)) if characters else 0.0
        return Reading(text_of(characters), sure, characters, self.model)


class FoldedRecognizer:
    """Any other recogniser: of what it reads, the characters of the alphabet count, lower case as upper case."""

    def __init__(self, inner: Recognizer, alphabet: str) -> None:
        self.inner, self.alphabet = inner, alphabet

    @property
    def model(self) -> str:
        """That of the recogniser, and that it is restricted."""
        return f"plate({self.inner.model})"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per crop, in order."""
        said = self.inner.read(images)
        return [Reading(within(one.text, self.alphabet), one.confidence, (), self.model) for one in said]


def load_plate_recognizer(
    ref: str, alphabet: str, *, workspace: Path | None = None, threads: int = 1, engine: EngineName = "onnxruntime"
) -> Recognizer:
    """The recogniser of plates that a model reference names; errors as for `references.load_recognizer`.

    `ensemble:A,B` and `fallback:A,B` take several. The embedded models and `rapidocr` look for the plate's text in the
    crop; the champion and other models are shown the crop as it is, and one that was trained on plates and knows no
    character but theirs reads as it was made, with its own confidence.
    """

    def load(name: str) -> Recognizer:
        return load_plate_recognizer(name, alphabet, workspace=workspace, threads=threads, engine=engine)

    several = combined(ref, load)
    if several is not None:
        return several
    if ref == RAPIDOCR:
        return FoldedRecognizer(RapidOcrRecognizer(threads=threads, tall=TALL), alphabet)
    if is_remote(ref):
        return RemoteRecognizer(ref, kind="plate")
    unnamed = ref in {"", AUTO} and (ref == AUTO or workspace is None or champion_folder(workspace) is None)
    if unnamed or ref in embedded_names():
        bundle = load_bundle(embedded_names()[0] if unnamed else ref)
        inner = CtcRecognizer(bundle, threads=threads, decoder="greedy", engine=engine, geometry=GEOMETRY)
        return PlateRecognizer(inner, alphabet, Detector(threads=threads, settings=FINDING))
    other = load_recognizer(ref, workspace=workspace, threads=threads, engine=engine)
    if isinstance(other, CtcRecognizer) and set(other.alphabet) <= set(alphabet):
        return other
    if isinstance(other, EvidenceRecognizer):
        return PlateRecognizer(other, alphabet, None)
    return FoldedRecognizer(other, alphabet)


def within(text: str, alphabet: str) -> str:
    """The characters of a text that are in the alphabet, lower case where only upper case is in it as that."""
    folded = (char if char in alphabet else char.upper() for char in text)
    return "".join(char for char in folded if char in alphabet)


def restricted(evidence: Evidence, alphabet: str) -> Evidence:
    """The evidence for the characters of `alphabet`; what the rest had goes to the blank."""
    rows: dict[str, list[int]] = {char: [] for char in alphabet}
    rest = [0]
    for place, entry in enumerate(evidence.alphabet, start=1):
        folded = entry if entry in rows else entry.upper()
        rows.get(folded, rest).append(place)
    columns = [rest, *rows.values()]
    found = np.full((len(evidence.log_probs), len(columns)), -50.0, np.float32)
    for number, places in enumerate(columns):
        if places:
            found[:, number] = np.logaddexp.reduce(evidence.log_probs[:, places], axis=1)
    return replace(evidence, log_probs=found, alphabet=tuple(alphabet))


def high_pieces(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of the plate's own text: the high ones, row by row, each place once."""
    level = [piece for piece in pieces if not piece.upright]
    top = max((piece.height for piece in level), default=0.0)
    kept: list[Piece] = []
    for piece in sorted(level, key=lambda one: -one.height * _length(one)):
        if piece.height >= TALL * top and not any(_covers(one, piece) for one in kept):
            kept.append(piece)
    rows: list[list[Piece]] = []
    for piece in sorted(kept, key=_middle):
        if rows and _middle(piece) - _middle(rows[-1][-1]) < 0.6 * piece.height:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [piece for row in rows for piece in sorted(row, key=lambda one: one.spine[0][0])]


def _length(piece: Piece) -> float:
    return piece.spine[-1][0] - piece.spine[0][0]


def _middle(piece: Piece) -> float:
    return sum(y for _, y in piece.spine) / len(piece.spine)


def _covers(one: Piece, other: Piece) -> bool:
    """Whether at least half of `other` is in the same row and columns as `one`."""
    shared = min(one.spine[-1][0], other.spine[-1][0]) - max(one.spine[0][0], other.spine[0][0])
    return shared > 0.5 * _length(other) and abs(_middle(one) - _middle(other)) < 0.6 * one.height


def cut_piece(image: Image, piece: Piece) -> Image:
    """A piece of a picture, upright, with a margin beside it; what lies outside of the picture repeats its edge."""
    quad = cv2.boxPoints(cv2.minAreaRect(np.asarray(piece.polygon, np.float32)))
    sums, steps = quad.sum(axis=1), quad[:, 1] - quad[:, 0]
    corners = np.asarray([quad[sums.argmin()], quad[steps.argmin()], quad[sums.argmax()], quad[steps.argmax()]])
    width = float(np.linalg.norm(corners[1] - corners[0]))
    height = float(np.linalg.norm(corners[3] - corners[0]))
    left, top = ACROSS * height, DOWN * height
    ends = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), np.asarray(ends, np.float32))
    size = (max(8, round(width + 2 * left)), max(8, round(height + 2 * top)))
    return np.asarray(cv2.warpPerspective(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
