"""ALTO 4 (Library of Congress): https://www.loc.gov/standards/alto/. Versions 2 and 3 read the same way.

The words of a line are joined by one space; a line whose strings are all empty is not transcribed. Written files hold
one `String` a line (as eScriptorium and kraken write them), so that the text comes back as it was. What ALTO has no
place for stands as JSON in `Processing/processingStepSettings`, by the ids of the lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from ..errors import FormatError
from ..settings import Limits
from ..types import Point, Polygon, Sample
from .base import Content, ReadOptions, Refusal, clean_text, closed
from .known import known_row, page_row, with_known, with_page
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

KNOWN = "emendo"
"""Id of the `Processing` that holds what ALTO has no place for."""
NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"


def detect(path: Path) -> bool:
    """An XML file with root `alto`, or a folder with such files."""
    return is_layout(path, "alto")


def read(path: Path, options: ReadOptions) -> Content:
    """Pages (or lines) of an ALTO file or of all ALTO files in a folder."""
    return read_folder(path, options, "alto", read_alto)


def write(samples: Sequence[Sample], target: Path) -> Path:
    """One ALTO file a page image into the folder `target`, the images beside them."""
    return write_folder(samples, target, alto_bytes)


def read_alto(path: Path, limits: Limits | None = None, *, image_size: tuple[int, int] | None = None) -> PageLayout:
    """The one page of an ALTO file. `image_size` (width, height in pixels) scales files that measure in mm or inches.

    Raises FormatError.
    """
    root = parse_xml(path, limits)
    try:
        return _page(root, image_size)
    except Refusal as refusal:
        raise FormatError(refusal.what, where=path, remedy=refusal.remedy) from refusal


def _page(root: Element, image_size: tuple[int, int] | None) -> PageLayout:
    pages = list(root.iter("Page"))
    if root.tag != "alto" or len(pages) != 1:
        raise Refusal(f"holds {len(pages)} ALTO pages", "one page a file is expected")
    page = pages[0]
    width, height = number(page, "WIDTH"), number(page, "HEIGHT")
    unit = (root.findtext("Description/MeasurementUnit") or "pixel").strip()
    scale = (1.0, 1.0)
    if unit != "pixel":
        if image_size is None:
            raise Refusal(f"measures in {unit}, not in pixels", "keep the page image beside it")
        scale = (image_size[0] / width, image_size[1] / height)
    tags = {tag.get("ID", ""): tag.get("LABEL", "") for tag in root.iterfind("Tags/*")}
    blocks = list(page.iter("TextBlock"))
    order = [reference.get("REF", "") for reference in root.iter("ElementRef")]
    known = _known(root)
    regions = tuple(_region(block, tags, scale, known) for block in in_order(blocks, order, "ID"))
    name = root.findtext("Description/sourceImageInformation/fileName") or ""
    layout = PageLayout(
        image=name.strip(),
        width=round(width * scale[0]),
        height=round(height * scale[1]),
        regions=regions,
        custom=_string(known, "custom"),
    )
    return with_page(layout, known.get("page"))


def _known(root: Element) -> dict[str, Any]:
    """What we wrote beside; empty in files from elsewhere. Raises Refusal when it is damaged."""
    for one in root.iterfind("Description/Processing"):
        if one.get("ID") == KNOWN:
            try:
                known = json.loads(one.findtext("processingStepSettings") or "{}")
            except (ValueError, RecursionError) as error:
                raise Refusal(f"Processing {KNOWN!r} holds no JSON ({error})", "remove that element") from error
            return known if isinstance(known, dict) else {}
    return {}


def _string(row: Mapping[str, Any], key: str) -> str:
    return clean_text(row.get(key) or "", key)[0]


def _of(known: Mapping[str, Any], kind: str, key: str) -> Mapping[str, Any]:
    """What is known of one line or region."""
    rows = known.get(kind)
    row = rows.get(key) if isinstance(rows, dict) else None
    return row if isinstance(row, dict) else {}


def _region(block: Element, tags: dict[str, str], scale: Point, known: Mapping[str, Any]) -> LayoutRegion:
    lines = []
    for element in block.iterfind("TextLine"):
        line, row = _line(element, tags, scale), _of(known, "lines", element.get("ID", ""))
        lines.append(with_known(replace(line, custom=_string(row, "custom")), row.get("emendo")))
    try:
        polygon = _outline(block, scale)
    except Refusal:
        polygon = ()  # the block's own outline is a hint, its lines are what counts
    key = block.get("ID", "")
    custom = _string(_of(known, "regions", key), "custom")
    return LayoutRegion(lines=tuple(lines), polygon=polygon, id=key, type=_tag(block, tags), custom=custom)


def _line(line: Element, tags: dict[str, str], scale: Point) -> LayoutLine:
    words: list[str] = []
    for part in line:
        if part.tag == "String":
            words.append(part.get("CONTENT", ""))
        elif part.tag == "HYP" and words and not words[-1].endswith(part.get("CONTENT", "-")):
            words[-1] += part.get("CONTENT", "-")
    text = clean_text(" ".join(words), "CONTENT")[0] if any(words) else None
    points = parse_points(line.get("BASELINE", ""), "BASELINE", scale)
    if not points and line.get("BASELINE"):  # before version 4: one number, the height of the baseline
        left, y = number(line, "HPOS") * scale[0], number(line, "BASELINE") * scale[1]
        points = ((left, y), (left + number(line, "WIDTH") * scale[0], y))
    first = line.find("String")
    return LayoutLine(
        polygon=_outline(line, scale),
        baseline=points,
        text=text,
        id=line.get("ID", ""),
        type=_tag(line, tags),
        confidence=confidence_of(first, "WC") if first is not None else None,
    )


def _tag(element: Element, tags: dict[str, str]) -> str:
    found = (tags[key] for key in element.get("TAGREFS", "").split() if key in tags)
    return clean_text(next(found, ""), "TAGREFS")[0]


def _outline(element: Element, scale: Point) -> Polygon:
    shape = element.find("Shape/Polygon")
    if shape is not None:
        points = parse_points(shape.get("POINTS", ""), "POINTS", scale)
        if len(points) >= 3:
            return closed(points, f"outline of {element.get('ID', element.tag)!r}")
    x, y = number(element, "HPOS") * scale[0], number(element, "VPOS") * scale[1]
    right, bottom = x + number(element, "WIDTH") * scale[0], y + number(element, "HEIGHT") * scale[1]
    return closed([(x, y), (right, y), (right, bottom), (x, bottom)], f"box of {element.get('ID', element.tag)!r}")


def alto_bytes(layout: PageLayout, where: Path) -> bytes:
    """An ALTO 4 file of a page. Raises FormatError for text that XML cannot carry."""
    root = Element("alto", {"xmlns": NAMESPACE})
    description = SubElement(root, "Description")
    SubElement(description, "MeasurementUnit").text = "pixel"
    SubElement(SubElement(description, "sourceImageInformation"), "fileName").text = layout.image
    _add_known(description, layout)
    kinds = sorted({region.type for region in layout.regions} | {line.type for line in layout.lines()} - {""})
    tags = {kind: f"T{index}" for index, kind in enumerate(kinds) if kind}
    if tags:
        holder = SubElement(root, "Tags")
        for kind, key in tags.items():
            SubElement(holder, "OtherTag", {"ID": key, "LABEL": kind})
    size = {"WIDTH": str(layout.width), "HEIGHT": str(layout.height)}
    page = SubElement(SubElement(root, "Layout"), "Page", {"ID": "page", "PHYSICAL_IMG_NR": "1", **size})
    space = SubElement(page, "PrintSpace", {"HPOS": "0", "VPOS": "0", **size})
    for r, region in enumerate(layout.regions):
        own = [point for line in region.lines for point in line.polygon]
        block = _element(space, "TextBlock", region.id or f"block_{r}", region.polygon or own, tags.get(region.type))
        if region.polygon:
            SubElement(SubElement(block, "Shape"), "Polygon", {"POINTS": points_text(region.polygon, " ")})
        for i, line in enumerate(region.lines):
            one = _element(block, "TextLine", line.id or f"line_{r}_{i}", line.polygon, tags.get(line.type))
            if line.baseline:
                one.set("BASELINE", points_text(line.baseline, " "))
            SubElement(SubElement(one, "Shape"), "Polygon", {"POINTS": points_text(line.polygon, " ")})
            if line.text is not None:
                sure = {"WC": f"{line.confidence:g}"} if line.confidence is not None else {}
                SubElement(one, "String", {"CONTENT": carried(line.text), **sure, **_box(line.polygon)})
    return to_bytes(root, where)


def _add_known(description: Element, layout: PageLayout) -> None:
    """What ALTO has no place for, by the ids that the lines get."""
    lines: dict[str, Any] = {}
    regions: dict[str, Any] = {}
    for r, region in enumerate(layout.regions):
        if region.custom:
            regions[region.id or f"block_{r}"] = {"custom": region.custom}
        for i, line in enumerate(region.lines):
            row = {"custom": line.custom, "emendo": known_row(line)}
            if any(row.values()):
                lines[line.id or f"line_{r}_{i}"] = {key: value for key, value in row.items() if value}
    known = {"custom": layout.custom, "page": page_row(layout), "regions": regions, "lines": lines}
    if any(known.values()):
        step = SubElement(description, "Processing", {"ID": KNOWN})
        text = json.dumps({key: value for key, value in known.items() if value})
        SubElement(step, "processingStepSettings").text = text


def _element(parent: Element, kind: str, key: str, points: Sequence[Point], tag: str | None) -> Element:
    return SubElement(parent, kind, {"ID": key, **({"TAGREFS": tag} if tag else {}), **_box(points)})


def _box(points: Sequence[Point]) -> dict[str, str]:
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    size = (max(xs) - min(xs), max(ys) - min(ys))
    names = ("HPOS", "VPOS", "WIDTH", "HEIGHT")
    return {name: f"{value:.6g}" for name, value in zip(names, (min(xs), min(ys), *size), strict=True)}
