"""Lines as the same hand might have written them another day: the augmentation of training (never of reading).

One smooth map moves, slants, stretches and bends the crop while it is scaled to the network's rows, so that a line is
resampled once; ink and paper follow in the normalised picture. Everything is drawn from the generator that is passed
in, so a line is the same again for the same seed.

Sources: elastic distortion by Simard et al., "Best practices for convolutional neural networks applied to visual
document analysis" (2003); random erasing by Zhong et al. (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emendo.image.line import LineGeometry, bucket_width, paper_colour, used_columns, writing_rows
from emendo.image.pixels import cv2
from emendo.types import Image

_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far each change may go; every value 0 leaves the line as it is.

    Lengths are pixels of the normalised line (48 rows).
    """

    slant: float = 0.3
    """Horizontal shift per row, drawn from [-slant, slant]."""
    stretch: float = 0.2
    """Relative change of the width, and half as much again smoothly along the line."""
    bend: float = 1.5
    """Standard deviation of the smooth vertical displacement along the line."""
    elastic: float = 0.7
    """Standard deviation of the smooth displacement in both directions."""
    rows: float = 0.1
    """Relative change of the upper and the lower edge of the crop."""
    stroke: float = 0.5
    """Chance that strokes become thicker or thinner."""
    tone: float = 0.3
    """Strength of changes of brightness, contrast, gamma and colour."""
    texture: float = 0.5
    """Chance of paper texture."""
    noise: float = 0.3
    """Chance of noise and of blur (each)."""
    erase: float = 0.3
    """Chance that up to three small rectangles are covered with paper."""


def augment_line(image: Image, geometry: LineGeometry, strength: Augmentation, rng: np.random.Generator) -> Image:
    """The crop (H, W, 3) as a normalised line (height, W', 3) uint8 with random changes; W' is a bucket width."""
    paper = paper_colour(image)
    line = _warped(image, geometry, strength, rng, paper)
    if rng.random() < strength.stroke:
        line = _stroke(line, rng)
    if rng.random() < strength.erase:
        line = _erased(line, paper, rng)
    canvas = np.empty((geometry.height, bucket_width(line.shape[1], geometry), 3), np.uint8)
    canvas[:, : line.shape[1]] = line
    canvas[:, line.shape[1] :] = paper
    return _toned(canvas, strength, rng)


def _smooth(rng: np.random.Generator, length: int, step: float) -> _Floats:
    """A smooth random curve of unit deviation with `length` points, a knot every `step` points."""
    knots = rng.standard_normal(max(4, round(length / step) + 3)).astype(np.float32)
    curve: _Floats = np.asarray(cv2.resize(knots[None], (length, 1), interpolation=cv2.INTER_CUBIC), np.float32)[0]
    return curve


def _warped(
    image: Image, geometry: LineGeometry, strength: Augmentation, rng: np.random.Generator, paper: npt.NDArray[np.uint8]
) -> Image:
    top, bottom = writing_rows(image, geometry)
    rows, height, width = bottom - top, geometry.height, image.shape[1]
    upper = top + rows * rng.uniform(-1, 1) * strength.rows
    lower = bottom + rows * rng.uniform(-1, 1) * strength.rows
    scale = (lower - upper) / height
    factor = float(np.exp(rng.uniform(-1, 1) * strength.stretch))
    used = used_columns(width / scale, geometry, factor)
    speed = np.exp(_smooth(rng, used, 60) * strength.stretch * 0.5).astype(np.float32)
    columns = np.cumsum(speed, dtype=np.float32)
    columns *= width / columns[-1]
    per_column = width / used
    columns -= np.float32(per_column / 2 + 0.5)
    y = np.arange(height, dtype=np.float32)[:, None]
    slant = rng.uniform(-1, 1) * strength.slant
    xs = columns[None] + (y - height / 2) * np.float32(slant * per_column)
    ys = np.float32(upper - 0.5) + (
        y + np.float32(0.5) + _smooth(rng, used, 160)[None] * np.float32(strength.bend)
    ) * np.float32(scale)
    if strength.elastic > 0:
        grid = (max(2, used // 16), 4)
        for field, unit in ((xs, per_column), (ys, scale)):
            knots = rng.standard_normal((grid[1], grid[0])).astype(np.float32) * np.float32(strength.elastic * unit)
            np.add(field, cv2.resize(knots, (used, height), interpolation=cv2.INTER_CUBIC), out=field)
    source = cv2.GaussianBlur(image, (0, 0), 0.35 * scale) if scale > 1.3 else image
    xs = np.ascontiguousarray(np.broadcast_to(xs, (height, used)), np.float32)
    ys = np.ascontiguousarray(np.broadcast_to(ys, (height, used)), np.float32)
    border = tuple(float(value) for value in paper)
    warped: Image = cv2.remap(
        source, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border
    ).astype(np.uint8)
    return warped


def _stroke(line: Image, rng: np.random.Generator) -> Image:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [(2, 2), (3, 3), (2, 1), (1, 2)][rng.integers(4)])
    changed = cv2.erode(line, kernel) if rng.random() < 0.5 else cv2.dilate(line, kernel)
    share = rng.uniform(0.2, 0.8)
    mixed: Image = cv2.addWeighted(changed, share, line, 1 - share, 0).astype(np.uint8)
    return mixed


def _erased(line: Image, paper: npt.NDArray[np.uint8], rng: np.random.Generator) -> Image:
    line = line.copy()
    height, width = line.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        h, w = int(rng.integers(4, max(5, height // 2))), int(rng.integers(2, 10))
        y, x = int(rng.integers(0, max(1, height - h))), int(rng.integers(0, max(1, width - w)))
        line[y : y + h, x : x + w] = paper
    return line


def _toned(line: Image, strength: Augmentation, rng: np.random.Generator) -> Image:
    tone = strength.tone
    values = line.astype(np.float32)
    if rng.random() < strength.texture:
        coarse = rng.standard_normal((4, max(2, line.shape[1] // 24))).astype(np.float32)
        texture = cv2.resize(coarse, (line.shape[1], line.shape[0]), interpolation=cv2.INTER_CUBIC)
        values += texture[..., None] * np.float32(rng.uniform(0, 30) * tone)
    middle = float(values.mean())
    gain = np.exp(rng.uniform(-1, 1, 3) * 0.3 * tone + rng.uniform(-1.5, 1) * tone).astype(np.float32)
    values = (values - middle) * gain + middle + np.float32(rng.uniform(-80, 60) * tone)
    values += rng.uniform(-25, 25, 3).astype(np.float32) * np.float32(tone)
    if rng.random() < strength.noise:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 0.9)), np.float32)
    if rng.random() < strength.noise:
        values += rng.standard_normal(values.shape[:2]).astype(np.float32)[..., None] * np.float32(rng.uniform(1, 10))
    return np.clip(values, 0, 255).astype(np.uint8)
