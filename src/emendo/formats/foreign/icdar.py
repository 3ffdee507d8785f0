"""ICDAR robust reading (2013, 2015) and SROIE: a text file per image, one region a line.

    x1,y1,x2,y2,x3,y3,x4,y4,transcription      2015, SROIE: four corners
    left, top, right, bottom, "transcription"  2013: a box

`gt_img_1.txt` belongs to `img_1.*`, which may lie in a folder of its own below the same root; `###` means that no one
can read it, and is left out. The regions come in no reading order, so a page has no text of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ...errors import FormatError
from ..base import Refusal
from ..images import IMAGE_SUFFIXES
from .common import Images, Row

_CORNERS = re.compile(r"^\s*((?:-?\d+(?:\.\d+)?\s*,\s*){7}-?\d+(?:\.\d+)?)\s*,(.*)$")
_BOX = re.compile(r"^\s*((?:-?\d+(?:\.\d+)?[\s,]+){3}-?\d+(?:\.\d+)?)[\s,]+(.*)$")
UNREADABLE = "###"


def detect(path: Path) -> bool:
    """A folder with `gt_*.txt` at any depth."""
    return path.is_dir() and next(path.rglob("gt_*.txt"), None) is not None


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row an image."""
    for number, file in enumerate(sorted(path.rglob("gt_*.txt")), 1):
        try:
            image = images.by_stem(file.stem.removeprefix("gt_"), IMAGE_SUFFIXES)
            yield number, {"image": image, "subset": "icdar", "group": image, "boxes": corner_regions(file, limit)}
        except Refusal as refusal:
            yield number, refusal


def corner_regions(file: Path, limit: int) -> list[Row]:
    """The regions of one text file. Raises Refusal for a line that is none, FormatError for too long a file."""
    if file.stat().st_size > limit:
        raise FormatError(f"is longer than {limit:,} bytes", where=file, remedy="raise limits.json_bytes")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Refusal(f"{file.name} is not UTF-8", "save it as UTF-8") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _CORNERS.match(line) or _BOX.match(line)
        if match is None:
            raise Refusal(f"{file.name}, line {number}: no coordinates and text", "write x1,y1,...,x4,y4,text")
        text = match[2].strip()
        text = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
        numbers = [float(value) for value in re.split(r"[\s,]+", match[1].strip(" ,\t"))]
        if text and text != UNREADABLE:
            found.append({"poly" if len(numbers) == 8 else "box": numbers, "text": text})
    return found
