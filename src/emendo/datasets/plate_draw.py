"""One licence plate, flat and clean: ground, serial, and all that stands around it and is no part of the text.

    ground (plain, graded, banded, hills)  ->  state, slogan, stickers, logo, stacked letters  ->  serial, embossed

The texts around are made-up words, so that nothing is learnt of any one state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..text.plates import DIGITS, LETTERS, Region
from ..types import Image
from .faces import Mask
from .plate_face import TYPE, any_die, type_sign
from .render import smooth_field

Rng = np.random.Generator
Colour = npt.NDArray[np.float64]
ROWS: Final = 96
"""Height in pixels of a plate as it is drawn."""
_SYLLABLES: Final = (
    "ba",
    "ne",
    "ri",
    "to",
    "ka",
    "lo",
    "mi",
    "sa",
    "du",
    "ve",
    "on",
    "ar",
    "el",
    "is",
    "um",
    "ta",
    "ro",
    "li",
    "or",
)
_HERSHEY: Final = (
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
    cv2.FONT_HERSHEY_COMPLEX | cv2.FONT_ITALIC,
)
_TYPED, _EMBOSSED, _FRAMED = 0.25, 0.6, 0.2
"""Shares of plates set in a type face, pressed into the metal, and held by a dealer's frame."""
_PALE: Final = ((245, 244, 238), (238, 240, 244), (250, 236, 190), (225, 236, 248), (240, 200, 70), (235, 225, 205))
_DEEP: Final = ((20, 20, 22), (25, 35, 110), (140, 25, 30), (20, 75, 45), (60, 40, 90), (10, 55, 120), (70, 70, 75))


@dataclass(frozen=True, slots=True)
class Plate:
    """A drawn plate: `image` (96, W, 3) uint8 RGB, and the text of its serial."""

    image: Image
    text: str


def draw_plate(region: Region, rng: Rng) -> Plate:
    """A plate of a region with a serial of one of its patterns, or a text of the owner's choice."""
    groups = serial(region, rng)
    width = round(ROWS * rng.uniform(*region.aspect))
    ink, ground = _colours(rng, region)
    image = _ground(rng, width, ground, region)
    box = _box(rng, region, width)
    text = "".join(groups)
    if region.name == "us":
        box = _decorate(image, rng, ink, box)
    elif region.name == "eu":
        _blue_band(image, rng)
    else:
        _put(image, _words(rng, 2).upper(), (width / 2, ROWS * 0.16), ROWS * 0.09, ink, _HERSHEY[0])
    _write(image, groups, rng, ink, box)
    _border(image, rng, ink)
    return Plate(image, text)


def serial(region: Region, rng: Rng) -> list[str]:
    """The groups of a serial; the letter O is rare in serials, and so it is here."""
    if rng.random() < region.personal:
        length = int(rng.integers(2, 8))
        chars = [str(rng.choice(list(LETTERS if rng.random() < 0.85 else DIGITS))) for _ in range(length)]
        if length > 4 and rng.random() < 0.3:
            chars.insert(int(rng.integers(1, length)), "-")
        return "".join(chars).split("-")
    names, weights = list(region.patterns), np.asarray(list(region.patterns.values()))
    pattern = str(rng.choice(names, p=weights / weights.sum()))
    rare = "IOQ" if rng.random() < 0.7 else ""
    letters = [letter for letter in LETTERS if letter not in rare]
    choices = {"A": letters, "9": list(DIGITS), "-": ["-"]}
    return "".join(str(rng.choice(choices[sign])) for sign in pattern).split("-")


def _colours(rng: Rng, region: Region) -> tuple[Colour, Colour]:
    """Ink and ground, far enough apart to be read."""
    pale = np.asarray(_PALE[int(rng.integers(len(_PALE)))], float) + rng.normal(0, 10, 3)
    deep = np.asarray(_DEEP[int(rng.integers(len(_DEEP)))], float) + rng.normal(0, 12, 3)
    if region.name == "us":
        deep = deep + rng.uniform(0, 60)  # faded inks, and pale ones on coloured grounds
    if rng.random() < (0.15 if region.name == "us" else 0.05):
        return pale, deep
    return deep, pale - rng.uniform(0, 40 if region.name == "us" else 60)


