"""A line reader on whole pages: the lines are found, read, and joined, so that manifests of pages can be evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..pages.segment import Finder, line_image, segment
from ..types import Image, Reading, Recognizer


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads pages with a reader of lines. `finder` finds the lines (None: the ink profile).

    The text of a page is that of its lines in reading order, a line break between; its confidence is that of the
    doubtful line.
    """

    lines: Recognizer
    finder: Finder | None = None

    @property
    def model(self) -> str:
        """The model that reads the lines."""
        return self.lines.model

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per page (H, W, 3) uint8 RGB, in order; a page without lines reads as nothing, surely."""
        return [self._page(image) for image in images]

    def _page(self, page: Image) -> Reading:
        pictures = [line_image(page, placed.line) for placed in segment(page, self.finder)]
        found = self.lines.read(pictures) if pictures else []
        confidence = min((one.confidence for one in found), default=1.0)
        return Reading("\n".join(one.text for one in found), confidence, (), self.model)
