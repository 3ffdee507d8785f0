"""How good a picture is to read: what can be measured of it without knowing what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..types import Image
from .pixels import cv2

MOST_PIXELS: Final = 1_000_000
"""Of a larger picture bands are measured, so many pixels together."""
BAND: Final = 64
"""Rows of a band."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one picture.

    `width` and `height` in pixels; `sharpness` the variance of the Laplacian of the grey picture (Pech-Pacheco et al.,
    "Diatom autofocusing in brightfield microscopy", 2000), which falls with blur and with size; `contrast` the grey
    levels (0 to 255) between the darkest and the brightest fiftieth of the pixels; `brightness` the median grey level,
    that of the paper; `ink` the share of pixels darker than half way between the two.
    """

    width: int = 0
    height: int = 0
    sharpness: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    ink: float = 0.0


def measure(image: Image) -> Quality:
    """Measure an image (height, width, 3), uint8 RGB.

    A large one is measured in bands across it at full resolution, evenly spaced: to make it smaller would change its
    sharpness.
    """
    height, width = image.shape[:2]
    greys = [cv2.cvtColor(band, cv2.COLOR_RGB2GRAY) for band in _bands(image)]
    counts = sum((_counted(grey) for grey in greys), np.zeros(256))
    dark, middle, light = (_percentile(counts, share) for share in (0.02, 0.5, 0.98))
    return Quality(
        width=width,
        height=height,
        sharpness=float(np.mean([_sharpness(grey) for grey in greys])),
        contrast=light - dark,
        brightness=middle,
        ink=float(counts[: int(np.ceil((dark + light) / 2))].sum() / counts.sum()),
    )


def _bands(image: Image) -> list[Image]:
    height, width = image.shape[:2]
    number = max(1, MOST_PIXELS // (width * BAND))
    if height * width <= MOST_PIXELS or number * BAND >= height:
        return [image]
    return [image[top : top + BAND] for top in np.linspace(0, height - BAND, number).astype(int)]


def _counted(grey: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """How many pixels have each of the 256 levels."""
    return cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def _percentile(counts: npt.NDArray[np.float64], share: float) -> float:
    """The level below which this share of the pixels lies, between two levels where it falls between two pixels."""
    upto = np.cumsum(counts)
    place = share * (upto[-1] - 1)
    low, high = (int(np.searchsorted(upto, at, side="right")) for at in (np.floor(place), np.ceil(place)))
    return low + (high - low) * float(place - np.floor(place))


def _sharpness(grey: npt.NDArray[Any]) -> float:
    edges = cv2.Laplacian(grey, cv2.CV_64F).ravel()
    return float(edges @ edges / edges.size - edges.mean() ** 2)
