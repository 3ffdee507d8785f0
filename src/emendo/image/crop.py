"""Line crops: a page cut along one line's outline, straightened along its baseline, the rest painted as paper."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ..types import Image, Point

MAX_HEIGHT = 96
"""Crops are scaled down to at most this many pixels of height."""

LEVEL_DEGREES = 0.5
"""A line that leans or bends less than this is cut without resampling."""

Points = npt.NDArray[np.float64]
"""(n, 2) x and y."""


def crop_line(
    image: Image, polygon: Sequence[Point], baseline: Sequence[Point] = (), *, max_height: int = MAX_HEIGHT
) -> Image:
    """Cut one line out of a page.

    `polygon` is the line's outline, `baseline` at least two points from its start to its end (without one, the long
    axis of the outline is taken). Returns (at most `max_height`, width, 3) uint8 RGB: the page along the baseline, so
    that skewed and curved lines come out level, with everything outside the outline painted in the median colour of
    the paper around the line.
    """
    outline = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    spine = _spine(outline, np.asarray(baseline, dtype=np.float64).reshape(-1, 2))
    if _is_level(spine):
        crop, mask = _cut(image, outline)
    else:
        crop, mask = _straighten(image, outline, spine, max_height)
    paper = paper_colour(crop, mask)
    crop = np.where(mask[:, :, None] > 0, crop, paper).astype(np.uint8)
    if crop.shape[0] > max_height:
        width = max(1, round(crop.shape[1] * max_height / crop.shape[0]))
        crop = cv2.resize(crop, (width, max_height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return crop


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
    (x, y), (width, height), angle = cv2.minAreaRect(outline.astype(np.float32))
    if width < height:
        width, angle = height, angle - 90
    # a near-square outline has no telling axis
    lean = np.deg2rad((angle + 90) % 180 - 90) if width > 1.5 * min(width, height or 1) or width != height else 0.0
    if abs(lean) > np.pi / 4:
        lean = 0.0
    half = np.array([np.cos(lean), np.sin(lean)]) * width / 2
    centre = np.array([x, y])
    return np.stack([centre - half, centre + half])


def _is_level(spine: Points) -> bool:
    length = float(np.hypot(*(spine[-1] - spine[0])))
    if spine[-1, 0] <= spine[0, 0]:
        return length < 1
    drift = float(np.ptp(spine[:, 1]))
    return bool(drift <= max(1.0, np.tan(np.deg2rad(LEVEL_DEGREES)) * length))


def _cut(image: Image, outline: Points) -> tuple[Image, npt.NDArray[np.uint8]]:
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, [width - 1, height - 1])
    x1, y1 = np.clip(np.ceil(outline.max(axis=0)).astype(int) + 1, [x0 + 1, y0 + 1], [width, height])
    mask = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    cv2.fillPoly(mask, [np.round(outline - [x0, y0]).astype(np.int32)], 255)
    return image[y0:y1, x0:x1].copy(), mask


def _straighten(image: Image, outline: Points, spine: Points, max_height: int) -> tuple[Image, npt.NDArray[np.uint8]]:
    """Sample the page along the spine and across it; the outline is sampled with the same map."""
    steps = np.hypot(*np.diff(spine, axis=0).T)
    spine = spine[np.r_[True, steps > 0]]
    along = np.r_[0.0, np.cumsum(steps[steps > 0])]
    direction = (spine[-1] - spine[0]) / max(1e-9, float(np.hypot(*(spine[-1] - spine[0]))))
    # extend the spine straight on to the ends of the outline
    reach = (outline - spine[0]) @ direction
    before, after = (
        max(0.0, -float(reach.min())),
        max(0.0, float(reach.max()) - float((spine[-1] - spine[0]) @ direction)),
    )
    if before > 0:
        spine, along = np.vstack([spine[0] - before * direction, spine]), np.r_[-before, along]
    if after > 0:
        spine, along = np.vstack([spine, spine[-1] + after * direction]), np.r_[along, along[-1] + after]
    first = max(float(along[0]), float(reach.min()))
    position = np.arange(first, float(along[-1]) + 0.5)
    centre = np.stack([np.interp(position, along, spine[:, axis]) for axis in (0, 1)], axis=1)
    window = max(3, int(len(position) * 0.04) | 1)
    smooth = np.stack([_smooth(centre[:, axis], window) for axis in (0, 1)], axis=1)
    tangent = np.gradient(smooth, axis=0) if len(smooth) > 1 else direction[None]
    tangent /= np.maximum(1e-9, np.hypot(tangent[:, 0], tangent[:, 1]))[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    nearest = np.clip(
        np.searchsorted((smooth - smooth[0]) @ direction, (outline - smooth[0]) @ direction), 0, len(smooth) - 1
    )
    across = ((outline - smooth[nearest]) * normal[nearest]).sum(axis=1)
    low, high = np.floor(across.min()), np.ceil(across.max())
    scale = min(1.0, max_height / max(1.0, high - low + 1))
    rows = np.arange(low, high + 1e-6, 1.0)
    map_x = (smooth[None, :, 0] + rows[:, None] * normal[None, :, 0]).astype(np.float32)
    map_y = (smooth[None, :, 1] + rows[:, None] * normal[None, :, 1]).astype(np.float32)
    mask = _outline_mask(image.shape[:2], outline)
    crop = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.remap(mask, map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    if scale < 1.0:
        size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
        inside = cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST)
    return crop.astype(np.uint8), inside.astype(np.uint8)


def _outline_mask(shape: tuple[int, ...], outline: Points) -> npt.NDArray[np.uint8]:
    mask = np.zeros(shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255)
    return mask


def _smooth(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Moving average that keeps a straight line straight at its ends (padded by point reflection)."""
    if len(values) <= window:
        return np.linspace(values[0], values[-1], len(values))
    half = window // 2
    left = 2 * values[0] - values[half:0:-1]
    right = 2 * values[-1] - values[-2 : -half - 2 : -1]
    kernel = np.full(window, 1 / window)
    return np.convolve(np.r_[left, values, right], kernel, mode="valid")
