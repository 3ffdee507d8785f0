"""Real readings for the benchmarks of monitoring: pages of several writers, as they are and damaged, read once.

    python benchmarks/drift_pages.py [--model base-hand] [--cache DIR]

Each line image becomes one `Seen` of the kind `line`, whose document is its page. What was read lies in the cache
(`drift-MODEL/NAME.jsonl`), and is read again only when the file is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from emendo.image.load import read_image
from emendo.image.quality import measure
from emendo.mine.queue import expected_cer
from emendo.models.references import load_recognizer
from emendo.monitor.seen import Seen, SeenLine
from emendo.tools.files import write_text
from emendo.types import Image, Recognizer

DATA = Path(os.environ.get("EMENDO_DATA", "../shared/data"))
CACHE = Path(os.environ.get("EMENDO_CACHE", Path.home() / ".cache" / "emendo"))
START: Final = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A page of a data set: its lines as they were read, their right texts, the split and the writer."""

    name: str
    split: str
    writer: str
    seen: tuple[Seen, ...]
    truths: tuple[str, ...]


def blurred(sigma: float) -> Callable[[Image], Image]:
    """A lens out of focus: Gaussian blur of `sigma` pixels on lines at most 80 px high."""
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma)


def padded(share: float) -> Callable[[Image], Image]:
    """Crops cut too wide: a border in the paper's colour, `share` of the height on each side, and then scaled to the
    height that crops have."""

    def change(image: Image) -> Image:
        border = max(1, round(share * image.shape[0]))
        paper = np.median(image.reshape(-1, 3), axis=0).tolist()
        wide = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_CONSTANT, value=paper)
        return _as_high(wide, image.shape[0])

    return change


def tight(share: float) -> Callable[[Image], Image]:
    """Crops cut too close: `share` of the height lost above and below, then scaled to the height that crops have."""

    def change(image: Image) -> Image:
        cut = round(share * image.shape[0])
        return _as_high(image[cut : image.shape[0] - cut], image.shape[0])

    return change


def _as_high(image: Image, height: int) -> Image:
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    how = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=how)


DAMAGE: Final[Mapping[str, Callable[[Image], Image]]] = {
    "blur-1.5": blurred(1.5),
    "padding-wide": padded(0.2),
    "padding-tight": tight(0.12),
}
"""What happens to Peraire's lines: each is read once more in each of these forms."""
EVERY: Final = 3
"""Of the pages outside the test split, every third is read damaged too, to save time."""
SETS: Final = ("peraire", "hands_en", "hands_fr")


def pages(name: str, model: str, cache: Path = CACHE) -> list[Page]:
    """The pages of a set: `peraire`, `hands_en`, `hands_fr`, or `peraire/DAMAGE`; read now where that is not kept."""
    kept = cache / f"drift-{model}" / f"{name.replace('/', '-')}.jsonl"
    if not kept.is_file():
        recognizer = load_recognizer(model, threads=1)
        rows = [_page_row(page) for page in _read(name, recognizer)]
        write_text(kept, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return [_page(json.loads(line)) for line in kept.read_text(encoding="utf-8").splitlines()]


def _read(name: str, recognizer: Recognizer) -> Iterator[Page]:
    source, _, damage = name.partition("/")
    groups: dict[str, list[dict[str, str]]] = {}
    for line in (DATA / source / "lines.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        groups.setdefault(row["page"], []).append(row)
    if damage:
        test = {page for page, rows in groups.items() if rows[0]["split"] == "test"}
        some = [page for page in sorted(groups) if page not in test][::EVERY]
        groups = {page: groups[page] for page in sorted(test | set(some))}
    for page, rows in groups.items():
        images = [read_image(DATA / source / row["image"]) for row in rows]
        if damage:
            images = [DAMAGE[damage](image) for image in images]
        started = time.monotonic()
        readings = recognizer.read(images)
        seconds = (time.monotonic() - started) / len(rows)
        first = rows[0]
        seen = tuple(
            Seen(
                id=f"{page}-{at:03d}",
                at=START + timedelta(seconds=at),
                kind="line",
                document=page,
                model=recognizer.model,
                lines=(SeenLine(reading.text, reading.confidence, expected_cer(reading)),),
                confidence=reading.confidence,
                quality=measure(image),
                seconds=seconds,
            )
            for at, (image, reading) in enumerate(zip(images, readings, strict=True))
        )
        yield Page(page, first["split"], first.get("writer", source), seen, tuple(row["text"] for row in rows))


def _page_row(page: Page) -> dict[str, object]:
    return {
        "name": page.name,
        "split": page.split,
        "writer": page.writer,
        "truths": page.truths,
        "seen": [one.to_dict() for one in page.seen],
    }


def _page(row: dict[str, object]) -> Page:
    seen = tuple(Seen.from_dict(one) for one in row["seen"])  # type: ignore[attr-defined]
    return Page(str(row["name"]), str(row["split"]), str(row["writer"]), seen, tuple(row["truths"]))  # type: ignore[arg-type]


def main() -> None:
    """Read all that the benchmarks need."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base-hand")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    for name in (*SETS, *(f"peraire/{damage}" for damage in DAMAGE)):
        started = time.monotonic()
        found = pages(name, options.model, options.cache)
        lines = sum(len(page.seen) for page in found)
        print(f"{name}: {len(found)} pages, {lines} lines, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
