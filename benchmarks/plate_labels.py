"""Pre-labels of licence plates: the share that is exactly right, of the base, rapidocr and both together.

    python benchmarks/plate_labels.py [--models base rapidocr ensemble:base,rapidocr] [--splits train val] [--every 1]

Nothing here was trained on plates. `exact` compares texts of A-Z and 0-9 as they are, `O = 0` with the letter O held
equal to the digit 0 (the ground truth of the US plates writes most O as 0). `sure` is the share of plates that the
model is at least 90 % sure of, and how many of these are right (O = 0). The published figure of the data's source on
its own crops (OpenALPR, 86.0 % of 751) is for the subset `plate` and holds O and 0 apart.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from emendo.image.load import read_image
from emendo.models.plates import load_plate_recognizer
from emendo.settings import PlateSettings
from emendo.types import Reading

SURE = 0.9
MODELS = ["base", "rapidocr", "ensemble:base,rapidocr", "fallback:base,rapidocr"]


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


def _folded(text: str) -> str:
    return text.replace("O", "0")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--splits", nargs="+", choices=["train", "val"], default=["train", "val"])
    parser.add_argument("--every", type=int, default=1, help="Only every so many plates.")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = rows_of(given.splits, given.every)
    images = [read_image(row["file"]) for row in rows]
    report: dict[str, Any] = {}
    for model in given.models:
        reader = load_plate_recognizer(model, PlateSettings().alphabet)
        reader.read(images[:1])
        began = time.process_time()
        said = [reader.read([image])[0] for image in images]
        seconds = (time.process_time() - began) / len(images)
        report[model] = {"processor_seconds": seconds, **figures(rows, said)}
        if not given.json:
            show(model, report[model])
    if given.json:
        print(json.dumps(report, indent=1))
    return 0


def show(model: str, found: dict[str, Any]) -> None:
    """One line a subset."""
    for name, one in ((key, value) for key, value in found.items() if isinstance(value, dict)):
        total, sure = one["plates"], max(1, one["sure"])
        print(
            f"{model:24} {name:13} {total:4} plates  exact {100 * one['exact'] / total:5.1f} %  "
            f"O = 0 {100 * one['folded'] / total:5.1f} %  sure of {100 * one['sure'] / total:5.1f} %, "
            f"of these right {100 * one['sure_right'] / sure:5.1f} %  {found['processor_seconds']:.3f} s each",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
