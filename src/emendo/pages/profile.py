"""Lines by ink profile: what is left when the detector is not installed or finds nothing.

The page is levelled at the angle at which its rows of ink stand out most, rows of ink become bands, and each band is
cut where it is white for long. It needs no weights and knows one thing only: that lines of writing are dark and the
space between them light.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..types import Image
from .lines import TextLine, along_spine

SIDE = 1000
"""The page is looked at with its longer side at this many pixels."""

STEEPEST = 5.0
"""Degrees of lean looked for, either way."""

LEAST_HEIGHT = 5
"""Pixels, at that size, of the lowest band that can be writing."""

Mask = npt.NDArray[np.uint8]


def profile_lines(page: Image) -> list[TextLine]:
    """Text lines of a page (height, width, 3) uint8 RGB, top to bottom; none on an empty page."""
    ink, scale = ink_of(page)
    if ink.sum() < 20:
        return []
    angle = _angle(ink)
    turn = cv2.getRotationMatrix2D((ink.shape[1] / 2, ink.shape[0] / 2), angle, 1.0)
    level = cv2.warpAffine(ink, turn, (ink.shape[1], ink.shape[0]), flags=cv2.INTER_NEAREST).astype(np.uint8)
    back = cv2.invertAffineTransform(turn)
    found = []
    for top, bottom in _bands(level):
        for left, right in _runs(level[top:bottom], bottom - top):
            ends = np.array([[left, (top + bottom) / 2, 1], [right, (top + bottom) / 2, 1]]) @ back.T / scale
            spine = tuple((float(x), float(y)) for x, y in ends)
            found.append(along_spine(spine, (bottom - top) * 1.1 / scale))
    return found


def ink_of(page: Image) -> tuple[Mask, float]:
    """Where a page (H, W, 3) uint8 RGB is inked: a mask (h, w) of 0 and 1, and its size as a share of the page's."""
    scale = min(1.0, SIDE / max(page.shape[:2]))
    size = (max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale)))
    return _ink(cv2.resize(page, size, interpolation=cv2.INTER_AREA).astype(np.uint8)), scale


def _ink(page: Image) -> Mask:
    """1 where the page is clearly darker than its surroundings, without specks and long rules."""
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)
    paper = cv2.medianBlur(cv2.dilate(grey, np.ones((9, 9), np.uint8)), 31)
    dark = cv2.subtract(paper, grey)
    level = max(25.0, 0.35 * float(np.percentile(dark, 99.5)))
    mask = (dark > level).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height, area = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_AREA]
    kept = (area >= 4) & (height < 0.2 * mask.shape[0]) & ~((width > 0.3 * mask.shape[1]) & (height < 12))
    kept[0] = False
    return kept[labels].astype(np.uint8) if count > 1 else np.zeros_like(mask)


def _angle(ink: Mask) -> float:
    """Degrees to turn the page by so that its rows of ink stand out most."""
    small = cv2.resize(ink * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    centre = (small.shape[1] / 2, small.shape[0] / 2)

    def contrast(degrees: float) -> float:
        turn = cv2.getRotationMatrix2D(centre, degrees, 1.0)
        rows = cv2.warpAffine(small, turn, (small.shape[1], small.shape[0])).sum(axis=1, dtype=np.float64)
        return float((np.diff(rows) ** 2).sum())

    rough = max(np.arange(-STEEPEST, STEEPEST + 0.1, 1.0), key=contrast)
    return float(max(np.arange(rough - 0.8, rough + 0.81, 0.2), key=contrast))


def _bands(level: Mask) -> list[tuple[int, int]]:
    """Rows (first, one past the last) of each band of ink."""
    rows = level.sum(axis=1, dtype=np.float64)
    rows = np.convolve(rows, np.ones(3) / 3, mode="same")
    strong = np.percentile(rows[rows > 0], 80)
    held: npt.NDArray[np.bool_] = np.greater(rows, max(1.0, 0.18 * float(strong)))
    bands = spans(held)
    heights = [bottom - top for top, bottom in bands if bottom - top >= LEAST_HEIGHT]
    usual = float(np.median(heights)) if heights else 0.0
    return [
        (max(0, top - round(0.15 * usual)), min(len(rows), bottom + round(0.15 * usual)))
        for top, bottom in bands
        if bottom - top >= max(LEAST_HEIGHT, 0.4 * usual)
    ]


def _runs(band: Mask, height: int) -> list[tuple[int, int]]:
    """Columns (first, last) of each piece of a band, cut where it is white for three heights."""
    held = spans(np.asarray(band.any(axis=0), dtype=np.bool_))
    runs: list[tuple[int, int]] = []
    for left, right in held:
        if runs and left - runs[-1][1] < 3 * height:
            runs[-1] = (runs[-1][0], right)
        else:
            runs.append((left, right))
    return [(left, right) for left, right in runs if right - left >= height and band[:, left:right].sum() >= height]


def spans(held: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last (exclusive) place of each run of what is held."""
    edges = np.flatnonzero(np.diff(np.r_[False, held, False]))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
