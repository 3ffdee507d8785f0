"""PAGE 2019 (PRImA): https://github.com/PRImA-Research-Lab/PAGE-XML. The older years read the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from ..errors import FormatError
from ..settings import Limits
from ..text.direction import right_to_left
from ..types import Sample
from .base import Content, ReadOptions, Refusal, clean_text, closed
from .known import custom_of, known_row, page_row, split_custom, with_known, with_page
from .layout import LayoutLine, LayoutRegion, PageLayout
from .pagefiles import (
    confidence_of,
    in_order,
    is_layout,
    number,
    parse_points,
    points_text,
    read_folder,
    write_folder,
)
from .xml import carried, parse_xml, to_bytes

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_STRUCTURE = re.compile(r"structure\s*\{[^}]*type:\s*([^;}]+)")
_ONLY_TYPE = re.compile(r"\s*structure\s*\{\s*type:\s*[^;}]+;?\s*\}")
_EPOCH = datetime(2019, 7, 15, tzinfo=UTC)
"""Stands as creation time in written files: the same content gives the same bytes."""


def detect(path: Path) -> bool:
    """An XML file with root `PcGts`, or a folder with such files."""
    return is_layout(path, "PcGts")


def read(path: Path, options: ReadOptions) -> Content:
    """Pages (or lines) of a PAGE file or of all PAGE files in a folder."""
    return read_folder(path, options, "PcGts", read_page)


def write(samples: Sequence[Sample], target: Path) -> Path:
    """One PAGE file a page image into the folder `target`, the images beside them."""
    return write_folder(samples, target, page_bytes)


def read_page(path: Path, limits: Limits | None = None, *, image_size: tuple[int, int] | None = None) -> PageLayout:
    """The page of a PAGE file; `image_size` is of no use here (PAGE measures in pixels). Raises FormatError."""
    root = parse_xml(path, limits)
    try:
        return _page(root)
    except Refusal as refusal:
        raise FormatError(refusal.what, where=path, remedy=refusal.remedy) from refusal


def _page(root: Element) -> PageLayout:
    page = root.find("Page")
    if root.tag != "PcGts" or page is None:
        raise Refusal("holds no PAGE page")
    order = [reference.get("regionRef", "") for reference in page.iterfind("ReadingOrder//*[@regionRef]")]
    regions = tuple(_region(region) for region in in_order(list(page.iter("TextRegion")), order, "id"))
    custom, known = split_custom(page.get("custom", ""))
    layout = PageLayout(
        image=page.get("imageFilename", ""),
        width=round(number(page, "imageWidth")),
        height=round(number(page, "imageHeight")),
        regions=regions,
        custom=custom,
    )
    return with_page(layout, known)


def _region(region: Element) -> LayoutRegion:
    coords = region.find("Coords")
    points = parse_points(coords.get("points", ""), "points") if coords is not None else ()
    lines = tuple(_line(line) for line in region.iterfind("TextLine"))
    return LayoutRegion(
        lines=lines,
        polygon=points if len(points) >= 3 else (),
        id=region.get("id", ""),
        type=_type(region),
        custom=_without_type(region.get("custom", "")),
    )


def _line(line: Element) -> LayoutLine:
    coords, baseline = line.find("Coords"), line.find("Baseline")
    key = f"outline of {line.get('id', 'a line')!r}"
    if coords is None:
        raise Refusal(f"{key} is missing")
    words = [text for text in (_text(word) for word in line.iterfind("Word")) if text]
    text = _text(line) or " ".join(words) or None
    custom, known = split_custom(line.get("custom", ""))
    equivalent = _first(line)
    return with_known(
        LayoutLine(
            polygon=closed(parse_points(coords.get("points", ""), "points"), key),
            baseline=parse_points(baseline.get("points", ""), "points") if baseline is not None else (),
            text=None if text is None else clean_text(text, "Unicode")[0],
            id=line.get("id", ""),
            type=_type(line),
            custom=_without_type(custom),
            confidence=confidence_of(equivalent, "conf") if equivalent is not None else None,
        ),
        known,
    )


def _text(element: Element) -> str:
    """Text of the first reading."""
    found = _first(element)
    return (found.findtext("Unicode") or "") if found is not None else ""


def _first(element: Element) -> Element | None:
    """The `TextEquiv` of the lowest index."""
    return min(element.iterfind("TextEquiv"), key=_index, default=None)


def _index(element: Element) -> int:
    digits = element.get("index", "0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


def _type(element: Element) -> str:
    named = _STRUCTURE.search(element.get("custom", ""))
    return clean_text(named[1].strip() if named else element.get("type", ""), "type")[0]


def _without_type(custom: str) -> str:
    """What is left of `custom` when the type is told apart."""
    return _ONLY_TYPE.sub("", custom, count=1).strip()


def page_bytes(layout: PageLayout, where: Path) -> bytes:
    """A PAGE 2019 file of a page. Raises FormatError for text that XML cannot carry."""
    root = Element("PcGts", {"xmlns": NAMESPACE})
    metadata = SubElement(root, "Metadata")
    SubElement(metadata, "Creator").text = "emendo"
    for name in ("Created", "LastChange"):
        SubElement(metadata, name).text = _EPOCH.strftime("%Y-%m-%dT%H:%M:%S")
    size = {"imageWidth": str(layout.width), "imageHeight": str(layout.height)}
    custom = _custom(custom_of(layout.custom, page_row(layout)))
    page = SubElement(root, "Page", {"imageFilename": layout.image, **size, **custom})
    for r, region in enumerate(layout.regions):
        block = SubElement(
            page, "TextRegion", {"id": region.id or f"region_{r}", **_custom(region.custom, region.type)}
        )
        outline = region.polygon or _box(region)
        SubElement(block, "Coords", {"points": points_text(outline, ",")})
        for i, line in enumerate(region.lines):
            custom = _custom(custom_of(line.custom, known_row(line)), line.type)
            one = SubElement(block, "TextLine", {"id": line.id or f"line_{r}_{i}", **custom})
            if line.text is not None and right_to_left(line.text):
                one.set("readingDirection", "right-to-left")
            SubElement(one, "Coords", {"points": points_text(line.polygon, ",")})
            if line.baseline:
                SubElement(one, "Baseline", {"points": points_text(line.baseline, ",")})
            if line.text is not None:
                sure = {"conf": f"{line.confidence:g}"} if line.confidence is not None else {}
                SubElement(SubElement(one, "TextEquiv", sure), "Unicode").text = carried(line.text)
    return to_bytes(root, where)


def _custom(custom: str, kind: str = "") -> dict[str, str]:
    if kind and not _STRUCTURE.search(custom):
        custom = f"structure {{type:{kind};}} {custom}".strip()
    return {"custom": custom} if custom else {}


def _box(region: LayoutRegion) -> tuple[tuple[float, float], ...]:
    points = [point for line in region.lines for point in line.polygon] or [(0.0, 0.0)]
    x0, y0 = min(x for x, _ in points), min(y for _, y in points)
    x1, y1 = max(x for x, _ in points), max(y for _, y in points)
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
