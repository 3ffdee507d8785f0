"""Layout files beside a page image: ALTO or PAGE, made elsewhere, are believed before our own eyes.

`scan.xml` or `page/scan.xml` belongs to `scan.jpg`, and so does a `page.xml` that names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emendo.image.pixels import cv2

from ..errors import FormatError
from ..formats.alto import read_alto
from ..formats.layout import LayoutLine, PageLayout
from ..formats.page import read_page
from ..formats.pagefiles import is_layout
from ..settings import Limits
from ..types import Point, Polygon
from .lines import BASELINE, TextLine
from .order import BLANK, Placed, arrange

SAME_SHAPE = 0.03
"""Greatest difference between the proportions of a page image and those its layout file tells."""

READERS = (("alto", read_alto), ("PcGts", read_page))


def layout_beside(image: Path, size: tuple[int, int], limits: Limits | None = None) -> PageLayout | None:
    """The layout of a page image of `size` (width, height), scaled to it; None when no layout file stands beside it.

    Raises FormatError when the file is damaged or describes a page of other proportions.
    """
    path = layout_file(image)
    if path is None:
        return None
    reader = next(read for root, read in READERS if is_layout(path, root))
    return scaled(reader(path, limits, image_size=size), size, path, image)


def layout_file(image: Path) -> Path | None:
    """The ALTO or PAGE file that belongs to a page image, if any."""
    for path in (image.with_suffix(".xml"), image.parent / "page" / f"{image.stem}.xml"):
        if path.is_file() and any(is_layout(path, root) for root, _ in READERS):
            return path
    shared = image.parent / "page.xml"
    if shared.is_file() and any(is_layout(shared, root) for root, _ in READERS) and _names(shared, image):
        return shared
    return None


def _names(path: Path, image: Path) -> bool:
    """Whether the head of a layout file names the image."""
    with path.open("rb") as stream:
        return image.name.encode() in stream.read(1 << 14)


def scaled(layout: PageLayout, size: tuple[int, int], path: Path, image: Path) -> PageLayout:
    """The layout of file `path` in pixels of a page image of `size`. Raises FormatError when the proportions differ."""
    if layout.width < 1 or layout.height < 1:
        raise FormatError("tells no page size", where=path, remedy="export it again or remove it")
    factors = size[0] / layout.width, size[1] / layout.height
    if abs(factors[0] / factors[1] - 1) > SAME_SHAPE:
        raise FormatError(
            f"describes a page of {layout.width} x {layout.height} pixels, {image.name} has {size[0]} x {size[1]}",
            where=path,
            remedy="remove it or put the image it was made for there",
        )
    if factors == (1.0, 1.0):
        return layout

    def scale(points: Sequence[Point]) -> tuple[Point, ...]:
        return tuple((x * factors[0], y * factors[1]) for x, y in points)

    def placed(line: LayoutLine) -> LayoutLine:
        return replace(line, polygon=scale(line.polygon), baseline=scale(line.baseline))

    regions = tuple(
        replace(region, lines=tuple(map(placed, region.lines)), polygon=scale(region.polygon))
        for region in layout.regions
    )
    return replace(layout, width=size[0], height=size[1], regions=regions)


def given_lines(layout: PageLayout) -> list[Placed]:
    """The lines of a layout in its order; a blank line before each region, and where the lines stand wide apart."""
    placed: list[Placed] = []
    for number, region in enumerate(region for region in layout.regions if region.lines):
        lines = [_text_line(line) for line in region.lines]
        middles = np.array([np.mean(line.baseline, axis=0)[1] for line in lines])
        steps = np.diff(middles)
        usual = float(np.median(steps[steps > 0])) if (steps > 0).sum() >= 3 else float("inf")
        for i, line in enumerate(lines):
            wide = i > 0 and bool(steps[i - 1] > BLANK * usual)
            placed.append(Placed(line, number, blank=wide or (i == 0 and number > 0)))
    return placed


def into_regions(layout: PageLayout, lines: Sequence[TextLine], lean: float) -> list[Placed]:
    """Found lines put into the regions of a layout that has regions but no lines; lines outside of all come last."""
    homes = [
        (number, np.asarray(region.polygon, dtype=np.float32).reshape(-1, 1, 2))
        for number, region in enumerate(layout.regions)
        if len(region.polygon) >= 3
    ]
    groups: dict[int, list[TextLine]] = {number: [] for number, _ in homes}
    outside = len(layout.regions)
    for line in lines:
        x0, y0, x1, y1 = line.box
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        home = next((number for number, area in homes if cv2.pointPolygonTest(area, middle, False) >= 0), outside)
        groups.setdefault(home, []).append(line)
    placed: list[Placed] = []
    for _, members in sorted(groups.items()):
        base = placed[-1].region + 1 if placed else 0
        for i, one in enumerate(arrange(members, lean)):
            placed.append(Placed(one.line, base + one.region, one.blank or (i == 0 and bool(placed))))
    return placed


def _text_line(line: LayoutLine) -> TextLine:
    polygon: Polygon = line.polygon
    outline = np.asarray(polygon, dtype=np.float64)
    baseline = line.baseline
    if len(baseline) < 2:
        (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
        y = bottom - BASELINE * (bottom - top)
        baseline = ((float(left), float(y)), (float(right), float(y)))
    length = max(1.0, float(np.hypot(*np.diff(np.asarray(baseline), axis=0).T).sum()))
    area = abs(float(cv2.contourArea(outline.astype(np.float32))))
    return TextLine(polygon, polygon, baseline, max(1.0, area / length))
