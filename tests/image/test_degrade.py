"""Damage on purpose: the same for the same seed, stronger with each level, and only what was asked for. Covers M16."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emendo.errors import UsageError
from emendo.image.degrade import KINDS, degrade, rng_for
from emendo.types import Image


def line(height: int = 48, width: int = 200) -> Image:
    """Dark strokes on paper."""
    picture = np.full((height, width, 3), (240, 235, 220), np.uint8)
    for start in range(10, width - 10, 12):
        picture[height // 4 : 3 * height // 4, start : start + 5] = 40
    return picture


def harm(kind: str, level: float) -> float:
    """How far the picture is from what it was, as the mean difference of grey values."""
    return float(np.abs(degrade(line(), [kind], level, rng_for(0, "a")).astype(float) - line()).mean())


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"skew"}))
def test_each_level_does_more_harm(kind: str) -> None:
    harms = [harm(kind, level) for level in (0, 0.5, 1, 2, 4)]
    assert harms[0] == 0
    assert all(more > less for less, more in pairwise(harms))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_same_seed_does_the_same(kind: str) -> None:
    picture = line()
    first, again = (degrade(picture, [kind], 1.5, rng_for(3, "x")) for _ in range(2))
    assert np.array_equal(first, again) and first.dtype == np.uint8
    assert np.array_equal(picture, line()), "the picture that was given stays as it is"


def test_other_names_and_seeds_draw_other_noise() -> None:
    drawn = [degrade(line(), ["noise"], 1, rng_for(seed, name)) for seed, name in ((0, "a"), (0, "b"), (1, "a"))]
    assert not any(np.array_equal(drawn[one], drawn[other]) for one, other in ((0, 1), (0, 2), (1, 2)))


def test_skew_turns_by_a_degree_a_level_and_keeps_everything() -> None:
    picture = line(60, 400)
    turned = degrade(picture, ["skew"], 2, rng_for(0, "a"))
    tall = 60 * np.cos(np.deg2rad(2)) + 400 * np.sin(np.deg2rad(2))
    assert turned.shape[0] == pytest.approx(tall, abs=1)
    ink, before = ((one < 128).all(axis=2).sum() for one in (turned, picture))
    assert ink == pytest.approx(before, rel=0.1)
    corner = turned[0, turned.shape[1] // 2]
    assert np.array_equal(corner, (240, 235, 220)), "what is new is paper"


def test_blur_is_as_strong_on_a_larger_picture() -> None:
    wide = np.repeat(np.repeat(line(), 2, axis=0), 2, axis=1)
    small = degrade(line(), ["blur"], 2, rng_for(0, "a"))
    large = degrade(wide, ["blur"], 2, rng_for(0, "a")).astype(float).reshape(48, 2, 200, 2, 3).mean(axis=(1, 3))
    assert float(np.abs(small.astype(float) - large).mean()) < 0.3 * harm("blur", 2)


def test_several_at_once_come_in_one_order() -> None:
    one, other = (degrade(line(), kinds, 1, rng_for(0, "a")) for kinds in (["skew", "noise"], ["noise", "skew"]))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("kinds", "level", "sentence"),
    [
        (["smear"], 1.0, "unknown damage 'smear'; use noise, blur, skew, fade, or several joined by +"),
        (["blur"], 5.0, "level 5 of damage is not between 0 and 4"),
        (["blur"], float("nan"), "level nan of damage"),
    ],
)
def test_what_cannot_be(kinds: list[str], level: float, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        degrade(line(), kinds, level, rng_for(0, "a"))
    assert str(caught.value).startswith(sentence)
