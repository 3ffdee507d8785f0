"""Where text stands on a page: the PP-OCRv6 small detector of the installed `rapidocr` wheel, by ONNX Runtime.

The network gives each pixel the probability that it lies in the shrunk core of a piece of text; the pieces are grown
back to full size by their area and perimeter (Liao et al., Real-time Scene Text Detection with Differentiable
Binarization, 2020). Nothing of `rapidocr` itself is imported: the wheel only carries the weights.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import EngineError
from ..types import Image, Polygon

WEIGHTS = "PP-OCRv6_det_small.onnx"
STRIDE = 32
"""The network takes sides that are multiples of this."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How a page is shown to the network and how its answer is read.

    `short_side` and `long_side` are pixels: the page is scaled up until its short side reaches the first and down
    until its long side fits the second. `threshold` cuts the probability map, `box_threshold` the mean probability of
    a piece, `unclip` is the growth ratio of the paper. The defaults for the last three and `dilate` are those that
    the weights are shipped with.
    """

    short_side: int = 736
    long_side: int = 1600
    threshold: float = 0.3
    box_threshold: float = 0.5
    unclip: float = 1.6
    dilate: bool = True
    most: int = 3000
    least_side: float = 3.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text: four corners in page pixels, clockwise from the upper left, and its mean probability."""

    corners: Polygon
    score: float


class Detector:
    """The PP-OCRv6 small text detector on `threads` threads of ONNX Runtime; opened at the first page.

    Raises EngineError when the wheel's weights or ONNX Runtime are missing.
    """

    def __init__(
        self, *, threads: int = 1, settings: DetectorSettings | None = None, weights: Path | None = None
    ) -> None:
        self.settings = settings or DetectorSettings()
        self._weights = weights or find_weights()
        self._threads = threads
        self._session: Any = None

    def __call__(self, page: Image) -> list[Piece]:
        """The pieces of text on a page (height, width, 3) uint8 RGB, in no special order."""
        return pieces(self.probability(page), page.shape[:2], self.settings)

    def probability(self, page: Image) -> npt.NDArray[np.float32]:
        """Probability of text, shape (h, w) in [0, 1], of the page scaled to the network's input size."""
        height, width = network_size(page.shape[:2], self.settings)
        shrinks = height < page.shape[0]
        scaled = cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        # the weights were trained on blue, green, red in [-1, 1]
        x = (scaled[:, :, ::-1].astype(np.float32) * np.float32(2 / 255) - np.float32(1)).transpose(2, 0, 1)[None]
        session = self._opened()
        answer = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x)})[0]
        return cast("npt.NDArray[np.float32]", answer[0, 0])

    def _opened(self) -> Any:
        if self._session is None:
            self._session = _open_session(self._weights, self._threads)
        return self._session


def find_weights() -> Path:
    """The detector's ONNX file in the installed `rapidocr` wheel. Raises EngineError when it is not there."""
    spec = importlib.util.find_spec("rapidocr")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "models" / WEIGHTS
        if path.is_file():
            return path
    raise EngineError(f"the text detector {WEIGHTS} is not installed", remedy="pip install 'rapidocr>=3.10,<3.11'")


def _open_session(weights: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError("ONNX Runtime is not installed", remedy="pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # spinning threads slow every other process on a small machine
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    try:
        return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base class below Exception
        raise EngineError(f"the text detector cannot be opened ({error})", where=weights) from error


def network_size(shape: tuple[int, ...], settings: DetectorSettings) -> tuple[int, int]:
    """(height, width) of the network's input for a page of `shape`, multiples of 32, at least 32."""
    height, width = shape[:2]
    ratio = max(1.0, settings.short_side / min(height, width))
    ratio = min(ratio, settings.long_side / max(height, width))
    sides = (max(STRIDE, round(side * ratio / STRIDE) * STRIDE) for side in (height, width))
    return cast("tuple[int, int]", tuple(sides))


def pieces(
    probability: npt.NDArray[np.float32], shape: tuple[int, ...], settings: DetectorSettings | None = None
) -> list[Piece]:
    """The pieces of text in a probability map (h, w), in pixels of a page of `shape` (height, width, ...)."""
    settings = settings or DetectorSettings()
    mask = (probability > settings.threshold).astype(np.uint8)
    if settings.dilate:
        mask = cv2.dilate(mask, np.ones((2, 2), np.uint8)).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    to_page = np.array([shape[1] / probability.shape[1], shape[0] / probability.shape[0]])
    limit = np.array([shape[1] - 1, shape[0] - 1])
    found = []
    for contour in contours[: settings.most]:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < settings.least_side:
            continue
        score = _mean_inside(probability, cv2.boxPoints(rectangle))
        if score < settings.box_threshold:
            continue
        grown = _grow(rectangle, settings.unclip)
        if min(grown[1]) < settings.least_side + 2:
            continue
        corners = np.clip(_clockwise(cv2.boxPoints(grown)) * to_page, 0, limit)
        found.append(Piece(tuple((float(x), float(y)) for x, y in corners), score))
    return found


Rectangle = tuple[tuple[float, float], tuple[float, float], float]
"""Centre, size and angle in degrees, as OpenCV gives them."""


def _grow(rectangle: Any, ratio: float) -> Rectangle:
    """Offset a rectangle outwards by area * ratio / perimeter.

    The smallest rectangle around a rectangle offset with round corners is the rectangle grown by that distance on
    each side, so no polygon clipper is needed.
    """
    centre, (width, height), angle = rectangle
    distance = width * height * ratio / (2 * (width + height))
    return centre, (width + 2 * distance, height + 2 * distance), angle


def _mean_inside(probability: npt.NDArray[np.float32], corners: npt.NDArray[Any]) -> float:
    height, width = probability.shape
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, [width - 1, height - 1])
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, [width - 1, height - 1])
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - [x0, y0]).astype(np.int32)], 1)
    return float(cv2.mean(probability[y0 : y1 + 1, x0 : x1 + 1], mask)[0])


def _clockwise(corners: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Corners as upper left, upper right, lower right, lower left, told by their order along x."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")].astype(np.float64)
    left, right = by_x[:2], by_x[2:]
    left, right = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.stack([left[0], right[0], right[1], left[1]])
