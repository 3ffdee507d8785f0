"""What a model spends on seeing an image, in vision tokens, and the modes in which documents are compressed optically.

The modes are those of DeepSeek-OCR (Wei, Sun & Li 2025, arXiv:2510.18234, table 1): a view of 512, 640, 1,024 or 1,280
pixels costs (side / 64)^2 tokens; the two small views are stretched to the square, the two large ones padded; the
tiled mode adds 100 tokens for each tile of 640 pixels to a view of 1,024. A vision-language model is asked by its own
processor instead, and a line reader spends what its network emits.
"""

from __future__ import annotations

import copy
import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from emendo.image.pixels import cv2

from ..errors import UsageError
from ..image.line import LineGeometry, normalize
from ..types import Image, Recognizer
from .bundle import WEIGHTS_FILE
from .choice import ChoosingRecognizer
from .ctc.recognizer import CtcRecognizer
from .generative.recognizer import GenerativeRecognizer
from .generative.source import CONFIG_FILE, read_json

PIXELS_A_TOKEN: Final = 64
"""Side, in pixels, of the square that one vision token stands for: patches of 16, compressed 16 times."""
TILE, LEAST_TILES, MOST_TILES = 640, 2, 9
FRAME: Final = 8
"""Columns of the normalised line for each frame of the CTC network."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to see a page: `side` of the view in pixels; `padded` keeps the shape of the page, else it is stretched;
    `tiled` adds tiles of 640 pixels."""

    name: str
    side: int
    padded: bool
    tiled: bool = False

    @property
    def view_tokens(self) -> int:
        """Tokens of the view, without tiles."""
        return (self.side // PIXELS_A_TOKEN) ** 2

    def grid(self, image: Image) -> tuple[int, int]:
        """Tiles across and down; (0, 0) without tiles and for an image that fits into one."""
        height, width = image.shape[:2]
        if not self.tiled or max(height, width) <= TILE:
            return 0, 0
        shapes = [
            (across, down)
            for across in range(1, MOST_TILES + 1)
            for down in range(1, MOST_TILES + 1)
            if LEAST_TILES <= across * down <= MOST_TILES
        ]
        return min(
            shapes, key=lambda shape: (abs(math.log(width / height * shape[1] / shape[0])), -shape[0] * shape[1])
        )

    def tokens(self, image: Image) -> int:
        """What the mode spends on an image."""
        across, down = self.grid(image)
        return self.view_tokens + across * down * (TILE // PIXELS_A_TOKEN) ** 2

    def valid_tokens(self, image: Image) -> int:
        """Those of them that see the image and not the padding around it (equation 1 of the paper)."""
        across, down = self.grid(image)
        height, width = image.shape[:2]
        share = min(height, width) / max(height, width) if self.padded else 1.0
        return math.ceil(self.view_tokens * share) + across * down * (TILE // PIXELS_A_TOKEN) ** 2

    def seen(self, image: Image) -> Image:
        """The image with only the detail that the mode's pixels can carry, at its old size."""
        height, width = image.shape[:2]
        across, down = self.grid(image)
        if across:
            size = (min(width, across * TILE), min(height, down * TILE))
        elif self.padded:
            scale = min(1.0, self.side / max(height, width))
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
        else:
            size = (min(width, self.side), min(height, self.side))
        if size == (width, height):
            return image
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


MODES: Final[tuple[Mode, ...]] = (
    Mode("64", 512, padded=False),
    Mode("100", 640, padded=False),
    Mode("256", 1024, padded=True),
    Mode("400", 1280, padded=True),
    Mode("tiled", 1024, padded=True, tiled=True),
)


def modes_of(names: Sequence[str]) -> tuple[Mode, ...]:
    """The modes of these names. Raises UsageError naming the known ones."""
    known = {mode.name: mode for mode in MODES}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            guess = f" (did you mean {close[0]!r}?)" if close else ""
            raise UsageError(f"unknown mode {name!r}{guess}", remedy=f"use {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Facts:
    """A recogniser: its family (empty when it is none of ours), and the bytes of the files that it reads with."""

    model: str
    family: str = ""
    size: int = 0


def facts_of(recognizer: Recognizer) -> Facts:
    """The facts of a recogniser."""
    if isinstance(recognizer, ChoosingRecognizer):
        parts = [facts_of(one) for one in recognizer.recognizers]
        return Facts(recognizer.model, parts[0].family, sum(part.size for part in parts))
    if isinstance(recognizer, CtcRecognizer):
        held = recognizer.bundle.info.files
        size = sum(entry.size for name, entry in held.items() if name != WEIGHTS_FILE)
        return Facts(recognizer.model, "ctc", size)
    if isinstance(recognizer, GenerativeRecognizer):
        return Facts(recognizer.model, recognizer.source.family, recognizer.source.weight_bytes)
    return Facts(recognizer.model)


def own_tokens(recognizer: Recognizer, image: Image) -> int:
    """Vision tokens that a recogniser spends on one image as it is; 0 where that is not known.

    A CTC network: the frames that it emits. TrOCR: the patches of its encoder. A vision-language model: the image
    tokens that its processor puts into the prompt.
    """
    if isinstance(recognizer, ChoosingRecognizer):
        return own_tokens(recognizer.choose([image]), image)
    if isinstance(recognizer, CtcRecognizer):
        return _frames(image, recognizer.geometry)
    if not isinstance(recognizer, GenerativeRecognizer):
        return 0
    network: Any = recognizer.network
    if recognizer.source.family == "vlm":
        return int(network.vision_tokens(image))
    return _patches(recognizer)


def at_mode(recognizer: Recognizer, mode: Mode) -> tuple[Recognizer, Literal["processor", "arithmetic"]]:
    """A recogniser that sees as much as a mode allows, and where the mode's tokens are counted.

    A vision-language model gets the mode as its image budget and its processor counts. Any other reader stays as it
    is: it has no such modes, so it is shown `mode.seen(image)`, and the tokens are the mode's arithmetic.
    """
    if not (isinstance(recognizer, GenerativeRecognizer) and recognizer.source.family == "vlm"):
        return recognizer, "arithmetic"
    network: Any = recognizer.network
    other = copy.copy(recognizer)
    other.network = network.with_budget(network.pixels_of(mode.side, mode.view_tokens, MOST_TILES * mode.tiled))
    return other, "processor"


def _frames(image: Image, geometry: LineGeometry) -> int:
    return int(normalize(image, geometry).image.shape[1]) // FRAME


def _patches(recognizer: GenerativeRecognizer) -> int:
    encoder = read_json(recognizer.source.folder / CONFIG_FILE).get("encoder", {})
    told = recognizer.bundle.info.preprocessing if recognizer.bundle else {}
    sides = _pair(encoder.get("image_size", 384))
    height, width = int(told.get("height", sides[0])), int(told.get("width", sides[1]))
    patch = _pair(encoder.get("patch_size", 16))
    return (height // patch[0]) * (width // patch[1])


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[1])) if isinstance(value, list | tuple) else (int(value), int(value))
