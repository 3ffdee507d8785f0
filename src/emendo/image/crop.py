"""Line crops: a page cut along one line's outline, straightened along its baseline, the rest painted as paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..types import Image, Point

MAX_HEIGHT = 96
"""Crops are scaled down to at most this many pixels of height."""

MAX_WIDTH = 30_000
"""Columns that a straightened crop is sampled at, at most (OpenCV's remap ends at 32,767)."""

LEVEL_DEGREES = 0.5
"""A line that leans or bends less than this is cut without resampling."""

Mask = npt.NDArray[np.uint8]

Points = npt.NDArray[np.float64]
"""(n, 2) x and y."""


def crop_line(
    image: Image, polygon: Sequence[Point], baseline: Sequence[Point] = (), *, max_height: int = MAX_HEIGHT
) -> Image:
    """Cut one line out of a page.

    `polygon` is the line's outline, `baseline` at least two points from its start to its end (without one, the long
    axis of the outline is taken). Returns (at most `max_height`, width, 3) uint8 RGB, at least one pixel each way: the
    page along the baseline, so that skewed and curved lines come out level, with everything outside the outline
    painted in the colour of the paper around the line.
    """
    outline = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    spine = _spine(outline, np.asarray(baseline, dtype=np.float64).reshape(-1, 2))
    part, mask, corner = _cut(image, outline)
    if not _is_level(spine):
        part, mask = _straighten(part, mask, outline - corner, spine - corner)
    crop = np.where(mask[:, :, None] > 0, part, paper_colour(part, mask)).astype(np.uint8)
    if crop.shape[0] > max_height:
        width = max(1, round(crop.shape[1] * max_height / crop.shape[0]))
        crop = cv2.resize(crop, (width, max_height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return crop


def place_in_page(
    size: tuple[int, int], polygon: Sequence[Point], baseline: Sequence[Point], share: float
) -> tuple[Point, Point]:
    """Where a column of a line's crop lies on a page of `size` (width, height); `share` is 0 at its left edge, 1 right.

    Returns a point on the line and the unit direction of the writing there, both in pixels of the page.
    """
    outline = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    spine = _spine(outline, np.asarray(baseline, dtype=np.float64).reshape(-1, 2))
    if _is_level(spine):
        x0, x1 = np.clip([np.floor(outline[:, 0].min()), np.ceil(outline[:, 0].max()) + 1], 0, size[0])
        return (float(x0 + share * (x1 - x0)), float(outline[:, 1].mean())), (1.0, 0.0)
    centre, normal, _ = _course(outline, spine)
    at = round(min(max(share, 0.0), 1.0) * (len(centre) - 1))
    return (float(centre[at, 0]), float(centre[at, 1])), (float(normal[at, 1]), float(-normal[at, 0]))


def long_axis(outline: Points) -> Points:
    """Both ends (2, 2) of the long axis of an outline, left to right; the level one where it is nearly square."""
    corners = cv2.boxPoints(cv2.minAreaRect(outline.astype(np.float32))).astype(np.float64)
    sides = corners[1] - corners[0], corners[2] - corners[1]
    along, across = sorted(sides, key=lambda side: -float(np.hypot(*side)))
    if np.hypot(*along) < 1.5 * np.hypot(*across):  # a near-square outline has no telling axis
        along = np.array([np.ptp(outline[:, 0]), 0.0])
    half = along / 2 if along[0] >= 0 else -along / 2
    centre = corners.mean(axis=0)
    return np.stack([centre - half, centre + half])


def paper_colour(image: Image, mask: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
    """Colour (3,) of the paper: the median of the brighter half of the pixels (within `mask` where it is > 0)."""
    pixels = image.reshape(-1, 3) if mask is None else image[mask > 0]
    if len(pixels) == 0:
        return np.full(3, 255, dtype=np.uint8)
    step = max(1, len(pixels) // 20_000)
    pixels = pixels[::step]
    light = pixels.astype(np.int32).sum(axis=1)
    colour: npt.NDArray[np.uint8] = np.median(pixels[light >= np.median(light)], axis=0).astype(np.uint8)
    return colour


def _spine(outline: Points, baseline: Points) -> Points:
    """Points along the writing direction: the baseline, else the long axis of the outline, left to right."""
    if len(baseline) >= 2 and np.ptp(baseline, axis=0).max() >= 1:
        return baseline
    return long_axis(outline)


def _is_level(spine: Points) -> bool:
    length = float(np.hypot(*(spine[-1] - spine[0])))
    if spine[-1, 0] <= spine[0, 0]:
        return length < 1
    drift = float(np.ptp(spine[:, 1]))
    return bool(drift <= max(1.0, np.tan(np.deg2rad(LEVEL_DEGREES)) * length))


def _cut(image: Image, outline: Points) -> tuple[Image, Mask, Points]:
    """The upright box around an outline, the outline as a mask on it (255 inside), and the box's corner."""
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, [width - 1, height - 1])
    x1, y1 = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 1, [x0 + 1, y0 + 1], [width, height])
    mask = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    corner = np.array([x0, y0], dtype=np.float64)
    cv2.fillPoly(mask, [np.round(outline - corner).astype(np.int32)], 255)
    return image[y0:y1, x0:x1], mask, corner


def _straighten(part: Image, mask: Mask, outline: Points, spine: Points) -> tuple[Image, Mask]:
    """Picture and mask sampled along the spine and across it, one pixel a step, as far as the outline reaches."""
    centre, normal, direction = _course(outline, spine)
    nearest = np.searchsorted((centre - centre[0]) @ direction, (outline - centre[0]) @ direction)
    nearest = np.clip(nearest, 0, len(centre) - 1)
    across = ((outline - centre[nearest]) * normal[nearest]).sum(axis=1)
    rows = np.arange(np.floor(across.min()), np.ceil(across.max()) + 1.0)
    at = (centre[None] + rows[:, None, None] * normal[None]).astype(np.float32)
    picture = cv2.remap(part, at[:, :, 0], at[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.remap(mask, at[:, :, 0], at[:, :, 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return picture.astype(np.uint8), inside.astype(np.uint8)


def _course(outline: Points, spine: Points) -> tuple[Points, Points, Points]:
    """Points a pixel apart along the smoothed spine from end to end of the outline, the normals there (pointing
    down for a line that runs to the right), and the overall direction.
    """
    steps = np.hypot(*np.diff(spine, axis=0).T)
    spine = spine[np.r_[True, steps > 0]]
    along = np.r_[0.0, np.cumsum(steps[steps > 0])]
    direction = (spine[-1] - spine[0]) / max(1e-9, float(np.hypot(*(spine[-1] - spine[0]))))
    reach = (outline - spine[0]) @ direction
    first, last = float(reach.min()), float(reach.max())
    end = float((spine[-1] - spine[0]) @ direction)
    if first < 0:
        spine, along = np.vstack([spine[0] + first * direction, spine]), np.r_[first, along]
    if last > end:
        spine, along = np.vstack([spine, spine[-1] + (last - end) * direction]), np.r_[along, along[-1] + last - end]
    begin, stop = max(float(along[0]), first), float(along[-1]) + 0.5
    position = np.arange(begin, stop, max(1.0, (stop - begin) / MAX_WIDTH))
    window = max(3, int(len(position) * 0.04) | 1)
    centre = np.stack([_smooth(np.interp(position, along, spine[:, axis]), window) for axis in (0, 1)], axis=1)
    tangent = np.gradient(centre, axis=0) if len(centre) > 1 else direction[None]
    tangent = tangent / np.maximum(1e-9, np.hypot(tangent[:, 0], tangent[:, 1]))[:, None]
    return centre, np.stack([-tangent[:, 1], tangent[:, 0]], axis=1), direction


def _smooth(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Moving average that keeps a straight line straight at its ends (padded by point reflection)."""
    if len(values) <= window:
        return np.linspace(values[0], values[-1], len(values))
    half = window // 2
    left = 2 * values[0] - values[half:0:-1]
    right = 2 * values[-1] - values[-2 : -half - 2 : -1]
    kernel = np.full(window, 1 / window)
    return np.convolve(np.r_[left, values, right], kernel, mode="valid")
