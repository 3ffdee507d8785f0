"""Boxes in the YOLO text format: a row `class x y w h` for each, middle and size as shares of the picture.

A sixth number (the confidence of a detector's output) is left aside; a row of a class and at least three corners
(segmentation) gives the box around them. A row that breaks the format is a `Reject` with its line; the rest counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..errors import FormatError
from ..settings import Limits
from .base import Collector, Refusal, Reject, bounded_lines

SLACK = 1e-3
"""By how much a share may leave the picture (annotation tools round)."""


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, right, bottom as shares of the picture, the class, and the line of the file it stands in."""

    kind: int
    left: float
    top: float
    right: float
    bottom: float
    line: int


def read_boxes(file: Path, limits: Limits | None = None) -> tuple[list[Box], tuple[Reject, ...]]:
    """The boxes of one annotation file, and the rows that are wrong.

    Raises OSError when it cannot be read, FormatError when it has thousands of wrong rows.
    """
    limits = limits or Limits()
    collector = Collector(file)
    boxes: list[Box] = []
    for number, row in bounded_lines(file, limits.manifest_line_bytes):
        try:
            if row is None:
                raise Refusal(f"the line is longer than {limits.manifest_line_bytes:,} bytes")
            if row.strip():
                boxes.append(_box(row.split(), number))
        except Refusal as refusal:
            collector.reject(number, refusal.what, refusal.remedy)
    return boxes, collector.rejects


def _box(parts: list[bytes], line: int) -> Box:
    corners = len(parts) >= 7 and len(parts) % 2 == 1
    if len(parts) not in (5, 6) and not corners:
        raise Refusal(f"has {len(parts)} values, not class x y w h", "write five numbers")
    try:
        numbers = [float(part) for part in parts]
    except ValueError as error:
        raise Refusal("holds something that is no number", "write class x y w h") from error
    if not all(map(math.isfinite, numbers)) or numbers[0] < 0 or numbers[0] != int(numbers[0]):
        raise Refusal("the class is no whole number from 0, or a value is not finite", "write class x y w h")
    kind = int(numbers[0])
    if corners:
        xs, ys = numbers[1::2], numbers[2::2]
        edges = (min(xs), min(ys), max(xs), max(ys))
    else:
        x, y, width, height = numbers[1:5]
        if not (0 < width <= 1 + SLACK and 0 < height <= 1 + SLACK):
            raise Refusal(f"the box is {width:g} by {height:g} of the picture", "sizes are shares above 0, at most 1")
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if edges[2] <= edges[0] or edges[3] <= edges[1] or min(edges) < -1 or max(edges) > 2:
        raise Refusal("the box is empty or not a share of the picture", "divide pixels by the size of the picture")
    middle = ((edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2)
    if not all(-SLACK <= value <= 1 + SLACK for value in middle):
        raise Refusal("the middle of the box is outside of the picture", "divide pixels by the size of the picture")
    return Box(kind, *edges, line)


def labels_of(picture: Path) -> Path | None:
    """The annotation file of a picture: beside it, or below `labels` where the picture is below `images`."""
    beside = picture.with_suffix(".txt")
    parts = list(picture.parts)
    if "images" in parts[:-1]:
        at = len(parts) - 2 - parts[-2::-1].index("images")
        other = Path(*parts[:at], "labels", *parts[at + 1 : -1], beside.name)
        if other.is_file():
            return other
    return beside if beside.is_file() else None


def class_names(folder: Path) -> list[str]:
    """The names of the classes by number, from `classes.txt` or the `names` of a `.yaml` in the folder; may be none.

    Raises FormatError when such a file is damaged.
    """
    listed = folder / "classes.txt"
    if listed.is_file():
        return listed.read_text(encoding="utf-8", errors="replace").split("\n")
    for file in sorted(folder.glob("*.yaml")):
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise FormatError("is not valid YAML", where=file) from error
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, dict) and all(isinstance(key, int) and 0 <= key < 10_000 for key in names):
            return [str(names.get(number, "")) for number in range(max(names, default=-1) + 1)]
        if isinstance(names, list):
            return [str(name) for name in names]
    return []
