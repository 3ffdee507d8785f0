"""OmniDocBench (Ouyang et al., CVPR 2025, arXiv:2412.07626): a list of pages with `layout_dets` and `page_info`.

The text of a page is that of its elements in their `order`, a blank line between; elements that are to be ignored,
or that have no order (headers, footers, page numbers), are no part of it. Equations stand as LaTeX, tables as HTML,
as published. Each element that is not ignored is a region too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..base import Refusal
from .common import Images, Row, entry_of, head, jsons, load, part, scalars

_LANGUAGES = {
    "english": "en",
    "simplified_chinese": "zh",
    "traditional_chinese": "zh",
    "text_english": "en",
    "text_simplified_chinese": "zh",
    "en_ch_mixed": "mul",
}
"""ISO 639 codes; `mul` is "several languages"."""


def detect(path: Path) -> bool:
    """A JSON list with `layout_dets`, or a folder with one."""
    return any(b'"layout_dets"' in start and start.lstrip()[:1] == b"[" for start in map(head, jsons(path)))


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row a page."""
    number = 0
    for file in (one for one in jsons(path) if detect(one)):
        for value in load(file, list, limit):
            number += 1
            try:
                yield number, _row(entry_of(value), images)
            except Refusal as refusal:
                yield number, refusal


def _row(entry: Row, images: Images) -> Row:
    info = part(entry, "page_info", dict)
    elements = [entry_of(value) for value in part(entry, "layout_dets", list)]
    image = images.find(info.get("image_path"), "images", "")
    about = info.get("page_attribute")
    about = scalars(about) if isinstance(about, dict) else {}
    kept = [one for one in elements if not one.get("ignore")]
    ordered = sorted((one for one in kept if _order(one) is not None), key=lambda one: _order(one) or 0)
    texts = [text for text in map(_text, ordered) if text]
    return {
        "id": info["image_path"],
        "image": image,
        "text": "\n\n".join(texts),
        "language": _LANGUAGES.get(str(about.get("language", "")), "und"),
        "subset": str(about.get("data_source", "")),
        "group": image,
        **{key: value for key, value in about.items() if key not in ("language", "data_source")},
        "boxes": [_region(one) for one in kept if one.get("poly")],
    }


def _order(element: Row) -> float | None:
    order = element.get("order")
    return None if isinstance(order, bool) or not isinstance(order, int | float) else float(order)


def _text(element: Row) -> str:
    found = next((element[key] for key in ("text", "latex", "html") if element.get(key)), "")
    return found if isinstance(found, str) else ""


def _region(element: Row) -> Row:
    text = _text(element)
    return {"poly": element["poly"], "type": str(element.get("category_type", ""))} | ({"text": text} if text else {})
