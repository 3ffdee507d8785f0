"""The one road from the picture of a line to what a network sees; training, export and serving all take it.

    crop of a line (H, W, 3)  ->  window around its core zone  ->  48 rows high  ->  paper on the right up to a bucket

The vertical extent matters most: crops cut from wide polygons hold the writing small and pieces of the neighbours
beside it. So the scale follows the core zone, the rows between baseline and x-height, which long ascenders, accents
and neighbouring lines do not move (docs/decisions.md has the figures). Widths are rounded up to few values because
each new shape costs a run time a new plan, and because the network reads a line better with spare paper behind its
end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from emendo.image.pixels import cv2
from emendo.types import Image


class LineGeometry(BaseModel):
    """How a line crop becomes a network's input; stored in `bundle.yaml` as `preprocessing`.

    Lengths with `_pixels` are columns or rows of the normalised image unless said otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(48, ge=16, le=256, description="Rows of the normalised line.")
    crop: Literal["core", "none"] = Field("core", description="Cut to a window around the core zone, or keep all rows.")
    above: float = Field(1.6, ge=0, le=8, description="Rows kept above the core zone, in heights of that zone.")
    below: float = Field(1.3, ge=0, le=8, description="Rows kept below the core zone, in heights of that zone.")
    upper: float = Field(0.0, ge=0, lt=1, description="With crop none: share of the rows left out above.")
    lower: float = Field(1.0, gt=0, le=1, description="With crop none: share of the rows at which the window ends.")
    least_share: float = Field(0.3, gt=0, le=1, description="Least share of the crop's rows that is kept.")
    stretch: float = Field(1.1, gt=0.1, le=4, description="Horizontal scale relative to the vertical one.")
    fit_pixels: int = Field(
        0, ge=0, le=4096, description="Columns that every line takes, whatever its shape; 0: as `stretch` says."
    )
    right_pixels: int = Field(16, ge=0, le=512, description="Least paper behind the end of the line.")
    bucket_pixels: int = Field(32, ge=8, le=1024, description="Widths are multiples of this.")
    min_width: int = Field(96, ge=8, description="Least width.")
    max_width: int = Field(3200, ge=64, le=16384, description="Greatest width; longer lines are squeezed.")
    channels: Literal["bgr", "rgb"] = Field("bgr", description="Order of the channels; the base has that of OpenCV.")
    scale: float = Field(2 / 255, gt=0, le=1, description="What a pixel in [0, 255] is multiplied by.")
    offset: float = Field(-1.0, ge=-10, le=10, description="What is added then.")

    @model_validator(mode="after")
    def _window(self) -> LineGeometry:
        if self.upper >= self.lower:
            raise ValueError("the window ends above its beginning (upper >= lower)")
        return self


_BASE = LineGeometry()


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
    top, bottom = writing_rows(image, geometry)
    part = image[top:bottom]
    width = image.shape[1]
    used = used_columns(width * geometry.height / part.shape[0], geometry)
    shrinks = used < width and geometry.height < part.shape[0]
    scaled_part = cv2.resize(
        part, (used, geometry.height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    canvas = np.empty((geometry.height, bucket_width(used, geometry), 3), np.uint8)
    canvas[:, :used] = scaled_part
    canvas[:, used:] = paper
    return NormalizedLine(canvas, width / used, used)


def used_columns(columns: float, geometry: LineGeometry, factor: float = 1.0) -> int:
    """Columns of the normalised line that show a line of `columns`, scaled alike in both directions.

    `factor` is a further horizontal scale (augmentation).
    """
    wanted = geometry.fit_pixels or columns * geometry.stretch
    return min(max(8, round(wanted * factor)), geometry.max_width - geometry.right_pixels)


def bucket_width(used: int, geometry: LineGeometry) -> int:
    """The width of the padded line whose writing takes `used` columns."""
    step = geometry.bucket_pixels
    return -(-max(used + geometry.right_pixels, geometry.min_width) // step) * step


def paper_colour(image: Image) -> npt.NDArray[np.uint8]:
    """The colour of the ground, as the median of each channel over every fourth pixel; shape (3,)."""
    sample = image[:: min(4, image.shape[0]), :: min(4, image.shape[1])].reshape(-1, 3)
    colour: npt.NDArray[np.uint8] = np.median(sample, axis=0).astype(np.uint8)
    return colour


def writing_rows(image: Image, geometry: LineGeometry) -> tuple[int, int]:
    """First and one past the last row to keep: the core zone with what `above` and `below` add, inside the image.

    With crop `none` the window is the same part of every line, whatever it shows.
    """
    height = image.shape[0]
    if geometry.crop == "none":
        first = min(height - 1, round(geometry.upper * height))
        return first, max(first + 1, round(geometry.lower * height))
    top, bottom = core_zone(image)
    core = bottom - top
    first, last = top - geometry.above * core, bottom + geometry.below * core
    lacking = geometry.least_share * height - (last - first)
    if lacking > 0:
        first, last = first - lacking / 2, last + lacking / 2
    return max(0, round(first)), min(height, max(round(last), 1))


def core_zone(image: Image) -> tuple[int, int]:
    """First and one past the last row of the core zone; all rows when the image shows no ink.

    A row's count of strokes (steps from paper to ink along it) peaks between baseline and x-height, whatever the
    thickness of the pen; the zone is where the smoothed count stays above half its peak.
    """
    if image.shape[1] < 2:
        return 0, image.shape[0]
    ink = ink_mask(image)
    strokes = cv2.reduce(cv2.bitwise_and(ink[:, 1:], cv2.bitwise_not(ink[:, :-1])), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    height = len(strokes)
    smooth = max(3, height // 16) | 1
    profile = cv2.blur(strokes, (1, smooth), borderType=cv2.BORDER_CONSTANT).ravel()
    peak = int(profile.argmax())
    below_half = np.flatnonzero(profile <= 0.5 * profile[peak])
    if profile[peak] <= 0:
        return 0, height
    at = int(np.searchsorted(below_half, peak))
    top = int(below_half[at - 1]) + 1 if at > 0 else 0
    bottom = int(below_half[at]) if at < len(below_half) else height
    return top, bottom


def ink_mask(image: Image) -> npt.NDArray[np.uint8]:
    """(H, W) uint8, 255 where there is ink: pixels that stand out from the paper by a fifth of the strongest ink.

    The paper is the median grey; ink is darker, or lighter where the image holds light writing on a dark ground.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shares = np.cumsum(cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()) / grey.size
    dark, paper, light = (int(np.searchsorted(shares, share)) for share in (0.005, 0.5, 0.995))
    levels = np.arange(256)
    if light - paper > 2 * (paper - dark):
        held = levels > paper + max(1.0, 0.2 * (light - paper))
    else:
        held = levels < paper - max(1.0, 0.2 * (paper - dark))
    return np.asarray(cv2.LUT(grey, np.where(held, 255, 0).astype(np.uint8)), np.uint8)


def pad_to(image: Image, width: int) -> Image:
    """The normalised line widened to `width` columns by repeating its last column's paper."""
    if image.shape[1] >= width:
        return image
    return np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)), mode="edge")


def network_input(lines: Sequence[Image], geometry: LineGeometry | None = None) -> npt.NDArray[np.float32]:
    """Normalised lines of equal width as (N, 3, height, W) float32, channels and range as `geometry` says.

    Without a geometry as the embedded base takes them: blue, green, red, in [-1, 1].
    """
    form = geometry or _BASE
    batch = np.stack(lines)
    ordered = (batch[..., ::-1] if form.channels == "bgr" else batch).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(ordered, np.float32) * np.float32(form.scale) + np.float32(form.offset)
