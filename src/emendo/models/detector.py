"""Where text stands on a page: the PP-OCRv6 small detector of the installed `rapidocr` wheel, by ONNX Runtime.

Nothing of `rapidocr` itself is imported: the wheel only carries the weights. `pieces.py` reads the network's answer.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..tools.memory import allowed_memory
from ..types import Image
from .base import DETECTOR, engine_file, engine_version
from .engine import open_session, run_once
from .pieces import Piece, pieces

STRIDE = 32
"""The network takes sides that are multiples of this."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How a page is scaled for the network, in pixels.

    It is scaled up until its short side reaches `short_side` and down until its long side fits `long_side`; where the
    lines then turn out lower than `least_height` pixels, the page is shown again with its long side at `again_side`, if
    the process may take `again_memory` bytes: that look needs some 400 MB.
    """

    short_side: int = 736
    long_side: int = 1280
    least_height: float = 11.0
    again_side: int = 1920
    again_memory: int = 800_000_000


class Detector:
    """The PP-OCRv6 small text detector on `threads` threads of ONNX Runtime; opened at the first page.

    Raises EngineError, at the first page, when the wheel's weights or ONNX Runtime are missing.
    """

    def __init__(
        self, *, threads: int = 1, settings: DetectorSettings | None = None, weights: Path | None = None
    ) -> None:
        self.settings = settings or DetectorSettings()
        self._weights = weights
        self._threads = threads
        self._session: Any = None

    @property
    def version(self) -> str:
        """What the pieces that it finds depend on."""
        return f"{self._weights or DETECTOR}-{engine_version()}-{astuple(self.settings)}"

    def __call__(self, page: Image) -> list[Piece]:
        """The pieces of text on a page (height, width, 3) uint8 RGB, in no special order."""
        settings = self.settings
        found, scale = self._at(page, settings.long_side)
        if allowed_memory() < settings.again_memory:
            return found
        low = found and float(np.median([piece.height for piece in found])) * scale < settings.least_height
        if low and max(page.shape[:2]) * scale < 0.9 * max(page.shape[:2]) and settings.again_side > settings.long_side:
            found, _ = self._at(page, settings.again_side)
        return found

    def probability(self, page: Image, long_side: int | None = None) -> npt.NDArray[np.float32]:
        """Probability of text, shape (h, w) in [0, 1], of the page scaled to the network's input size."""
        height, width = network_size(page.shape[:2], self.settings.short_side, long_side or self.settings.long_side)
        shrinks = height < page.shape[0]
        scaled = cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        # the weights were trained on blue, green, red in [-1, 1]
        x = (scaled[:, :, ::-1].astype(np.float32) * np.float32(2 / 255) - np.float32(1)).transpose(2, 0, 1)[None]
        session = self._opened()
        answer = run_once(session, {session.get_inputs()[0].name: np.ascontiguousarray(x)})[0]
        return cast("npt.NDArray[np.float32]", answer[0, 0])

    def _at(self, page: Image, long_side: int) -> tuple[list[Piece], float]:
        probability = self.probability(page, long_side)
        return pieces(probability, page.shape[:2]), probability.shape[0] / page.shape[0]

    def _opened(self) -> Any:
        if self._session is None:
            self._session = open_session(self._weights or engine_file(DETECTOR), self._threads, patterns=False)
        return self._session


def network_size(shape: tuple[int, ...], short_side: int, long_side: int) -> tuple[int, int]:
    """(height, width) of the network's input for a page of `shape`, multiples of 32, at least 32."""
    height, width = shape[:2]
    ratio = max(1.0, short_side / min(height, width))
    ratio = min(ratio, long_side / max(height, width))
    sides = (max(STRIDE, round(side * ratio / STRIDE) * STRIDE) for side in (height, width))
    return cast("tuple[int, int]", tuple(sides))
