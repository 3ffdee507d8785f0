"""How good a picture is to read: what can be measured of it without knowing what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import Image
from .pixels import cv2


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
    """Measure an image (height, width, 3), uint8 RGB."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    dark, middle, light = (float(level) for level in np.percentile(grey, (2, 50, 98)))
    height, width = grey.shape
    return Quality(
        width=width,
        height=height,
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        contrast=light - dark,
        brightness=middle,
        ink=float((grey < (dark + light) / 2).mean()),
    )
