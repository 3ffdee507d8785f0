"""Needle in a haystack: a page of lines with one planted sentence that holds a number; the number is the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emendo.image.encode import png_bytes
from emendo.image.pixels import cv2

from ...errors import BadInput, DataError, UsageError
from ...formats.jsonl import row_text
from ...image.line import paper_colour
from ...image.load import sample_image
from ...settings import Limits
from ...tools.files import new_folder, write_text
from ...types import UNKNOWN_LANGUAGE, Image, Origin, Sample
from ..dataset import MANIFEST, Dataset, open_dataset
from ..faces import PDF_FACES, Face, Hand, Mask, found_fonts
from ..render import PLAIN, render

SPACE = 17
"""Keeps the draws of this generator apart from those of others."""
HEIGHT = 56
"""Height of a line on the page, in pixels; line images are brought to it."""
GAP, MARGIN = 14, 60
WIDEST = 1600
SENTENCES = {
    "en": ("The secret number is {}.", "What is the secret number in this text? Answer with the number alone."),
    "fr": ("Le nombre secret est {}.", "Quel est le nombre secret dans ce texte ? Répondez par le nombre seul."),
    "de": ("Die geheime Zahl ist {}.", "Wie lautet die geheime Zahl in diesem Text? Antworte nur mit der Zahl."),
    "es": ("El número secreto es {}.", "¿Cuál es el número secreto de este texto? Responde solo con el número."),
}
"""What is planted and what is asked, by language; other languages get the English pair."""

Load = Callable[[Sample], Image]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of lines (height, width, 3) uint8 RGB, and text and box of each from top to bottom."""

    image: Image
    texts: tuple[str, ...]
    boxes: tuple[Box, ...]


def make_needles(
    samples: Sequence[Sample],
    out: Path,
    *,
    number: int = 20,
    lines: int = 20,
    seed: int = 0,
    rendered: bool = False,
    limits: Limits | None = None,
    load: Load | None = None,
) -> Dataset:
    """Write `number` pages of `lines` lines with one needle each to the new folder `out`.

    The hay are neighbouring lines of the data set, as they are or, with `rendered`, drawn anew from their texts; the
    needle is always drawn, by a pen where the lines are handwritten. Depths are spread evenly over the pages. The
    number stands nowhere else on its page. The same seed gives the same pages.

    Raises UsageError for counts that cannot be or when `out` exists, DataError when there are too few usable lines.
    """
    if number < 1 or lines < 2 or seed < 0:
        raise UsageError("cannot make these pages", remedy="give -n 1 or more, --lines 2 or more, and a seed from 0")
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    bounds = limits or Limits()
    load = load or (lambda sample: sample_image(sample, bounds))
    hay = [sample for sample in samples if sample.text and "\n" not in sample.text and sample.text.strip()]
    if len(hay) < lines - 1:
        raise DataError(
            f"{len(hay)} lines with text do not fill a page of {lines}", remedy="give more data or fewer --lines"
        )
    depths = np.random.default_rng([SPACE, seed]).permutation(number)
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        rows = []
        for index in range(number):
            rng = np.random.default_rng([SPACE, seed, index])
            at = round((lines - 1) * (int(depths[index]) + 0.5) / number)
            row, page = _page(hay, rng, lines, at, index, rendered, load)
            name = f"images/{index:05}.png"
            (folder / name).write_bytes(png_bytes(page.image))
            rows.append(row_text({"id": f"needle-{seed}-{index}", "image": name, **row}))
        write_text(folder / MANIFEST, "".join(rows))
    return open_dataset(out, limits=limits)


def _page(
    hay: Sequence[Sample], rng: np.random.Generator, lines: int, at: int, index: int, rendered: bool, load: Load
) -> tuple[dict[str, Any], Page]:
    """One page with its row, image and id left out."""
    chosen, pictures = _hay(hay, rng, lines - 1, rendered, load)
    language = chosen[0].language
    sentence, question = SENTENCES.get(language, SENTENCES["en"])
    texts = [sample.text or "" for sample in chosen]
    answer = _number(rng, texts)
    planted = sentence.format(answer)
    hand = sum("hand" in sample.subset for sample in chosen) * 2 > len(chosen)
    face: Face = Hand(int(rng.integers(1, 1000)), 0.1) if hand else PDF_FACES[4]
    pictures.insert(at, _like(face.draw(planted, 40), pictures))
    texts.insert(at, planted)
    page = stack(pictures, texts, right=_right_to_left(texts))
    splits = {sample.split for sample in chosen}
    row: dict[str, Any] = {
        "text": answer,
        "probe": "needle",
        "question": question,
        "sentence": planted,
        "depth": round(at / (lines - 1), 2),
        "hay": len(chosen),
        "subset": "needle",
        "origin": str(Origin.SYNTHETIC),
        "group": f"needle-{index}",
        "lines": [{"text": text, "box": list(box)} for text, box in zip(page.texts, page.boxes, strict=True)],
    }
    if language != UNKNOWN_LANGUAGE:
        row["language"] = language
    if len(splits) == 1 and (split := splits.pop()) is not None:
        row["split"] = str(split)
    return row, page


