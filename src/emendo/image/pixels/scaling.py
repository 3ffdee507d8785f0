"""Scaling of uint8 pictures, to the bit as OpenCV's `resize` does it (modules/imgproc/src/resize.cpp).

Linear: weights of 11 bits, the rows mixed with the lowest four bits of each product left out. Area: the mean of the
pixels that a cell covers, by weights in float32 added in the order of the columns and then of the rows; where both
ratios are whole numbers the sum is an integer, and where one axis grows the weights are those of linear scaling with
the steps of area scaling.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
INTER_NEAREST, INTER_LINEAR, INTER_CUBIC, INTER_AREA = 0, 1, 2, 3
_BITS = 11
_WHOLE = 1 << _BITS
_EPSILON = 2.220446049250313e-16
_SLIVER = 1e-3
"""Parts of a pixel below this are not counted in a mean."""


def resize(
    image: npt.NDArray[np.uint8],
    size: tuple[int, int] | None,
    *,
    fx: float = 0.0,
    fy: float = 0.0,
    interpolation: int = INTER_LINEAR,
) -> npt.NDArray[np.uint8]:
    """A picture (H, W) or (H, W, C) uint8 scaled to `size` (width, height), or by `fx` and `fy` where that is None.

    Raises ValueError for anything but linear and area scaling of uint8, or an empty picture.
    """
    if image.dtype != np.uint8 or interpolation not in {INTER_LINEAR, INTER_AREA} or 0 in image.shape:
        raise ValueError(f"cannot scale {image.shape} {image.dtype} by the method {interpolation}")
    height, width = image.shape[:2]
    if size is None:
        size = (max(1, round(width * fx)), max(1, round(height * fy)))
        steps = 1 / fx, 1 / fy
    else:
        steps = 1 / (size[0] / width), 1 / (size[1] / height)
    if size == (width, height):
        return image.copy()
    planes = image.reshape(height, width, -1)
    scaled = _scaled(planes, size, steps, interpolation)
    return scaled.reshape(size[1], size[0], *image.shape[2:])


def _scaled(
    planes: npt.NDArray[np.uint8], size: tuple[int, int], steps: tuple[float, float], interpolation: int
) -> npt.NDArray[np.uint8]:
    whole = [round(step) for step in steps]
    fast = all(abs(step - near) < _EPSILON for step, near in zip(steps, whole, strict=True))
    if interpolation == INTER_LINEAR and fast and whole == [2, 2]:
        interpolation = INTER_AREA
    if interpolation == INTER_AREA and min(steps) >= 1:
        return _blocks(planes, size, whole) if fast else _means(planes, size, steps)
    taps = [
        _taps(planes.shape[1 - axis], size[axis], steps[axis], cells=interpolation == INTER_AREA, clamp=axis == 0)
        for axis in (0, 1)
    ]
    return _mixed(planes, *taps)


def _taps(length: int, size: int, step: float, *, cells: bool, clamp: bool) -> tuple[Ints, Ints]:
    """For each place of the result the first of the two places it mixes, and their weights (2, size) of 11 bits."""
    at = np.arange(size)
    if cells:
        first = np.floor(at * step).astype(np.int64)
        share = ((at + 1) - (first + 1) / step).astype(np.float32)
        share = np.where(share <= 0, np.float32(0), share - np.floor(share))
    else:
        place = ((at + 0.5) * step - 0.5).astype(np.float32)
        first = np.floor(place).astype(np.int64)
        share = place - first.astype(np.float32)
    if clamp:
        share = np.where((first < 0) | (first >= length - 1), np.float32(0), share)
        first = np.clip(first, 0, length - 1)
    weights = np.stack([np.float32(1) - share, share]).astype(np.float32) * np.float32(_WHOLE)
    return first, np.rint(weights).astype(np.int64)


def _mixed(planes: npt.NDArray[np.uint8], columns: tuple[Ints, Ints], rows: tuple[Ints, Ints]) -> npt.NDArray[np.uint8]:
    (left, (a0, a1)), (top, (b0, b1)) = columns, rows
    height, width = planes.shape[:2]
    used = np.unique(np.clip(np.concatenate([top, top + 1]), 0, height - 1))
    held = planes[used].astype(np.int32)
    right = np.minimum(left + 1, width - 1)
    wide = held[:, left] * a0.astype(np.int32)[:, None] + held[:, right] * a1.astype(np.int32)[:, None]
    wide >>= 4
    upper = wide[np.searchsorted(used, np.clip(top, 0, height - 1))]
    lower = wide[np.searchsorted(used, np.clip(top + 1, 0, height - 1))]
    upper *= b0.astype(np.int32)[:, None, None]
    lower *= b1.astype(np.int32)[:, None, None]
    upper >>= 16
    lower >>= 16
    upper += lower
    upper += 2
    upper >>= 2
    return np.asarray(np.clip(upper, 0, 255), np.uint8)


def _blocks(planes: npt.NDArray[np.uint8], size: tuple[int, int], whole: list[int]) -> npt.NDArray[np.uint8]:
    """Means of blocks whose sides are whole numbers of pixels."""
    (width, height), (across, down) = size, whole
    sums = np.zeros((height, width, planes.shape[2]), np.int64)
    held = planes[: height * down, : width * across]
    for y in range(down):
        for x in range(across):
            sums += held[y::down, x::across]
    if (across, down) == (2, 2):
        return ((sums + 2) >> 2).astype(np.uint8)
    means = sums.astype(np.float32) * (np.float32(1) / np.float32(across * down))
    return np.asarray(np.clip(np.rint(means), 0, 255), np.uint8)


def _means(planes: npt.NDArray[np.uint8], size: tuple[int, int], steps: tuple[float, float]) -> npt.NDArray[np.uint8]:
    columns, rows = (_cells(planes.shape[1 - axis], size[axis], steps[axis]) for axis in (0, 1))
    values = planes.astype(np.float32)
    wide = np.zeros((planes.shape[0], size[0], planes.shape[2]), np.float32)
    for places, weights in zip(*columns, strict=True):
        wide += values[:, places] * weights[:, None]
    sums = np.zeros((size[1], size[0], planes.shape[2]), np.float32)
    for places, weights in zip(*rows, strict=True):
        sums += wide[places] * weights[:, None, None]
    return np.clip(np.rint(sums), 0, 255).astype(np.uint8)


def _cells(length: int, size: int, step: float) -> tuple[Ints, Floats]:
    """What each cell of the result covers: places (taps, size) in order and float32 weights, 0 behind the end."""
    first = np.arange(size) * step
    last = first + step
    cover = np.minimum(step, length - first)
    inner_end = np.minimum(np.floor(last).astype(np.int64), length - 1)
    inner = np.minimum(np.ceil(first).astype(np.int64), inner_end)
    before = inner - first > _SLIVER
    behind = last - inner_end > _SLIVER
    begin = inner - before
    count = inner_end - begin + behind
    places = begin + np.arange(int(count.max()))[:, None]
    weights = np.where(places < inner_end, 1 / cover, 0.0)
    weights = np.where((places == begin) & before, (inner - first) / cover, weights)
    tail = np.minimum(np.minimum(last - inner_end, 1.0), cover) / cover
    weights = np.where((places == inner_end) & behind, tail, weights)
    return np.minimum(places, length - 1), weights.astype(np.float32)
