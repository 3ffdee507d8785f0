"""The one road from the picture of a line to what a network sees; training, export and serving all take it.

    crop of a line (H, W, 3)  ->  rows that hold ink  ->  48 rows high  ->  paper on the right up to a bucket width

The vertical extent matters most: crops cut from wide polygons hold the writing small (docs/decisions.md has the
figures). Widths are rounded up to few values because each new shape costs a run time a new plan, and because the
network reads a line better with spare paper behind its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from emendo.types import Image


class LineGeometry(BaseModel):
    """How a line crop becomes a network's input; stored in `bundle.yaml` as `preprocessing`.

    Lengths with `_pixels` are columns or rows of the normalised image unless said otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(48, ge=16, le=256, description="Rows of the normalised line.")
    crop: Literal["ink", "none"] = Field("ink", description="Cut to the rows that hold ink, or keep all rows.")
    ink_fraction: float = Field(0.15, gt=0, lt=1, description="A row holds ink above this share of the peak row.")
    ink_margin: int = Field(5, ge=0, le=100, description="Rows of the crop kept above and below the ink.")
    stretch: float = Field(0.8, gt=0.1, le=4, description="Horizontal scale relative to the vertical one.")
    right_pixels: int = Field(48, ge=0, le=512, description="Least paper behind the end of the line.")
    bucket_pixels: int = Field(64, ge=8, le=1024, description="Widths are multiples of this.")
    min_width: int = Field(128, ge=8, description="Least width.")
    max_width: int = Field(3200, ge=64, le=16384, description="Greatest width; longer lines are squeezed.")


@dataclass(frozen=True, slots=True)
class NormalizedLine:
    """A line as the network sees it, and the way back.

    Column x of `image` shows column `x * columns` of the crop, up to its width.
    """

    image: Image
    columns: float
    used: int
    """Columns that show the crop; all to the right of them is paper."""


def normalize_line(image: Image, geometry: LineGeometry) -> Image:
    """The line as (height, W, 3) uint8, W a bucket width."""
    return normalize(image, geometry).image


def normalize(image: Image, geometry: LineGeometry) -> NormalizedLine:
    """As `normalize_line`, with the map back to the columns of the crop.

    `image` is (H, W, 3) uint8 RGB with H, W >= 1; raises ValueError for anything else.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"a line image is (height, width, 3) uint8, not {image.shape} {image.dtype}")
    paper = paper_colour(image)
    top, bottom = ink_rows(image, geometry) if geometry.crop == "ink" else (0, image.shape[0])
    part = image[top:bottom]
    width = image.shape[1]
    scaled = max(8, round(width * geometry.height / part.shape[0] * geometry.stretch))
    used = min(scaled, geometry.max_width - geometry.right_pixels)
    shrinks = used < width and geometry.height < part.shape[0]
    scaled_part = cv2.resize(
        part, (used, geometry.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    canvas = np.empty((geometry.height, bucket_width(used, geometry), 3), np.uint8)
    canvas[:, :used] = scaled_part
    canvas[:, used:] = paper
    return NormalizedLine(canvas, width / used, used)


def bucket_width(used: int, geometry: LineGeometry) -> int:
    """The width of the padded line whose writing takes `used` columns."""
    step = geometry.bucket_pixels
    return -(-max(used + geometry.right_pixels, geometry.min_width) // step) * step


def paper_colour(image: Image) -> npt.NDArray[np.uint8]:
    """The colour of the ground, as the median of each channel over every fourth pixel; shape (3,)."""
    sample = image[:: min(4, image.shape[0]), :: min(4, image.shape[1])].reshape(-1, 3)
    colour: npt.NDArray[np.uint8] = np.median(sample, axis=0).astype(np.uint8)
    return colour


def ink_rows(image: Image, geometry: LineGeometry) -> tuple[int, int]:
    """First and one past the last row to keep: those whose ink reaches a share of the peak row's, plus a margin.

    Ink is darkness below the median, counted from 15 % of its own peak. All rows when there is no ink.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    darkness = np.clip(float(np.median(grey[::4, ::4])) - np.arange(256), 0, 255).astype(np.uint8)
    least = 0.15 * max(float(darkness[int(grey.min())]), 1.0)
    ink = cv2.LUT(grey, np.where(darkness > least, darkness, 0).astype(np.uint8))
    rows = cv2.reduce(ink, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F).ravel()
    peak = float(rows.max())
    held = np.flatnonzero(rows > geometry.ink_fraction * peak)
    if peak <= 0 or not len(held):
        return 0, image.shape[0]
    return max(0, int(held[0]) - geometry.ink_margin), min(image.shape[0], int(held[-1]) + 1 + geometry.ink_margin)


def pad_to(image: Image, width: int) -> Image:
    """The normalised line widened to `width` columns by repeating its last column's paper."""
    if image.shape[1] >= width:
        return image
    return np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)), mode="edge")


def network_input(lines: Sequence[Image]) -> npt.NDArray[np.float32]:
    """Normalised lines of equal width as (N, 3, height, W) float32 in [-1, 1], channels in the order blue, green, red.

    The embedded base was trained on OpenCV's channel order.
    """
    batch = np.stack(lines)[..., ::-1].transpose(0, 3, 1, 2)
    return np.ascontiguousarray(batch, np.float32) * np.float32(2 / 255) - np.float32(1)
