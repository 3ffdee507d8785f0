"""From a map of text probability to pieces of text: a spine along the writing and a height across it.

The detector marks the shrunk core of each piece of text (Liao et al., Real-time Scene Text Detection with
Differentiable Binarization, 2020). The paper grows the smallest rectangle around a core back to full size. Here each
core is followed column by column instead, so that a curved or bumpy line gets no higher than its writing, and a core
that bridges two lines is cut in two where a higher threshold separates it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..types import Point, Polygon

THRESHOLD = 0.3
LEAST_SCORE = 0.5
"""Cut of the map, and least mean probability of a core: the values that the weights are shipped with."""

GROWTH = 0.8
"""Distance a core grows on each side, as a share of its thickness; half the unclip ratio 1.6 of long cores."""

SPLIT_AT = (0.5, 0.65, 0.8, 0.9)
"""Higher thresholds tried where a core is suspected to bridge two lines."""

UPRIGHT = 2.5
"""A core this many times as high as wide is writing up or down the page."""

MOST = 3000
LEAST_THICKNESS = 3.0

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text in page pixels: its middle from the first to the last column (at least two points, left to
    right; bottom to top when `upright`, that is, written up the page), its full height, and its mean probability.
    """

    spine: tuple[Point, ...]
    height: float
    score: float
    upright: bool = False

    @property
    def polygon(self) -> Polygon:
        """Outline: the spine moved half the height to either side."""
        return outline(self.spine, self.height / 2, self.height / 2)


def outline(spine: tuple[Point, ...], above: float, below: float) -> Polygon:
    """The outline of a band along `spine`, `above` pixels to its left-hand side and `below` to its right-hand side."""
    points = np.asarray(spine, dtype=np.float64)
    chord = points[-1] - points[0]
    chord /= max(1e-9, float(np.hypot(*chord)))
    normal = np.array([-chord[1], chord[0]])
    ring = np.vstack([points - above * normal, (points + below * normal)[::-1]])
    return tuple((float(x), float(y)) for x, y in ring)


def pieces(probability: Field, shape: tuple[int, ...]) -> list[Piece]:
    """The pieces of text in a probability map (h, w), in pixels of a page of `shape` (height, width, ...)."""
    mask = (probability > THRESHOLD).astype(np.uint8)
    to_page = np.array([shape[1] / mask.shape[1], shape[0] / mask.shape[0]])
    found = []
    for core, x0, y0 in _cores(mask):
        height, width = core.shape
        part = probability[y0 : y0 + height, x0 : x0 + width]
        for single in _lines_of(core, part):
            piece = _piece(single, part, (x0, y0), to_page)
            if piece is not None:
                found.append(piece)
    return found


def _cores(mask: Mask) -> Iterator[tuple[Mask, int, int]]:
    """Connected parts of a mask, largest first: the part alone (0 or 1), and the corner it was cut at."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label in np.argsort(-stats[1:count, cv2.CC_STAT_AREA])[:MOST] + 1:
        x, y, width, height, area = stats[label]
        if area < LEAST_THICKNESS**2 or min(width, height) < LEAST_THICKNESS:
            continue
        yield (labels[y : y + height, x : x + width] == label).astype(np.uint8), int(x), int(y)


def _lines_of(core: Mask, probability: Field) -> Iterator[Mask]:
    """The core itself, or the parts it falls into when it bridges lines that lie one above the other."""
    usual = float(np.median(core.sum(axis=0)[core.any(axis=0)]))
    if _thickness(core).max(initial=0) < 1.6 * usual:
        yield core
        return
    for threshold in SPLIT_AT:
        parts = [part for part, _, _ in _placed(((probability > threshold) & (core > 0)).astype(np.uint8))]
        parts = [part for part in parts if np.ptp(np.flatnonzero(part.any(axis=0))) >= 3 * usual]
        if _stacked(parts):
            yield from _share(core, parts)
            return
    yield core


def _placed(mask: Mask) -> Iterator[tuple[Mask, int, int]]:
    """As `_cores`, each part in a mask of the full size."""
    for part, x, y in _cores(mask):
        full = np.zeros_like(mask)
        full[y : y + part.shape[0], x : x + part.shape[1]] = part
        yield full, 0, 0


def _stacked(parts: list[Mask]) -> bool:
    """Whether two of the parts lie above one another over half of the shorter one's columns."""
    columns = [part.any(axis=0) for part in parts]
    return any(
        (columns[a] & columns[b]).sum() > 0.5 * min(columns[a].sum(), columns[b].sum())
        for a in range(len(parts))
        for b in range(a)
    )


