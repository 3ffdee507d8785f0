"""Measures of a picture follow what was done to it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from emendo.image.degrade import degrade, rng_for
from emendo.image.pixels import cv2, plain
from emendo.image.quality import MOST_PIXELS, measure
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


def test_a_large_page_is_measured_in_bands_to_the_same_effect() -> None:
    page = np.tile(striped(), (40, 8, 1))
    assert page.shape[0] * page.shape[1] > 4 * MOST_PIXELS
    whole, small = measure(page), measure(page[:480])
    assert (whole.width, whole.height) == (1920, 2400) and (whole.contrast, whole.brightness) == (220.0, 240.0)
    assert abs(whole.ink - small.ink) < 0.01 and abs(whole.sharpness / small.sharpness - 1) < 0.05
    rng = rng_for(0, "page")
    assert measure(degrade(page, ["blur"], 1.0, rng)).sharpness < 0.5 * whole.sharpness


def test_the_same_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    found = measure(picture)
    monkeypatch.setattr("emendo.image.quality.cv2", plain)
    again = measure(picture)
    assert np.allclose(list(asdict(again).values()), list(asdict(found).values()), rtol=1e-6)
    greys = np.sort(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)).ravel())
    assert found.contrast == np.percentile(greys, 98) - np.percentile(greys, 2)
    assert found.brightness == np.percentile(greys, 50)
