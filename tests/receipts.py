"""Drawn receipts and an invoice of two pages with their fields, as a manifest with the boxes of their lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

Row = tuple[str, str]
"""What stands at the left and at the right of a line."""

SIZE = (560, 760)
SHOPS: tuple[tuple[str, Sequence[Row], dict[str, Any]], ...] = (
    (
        "harbour",
        (
            ("HARBOUR BOOKS LTD", ""),
            ("12 Quay Street, Bristol", ""),
            ("Receipt no. HB-2041", ""),
            ("Date 25/12/2018", ""),
            ("2 x Pocket atlas 5.00", "10.00"),
            ("1 x Pencil", "2.30"),
            ("Total GBP", "12.30"),
        ),
        {"company": "HARBOUR BOOKS LTD", "date": "25/12/2018", "total": "12.30"},
    ),
    (
        "garten",
        (
            ("GARTENHAUS MUELLER", ""),
            ("Lindenweg 7, 28195 Bremen", ""),
            ("Rechnung 2019-77", ""),
            ("Datum 03.02.2019", ""),
            ("3 x Blumentopf 4,10", "12,30"),
            ("MwSt 19 %", "2,34"),
            ("Summe EUR", "1.234,50"),
        ),
        {"company": "GARTENHAUS MUELLER", "date": "03.02.2019", "total": "1.234,50"},
    ),
    (
        "corner",
        (("CORNER SHOP", ""), ("Date 30/06/2020", ""), ("Tea", "3.20"), ("Total", "3.20")),
        {"company": "CORNER SHOP", "date": "30/06/2020", "total": "3.20"},
    ),
)


def draw(rows: Sequence[Row], path: Path) -> list[dict[str, Any]]:
    """Draw a receipt; the boxes of what stands on it."""
    width, height = SIZE
    paper = np.full((height, width, 3), 250, np.uint8)
    boxes = []
    for at, row in enumerate(rows):
        y = 70 + 62 * at
        for text, right in ((row[0], False), (row[1], True)):
            if not text:
                continue
            (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 2)
            x = width - 40 - wide if right else 40
            cv2.putText(paper, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (40, 40, 40), 2, cv2.LINE_AA)
            boxes.append({"box": [x - 4, y - high - 6, x + wide + 4, y + 8], "text": text})
    cv2.imwrite(str(path), paper)
    return boxes


def receipts(folder: Path, shops: Sequence[tuple[str, Sequence[Row], dict[str, Any]]] = SHOPS) -> Path:
    """The receipts with their manifest; returns the manifest."""
    (folder / "images").mkdir(parents=True)
    lines = []
    for name, rows, fields in shops:
        boxes = draw(rows, folder / "images" / f"{name}.png")
        row = {"image": f"images/{name}.png", "split": "val", "language": "en", "fields": fields, "boxes": boxes}
        lines.append(json.dumps(row) + "\n")
    manifest = folder / "receipts.jsonl"
    manifest.write_text("".join(lines))
    return manifest


def two_pages(path: Path) -> list[dict[str, Any]]:
    """A PDF of two pages; the boxes of its lines, each with its page (`frame`)."""
    frames, boxes = [], []
    for frame, rows in enumerate(((("NORTH SUPPLIES", ""), ("Invoice N-7", "")), (("Total", "55.00"),))):
        picture = path.with_suffix(f".{frame}.png")
        boxes += [{**one, "frame": frame} for one in draw(rows, picture)]
        with Pillow.open(picture) as opened:
            frames.append(opened.convert("RGB"))
        picture.unlink()
    frames[0].save(path, save_all=True, append_images=frames[1:], resolution=200)
    return boxes
