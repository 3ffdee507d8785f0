"""Where on the pages of a document its regions are, by the values that stand in them.

A rule, and no model of layout: what a reader of fields found in a region spans the region. Whatever else finds regions
(a layout model, a person) is a `RegionFinder` too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from ..fields.names import REGIONS
from ..fields.regions import regions_of, standing
from ..fields.schema import ROWS, Document, Source, read_document
from ..types import Box, DocumentReader, Image

MARGIN: Final = 0.02
"""What a crop shows around its values, as a share of the page's sides."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a document (`fields.names.REGIONS`): its page from 1, its box in pixels of the page, and the fields
    that were found in it, as JSON values (empty: not known).
    """

    name: str
    page: int
    box: Box
    fields: Mapping[str, Any]

    def crop(self, pages: Sequence[Image]) -> Image:
        """The part of the page (H, W, 3), at least one pixel each way where the box meets the page."""
        x0, y0, x1, y1 = (max(0, int(side)) for side in self.box)
        return pages[self.page - 1][y0:y1, x0:x1]


class RegionFinder(Protocol):
    """Whatever finds the regions of a document given as its pages (H, W, 3) uint8 RGB."""

    def find(self, pages: Sequence[Image]) -> list[Region]:
        """The regions, each at most once, in reading order."""
        ...


class FieldRegions:
    """Regions by the sources of what a reader of documents found."""

    def __init__(self, reader: DocumentReader) -> None:
        self._reader = reader

    def find(self, pages: Sequence[Image]) -> list[Region]:
        """The regions of which at least one value was found."""
        (reading,) = self._reader.read_documents([pages])
        document = read_document(reading.fields or {}).document
        return regions_by_sources(document, [page.shape[:2] for page in pages])


def regions_by_sources(document: Document, sizes: Sequence[Sequence[int]]) -> list[Region]:
    """The regions of a document by the sources of its values; `sizes` are height and width of its pages.

    A region that goes over several pages is that of the page with most of it, with the fields of that page alone.
    """
    found = []
    for name, fields in regions_of(document).items():
        sources = {path: one for path, one in _sources(document, name).items() if one.page <= len(sizes)}
        if not sources:
            continue
        page = Counter(one.page for one in sources.values()).most_common(1)[0][0]
        there = {path: one for path, one in sources.items() if one.page == page}
        box = _around([one.box for one in there.values()], *sizes[page - 1][:2])
        held = fields if len(sizes) == 1 else standing(fields, there)
        if box is not None and held:
            found.append(Region(name, page, box, held))
    return found


def _sources(document: Document, region: str) -> dict[str, Source]:
    """Where the values of a region stand, by their path."""
    found = {name: source for name, source in document.sources.items() if name in REGIONS[region]}
    for table in (name for name in ROWS if name in REGIONS[region]):
        for at, row in enumerate(getattr(document, table)):
            found |= {f"{table}.{at}.{name}": source for name, source in row.sources.items()}
    return found


def _around(boxes: Sequence[Box], height: int, width: int) -> Box | None:
    """What holds all boxes and a margin, within the page; None when nothing of them is on it."""
    held = np.array(boxes)
    margin = MARGIN * np.array([width, height])
    x0, y0 = np.floor(held[:, :2].min(axis=0) - margin)
    x1, y1 = np.ceil(held[:, 2:].max(axis=0) + margin)
    box = (max(0.0, float(x0)), max(0.0, float(y0)), min(float(width), float(x1)), min(float(height), float(y1)))
    return box if box[0] < box[2] and box[1] < box[3] else None
