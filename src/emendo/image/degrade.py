"""Damage done to a picture on purpose, in levels with names: to see what a model stands, and to balance training sets.

Level 1 is what a careless scan does, 2 is bad, 3 hard to read for a person. Damage is measured against the height of a
line of writing, so that a level harms a large picture as much as a small one. Everything random comes from the
generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

import numpy as np

from emendo.image.pixels import cv2

from ..errors import UsageError
from ..types import Image
from .line import paper_colour

Rng = np.random.Generator
MOST_LEVEL = 4.0
_ROWS, _MOST_SCALE = 48, 4.0
"""Rows of a line at which the figures below hold, and how much larger pictures are met at most (whole pages)."""
_GREY, _SIGMA, _DEGREES, _FADE = 14.0, 0.6, 1.0, 0.25
"""One level: deviation of the noise in grey values, sigma of the blur in pixels, skew, share of the ink lost."""


def noise(image: Image, level: float, rng: Rng) -> Image:
    """Grain of a deviation of 14 grey values a level."""
    grain = rng.standard_normal(image.shape[:2]).astype(np.float32) * np.float32(_GREY * level * _scale(image))
    return np.clip(image.astype(np.float32) + grain[..., None], 0, 255).astype(np.uint8)


def blur(image: Image, level: float, rng: Rng) -> Image:
    """Out of focus: a Gaussian of 0.6 pixels a level."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), _SIGMA * level * _scale(image)), np.uint8)


def skew(image: Image, level: float, rng: Rng) -> Image:
    """Turned by one degree a level, to either side, on a canvas that holds all of it."""
    height, width = image.shape[:2]
    angle = _DEGREES * level * (1 if rng.random() < 0.5 else -1)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(np.ceil(width * cosine + height * sine)), int(np.ceil(height * cosine + width * sine)))
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    paper = tuple(float(value) for value in paper_colour(image))
    return np.asarray(
        cv2.warpAffine(image, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=paper),
        np.uint8,
    )


def fade(image: Image, level: float, rng: Rng) -> Image:
    """Pale ink: everything comes nearer to the paper, by a quarter of what is left each level."""
    paper = paper_colour(image).astype(np.float32)
    kept = np.float32((1 - _FADE) ** level)
    return np.clip(np.rint(paper + (image.astype(np.float32) - paper) * kept), 0, 255).astype(np.uint8)


KINDS: Mapping[str, Callable[[Image, float, Rng], Image]] = {"noise": noise, "blur": blur, "skew": skew, "fade": fade}
"""What can be done, by name; several at once are joined by `+`."""


def degrade(image: Image, kinds: Sequence[str], level: float, rng: Rng) -> Image:
    """The picture (H, W, 3) uint8 with some of KINDS done to it, in the order of the table; level 0 leaves it as it is.

    Only `skew` changes the size. Raises UsageError for an unknown kind or a level that is not in [0, 4].
    """
    check(kinds, level)
    if level:
        for name, change in KINDS.items():
            if name in kinds:
                image = change(image, level, rng)
    return image


def check(kinds: Sequence[str], level: float) -> None:
    """Raise UsageError for a kind that is not in the table or a level that is out of range."""
    unknown = [name for name in kinds if name not in KINDS]
    if unknown:
        raise UsageError(f"unknown damage {unknown[0]!r}", remedy=f"use {', '.join(KINDS)}, or several joined by +")
    if not 0 <= level <= MOST_LEVEL:
        raise UsageError(f"level {level:g} of damage is not between 0 and {MOST_LEVEL:g}")


def rng_for(seed: int, name: str) -> Rng:
    """A generator that is the same for the same seed and name (of a sample, of a kind), on every machine."""
    return np.random.default_rng([seed, int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:8])])


def _scale(image: Image) -> float:
    return float(np.clip(image.shape[0] / _ROWS, 1.0, _MOST_SCALE))