def _ground(rng: Rng, width: int, colour: Colour, region: Region) -> Image:
    image = np.broadcast_to(colour, (ROWS, width, 3)).copy()
    if region.name != "us":
        return _bytes(image * (1 - 0.06 * smooth_field(rng, ROWS, width)[:, :, None]))
    kind = rng.random()
    other = np.clip(colour + rng.uniform(-110, 40, 3) * rng.uniform(0.3, 1), 0, 255)
    rows = np.linspace(0, 1, ROWS)[:, None, None]
    if kind < 0.3:  # from one colour to another
        image += (other - colour) * np.abs(rows - rng.choice([0.0, 1.0])) ** rng.uniform(1, 3)
    elif kind < 0.5:  # bands above or below
        for share in (rng.uniform(0, 0.3), -rng.uniform(0, 0.3)):
            rows_of = slice(0, round(share * ROWS)) if share > 0 else slice(round((1 + share) * ROWS), ROWS)
            image[rows_of] = np.clip(colour + rng.uniform(-150, 20, 3), 0, 255)
    if rng.random() < 0.35:  # hills, trees, buildings
        steps = np.sort(rng.uniform(0, width, int(rng.integers(4, 12))))
        tops = ROWS * rng.uniform(0.45, 0.95, len(steps))
        outline = np.asarray([(0, ROWS), *zip(steps, tops, strict=True), (width, ROWS)]).round().astype(np.int32)
        hills = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(hills, [outline], 255)
        cover = hills[:, :, None] / 255 * rng.uniform(0.2, 0.7)
        image = image * (1 - cover) + other * cover
    return _bytes(image * (1 - 0.1 * smooth_field(rng, ROWS, width)[:, :, None]))


