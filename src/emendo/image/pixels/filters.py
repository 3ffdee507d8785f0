"""Grey values and neighbourhoods, to the bit as OpenCV computes them for uint8 (modules/imgproc/src)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .scaling import Bytes

COLOR_RGB2GRAY, COLOR_RGB2BGR = 7, 4
BORDER_CONSTANT, BORDER_REPLICATE = 0, 1
REDUCE_SUM, CV_32F, CV_64F = 0, 5, 6
_GREY_BITS = 15
_RED, _GREEN, _BLUE = 9798, 19235, 3735
"""Shares of the channels in grey (ITU-R BT.601), of 2**15."""
_WINDOWS = 2_000_000
"""Windows times their sides that a median sorts at a time: some tens of megabytes."""


def cvtColor(image: Bytes, code: int) -> Bytes:
    """(H, W, 3) RGB as (H, W) grey or as (H, W, 3) BGR. Raises ValueError for another conversion."""
    if code == COLOR_RGB2BGR:
        return np.ascontiguousarray(image[:, :, ::-1])
    if code != COLOR_RGB2GRAY:
        raise ValueError(f"cannot convert colours by {code}")
    red, green, blue = (image[:, :, channel].astype(np.int32) for channel in range(3))
    grey = (red * _RED + green * _GREEN + blue * _BLUE + (1 << (_GREY_BITS - 1))) >> _GREY_BITS
    return grey.astype(np.uint8)


def calcHist(
    images: Sequence[Bytes], channels: Sequence[int], mask: None, bins: Sequence[int], ranges: Sequence[float]
) -> npt.NDArray[np.float32]:
    """How often each of the 256 levels stands in one grey picture: (256, 1) float32."""
    if list(bins) != [256] or list(ranges) != [0, 256] or len(images) != 1 or list(channels) != [0] or mask is not None:
        raise ValueError("counts the levels of one grey picture only")
    return np.bincount(images[0].ravel(), minlength=256).astype(np.float32)[:, None]


def LUT(image: Bytes, table: npt.NDArray[Any], dst: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
    """Each level replaced by its entry of `table` (256,)."""
    return np.take(table, image, out=dst, mode="clip" if dst is not None else "raise")


def bitwise_and(one: Bytes, other: Bytes) -> Bytes:
    """Bits in both."""
    return one & other


def bitwise_not(image: Bytes) -> Bytes:
    """Bits turned round."""
    return ~image


def subtract(one: Bytes, other: Bytes) -> Bytes:
    """The difference, 0 where it is negative."""
    return np.where(one > other, one - other, 0).astype(np.uint8)


def split(image: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """The channels of (H, W, C)."""
    return tuple(np.ascontiguousarray(image[:, :, channel]) for channel in range(image.shape[2]))


def reduce(image: Bytes, dim: int, rtype: int, *, dtype: int) -> npt.NDArray[np.float32]:
    """The sum of each row: (H, 1) float32."""
    if (dim, rtype, dtype) != (1, REDUCE_SUM, CV_32F):
        raise ValueError("adds up rows only")
    return np.asarray(image.sum(axis=1, dtype=np.int64), np.float32)[:, None]


def blur(column: npt.NDArray[np.float32], size: tuple[int, int], *, borderType: int) -> npt.NDArray[np.float32]:
    """The mean over `size[1]` rows (an odd number) of a column (H, 1) of whole numbers, 0 outside of it."""
    if size[0] != 1 or size[1] % 2 == 0 or borderType != BORDER_CONSTANT or column.shape[1] != 1:
        raise ValueError("takes the mean along one column only")
    half = size[1] // 2
    sums = np.cumsum(np.pad(column.ravel().astype(np.float64), (half + 1, half)))
    return ((sums[size[1] :] - sums[: -size[1]]) * (1 / size[1])).astype(np.float32)[:, None]


@lru_cache(maxsize=8)
def _gaussian(sigma: float) -> tuple[int, ...]:
    """The kernel in 256ths: rounded from the outside in, what rounding left over is handed on to the next."""
    count = round(sigma * 6 + 1) | 1
    at = np.arange(count) - (count - 1) / 2
    values = np.exp(-at * at / (2 * sigma * sigma))
    values = values / values.sum() * 256
    half, over = [], 0.0
    for value in values[: count // 2]:
        half.append(int(np.rint(value + over)))
        over += float(value) - half[-1]
    return (*half, 256 - 2 * sum(half), *half[::-1])


def GaussianBlur(image: Bytes, size: tuple[int, int], sigma: float) -> Bytes:
    """Blurred with a Gaussian of `sigma` pixels, whose size follows from it; edges are reflected."""
    if size != (0, 0):
        raise ValueError("the size of the kernel follows from sigma")
    kernel = _gaussian(sigma)
    wide = _along(image.astype(np.int64), kernel, 1)
    both = _along(np.minimum(wide, 65535), kernel, 0)
    return np.asarray(np.clip((both + (1 << 15)) >> 16, 0, 255), np.uint8)


def _along(values: npt.NDArray[np.int64], kernel: Sequence[int], axis: int) -> npt.NDArray[np.int64]:
    length, half = values.shape[axis], len(kernel) // 2
    padded = np.take(values, _reflected(length, half), axis=axis)
    total = np.zeros_like(values)
    for at, weight in enumerate(kernel):
        total += weight * np.take(padded, range(at, at + length), axis=axis)
    return total


def _reflected(length: int, margin: int) -> npt.NDArray[np.int64]:
    """Places with a margin on both sides that mirrors the inside without repeating the edge."""
    at = np.arange(-margin, length + margin)
    if length == 1:
        return np.zeros_like(at)
    at = np.mod(at, 2 * (length - 1))
    return np.where(at >= length, 2 * (length - 1) - at, at)


def Laplacian(image: Bytes, depth: int) -> npt.NDArray[np.float64]:
    """The sum of the four neighbours less four times the pixel, edges mirrored."""
    if depth != CV_64F:
        raise ValueError("gives float64 only")
    rows, columns = (_reflected(length, 1) for length in image.shape)
    held = image.astype(np.float64)[rows][:, columns]
    around = held[:-2, 1:-1] + held[2:, 1:-1] + held[1:-1, :-2] + held[1:-1, 2:]
    return np.asarray(around - 4 * held[1:-1, 1:-1], np.float64)


def dilate(image: Bytes, kernel: Bytes) -> Bytes:
    """The greatest value under a full kernel with odd sides, outside of the picture nothing."""
    if not kernel.all() or kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise ValueError("takes full kernels with odd sides")
    for axis, length in enumerate(kernel.shape):
        margin = [(length // 2, length // 2) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(image, margin)
        windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=axis)
        image = windows.max(axis=-1)
    return image


def medianBlur(image: Bytes, size: int) -> Bytes:
    """The median over squares of `size` (odd) pixels of a grey picture, edges repeated."""
    half = size // 2
    padded = np.pad(image, half, mode="edge")
    found = np.empty_like(image)
    step = max(1, _WINDOWS * 8 // (image.shape[1] * size * size))
    for first in range(0, image.shape[0], step):
        windows = np.lib.stride_tricks.sliding_window_view(padded[first : first + step + 2 * half], (size, size))
        flat = windows.reshape(*windows.shape[:2], -1)
        found[first : first + step] = np.partition(flat, size * size // 2, axis=-1)[..., size * size // 2]
    return found
