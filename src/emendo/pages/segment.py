"""One page image to its lines in reading order, each with the picture that is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import EngineError
from ..image.crop import crop_line
from ..models.pieces import Piece
from ..settings import Limits
from ..types import Image
from .given import given_lines, into_regions, layout_beside
from .lines import TextLine, join, page_lean
from .order import Placed, arrange
from .profile import profile_lines

Finder = Callable[[Image], list[Piece]]
"""Finds pieces of text on a page: `emendo.models.detector.Detector`."""


def find_lines(page: Image, detector: Finder | None) -> tuple[list[TextLine], float]:
    """Text lines of a page, top to bottom, and the lean (dy/dx) of its writing.

    Without a detector, or where it cannot be opened or finds nothing, the ink profile tells.
    """
    pieces: Sequence[Piece] = ()
    if detector is not None:
        try:
            pieces = detector(page)
        except EngineError:
            pieces = ()
    if pieces:
        return join(pieces), page_lean([piece for piece in pieces if not piece.upright])
    return profile_lines(page), 0.0


def segment(
    page: Image, detector: Finder | None = None, *, image: Path | None = None, limits: Limits | None = None
) -> list[Placed]:
    """The lines of a page (height, width, 3) uint8 RGB in reading order.

    `image` is the page's own file: an ALTO or PAGE file beside it is followed instead of the detector. Raises
    FormatError when that file is damaged.
    """
    layout = layout_beside(image, (page.shape[1], page.shape[0]), limits) if image is not None else None
    if layout is not None and any(region.lines for region in layout.regions):
        return given_lines(layout)
    lines, lean = find_lines(page, detector)
    if layout is not None and any(len(region.polygon) >= 3 for region in layout.regions):
        return into_regions(layout, lines, lean)
    return arrange(lines, lean)


def line_image(page: Image, line: TextLine) -> Image:
    """The picture of a line as it is read and kept: level, the rest painted as paper."""
    return crop_line(page, line.reach, line.baseline)
