"""A clean page as a scanner, a copier or a telephone sees it; the boxes of the words go the same way.

All measures are relative to a page of 150 dots an inch. Everything random comes from the generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..faces import Hand
from .sheet import Word

Rng = np.random.Generator
Page = npt.NDArray[np.uint8]
"""(height, width) uint8, grey."""
Matrix = npt.NDArray[np.float64]
"""(3, 3), from places on the clean page to places in the picture."""
DPI: Final = 150
_GRAIN = 512
_KINDS: Final = (("clean", 0.2), ("scan", 0.5), ("copy", 0.1), ("phone", 0.2))
_NOTES: Final = ("ok", "paid", "12/4", "Nr. 7", "ja", "vu", "x 2", "Conto 41", "bezahlt", "see file")


@dataclass(frozen=True, slots=True)
class Scan:
    """A page as a picture, what was done to it, and where places of the clean page lie in it."""

    image: Page
    kind: str
    matrix: Matrix

    def box(self, word: Word) -> tuple[float, float, float, float]:
        """The box of a word (given in points) in pixels of the picture."""
        x0, y0, x1, y1 = (value * DPI / 72 for value in word.box)
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ self.matrix.T
        places = corners[:, :2] / corners[:, 2:]
        (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
        return round(float(left), 1), round(float(top), 1), round(float(right), 1), round(float(bottom), 1)


def draw_kind(rng: Rng) -> str:
    """How a document came in: the same way for all of its pages."""
    return _KINDS[int(rng.choice(len(_KINDS), p=[share for _, share in _KINDS]))][0]


def scan(page: Page, kind: str, rng: Rng) -> Scan:
    """A clean page as it comes in."""
    if rng.random() < 0.12:
        page = _noted(page, rng)
    if kind == "clean":
        return Scan(page, kind, np.eye(3))
    matrix = _tilted(page.shape, rng) if kind != "phone" else _held(page.shape, rng)
    ground = 255 if kind != "phone" else int(rng.integers(60, 200))
    size = (page.shape[1], page.shape[0])
    border = cv2.BORDER_CONSTANT
    moved = np.asarray(
        cv2.warpPerspective(page, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=ground), np.uint8
    )
    if kind == "copy":
        return Scan(_copied(moved, rng), kind, matrix)
    sigma = float(rng.uniform(0.3, 1.2 if kind == "phone" else 0.9))
    soft = np.asarray(cv2.GaussianBlur(moved, (0, 0), sigma), np.uint8)
    return Scan(_lit(soft, rng, 0.45 if kind == "phone" else 0.12), kind, matrix)


def _tilted(shape: Sequence[int], rng: Rng) -> Matrix:
    """Laid on the glass a little askew."""
    height, width = shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 0.6)), float(rng.uniform(0.97, 1.0)))
    shift = np.array([[0, 0, 1], [0, 0, 1]]) * rng.uniform(-0.008, 0.008, (2, 1)) * width
    return np.vstack([turn + shift, [[0, 0, 1]]])


def _held(shape: Sequence[int], rng: Rng) -> Matrix:
    """Held before a camera: the corners lie where they like."""
    height, width = shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * rng.uniform(0.005, 0.05, (4, 2)) * [width, height]
    return np.asarray(cv2.getPerspectiveTransform(corners, (corners + inward).astype(np.float32)), np.float64)


def _lit(page: Page, rng: Rng, uneven: float) -> Page:
    """Light that is not even, ink that is not black, grain."""
    height, width = page.shape
    field = rng.uniform(1 - uneven, 1.0, (3, 3)).astype(np.float32)
    light = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    black, white = float(rng.uniform(0, 60)), float(rng.uniform(225, 255))
    seen = (black + page * np.float32((white - black) / 255)) * light
    seen += _grain(page.shape, rng) * np.float32(rng.uniform(1.0, 7.0))
    return np.asarray(np.clip(seen, 0, 255), np.uint8)


def _copied(page: Page, rng: Rng) -> Page:
    """Black and white alone, with specks, as after a copier or a fax."""
    rough = cv2.GaussianBlur(page, (0, 0), float(rng.uniform(0.5, 1.0))).astype(np.float32)
    rough += _grain(page.shape, rng) * np.float32(rng.uniform(6, 16))
    seen = np.where(rough > rng.uniform(120, 190), 255, 0).astype(np.uint8)
    for _ in range(int(rng.integers(0, 60))):
        centre = (int(rng.integers(page.shape[1])), int(rng.integers(page.shape[0])))
        cv2.circle(seen, centre, int(rng.integers(1, 3)), int(rng.choice([0, 0, 255])), -1)
    return seen


def _noted(page: Page, rng: Rng) -> Page:
    """A word that somebody wrote on it by hand, where there is most room."""
    hand = Hand(int(rng.integers(200, 400)), 0.5)
    mask = hand.draw(str(rng.choice(_NOTES)), int(rng.integers(36, 60)), int(rng.integers(1000)))
    height, width = mask.shape
    room = (page.shape[0] - height - 20, page.shape[1] - width - 20)
    if min(room) <= 20:
        return page
    places = [(int(rng.integers(10, room[0])), int(rng.integers(10, room[1]))) for _ in range(12)]
    y, x = max(places, key=lambda at: float(page[at[0] : at[0] + height, at[1] : at[1] + width].mean()))
    noted = page.copy()
    part = noted[y : y + height, x : x + width]
    part[:] = (part * (1 - mask.astype(np.float32) / 255 * float(rng.uniform(0.6, 0.95)))).astype(np.uint8)
    return noted


def _grain(shape: Sequence[int], rng: Rng) -> npt.NDArray[np.float32]:
    """Noise of deviation 1 over a page, from one tile that is shifted and repeated."""
    tile = np.roll(_tile(), rng.integers(0, _GRAIN, 2), axis=(0, 1))
    times = (-(-shape[0] // _GRAIN), -(-shape[1] // _GRAIN))
    return np.asarray(np.tile(tile, times)[: shape[0], : shape[1]], np.float32)


@cache
def _tile() -> npt.NDArray[np.float32]:
    return np.random.default_rng(7).standard_normal((_GRAIN, _GRAIN)).astype(np.float32)
