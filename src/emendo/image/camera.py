"""Crops as another camera might have taken them: the augmentation of pictures cut out of photographs.

A written line lies flat on a scanner; a plate or a sign is seen at an angle, cut out more or less tightly, moving, in
shadow or in light on dark, and with few pixels. Everything is drawn from the generator that is passed in.
"""

from __future__ import annotations

import numpy as np

from emendo.image.encode import jpeg_bytes
from emendo.image.pixels import cv2
from emendo.types import Image

CORNER = 0.035
"""Standard deviation of each corner's place, in shares of the mean side, at strength 1."""
MARGIN = 0.10
"""How far the crop's edges move outwards or inwards together, in shares of the sides."""
TURN = 4.0
"""Standard deviation of the rotation, in degrees."""
CHANCE = 0.3
"""Chance of each of shadow, light on dark (half of it), motion, few pixels and JPEG."""
LEAST_ROWS = 24
"""Few pixels: a picture is never shrunk below so many rows."""


def photographed(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """The crop (H, W, 3) uint8 of the same size, seen by another camera; strength 0 leaves it as it is."""
    if strength <= 0:
        return image
    image = _seen_from_aside(image, strength, rng)
    chance = min(0.9, CHANCE * strength)
    if rng.random() < chance:
        image = _shadowed(image, rng)
    if rng.random() < chance / 2:
        image = np.asarray(255 - image, np.uint8)
    if rng.random() < chance:
        image = _moved(image, rng)
    if rng.random() < chance:
        image = _coarse(image, rng)
    if rng.random() < chance:
        data = np.frombuffer(jpeg_bytes(image, int(rng.integers(20, 70))), np.uint8)
        image = np.asarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[:, :, ::-1], np.uint8)
    return image


def _seen_from_aside(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """A random quadrilateral near the crop, stretched to its size; what lies outside repeats the edge."""
    height, width = image.shape[:2]
    sides = np.asarray([width, height], np.float32)
    corners = np.asarray([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) - np.float32(0.5)
    margins = 1 + rng.uniform(-1.0, 1.0, 2) * MARGIN * strength
    angle = np.deg2rad(rng.standard_normal() * TURN * strength)
    turn = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    places = (corners * margins * sides) @ turn.T + sides / 2
    places += rng.standard_normal((4, 2)) * CORNER * strength * float(np.sqrt(width * height))
    places += rng.standard_normal(2) * 0.5 * MARGIN * strength * sides
    ends = (corners + np.float32(0.5)) * sides
    matrix = cv2.getPerspectiveTransform(np.asarray(places, np.float32), np.asarray(ends, np.float32))
    warped = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _shadowed(image: Image, rng: np.random.Generator) -> Image:
    """A soft edge of light and shadow across the picture."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.linspace(-1, 1, width)[None] * np.cos(angle) + np.linspace(-1, 1, height)[:, None] * np.sin(angle)
    soft = 1 / (1 + np.exp(-(across - rng.uniform(-0.6, 0.6)) * rng.uniform(2, 30)))
    dark = rng.uniform(0.25, 0.8)
    return np.asarray(image * (dark + (1 - dark) * soft[..., None]), np.uint8)


def _moved(image: Image, rng: np.random.Generator) -> Image:
    """Blur along one direction, up to a twentieth of the height, or all round."""
    length = max(2, round(image.shape[0] * rng.uniform(0.01, 0.06)))
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), length / 2.5), np.uint8)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = length / 2 * np.asarray([np.cos(angle), np.sin(angle)])
    ends = [tuple(round(length + sign * part) for part in reach) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _coarse(image: Image, rng: np.random.Generator) -> Image:
    """As if far away: fewer pixels, then as many as before."""
    height, width = image.shape[:2]
    rows = int(rng.integers(min(LEAST_ROWS, height), max(min(LEAST_ROWS, height) + 1, height // 2)))
    small = cv2.resize(image, (max(8, round(width * rows / height)), rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
