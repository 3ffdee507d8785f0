"""A small workspace with two set pages, read on the usual road by a reader that knows what it will see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emendo.correct import collect
from emendo.models.pieces import Piece
from emendo.pages.session import read_inputs
from emendo.settings import Settings, WatchSettings
from emendo.types import Character, Image, Reading
from emendo.workspace.folder import Workspace

PAGES = (
    (
        "We left the harbour before dawn, when",
        "the fog still lay upon the water.",
        "Nobody spoke until the lighthouse fell",
        "behind us and the wind came round.",
        "The captain read the letter twice and",
        "put it back into his coat without a word.",
        "By noon the sea had turned to slate;",
        "we mended sails and waited for the rain.",
    ),
    ("It came at four o'clock, a warm thin rain", "that smelled of earth and of far islands."),
)
LEFT, TOP, STEP, HEIGHT, SIZE = 70.0, 90.0, 62.0, 46.0, (900, 700)
SETTINGS = Settings(watch=WatchSettings(settle_seconds=0))
FONT = ImageFont.load_default(30)


class Reader:
    """Reads the lines of `texts` in order, each character as wide as the next, the fifth one unsure."""

    model = "known@1"

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts: Iterator[str] = iter(texts)
        self.seen: list[Image] = []

    def read(self, images: Sequence[Image]) -> list[Reading]:
        self.seen += images
        return [self._one(image, next(self._texts, f"new {image.shape[1]}")) for image in images]

    def _one(self, image: Image, text: str) -> Reading:
        share = image.shape[1] / max(1, len(text))
        sure = [0.55 if at == 4 else 0.99 for at in range(len(text))]
        spans = [Character(c, sure[at], at * share, (at + 1) * share) for at, c in enumerate(text)]
        return Reading(text, 0.8, tuple(spans), self.model)


def place(number: int, text: str) -> Piece:
    """Where line `number` (from 0) of a page stands."""
    y = TOP + STEP * number
    return Piece(((LEFT - 8, y), (LEFT + FONT.getlength(text) + 8, y)), HEIGHT, 0.9)


def page_image(texts: Sequence[str], shade: int = 0) -> Pillow.Image:
    """A page; another shade of paper makes other pictures of the same lines."""
    page = Pillow.new("RGB", SIZE, (250, 247, 240 - shade))
    draw = ImageDraw.Draw(page)
    for number, text in enumerate(texts):
        draw.text((LEFT, TOP + STEP * number), text, fill=(38, 40, 70), font=FONT, anchor="lm")
    return page


def paged_workspace(
    root: Path, pages: Sequence[Sequence[str]] = PAGES, *, missed: int = -1, names: Sequence[str] = ("log",)
) -> Workspace:
    """Documents, `log` alone if no others are named: each of `pages` read line by line.

    On the first page line `missed` (from 0) is not found.
    """
    workspace = Workspace.init(root)
    found = [
        [(at, text) for at, text in enumerate(texts) if number or at != missed] for number, texts in enumerate(pages)
    ]
    for shade, name in enumerate(names):
        first, *others = [page_image(texts, 3 * shade) for texts in pages]
        path = root / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        first.save(path, save_all=True, append_images=others)
        waiting = iter(found)
        read_inputs(
            [path],
            recognizer=Reader([text for lines in found for _, text in lines]),
            detector=lambda _, waiting=waiting: [place(at, text) for at, text in next(waiting)],
            settings=SETTINGS,
            workspace=workspace,
        )
    collect(workspace, settings=SETTINGS)
    return workspace


def ink(image: Image) -> int:
    """Dark pixels of a picture."""
    return int((np.asarray(image).astype(int).sum(axis=2) < 380).sum())
