"""Pre-labels of licence plates: the share that is exactly right, of the base, rapidocr and both together.

    python benchmarks/plate_labels.py [--models base rapidocr ensemble:base,rapidocr] [--splits train val] [--every 1]
    python benchmarks/plate_labels.py --likeness

Nothing here was trained on plates. `exact` compares texts of A-Z and 0-9 as they are, `O = 0` with the letter O held
equal to the digit 0 (the ground truth of the US plates writes most O as 0). `sure` is the share of plates that the
model is at least 90 % sure of, and how many of these are right (O = 0). The published figure of the data's source on
its own crops (OpenALPR, 86.0 % of 751) is for the subset `plate` and holds O and 0 apart.

With `--likeness` the distances of the perceptual hash are shown instead: between pictures of different plates, between
two photographs of one plate, and between a picture and itself at half the size, as JPEG of quality 50, and dimmed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emendo.datasets.plates import contradict
from emendo.image.encode import jpeg_bytes
from emendo.image.likeness import distance, likeness_hash
from emendo.image.load import read_image
from emendo.models.ensemble import combined
from emendo.models.plates import load_plate_recognizer
from emendo.settings import PlateSettings
from emendo.types import Image, Reading

SURE = 0.9
MODELS = ["base", "rapidocr", "ensemble:base,rapidocr", "fallback:base,rapidocr"]


class Once:
    """A recogniser that reads each picture once, however many ensembles ask; `seconds` is its processor time."""

    def __init__(self, name: str, first: Image) -> None:
        self._inner = load_plate_recognizer(name, PlateSettings().alphabet)
        self._inner.read([first])
        self._held: dict[int, Reading] = {}
        self.model, self.seconds = self._inner.model, 0.0

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per picture."""
        began = time.process_time()
        for image in images:
            if id(image) not in self._held:
                self._held[id(image)] = self._inner.read([image])[0]
        self.seconds += time.process_time() - began
        return [self._held[id(image)] for image in images]


def rows_of(splits: list[str], every: int) -> list[dict[str, Any]]:
    """The rows of the manifest in these splits (never test)."""
    root = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data") / "plates"
    rows = [json.loads(line) for line in (root / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{**row, "file": root / row["image"]} for row in rows if row["split"] in splits][::every]


def figures(rows: list[dict[str, Any]], said: list[Reading]) -> dict[str, Any]:
    """Counts over all rows and by subset."""
    found: dict[str, Any] = {}
    for name in ("all", *sorted({row["subset"] for row in rows})):
        pairs = [(row["text"], one) for row, one in zip(rows, said, strict=True) if name in ("all", row["subset"])]
        sure = [(text, one) for text, one in pairs if one.confidence >= SURE]
        found[name] = {
            "plates": len(pairs),
            "exact": sum(text == one.text for text, one in pairs),
            "folded": sum(_folded(text) == _folded(one.text) for text, one in pairs),
            "sure": len(sure),
            "sure_right": sum(_folded(text) == _folded(one.text) for text, one in sure),
        }
    return found


def likeness(rows: list[dict[str, Any]], images: list[Image]) -> dict[str, list[int]]:
    """Quantiles of distances in bits: least, 1 %, median, 99 %, greatest."""
    hashes = [likeness_hash(image) for image in images]
    found: dict[str, list[int]] = {"other plate": [], "same plate": [], "half": [], "quality 50": [], "dimmed": []}
    for one, other in combinations(range(len(rows)), 2):
        same = not contradict(rows[one]["text"], rows[other]["text"])
        found["same plate" if same else "other plate"].append(distance(hashes[one], hashes[other]))
    for image, own in zip(images, hashes, strict=True):
        height, width = image.shape[:2]
        half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        coarse = cv2.imdecode(np.frombuffer(jpeg_bytes(image, 50), np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        for name, shown in (("half", half), ("quality 50", coarse), ("dimmed", image * 0.8 + 30)):
            found[name].append(distance(own, likeness_hash(np.ascontiguousarray(np.clip(shown, 0, 255), np.uint8))))
    return {name: np.quantile(values, (0, 0.01, 0.5, 0.99, 1)).astype(int).tolist() for name, values in found.items()}


def _folded(text: str) -> str:
    return text.replace("O", "0")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--splits", nargs="+", choices=["train", "val"], default=["train", "val"])
    parser.add_argument("--every", type=int, default=1, help="Only every so many plates.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--likeness", action="store_true", help="Distances of the perceptual hash instead.")
    given = parser.parse_args()
    rows = rows_of(given.splits, given.every)
    images = [read_image(row["file"]) for row in rows]
    if given.likeness:
        print(json.dumps(likeness(rows, images), indent=1))
        return 0
    report: dict[str, Any] = {}
    once: dict[str, Once] = {}

    def load(name: str) -> Once:
        return once.setdefault(name, Once(name, images[0]))

    for model in given.models:
        reader = combined(model, load) or load(model)
        said = [reader.read([image])[0] for image in images]
        own = once[model].seconds / len(images) if model in once else None
        report[model] = {"processor_seconds": own, **figures(rows, said)}
        if not given.json:
            show(model, report[model])
    if given.json:
        print(json.dumps(report, indent=1))
    return 0


def show(model: str, found: dict[str, Any]) -> None:
    """One line a subset."""
    own = found["processor_seconds"]
    seconds = f"  {own:.3f} s each" if own is not None else ""
    for name, one in ((key, value) for key, value in found.items() if isinstance(value, dict)):
        total, sure = one["plates"], max(1, one["sure"])
        print(
            f"{model:24} {name:13} {total:4} plates  exact {100 * one['exact'] / total:5.1f} %  "
            f"O = 0 {100 * one['folded'] / total:5.1f} %  sure of {100 * one['sure'] / total:5.1f} %, "
            f"of these right {100 * one['sure_right'] / sure:5.1f} %{seconds}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