def _share(core: Mask, parts: list[Mask]) -> Iterator[Mask]:
    """Give each pixel of the core to the nearest part."""
    distances = np.stack([cv2.distanceTransform(1 - part, cv2.DIST_L2, 3) for part in parts])
    nearest = distances.argmin(axis=0)
    for number in range(len(parts)):
        yield ((nearest == number) & (core > 0)).astype(np.uint8)


def _thickness(core: Mask) -> npt.NDArray[np.int64]:
    """Pixels from the first to the last row of each column that holds any."""
    held = core[:, core.any(axis=0)]
    first = held.argmax(axis=0)
    last = held.shape[0] - 1 - held[::-1].argmax(axis=0)
    return np.asarray(last - first + 1, dtype=np.int64)


def _piece(core: Mask, probability: Field, corner: tuple[int, int], to_page: npt.NDArray[np.float64]) -> Piece | None:
    score = float(probability[core > 0].mean()) if core.any() else 0.0
    if score < LEAST_SCORE:
        return None
    rows, columns = (np.flatnonzero(core.any(axis=axis)) for axis in (1, 0))
    upright = len(rows) >= UPRIGHT * len(columns)
    if upright:
        core = np.rot90(core, -1)
        columns = np.flatnonzero(core.any(axis=0))
    thickness = _thickness(core)
    thick = float(np.median(thickness))
    if thick < LEAST_THICKNESS:
        return None
    held = core[:, columns]
    middle = held.argmax(axis=0) + (thickness - 1) / 2
    x, y = _smooth_spine(columns.astype(np.float64), middle, thick)
    if upright:
        # undo the quarter turn: column counts from the bottom row up
        x, y = y, core.shape[1] - 1 - x
    spine = (np.stack([x, y], axis=1) + 0.5 + corner) * to_page
    scale = to_page[0] if upright else to_page[1]
    height = thick * (1 + 2 * GROWTH) * float(scale)
    return Piece(tuple((float(a), float(b)) for a, b in spine), height, score, upright)


def _smooth_spine(
    columns: npt.NDArray[np.float64], middle: npt.NDArray[np.float64], thick: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A polynomial through the middles, drawn robustly, at a few columns from end to end and a bit beyond."""
    start, stop = columns[0] - GROWTH * thick, columns[-1] + GROWTH * thick
    length = stop - start
    degree = 0 if length < 3.5 * thick else 1 if length < 12 * thick else 2 if length < 30 * thick else 3
    scaled = (columns - start) / length * 2 - 1
    weight = np.ones_like(middle)
    fit = np.polynomial.polynomial.polyfit(scaled, middle, degree)
    for _ in range(4):
        off = np.abs(middle - np.polynomial.polynomial.polyval(scaled, fit))
        weight = 1 / np.maximum(1.0, off / (0.15 * thick))
        fit = np.polynomial.polynomial.polyfit(scaled, middle, degree, w=weight)
    at = np.linspace(-1, 1, 2 + int(np.clip(length / (6 * thick), 0, 14)) if degree > 1 else 2)
    return start + (at + 1) / 2 * length, np.asarray(np.polynomial.polynomial.polyval(at, fit), dtype=np.float64)
