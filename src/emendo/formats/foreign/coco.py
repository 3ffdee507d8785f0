"""PubLayNet (Zhong et al., ICDAR 2019) and other COCO files: `images`, `annotations`, `categories`.

One row a page; its regions have a `type` (text, title, list, table, figure) and no text. Boxes are [x, y, width,
height]; an outline of one part is taken when it is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..base import Refusal
from .common import Images, Row, entry_of, head, jsons, load, members, part

_SPLITS = {"train": "train", "val": "val", "test": "test"}


def detect(path: Path) -> bool:
    """A JSON object with COCO images, or a folder with such files."""
    return any(
        start.lstrip()[:1] == b"{" and b'"file_name"' in start and (b'"images"' in start or b'"annotations"' in start)
        for start in map(head, jsons(path))
    )


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row an image, in the order of the file."""
    number = 0
    for file in (one for one in jsons(path) if detect(one)):
        content = load(file, dict, limit)
        names = {one.get("id"): str(one.get("name", "")) for one in _objects(content, "categories")}
        regions: dict[Any, list[Row]] = defaultdict(list)
        for one in _objects(content, "annotations"):
            regions[str(one.get("image_id"))].append(one)
        for value in members(content, "images", file):
            number += 1
            try:
                entry = entry_of(value)
                yield number, _row(entry, regions[str(entry.get("id"))], names, file, images)
            except Refusal as refusal:
                yield number, refusal


def _objects(content: Row, key: str) -> list[Row]:
    found = content.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _row(entry: Row, regions: list[Row], names: dict[Any, str], file: Path, images: Images) -> Row:
    image = images.find(entry.get("file_name"), file.stem, "")
    split = _SPLITS.get(file.stem)
    return {
        "image": image,
        "subset": "publaynet",
        "group": image,
        "boxes": [_region(one, names) for one in regions if not one.get("iscrowd")],
        **({"split": split} if split else {}),
    }


def _region(annotation: Row, names: dict[Any, str]) -> Row:
    kind = {"type": names.get(annotation.get("category_id"), "")}
    outline = annotation.get("segmentation")
    if isinstance(outline, list) and len(outline) == 1:
        return {"poly": outline[0], **kind}
    box = part(annotation, "bbox", list)
    if len(box) != 4 or not all(isinstance(value, int | float) for value in box):
        raise Refusal("'bbox' is not [x, y, width, height]")
    x, y, width, height = box
    return {"box": [x, y, x + width, y + height], **kind}
