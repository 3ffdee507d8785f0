"""Fox benchmark (Liu et al. 2024, arXiv:2405.14295): a list of {"image", "conversations": [human, gpt, ...]}.

As published, `focus_benchmark_test/` holds `en_page_ocr.json` and `cn_page_ocr.json` beside `en_pdf_png/` and
`cn_pdf_png/`. Of a folder only the page files are read: the others ask for a part of the page. Such a file named by
itself is read with its question in the attribute `prompt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..base import Refusal
from .common import Images, Row, entry_of, head, jsons, load, part

_PAGES = "_page_ocr.json"
_LANGUAGES = {"en": "en", "cn": "zh"}


def detect(path: Path) -> bool:
    """A JSON list with conversations, or a folder with `*_page_ocr.json`."""
    if path.is_dir():
        return any(file.name.endswith(_PAGES) for file in jsons(path))
    start = head(path)
    return start.lstrip()[:1] == b"[" and b'"conversations"' in start


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row a page; the text is what the model is to answer."""
    number = 0
    for file in [file for file in jsons(path) if file.name.endswith(_PAGES)] if path.is_dir() else [path]:
        for value in load(file, list, limit):
            number += 1
            try:
                yield number, _row(entry_of(value), file, images)
            except Refusal as refusal:
                yield number, refusal


def _row(entry: Row, file: Path, images: Images) -> Row:
    turns = [entry_of(turn) for turn in part(entry, "conversations", list)]
    said: dict[Any, list[str]] = {"human": [], "gpt": []}
    for turn in turns:
        if turn.get("from") in said:
            said[turn["from"]].append(part(turn, "value", str))
    if not said["gpt"]:
        raise Refusal("no turn is from 'gpt'")
    short = file.stem.partition("_")[0]
    places = (f"{short}_pdf_png_onbox",) if "_onbox_" in file.stem else (f"{short}_pdf_png",)
    image = images.find(entry.get("image"), *places)
    prompt = "\n".join(said["human"]).replace("<image>", "").strip()
    return {
        "id": f"{file.stem}/{entry['image']}"
        if file.name.endswith(_PAGES)
        else f"{file.stem}/{entry['image']}:{prompt}",
        "image": image,
        "text": "\n".join(said["gpt"]),
        "language": _LANGUAGES.get(short, "und"),
        "subset": file.stem,
        "group": image,
        "prompt": prompt,
    }
