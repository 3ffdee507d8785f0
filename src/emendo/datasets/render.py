"""From a mask of ink to a picture of a line: paper, ink, slant, perspective, blur, noise, all from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..types import Image
from .faces import Mask

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Style:
    """How strongly a line is disturbed; each value is the largest, drawn evenly from 0 (or from -max to max).

    `skew` in degrees, `shear` as tangent, `perspective` as a share of the height, `blur` as sigma in pixels, `fade`,
    `stain` and `noise` as shares of full scale, `ruled` as the share of lines with a ruled base line.
    """

    skew: float = 1.0
    shear: float = 0.12
    perspective: float = 0.04
    blur: float = 0.9
    fade: float = 0.45
    stain: float = 0.06
    noise: float = 0.05
    ruled: float = 0.25


PLAIN = Style(skew=0, shear=0, perspective=0, blur=0, fade=0, stain=0, noise=0, ruled=0)


def render(mask: Mask, rng: Rng, style: Style | None = None) -> Image:
    """(height, width, 3) uint8 RGB: the mask as ink on paper, with margins of about a fifth of its height."""
    style = style or Style()
    margin = max(4, round(mask.shape[0] * rng.uniform(0.12, 0.3)))
    ink = np.pad(mask, margin)
    ink = _bend(ink, rng, style)
    height, width = ink.shape
    paper_level = rng.uniform(205, 252)
    tint = rng.uniform(0.9, 1.0, 3) ** np.array([0.2, 0.4, 1.0])
    paper = paper_level * tint[None, None, :] * (1 - style.stain * smooth_field(rng, height, width)[:, :, None])
    if rng.random() < style.ruled:
        row = round(height * rng.uniform(0.6, 0.95))
        paper[row : row + max(1, height // 50)] *= rng.uniform(0.75, 0.92)
    colour = rng.uniform(0, 90, 3) * np.array([1.0, 1.0, 1.2])
    strength = 1 - style.fade * rng.random() * (0.6 + 0.4 * smooth_field(rng, height, width))
    alpha = (ink.astype(np.float64) / 255 * strength)[:, :, None]
    picture = paper * (1 - alpha) + colour * alpha
    sigma = style.blur * rng.random()
    if sigma > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    picture = picture + rng.normal(0, 255 * style.noise * rng.random() + 1e-6, picture.shape[:2])[:, :, None]
    return np.asarray(np.clip(np.round(picture), 0, 255), dtype=np.uint8)


def _bend(ink: Mask, rng: Rng, style: Style) -> Mask:
    """Skew, shear and perspective in one warp onto a canvas that holds all of it."""
    height, width = ink.shape
    angle = np.deg2rad(rng.uniform(-style.skew, style.skew)) if style.skew else 0.0
    shear = rng.uniform(-style.shear, style.shear) if style.shear else 0.0
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    turned = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned[:, 0] -= turned[:, 1] * shear
    turned += rng.uniform(-style.perspective, style.perspective, (4, 2)) * height
    turned -= turned.min(axis=0)
    size = np.ceil(turned.max(axis=0)).astype(int)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), turned.astype(np.float32))
    shape = (max(1, int(size[0])), max(1, int(size[1])))
    return np.asarray(cv2.warpPerspective(ink, matrix, shape, flags=cv2.INTER_LINEAR), dtype=np.uint8)


def smooth_field(rng: Rng, height: int, width: int) -> npt.NDArray[np.float64]:
    """(height, width) of slowly varying values in [0, 1]."""
    coarse = rng.random((4, max(4, 1 + width // max(height, 1)))).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.asarray(field, dtype=np.float64), 0, 1)
