"""The engine `rapidocr` as a recogniser: its own line finding, preparation and reading behind our interface."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from threading import Lock
from typing import Any, Final

import numpy as np

from emendo.errors import EngineError
from emendo.types import Image, Reading

RAPIDOCR: Final = "rapidocr"
"""Its model reference."""


class RapidOcrRecognizer:
    """Reads a picture with all of `rapidocr` (PP-OCRv6 small); may be shared by threads, which wait for each other.

    The pieces that it finds are joined from left to right with a blank between them; those lower than `tall` of the
    highest are left out. The confidence is the least of the pieces' own. Opened at the first picture; raises
    EngineError then when the engine cannot be had.
    """

    def __init__(self, *, threads: int = 1, tall: float = 0.0) -> None:
        self.tall = tall
        self._threads = threads
        self._engine: Any = None
        self._turn = Lock()

    @property
    def model(self) -> str:
        """Name and version of the engine."""
        return f"{RAPIDOCR}@{version('rapidocr')}"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per picture (H, W, 3) uint8 RGB, in order."""
        with self._turn:
            if self._engine is None:
                self._engine = _opened(self._threads)
            return [self._read(image) for image in images]

    def _read(self, image: Image) -> Reading:
        found = self._engine(np.ascontiguousarray(image[:, :, ::-1]))
        if found.boxes is None or not len(found.boxes):
            return Reading("", 0.0, (), self.model)
        corners = np.asarray(found.boxes, np.float64)
        heights = np.hypot(*(corners[:, 3] - corners[:, 0]).T)
        lefts = corners[:, :, 0].min(axis=1)
        kept = [at for at in np.argsort(lefts).tolist() if heights[at] >= self.tall * heights.max()]
        text = " ".join(found.txts[at].strip() for at in kept).strip()
        return Reading(text, float(min(found.scores[at] for at in kept)), (), self.model)


def _opened(threads: int) -> Any:
    try:
        from rapidocr import RapidOCR

        settings = {"intra_op_num_threads": threads, "inter_op_num_threads": 1}
        parameters = {f"EngineConfig.onnxruntime.{name}": value for name, value in settings.items()}
        return RapidOCR(params={"Global.log_level": "critical", **parameters})
    except Exception as error:  # it has no errors of its own: whatever it raises means that it cannot be used
        what = f"rapidocr cannot be opened ({error})"
        raise EngineError(what, remedy="pip install 'rapidocr>=3.10,<3.11'") from error
