"""Augmentation: the same for the same seed, of the right shape, and nothing at strength 0."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.image.augment import Augmentation, augment_line
from emendo.image.line import LineGeometry, normalize_line

GEOMETRY = LineGeometry()
NOTHING = Augmentation(**{f.name: 0.0 for f in fields(Augmentation)})


def line(height=60, width=300, seed=0):
    image = np.full((height, width, 3), 220, np.uint8)
    rng = np.random.default_rng(seed)
    for x in range(10, width - 10, 12):
        top = int(rng.integers(height // 4, height // 2))
        image[top : height - height // 4, x : x + 3] = 30
    return image


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 120), st.integers(4, 600), st.integers(0, 2**31))
def test_any_line_gives_a_normalised_one_again_and_again(height, width, seed):
    image = line(height, width, seed % 7)
    first = augment_line(image, GEOMETRY, Augmentation(), np.random.default_rng(seed))
    again = augment_line(image, GEOMETRY, Augmentation(), np.random.default_rng(seed))
    assert first.dtype == np.uint8
    assert first.shape[0] == GEOMETRY.height
    assert first.shape[2] == 3
    assert first.shape[1] % GEOMETRY.bucket_pixels == 0
    np.testing.assert_array_equal(first, again)


def test_other_draws_give_other_pictures_and_leave_the_crop_alone():
    image = line()
    before = image.copy()
    pictures = {augment_line(image, GEOMETRY, Augmentation(), np.random.default_rng(s)).tobytes() for s in range(8)}
    assert len(pictures) == 8
    np.testing.assert_array_equal(image, before)


def test_no_strength_is_nearly_the_plain_road():
    image = line()
    ours = augment_line(image, GEOMETRY, NOTHING, np.random.default_rng(0)).astype(int)
    plain = normalize_line(image, GEOMETRY).astype(int)
    assert ours.shape == plain.shape
    assert np.abs(ours - plain).mean() < 6
