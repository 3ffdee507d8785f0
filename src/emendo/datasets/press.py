"""From a set line to a picture of print: neighbours, weight of the ink, and the two tones of a library's scan.

Old books come as bilevel scans: one threshold over a soft picture, so that strokes are ragged, thin ones break, and
specks stand about. The crop of a line holds bits of the lines above and below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..types import Image
from .faces import Mask
from .render import Rng, Style, render, smooth_field

Floats = npt.NDArray[np.float32]
GREY = Style(skew=0.0, shear=0.0, perspective=0.0, blur=1.0, fade=0.4, stain=0.06, noise=0.05, ruled=0.0)


@dataclass(frozen=True, slots=True)
class Press:
    """Shares and greatest values of what a picture is put through; drawn anew for each line.

    `bilevel` is the share of two-toned lines (the rest is grey or coloured paper), `neighbours` the share of lines with
    bits of the lines above or below, `skew` in degrees, `shear` as tangent, `stretch` as a relative change of width.
    """

    bilevel: float = 0.8
    neighbours: float = 0.6
    skew: float = 0.5
    shear: float = 0.04
    stretch: float = 0.15


def printed(mask: Mask, above: Mask | None, below: Mask | None, size: int, rng: Rng, press: Press) -> Image:
    """(height, width, 3) uint8 RGB: a line as a line finder would cut it.

    `above` and `below` are masks of other lines, of which only what reaches into the crop is seen.
    """
    ink = _bent(_column(mask, above, below, size, rng, press), rng, press)
    if rng.random() >= press.bilevel:
        return render(ink, rng, GREY)
    grey = np.where(_two_toned(ink, size, rng), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _column(mask: Mask, above: Mask | None, below: Mask | None, size: int, rng: Rng, press: Press) -> Mask:
    """The line in its crop, between the lower edge of the line above and the upper edge of the one below."""
    top = max(round(size * rng.uniform(0.02, 0.25)), 2)
    foot = max(round(size * rng.uniform(0.02, 0.25)), 2)
    left, right = (max(2, round(size * rng.exponential(0.15))) for _ in range(2))
    canvas = np.pad(mask, ((top, foot), (left, right)))
    height, width = canvas.shape
    for other, upper in ((above, True), (below, False)):
        if other is None or rng.random() >= press.neighbours:
            continue
        reach = min(other.shape[0], max(1, round(size * rng.exponential(0.12))))
        part = other[-reach:] if upper else other[:reach]
        shift = int(rng.integers(0, max(1, abs(other.shape[1] - width)) + 1))
        part = part[:, shift : shift + width] if other.shape[1] > width else part
        at = 0 if other.shape[1] > width else min(shift, width - part.shape[1])
        rows = slice(0, part.shape[0]) if upper else slice(height - part.shape[0], height)
        held = canvas[rows, at : at + part.shape[1]]
        np.maximum(held, part, out=held)
    return canvas


def _bent(ink: Mask, rng: Rng, press: Press) -> Mask:
    """Skew, slant, a change of width, and a slight wave, in one warp."""
    height, width = ink.shape
    skew = np.tan(np.deg2rad(rng.uniform(-press.skew, press.skew)))
    shear = rng.uniform(-press.shear, press.shear)
    stretch = float(np.exp(rng.uniform(-press.stretch, press.stretch)))
    out = max(8, round(width * stretch))
    rise = abs(skew) * width
    tall = height + min(round(rise), height // 2)
    columns = np.arange(out, dtype=np.float32) / np.float32(stretch)
    wave = np.float32(rng.uniform(0, 0.9)) * np.sin(
        np.float32(rng.uniform(0, 6)) + columns / np.float32(rng.uniform(80, 400))
    )
    lift = np.float32(skew) * (columns - width / 2) + wave - np.float32((tall - height) / 2)
    rows = np.arange(tall, dtype=np.float32)[:, None]
    xs = columns[None] + (rows - tall / 2) * np.float32(shear)
    ys = rows + lift[None]
    return np.asarray(cv2.remap(ink, xs.astype(np.float32), ys.astype(np.float32), cv2.INTER_LINEAR), np.uint8)


def _two_toned(ink: Mask, size: int, rng: Rng) -> npt.NDArray[np.bool_]:
    """Where a bilevel scan is black: the ink blurred, its weight drawn, roughened, and cut at one level.

    The level is that at which the black area is a drawn multiple of the ink's, so that thin faces do not vanish.
    """
    height, width = ink.shape
    soft = cv2.GaussianBlur(ink, (0, 0), size * rng.uniform(0.012, 0.035)).astype(np.float32) / 255
    grain = rng.normal(0, 1, (height, width)).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.5, 1.1)), np.float32)
    rough = rng.uniform(0.03, 0.28) * grain
    uneven = rng.uniform(0, 0.25) * (smooth_field(rng, height, width).astype(np.float32) - np.float32(0.5))
    near = soft > 0.02
    darkness = soft + (rough + uneven) * near
    wanted = int((ink > 127).sum() * np.clip(np.exp(rng.normal(0.1, 0.2)), 0.75, 1.7))
    values = darkness[near]
    if 0 < wanted < len(values):
        level = max(0.1, float(np.partition(values, len(values) - wanted)[len(values) - wanted]))
    else:
        level = 0.3
    return _specked(darkness > level, rng)


def _specked(black: npt.NDArray[np.bool_], rng: Rng) -> npt.NDArray[np.bool_]:
    """A few specks of dirt on most lines, many on some."""
    height, width = black.shape
    dirty = rng.random()
    count = 0 if dirty < 0.35 else int(rng.poisson(width / (700 if dirty < 0.85 else 90)))
    for _ in range(count):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        h, w = (int(value) for value in rng.integers(1, 4, 2))
        black[y : y + h, x : x + w] = True
    return black
