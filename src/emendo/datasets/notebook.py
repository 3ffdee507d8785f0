"""A made-up notebook: one invented hand, several pages, as a scanner's PDF, with the truth of every line.

Stands in for a real notebook in tests and in `emendo demo` where no real data are. The folder has the form of the real
ones: `lines.jsonl` with crops of all pages (train, val, test by page), `notebook.pdf` (the test pages, no text layer),
and `notebook.json` (their truth).
"""

from __future__ import annotations

import io
from pathlib import Path
from time import gmtime
from typing import Any

import numpy as np
from PIL import Image as Pillow

from emendo.image.encode import png_bytes
from emendo.image.pixels import cv2

from ..errors import UsageError
from ..formats.jsonl import row_text
from ..tools.files import new_folder, write_bytes, write_json, write_text
from ..types import Image, Split
from .dataset import Dataset, open_dataset
from .faces import Hand
from .render import smooth_field
from .words import LISTS, line_text

STRANGENESS = 0.9
"""Such a hand is misread often by the base, and learnt from a few pages."""

WIDTH, HEIGHT = 1000, 1400
DPI = 150
MARGIN, TOP, STEP, SIZE = 90, 110, 60, 40
_ROWS = (HEIGHT - TOP - 70) // STEP
_LONGEST = 52
_SPACE = 17


def synth_notebook(
    out: Path,
    seed: int = 0,
    *,
    pages: int = 12,
    test_pages: int = 3,
    language: str = "fr",
    strangeness: float = STRANGENESS,
) -> Dataset:
    """Write a notebook of `pages` pages by one hand to the new folder `out`; the last `test_pages` are the PDF.

    The page before the test pages is validation. Pages have 15 to 20 lines. Deterministic by seed, byte for byte.
    Raises UsageError.
    """
    if not 0 < test_pages <= pages - 2 or seed < 0:
        raise UsageError(
            f"cannot make {pages} pages with {test_pages} of them for testing", remedy="give 3 pages or more"
        )
    if language not in LISTS:
        raise UsageError(f"unknown language {language!r}", remedy=f"use {', '.join(LISTS)}")
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    hand = Hand(seed, strangeness)
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        scans, truth, rows = [], [], []
        for number in range(pages):
            scan, lines = draw_page(hand, seed, number, language)
            split = (
                Split.TEST
                if number >= pages - test_pages
                else Split.VAL
                if number == pages - test_pages - 1
                else Split.TRAIN
            )
            name = f"page_{number + 1:03}"
            for index, (text, (x0, y0, x1, y1)) in enumerate(lines):
                image = f"images/{name}_{index:03}.png"
                (folder / image).write_bytes(png_bytes(scan[y0:y1, x0:x1]))
                row: dict[str, Any] = {"image": image, "text": text, "split": str(split), "page": name, "line": index}
                rows.append(row_text({**row, "language": language, "subset": "synthetic", "origin": "synthetic"}))
            if split is Split.TEST:
                scans.append(scan)
                boxes = [list(box) for _, box in lines]
                truth.append(
                    {"pdf_page": len(scans), "page": name, "lines": [text for text, _ in lines], "boxes": boxes}
                )
        write_text(folder / "lines.jsonl", "".join(rows))
        write_json(folder / "notebook.json", truth)
        write_bytes(folder / "notebook.pdf", to_pdf(scans))
    return open_dataset(out)


def draw_page(
    hand: Hand, seed: int, number: int, language: str
) -> tuple[Image, list[tuple[str, tuple[int, int, int, int]]]]:
    """One page (1400, 1000, 3), and its lines: text and box (x0, y0, x1, y1) in pixels."""
    rng = np.random.default_rng([_SPACE, seed, number])
    paper = rng.uniform(225, 248) * np.array([1.0, 0.985, 0.95])
    page = np.ones((HEIGHT, WIDTH, 1)) * paper * (1 - 0.06 * smooth_field(rng, HEIGHT, WIDTH)[:, :, None])
    ink = np.array([30.0, 35.0, 70.0]) + rng.uniform(0, 40)
    row, lines = 0, []
    while row < _ROWS:
        if row and rng.random() < 0.12:
            row += 1  # a paragraph ends
            continue
        text, _ = line_text(rng, language, longest=_LONGEST)
        mask, baseline = hand.trace(text, SIZE, number * 1000 + row)
        left = MARGIN + int(rng.integers(-6, 25))
        top = TOP + row * STEP - baseline
        mask = mask[max(0, -top) :, : WIDTH - left - 10]
        top = max(0, top)
        height, width = mask.shape
        alpha = (mask / 255 * rng.uniform(0.75, 1.0))[:, :, None]
        part = page[top : top + height, left : left + width]
        part[:] = part * (1 - alpha) + ink * alpha
        box = (max(0, left - 8), max(0, top - 6), min(WIDTH, left + width + 8), min(HEIGHT, top + height + 6))
        lines.append((text, box))
        row += 1
    page = cv2.GaussianBlur(page, (0, 0), 0.6) + rng.normal(0, 2.5, (HEIGHT, WIDTH, 1))
    return np.asarray(np.clip(np.round(page), 0, 255), dtype=np.uint8), lines


def to_pdf(pages: list[Image]) -> bytes:
    """A PDF of page images (JPEG), one a page, with no dates in it: the same pages give the same bytes."""
    images = [Pillow.fromarray(page) for page in pages]
    out = io.BytesIO()
    start = gmtime(0)
    images[0].save(
        out,
        "PDF",
        save_all=True,
        append_images=images[1:],
        resolution=DPI,
        quality=85,
        creationDate=start,
        modDate=start,
    )
    return out.getvalue()
