"""Where text stands on a page: the PP-OCRv6 small detector of the installed `rapidocr` wheel.

Nothing of `rapidocr` itself is imported: the wheel only carries the weights. `pieces.py` reads the network's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..tools.memory import allowed_memory
from ..types import Image
from .base import DETECTOR, engine_file, engine_version
from .engine import EngineName, by_openvino, open_graph, open_session, run_once
from .pieces import Piece, pieces

Array = npt.NDArray[np.float32]
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
    """The PP-OCRv6 small text detector on `threads` threads; opened at the first page.

    It runs on ONNX Runtime, or where `engine` says so on OpenVINO, which in bfloat16 takes a fifth of the time and sees
    edges up to a pixel elsewhere. Raises EngineError, at the first page, when the wheel's weights or the run time are
    missing.
    """

    def __init__(
        self,
        *,
        threads: int = 1,
        settings: DetectorSettings | None = None,
        weights: Path | None = None,
        engine: EngineName = "onnxruntime",
    ) -> None:
        self.settings = settings or DetectorSettings()
        self._weights = weights
        self._threads = threads
        self._engine = engine
        self._run: Callable[[Array], Array] | None = None

    @property
    def version(self) -> str:
        """What the pieces that it finds depend on."""
        other = "-openvino" if by_openvino(self._engine) else ""
        return f"{self._weights or DETECTOR}-{engine_version()}-{astuple(self.settings)}{other}"

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

    def probability(self, page: Image, long_side: int | None = None) -> Array:
        """Probability of text, shape (h, w) in [0, 1], of the page scaled to the network's input size."""
        height, width = network_size(page.shape[:2], self.settings.short_side, long_side or self.settings.long_side)
        shrinks = height < page.shape[0]
        scaled = cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        # the weights were trained on blue, green, red in [-1, 1]
        x = (scaled[:, :, ::-1].astype(np.float32) * np.float32(2 / 255) - np.float32(1)).transpose(2, 0, 1)[None]
        found: Array = self._opened()(np.ascontiguousarray(x))[0, 0]
        return found

    def _at(self, page: Image, long_side: int) -> tuple[list[Piece], float]:
        probability = self.probability(page, long_side)
        return pieces(probability, page.shape[:2]), probability.shape[0] / page.shape[0]

    def _opened(self) -> Callable[[Array], Array]:
        if self._run is None:
            self._run = _runner(self._weights or engine_file(DETECTOR), self._threads, self._engine)
        return self._run


def _runner(path: Path, threads: int, engine: EngineName) -> Callable[[Array], Array]:
    """What takes a picture (1, 3, h, w) to probabilities (1, 1, h, w)."""
    if by_openvino(engine):
        graph = open_graph(path, threads=threads, engine=engine)
        return lambda x: cast("Array", graph({graph.inputs[0].name: x})[0])
    session = open_session(path, threads, patterns=False)
    name = session.get_inputs()[0].name
    return lambda x: cast("Array", run_once(session, {name: x})[0])


def network_size(shape: tuple[int, ...], short_side: int, long_side: int) -> tuple[int, int]:
    """(height, width) of the network's input for a page of `shape`, multiples of 32, at least 32."""
    height, width = shape[:2]
    ratio = max(1.0, short_side / min(height, width))
    ratio = min(ratio, long_side / max(height, width))
    sides = (max(STRIDE, round(side * ratio / STRIDE) * STRIDE) for side in (height, width))
    return cast("tuple[int, int]", tuple(sides))
