"""Are the lines of real pages found? emendo beside rapidocr, whose detector has the same weights.

    python benchmarks/line_finding.py --split test --json line_finding.json

The measure: points are laid at equal distances along the middle of each transcribed line (halfway between the upper
and the lower edge of its outline). A box covers the share of those points that lie inside it. A line is found when
one box covers at least 80 % of it and no more than a fifth of any other line; a box is right when it finds a line.
Recall is over the transcribed lines. Precision is given twice: over the boxes that touch a transcribed line, and over
all boxes. The sources leave letterheads, stamps, marginal handwriting, ditto marks and crossed-out words without a
transcription, and a box on those is counted against the second figure although there is writing under it.

Pages: the two raw ALTO pages of peraire, and pages_typed (`--split train` is what the finder was tuned on).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emendo.formats.alto import read_alto
from emendo.image.load import read_image
from emendo.models.detector import Detector
from emendo.pages.profile import profile_lines
from emendo.pages.segment import find_lines
from emendo.types import Image

LEAST = 0.8
SPILL = 0.2
POINTS = 60

Outline = Sequence[Sequence[float]]
Boxes = list[npt.NDArray[np.float32]]


@dataclass
class Counts:
    """What was found on some pages. `touching` are the boxes that touch a transcribed line."""

    pages: int = 0
    lines: int = 0
    found: int = 0
    boxes: int = 0
    touching: int = 0
    right: int = 0
    seconds: float = 0.0

    def add(self, lines: Sequence[tuple[Outline, Outline]], boxes: Boxes, seconds: float) -> None:
        cover = coverage(boxes, [middle(*line) for line in lines])
        spill = np.sort(cover, axis=1)[:, -2] if cover.shape[1] > 1 else np.zeros(len(boxes))
        best = cover.argmax(axis=1) if cover.size else np.zeros(0, int)
        good = (cover.max(axis=1, initial=0) >= LEAST) & (spill <= SPILL)
        self.pages += 1
        self.lines += len(lines)
        self.found += len(set(best[good].tolist()))
        self.boxes += len(boxes)
        self.touching += int((cover > 0).any(axis=1).sum())
        self.right += int(good.sum())
        self.seconds += seconds

    def rates(self) -> dict[str, float]:
        return {
            "recall": self.found / max(1, self.lines),
            "precision": self.right / max(1, self.touching),
            "precision_all_boxes": self.right / max(1, self.boxes),
            "seconds_per_page": self.seconds / max(1, self.pages),
        }


def middle(outline: Outline, baseline: Outline) -> npt.NDArray[np.float64]:
    """Points (POINTS, 2) at equal distances along the middle of a line."""
    ring = np.asarray(outline, dtype=float)
    ring = np.vstack([ring, ring[:1]])
    first, last = float(baseline[0][0]), float(baseline[-1][0])
    xs = first + (np.arange(POINTS) + 0.5) / POINTS * (last - first)
    ys = np.full(POINTS, np.nan)
    for i, x in enumerate(xs):
        hits = [
            a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1])
            for a, b in pairwise(ring)
            if a[0] != b[0] and (a[0] - x) * (b[0] - x) <= 0
        ]
        if hits:
            ys[i] = (min(hits) + max(hits)) / 2
    known = ~np.isnan(ys)
    ys = np.interp(xs, xs[known], ys[known]) if known.any() else np.full(POINTS, float(np.mean(ring[:, 1])))
    return np.stack([xs, ys], axis=1)


def coverage(boxes: Boxes, middles: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Share of each line's points inside each box, shape (boxes, lines)."""
    cover = np.zeros((len(boxes), len(middles)))
    for i, box in enumerate(boxes):
        contour = box.reshape(-1, 1, 2)
        low, high = contour.min(axis=(0, 1)), contour.max(axis=(0, 1))
        for j, points in enumerate(middles):
            near = ((points >= low) & (points <= high)).all(axis=1)
            inside = [cv2.pointPolygonTest(contour, (float(x), float(y)), False) >= 0 for x, y in points[near]]
            cover[i, j] = sum(inside) / len(points)
    return cover


def pages(data: Path, split: str) -> dict[str, list[tuple[Path, list[tuple[Outline, Outline]]]]]:
    """Pages of each set: image, and the outline and baseline of each transcribed line."""
    raw = [
        (path.with_suffix(".jpg"), [(line.polygon, line.baseline) for line in read_alto(path).lines()])
        for path in sorted((data / "peraire" / "raw_alto").glob("*.xml"))
    ]
    rows = map(json.loads, (data / "pages_typed" / "pages.jsonl").read_text(encoding="utf-8").splitlines())
    typed = [
        (data / "pages_typed" / row["image"], [(line["poly"], line["baseline"]) for line in row["lines"]])
        for row in rows
        if split in (row["split"], "all")
    ]
    return {"peraire raw_alto": raw, f"pages_typed {split}": typed}


def emendo_finder(threads: int) -> Callable[[Image], Boxes]:
    detector = Detector(threads=threads)
    return lambda page: [np.asarray(line.polygon, np.float32) for line in find_lines(page, detector)[0]]


def profile_finder(_threads: int) -> Callable[[Image], Boxes]:
    return lambda page: [np.asarray(line.polygon, np.float32) for line in profile_lines(page)]


def rapidocr_finder(threads: int) -> Callable[[Image], Boxes]:
    from rapidocr import RapidOCR

    settings = {"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": threads}
    engine = RapidOCR(params=settings)

    def find(page: Image) -> Boxes:
        answer: Any = engine(page[:, :, ::-1], use_det=True, use_cls=False, use_rec=False)
        return [np.asarray(box, np.float32) for box in answer.boxes] if answer.boxes is not None else []

    return find


FINDERS = {"emendo": emendo_finder, "emendo profile": profile_finder, "rapidocr": rapidocr_finder}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("train", "test", "all"), default="train")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    data = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    sets = pages(data, arguments.split)
    results: dict[str, dict[str, Any]] = {}
    print(f"{'finder':16} {'pages':22} {'lines':>6} {'recall':>7} {'precision':>10} {'all boxes':>10} {'s/page':>7}")
    for name, make in FINDERS.items():
        find, total = make(arguments.threads), Counts()
        for title, members in sets.items():
            counts = Counts()
            for image, lines in members:
                page = read_image(image)
                began = time.perf_counter()
                boxes = find(page)
                took = time.perf_counter() - began
                counts.add(lines, boxes, took)
                total.add(lines, boxes, took)
            results.setdefault(name, {})[title] = asdict(counts) | counts.rates()
        results[name]["together"] = asdict(total) | total.rates()
        for title, row in results[name].items():
            print(
                f"{name:16} {title:22} {row['lines']:6} {row['recall']:7.3f} {row['precision']:10.3f} "
                f"{row['precision_all_boxes']:10.3f} {row['seconds_per_page']:7.2f}"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
