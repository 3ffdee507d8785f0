"""Measures of a picture follow what was done to it."""

from __future__ import annotations

import numpy as np

from emendo.image.degrade import degrade, rng_for
from emendo.image.quality import measure
from emendo.types import Image


def striped() -> Image:
    """Dark strokes on bright paper: one column of six is ink."""
    image = np.full((60, 240, 3), 240, np.uint8)
    image[10:50, ::6] = 20
    return image


def test_size_paper_and_ink() -> None:
    found = measure(striped())
    assert (found.width, found.height, found.brightness, found.contrast) == (240, 60, 240.0, 220.0)
    assert abs(found.ink - 40 / 60 / 6) < 1e-9


def test_blur_takes_sharpness_and_fading_takes_contrast() -> None:
    clear, rng = measure(striped()), rng_for(0, "picture")
    assert measure(degrade(striped(), ["blur"], 1.0, rng)).sharpness < clear.sharpness
    assert measure(degrade(striped(), ["fade"], 0.5, rng)).contrast < clear.contrast


def test_a_blank_picture_has_nothing_to_measure() -> None:
    found = measure(np.full((5, 5, 3), 200, np.uint8))
    assert (found.sharpness, found.contrast, found.ink) == (0.0, 0.0, 0.0)