def _hay(
    hay: Sequence[Sample], rng: np.random.Generator, count: int, rendered: bool, load: Load
) -> tuple[list[Sample], list[Image]]:
    """`count` neighbouring lines and their pictures; a line that cannot be had is passed over."""
    start = int(rng.integers(len(hay)))
    chosen: list[Sample] = []
    pictures: list[Image] = []
    for step in range(len(hay)):
        sample = hay[(start + step) % len(hay)]
        picture = _rendered(sample.text or "", rng) if rendered else _loaded(sample, load)
        if picture is not None and picture.size:
            chosen.append(sample)
            pictures.append(picture)
        if len(chosen) == count:
            return chosen, pictures
    what = "have a face that can write them" if rendered else "can be read"
    raise DataError(f"only {len(chosen)} of {len(hay)} lines {what}", remedy="give more data or fewer --lines")


def _loaded(sample: Sample, load: Load) -> Image | None:
    try:
        return load(sample)
    except BadInput:
        return None


def _rendered(text: str, rng: np.random.Generator) -> Image | None:
    for face in (PDF_FACES[4], *_fonts()):
        if face.covers(text):
            return _drawn(text, face, rng)
    return None


@cache
def _fonts() -> tuple[Face, ...]:
    return found_fonts()


def _drawn(text: str, face: Face, rng: np.random.Generator) -> Image:
    return render(face.draw(text, 40), rng, PLAIN)


def _like(mask: Mask, pictures: Sequence[Image]) -> Image:
    """Ink of the colour and on the paper of the other lines, so that nothing but the words gives the needle away."""
    ink = np.median([_ink_colour(picture) for picture in pictures], axis=0)
    paper = np.median([paper_colour(picture) for picture in pictures], axis=0)
    room = mask.shape[0] * 2 // 5
    alpha = np.pad(mask, ((room, room), (room // 2, room // 2))).astype(np.float64)[:, :, None] / 255
    return np.asarray(np.round(paper * (1 - alpha) + ink * alpha), dtype=np.uint8)


def _ink_colour(picture: Image) -> npt.NDArray[np.float64]:
    """The mean colour of the darkest two hundredths of a picture; shape (3,)."""
    flat = picture.reshape(-1, 3).astype(np.float64)
    darkest = np.argsort(flat.sum(axis=1))[: max(1, len(flat) // 50)]
    return np.asarray(flat[darkest].mean(axis=0))


def _number(rng: np.random.Generator, texts: Sequence[str]) -> str:
    """Six digits that stand in none of the texts."""
    while True:
        answer = str(int(rng.integers(100_000, 1_000_000)))
        if not any(answer in text for text in texts):
            return answer


def stack(pictures: Sequence[Image], texts: Sequence[str], *, right: bool = False) -> Page:
    """The lines one below the other on paper of their own colour; `right` sets them flush right."""
    scaled = [_scaled(picture) for picture in pictures]
    width = max(picture.shape[1] for picture in scaled) + 2 * MARGIN
    height = 2 * MARGIN + len(scaled) * HEIGHT + (len(scaled) - 1) * GAP
    paper = np.median([paper_colour(picture) for picture in scaled], axis=0).astype(np.uint8)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = paper
    boxes: list[Box] = []
    for number, picture in enumerate(scaled):
        top = MARGIN + number * (HEIGHT + GAP)
        left = width - MARGIN - picture.shape[1] if right else MARGIN
        shift = paper.astype(np.int16) - paper_colour(picture).astype(np.int16)
        toned = np.clip(picture.astype(np.int16) + shift, 0, 255).astype(np.uint8)
        canvas[top : top + HEIGHT, left : left + picture.shape[1]] = toned
        boxes.append((left, top, left + picture.shape[1], top + HEIGHT))
    return Page(canvas, tuple(texts), tuple(boxes))


def _scaled(picture: Image) -> Image:
    width = min(WIDEST, max(1, round(picture.shape[1] * HEIGHT / picture.shape[0])))
    return np.asarray(cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _right_to_left(texts: Sequence[str]) -> bool:
    arabic = sum("\u0590" <= char <= "\u08ff" for text in texts for char in text)
    return arabic * 2 > sum(char.isalpha() for text in texts for char in text)
