"""Crops as another camera might have taken them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.image.camera import photographed

from ..plates import plate


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.floats(0.1, 3), st.integers(0, 2**32 - 1))
def test_any_crop_keeps_its_size_and_kind(height: int, width: int, strength: float, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    before = image.copy()
    seen = photographed(image, strength, np.random.default_rng(seed))
    assert seen.shape == image.shape
    assert seen.dtype == np.uint8
    assert (image == before).all(), "the crop itself stays as it is"


def test_the_same_seed_gives_the_same_picture_and_no_strength_none() -> None:
    crop = plate("KTR4821")
    first, again, other = (photographed(crop, 1.0, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()
    assert photographed(crop, 0.0, np.random.default_rng(3)) is crop


@pytest.mark.parametrize("seed", range(8))
def test_the_text_stays_in_the_picture(seed: int) -> None:
    """A dot near each end of the text is still there, in a picture with nothing else."""
    crop = np.full((160, 320, 3), 255, np.uint8)
    crop[70:90, 40:60] = crop[70:90, 260:280] = 0
    seen = photographed(crop, 1.0, np.random.default_rng(seed)).mean(axis=2)
    middle = float(np.median(seen))
    far = np.abs(seen - middle) > 25
    assert far[:, :150].any()
    assert far[:, 170:].any()
