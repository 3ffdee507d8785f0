"""SROIE (ICDAR 2019): receipts with a file of four keys each, and a file of the text boxes.

    key/001.json or 001.txt   {"company": ..., "date": ..., "address": ..., "total": ...}
    box/001.csv or 001.txt    x1,y1,x2,y2,x3,y3,x4,y4,TRANSCRIPTION     (where there is one)
    img/001.jpg

The folders may have any names, or all files lie in one; a box file is told from a key file by what is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..base import Refusal
from ..images import IMAGE_SUFFIXES
from .common import Images, Row
from .icdar import corner_regions

KEYS = frozenset({"company", "date", "address", "total"})
_TRIED = 40
_SUFFIXES = (".json", ".txt")


def detect(path: Path) -> bool:
    """A folder in which a file of the four keys lies, in it or in a folder of its own."""
    return path.is_dir() and any(_keys(file, 1 << 16) for file in _candidates(path)[:_TRIED])


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row a receipt."""
    boxes = {file.stem: file for file in (*path.glob("*.csv"), *path.glob("*/*.csv"))}
    boxes |= {file.stem: file for file in _candidates(path) if file.suffix == ".txt" and not _keys(file, limit)}
    number = 0
    for file in _candidates(path):
        keys = _keys(file, limit)
        if not keys:
            continue
        number += 1
        try:
            row: Row = {"image": images.by_stem(file.stem, IMAGE_SUFFIXES), "subset": "sroie", "group": file.stem}
            row["fields"] = {name: value.strip() for name, value in keys.items() if value.strip()}
            if file.stem in boxes:
                row["boxes"] = corner_regions(boxes[file.stem], limit)
            yield number, row
        except Refusal as refusal:
            yield number, refusal


def _candidates(path: Path) -> list[Path]:
    found = (*path.glob("*"), *path.glob("*/*"))
    return sorted(file for file in found if file.suffix in _SUFFIXES and file.is_file())


def _keys(file: Path, limit: int) -> dict[str, str]:
    """The keys of a receipt; empty when the file holds something else."""
    if file.stat().st_size > min(limit, 1 << 20):
        return {}
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or len(KEYS & content.keys()) < 2:
        return {}
    return {str(name): value for name, value in content.items() if isinstance(value, str)}