def _bytes(values: npt.NDArray[np.float64]) -> Image:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _box(rng: Rng, region: Region, width: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the serial."""
    if region.name == "eu":
        return width * rng.uniform(0.1, 0.16), ROWS * rng.uniform(0.1, 0.2), width * 0.95, ROWS * rng.uniform(0.8, 0.9)
    if region.name == "br":
        return width * 0.06, ROWS * rng.uniform(0.26, 0.36), width * 0.94, ROWS * rng.uniform(0.82, 0.92)
    middle, high = rng.uniform(0.48, 0.6), rng.uniform(0.36, 0.6)
    return (
        width * rng.uniform(0.02, 0.1),
        ROWS * (middle - high / 2),
        width * rng.uniform(0.9, 0.98),
        ROWS * (middle + high / 2),
    )


def _decorate(
    image: Image, rng: Rng, ink: Colour, box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """State above, slogan below, stickers, a logo or stacked letters beside; what is left for the serial."""
    left, top, right, bottom = box
    width = image.shape[1]
    other = np.clip(ink + rng.uniform(-60, 160, 3), 0, 230) if rng.random() < 0.5 else ink
    if rng.random() < 0.92:
        face = _HERSHEY[int(rng.integers(len(_HERSHEY)))]
        name = _words(rng, 1 + int(rng.random() < 0.3))
        _put(
            image,
            name.upper() if rng.random() < 0.6 else name.title(),
            (width / 2, top / 2),
            min(top * 0.62, ROWS * 0.2),
            other,
            face,
        )
    if rng.random() < 0.8:
        face = _HERSHEY[int(rng.integers(len(_HERSHEY)))]
        said = _words(rng, int(rng.integers(1, 4)))
        below = ROWS - bottom
        _put(
            image,
            said.upper() if rng.random() < 0.5 else said.title(),
            (width / 2, bottom + below / 2),
            min(below * 0.6, ROWS * 0.14),
            other,
            face,
        )
    for corner in range(4):
        if rng.random() < 0.35:
            _sticker(image, rng, corner)
    for x in (0.17, 0.83):
        for y in (0.09, 0.9):
            if rng.random() < 0.6:
                place = (round(width * x), round(ROWS * y))
                cv2.circle(image, place, int(rng.integers(2, 5)), tuple(rng.uniform(30, 200, 3)), -1, cv2.LINE_AA)
    if rng.random() < 0.13:  # a logo at the left
        side = bottom - top
        centre = (round(left + side / 2), round((top + bottom) / 2))
        cv2.circle(
            image, centre, round(side * rng.uniform(0.3, 0.5)), tuple(np.clip(other + 40, 0, 255)), -1, cv2.LINE_AA
        )
        _put(image, _words(rng, 1)[:2].upper(), centre, side * 0.3, rng.uniform(0, 255, 3), _HERSHEY[0])
        left += side
    elif rng.random() < 0.1:  # two small letters, one above the other
        side = (bottom - top) * 0.45
        at_end = rng.random() < 0.3
        x = right - side * 0.4 if at_end else left + side * 0.4
        for number in range(2):
            letter = str(rng.choice(list(LETTERS)))
            _put(image, letter, (x, top + side * (0.5 + 1.1 * number)), side * 0.8, ink, _HERSHEY[0], thick=2)
        left, right = (left, right - side) if at_end else (left + side, right)
    return left, top, right, bottom


def _write(image: Image, groups: list[str], rng: Rng, ink: Colour, box: tuple[float, float, float, float]) -> None:
    """The serial into its box, embossed or flat, with what parts its groups."""
    left, top, right, bottom = (round(value) for value in box)
    mask = _serial_mask(groups, rng, bottom - top, right - left)
    high, wide = min(mask.shape[0], ROWS - top), min(mask.shape[1], image.shape[1])
    x = int(np.clip(left + (right - left - wide) // 2 + rng.normal(0, 3), 0, image.shape[1] - wide))
    place = (slice(top, top + high), slice(x, x + wide))
    full = np.zeros(image.shape[:2], np.float64)
    full[place] = mask[:high, :wide] / 255.0
    alpha = full[:, :, None] * rng.uniform(0.85, 1.0)
    values = image * (1 - alpha) + alpha * ink
    if rng.random() < _EMBOSSED:
        raised = cv2.GaussianBlur(full, (0, 0), rng.uniform(0.8, 2.0))
        light = np.roll(raised, -1, 0) - np.roll(raised, 1, 0) + np.roll(raised, -1, 1) - np.roll(raised, 1, 1)
        values += light[:, :, None] * rng.uniform(-90, 140)
    image[:] = _bytes(values)


def _serial_mask(groups: list[str], rng: Rng, height: int, most: int) -> Mask:
    """The signs side by side, at most `most` columns wide."""
    face = TYPE[int(rng.integers(len(TYPE)))] if rng.random() < _TYPED else None
    die = any_die(rng)
    thin = rng.uniform(0.5, 0.9)
    gap, space = max(1, round(height * rng.uniform(0.05, 0.2))), round(height * rng.uniform(0.15, 0.6))
    parts: list[Mask] = []
    for number, group in enumerate(groups):
        if number:
            parts.append(_between(rng, height, max(space, gap)))
        for char in group:
            parts.append(die.draw(char, height) if face is None else _typed(type_sign(face, char), height, thin))
            parts.append(np.zeros((height, gap), np.uint8))
    mask = np.concatenate(parts[:-1], axis=1)
    room = most if rng.random() < 0.6 else round(most * rng.uniform(0.75, 1.0))
    if mask.shape[1] > room or rng.random() < 0.3:
        mask = np.asarray(cv2.resize(mask, (room, height), interpolation=cv2.INTER_AREA), np.uint8)
    return mask


def _typed(sign: Mask, height: int, thin: float) -> Mask:
    width = max(
        2, round(sign.shape[1] * height / sign.shape[0] * (1.0 if sign.shape[1] < 0.4 * sign.shape[0] else thin))
    )
    return np.asarray(cv2.resize(sign, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _between(rng: Rng, height: int, space: int) -> Mask:
    """What parts two groups: space, a hyphen, a dot, an emblem."""
    gap = np.zeros((height, space), np.uint8)
    kind, middle = rng.random(), (space // 2, height // 2)
    if kind < 0.3:
        half = max(1, round(space * 0.25))
        cv2.line(gap, (middle[0] - half, middle[1]), (middle[0] + half, middle[1]), 255, max(1, round(height * 0.1)))
    elif kind < 0.45:
        cv2.circle(gap, middle, max(1, round(height * 0.06)), 255, -1, cv2.LINE_AA)
    elif kind < 0.7 and space > 8:
        points = np.asarray(middle) + rng.normal(0, 0.22, (int(rng.integers(4, 9)), 2)) * (space, height * 0.7)
        hull = cv2.convexHull(points.astype(np.float32)).round().astype(np.int32)
        cv2.fillPoly(gap, [hull], float(rng.uniform(90, 255)), cv2.LINE_AA)
    return gap


def _blue_band(image: Image, rng: Rng) -> None:
    """The band of the European Union at the left, with its ring of stars and the country's letters."""
    if rng.random() < 0.15:
        return
    wide = round(image.shape[1] * rng.uniform(0.07, 0.1))
    image[:, :wide] = rng.uniform((0, 20, 90), (40, 70, 190))
    for turn in range(12):
        place = (round(wide * (0.5 + 0.3 * np.cos(turn / 1.9))), round(ROWS * 0.32 + wide * 0.3 * np.sin(turn / 1.9)))
        cv2.circle(image, place, 1, (240.0, 220.0, 60.0), -1)
    letters = "".join(rng.choice(list(LETTERS), int(rng.integers(1, 4))))
    _put(image, letters, (wide / 2, ROWS * 0.74), ROWS * 0.16, np.full(3, 240.0), _HERSHEY[0])


def _border(image: Image, rng: Rng, ink: Colour) -> None:
    width = image.shape[1]
    if rng.random() < 0.5:
        inset = int(rng.integers(0, 4))
        cv2.rectangle(
            image,
            (inset, inset),
            (width - 1 - inset, ROWS - 1 - inset),
            tuple(map(float, ink)),
            int(rng.integers(1, 3)),
        )
    if rng.random() < _FRAMED:  # a dealer's frame, over whatever stands at the edges
        shade = np.full(3, rng.choice([15.0, 30.0, 190.0])) + rng.normal(0, 8, 3)
        above, below, side = (round(ROWS * rng.uniform(0.02, most)) for most in (0.16, 0.18, 0.06))
        for part in (image[:above], image[ROWS - below :], image[:, :side], image[:, width - side :]):
            part[:] = np.clip(shade, 0, 255)
        for y, high in ((above / 2, above), (ROWS - below / 2, below)):
            if high > 8 and rng.random() < 0.7:
                _put(image, _words(rng, 2).upper(), (width / 2, y), high * 0.6, 255 - shade, _HERSHEY[0], thick=2)


def _sticker(image: Image, rng: Rng, corner: int) -> None:
    """A month or year in one of the corners."""
    wide, high = round(image.shape[1] * rng.uniform(0.08, 0.16)), round(ROWS * rng.uniform(0.12, 0.22))
    inset = int(rng.integers(2, 8))
    x = inset if corner % 2 == 0 else image.shape[1] - wide - inset
    y = inset if corner < 2 else ROWS - high - inset
    image[y : y + high, x : x + wide] = rng.uniform(40, 255, 3)
    said = str(rng.integers(0, 13)) if rng.random() < 0.5 else _words(rng, 1)[:3].upper()
    _put(image, said, (x + wide / 2, y + high / 2), high * 0.6, rng.choice([0.0, 255.0]) * np.ones(3), _HERSHEY[0])


def _words(rng: Rng, number: int) -> str:
    return " ".join("".join(rng.choice(_SYLLABLES, int(rng.integers(1, 5)))) for _ in range(number))


def _put(
    image: Image,
    text: str,
    centre: tuple[float, float],
    height: float,
    colour: Colour,
    face: int,
    *,
    thick: int = 1,
) -> None:
    """A text centred at a place, `height` pixels high and no wider than nine tenths of the plate."""
    if height < 4 or not text:
        return
    (wide, high), _ = cv2.getTextSize(text, face, 1.0, thick)
    scale = min(height / max(high, 1), 0.9 * image.shape[1] / max(wide, 1))
    place = (round(centre[0] - wide * scale / 2), round(centre[1] + high * scale / 2))
    cv2.putText(image, text, place, face, scale, tuple(map(float, colour)), thick, cv2.LINE_AA)
