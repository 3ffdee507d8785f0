"""Scaling of uint8 pictures, to the bit as OpenCV's `resize` does it (modules/imgproc/src/resize.cpp).

Linear: weights of 11 bits, the rows mixed with the lowest four bits of each product left out. Area: the mean of the
pixels that a cell covers, by weights in float32 added in the order of the columns and then of the rows; where both
ratios are whole numbers the sum is an integer, and where one axis grows the weights are those of linear scaling with
the steps of area scaling.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emendo.errors import EngineError

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
INTER_NEAREST, INTER_LINEAR, INTER_CUBIC, INTER_AREA = 0, 1, 2, 3
_BITS = 11
_WHOLE = 1 << _BITS
_EPSILON = 2.220446049250313e-16
_AT_ONCE = 1 << 19
"""Values of the result that are computed at a time."""
_SLIVER = 1e-3
"""Parts of a pixel below this are not counted in a mean."""


def resize(
    image: Bytes,
    size: tuple[int, int] | None,
    *,
    fx: float = 0.0,
    fy: float = 0.0,
    interpolation: int = INTER_LINEAR,
) -> Bytes:
    """A picture (H, W) or (H, W, C) uint8 scaled to `size` (width, height), or by `fx` and `fy` where that is None.

    Raises ValueError for an empty picture, EngineError for what is not linear or area scaling of uint8.
    """
    if 0 in image.shape:
        raise ValueError(f"cannot scale an empty picture {image.shape}")
    if image.dtype != np.uint8 or interpolation not in {INTER_LINEAR, INTER_AREA}:
        what = f"this needs OpenCV (scaling of {image.dtype} by the method {interpolation})"
        raise EngineError(what, remedy="pip install 'emendo[images]'")
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


def _scaled(planes: Bytes, size: tuple[int, int], steps: tuple[float, float], interpolation: int) -> Bytes:
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


def _mixed(planes: Bytes, columns: tuple[Ints, Ints], rows: tuple[Ints, Ints]) -> Bytes:
    (left, across), (top, down) = columns, rows
    height, width = planes.shape[:2]
    right = np.minimum(left + 1, width - 1)
    a0, a1 = across.astype(np.int32)[..., None]
    b0, b1 = down.astype(np.int32)[..., None, None]
    found = np.empty((len(top), len(left), planes.shape[2]), np.uint8)
    for part in _parts(found.shape):
        above, below = (np.clip(top[part] + step, 0, height - 1) for step in (0, 1))
        used = np.unique(np.concatenate([above, below]))
        held = planes[used].astype(np.int32)
        wide = (held[:, left] * a0 + held[:, right] * a1) >> 4
        upper, lower = wide[np.searchsorted(used, above)], wide[np.searchsorted(used, below)]
        mixed = ((upper * b0[part] >> 16) + (lower * b1[part] >> 16) + 2) >> 2
        found[part] = np.clip(mixed, 0, 255)
    return found


def _parts(shape: tuple[int, ...]) -> list[slice]:
    """Runs of rows whose work takes some megabytes, however large the picture is."""
    step = max(1, _AT_ONCE // max(1, shape[1] * shape[2]))
    return [slice(first, first + step) for first in range(0, shape[0], step)]


def _blocks(planes: Bytes, size: tuple[int, int], whole: list[int]) -> Bytes:
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


def _means(planes: Bytes, size: tuple[int, int], steps: tuple[float, float]) -> Bytes:
    (places, shares), (above, weights) = (_cells(planes.shape[1 - axis], size[axis], steps[axis]) for axis in (0, 1))
    found = np.empty((size[1], size[0], planes.shape[2]), np.uint8)
    for part in _parts((size[1], max(size[0], planes.shape[1]), planes.shape[2])):
        first, last = int(above[:, part].min()), int(above[:, part].max()) + 1
        held = planes[first:last].astype(np.float32)
        wide = np.zeros((len(held), size[0], planes.shape[2]), np.float32)
        for at, share in zip(places, shares, strict=True):
            wide += held[:, at] * share[:, None]
        sums = np.zeros((*found[part].shape,), np.float32)
        for at, weight in zip(above[:, part] - first, weights[:, part], strict=True):
            sums += wide[at] * weight[:, None, None]
        found[part] = np.clip(np.rint(sums), 0, 255)
    return found


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
