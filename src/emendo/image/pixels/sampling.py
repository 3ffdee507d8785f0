"""Pictures sampled at other places: `remap` and the warps, as OpenCV 5 computes them for uint8.

Values are mixed in float32 with fused multiplications: each product and sum is taken in float64 and rounded once. The
places of a warp are float32; they may fall a last digit beside OpenCV's, which moves one value in some hundred
thousand by one level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .filters import BORDER_CONSTANT, BORDER_REPLICATE
from .scaling import INTER_LINEAR, INTER_NEAREST, Bytes

Places = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
_ROWS = 1 << 18
"""Pixels that are sampled at a time, which bounds the memory."""


def remap(
    image: Bytes, columns: Places, rows: Places, interpolation: int, *, borderMode: int, borderValue: int = 0
) -> Bytes:
    """`image` (H, W) or (H, W, C) at the places (h, w) of `columns` and `rows`; outside its edge or `borderValue`."""
    if interpolation not in {INTER_NEAREST, INTER_LINEAR} or borderMode not in {BORDER_CONSTANT, BORDER_REPLICATE}:
        raise ValueError(f"cannot sample by the method {interpolation} with the border {borderMode}")
    planes = image.reshape(*image.shape[:2], -1)
    border = borderValue if borderMode == BORDER_CONSTANT else None
    found = np.empty((*columns.shape, planes.shape[2]), np.uint8)
    step = max(1, _ROWS // max(1, columns.shape[1]))
    sample = _nearest if interpolation == INTER_NEAREST else _linear
    for first in range(0, len(columns), step):
        part = slice(first, first + step)
        found[part] = sample(planes, columns[part].astype(np.float32), rows[part].astype(np.float32), border)
    return found.reshape(*columns.shape, *image.shape[2:])


def _pick(planes: Bytes, x: npt.NDArray[np.int64], y: npt.NDArray[np.int64], border: int | None) -> Bytes:
    height, width = planes.shape[:2]
    picked = planes[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    if border is None:
        return picked
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    return np.where(outside[..., None], np.uint8(border), picked)


def _nearest(planes: Bytes, columns: Places, rows: Places, border: int | None) -> Bytes:
    return _pick(planes, np.rint(columns).astype(np.int64), np.rint(rows).astype(np.int64), border)


def _linear(planes: Bytes, columns: Places, rows: Places, border: int | None) -> Bytes:
    x, y = np.floor(columns).astype(np.int64), np.floor(rows).astype(np.int64)
    across, down = (columns - x.astype(np.float32))[..., None], (rows - y.astype(np.float32))[..., None]
    upper = _between(_pick(planes, x, y, border), _pick(planes, x + 1, y, border), across)
    lower = _between(_pick(planes, x, y + 1, border), _pick(planes, x + 1, y + 1, border), across)
    return np.clip(np.rint(_between(upper, lower, down)), 0, 255).astype(np.uint8)


def _between(one: npt.NDArray[Any], other: npt.NDArray[Any], share: Places) -> Places:
    step = other.astype(np.float32) - one.astype(np.float32)
    return (one.astype(np.float64) + share.astype(np.float64) * step).astype(np.float32)


def warpAffine(
    image: Bytes,
    matrix: Matrix,
    size: tuple[int, int],
    *,
    flags: int = INTER_LINEAR,
    borderMode: int = BORDER_CONSTANT,
    borderValue: int = 0,
) -> Bytes:
    """`image` moved by a matrix (2, 3) onto a picture of `size` (width, height)."""
    whole = np.vstack([matrix, [0.0, 0.0, 1.0]])
    return _warped(image, whole, size, flags, borderMode, borderValue)


def warpPerspective(
    image: Bytes,
    matrix: Matrix,
    size: tuple[int, int],
    *,
    flags: int = INTER_LINEAR,
    borderMode: int = BORDER_CONSTANT,
    borderValue: int = 0,
) -> Bytes:
    """`image` moved by a matrix (3, 3) onto a picture of `size` (width, height)."""
    return _warped(image, np.asarray(matrix, np.float64), size, flags, borderMode, borderValue)


def _warped(image: Bytes, matrix: Matrix, size: tuple[int, int], flags: int, mode: int, value: int) -> Bytes:
    back = np.linalg.inv(matrix)
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float64), np.arange(size[1], dtype=np.float64))
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in back)
    columns, rows = (u / w).astype(np.float32), (v / w).astype(np.float32)
    return remap(image, columns, rows, flags, borderMode=mode, borderValue=value)


def getRotationMatrix2D(centre: tuple[float, float], degrees: float, scale: float) -> Matrix:
    """The matrix (2, 3) that turns counter-clockwise around `centre` and scales."""
    angle = np.deg2rad(degrees)
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    x, y = centre
    return np.array([[a, b, (1 - a) * x - b * y], [-b, a, b * x + (1 - a) * y]])


def invertAffineTransform(matrix: Matrix) -> Matrix:
    """The matrix (2, 3) that undoes another."""
    return np.asarray(np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2], np.float64)


def getPerspectiveTransform(source: npt.NDArray[np.float32], target: npt.NDArray[np.float32]) -> Matrix:
    """The matrix (3, 3) that moves four points (4, 2) onto four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source.astype(np.float64), target.astype(np.float64), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
        values += [u, v]
    return np.append(np.linalg.solve(np.asarray(rows), np.asarray(values)), 1.0).reshape(3, 3)
