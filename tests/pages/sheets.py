"""Pages and pieces made up for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from emendo.models.pieces import Piece
from emendo.types import Character, Image, Reading

HEIGHT = 30.0
STEP = 48


def piece(x0: float, x1: float, y: float, *, height: float = HEIGHT, lean: float = 0.0) -> Piece:
    """A straight piece whose middle is at `y` where it would cross x = 0."""
    return Piece(((x0, y + lean * x0), ((x0 + x1) / 2, y + lean * (x0 + x1) / 2), (x1, y + lean * x1)), height, 0.9)


def column(x0: float, x1: float, top: float, count: int, step: float = STEP, lean: float = 0.0) -> list[Piece]:
    return [piece(x0, x1, top + i * step, lean=lean) for i in range(count)]


def sheet(lines: Sequence[tuple[int, int, int]], *, width: int = 640, height: int = 480) -> Image:
    """A white page with strokes that look like writing: (x0, x1, y of the baseline) each."""
    page = np.full((height, width, 3), 250, np.uint8)
    for x0, x1, y in lines:
        for x in range(x0, x1, 12):
            cv2.line(page, (x, y), (x + 5, y - 14), (30, 30, 60), 2)
            cv2.line(page, (x + 5, y - 14), (x + 9, y), (30, 30, 60), 2)
    return page


def save(path: Path, page: Image) -> Path:
    assert cv2.imwrite(str(path), page[:, :, ::-1])
    return path


class CountingReader:
    """A recogniser that gives each line a number; it remembers how many it was given."""

    def __init__(self, model: str = "counting@1", fail_after: int | None = None) -> None:
        self.model = model
        self.seen = 0
        self.fail_after = fail_after

    def read(self, images: Sequence[Image]) -> list[Reading]:
        readings = []
        for image in images:
            if self.fail_after is not None and self.seen >= self.fail_after:
                raise KeyboardInterrupt
            self.seen += 1
            text = f"width {image.shape[1]}"
            spans = tuple(Character(c, 0.5, i, i + 1) for i, c in enumerate(text))
            readings.append(Reading(text, 0.25, spans, self.model))
        return readings
