"""A manifest of a million rows: open, filter by language and subset, split by group; seconds and memory.

    python benchmarks/manifests.py [--rows 1000000] [--out FILE.json]

The manifest is made by seed in a temporary folder: 20 lines a page, three languages, two subsets, 1,000 image files
that the rows name in turn. The work runs in a process of its own, whose processor time and largest resident memory
are read afterwards; the seconds on the clock are given too. The reach is 5 s and 500 MB. To see what was done, the
counts are checked against how the rows were made.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS, MEGABYTES = 5.0, 500.0
LANGUAGES, SUBSETS, PAGE = ("fr", "en", "de"), ("print", "hand"), 20
WORK = """
import json, resource, sys, time
from emendo.datasets import open_dataset
from emendo.datasets.splits import Shares, assign
from emendo.datasets.summary import filter_samples
clock, began = time.perf_counter(), time.process_time()
marks = {}
def mark(name):
    global began
    marks[name], began = time.process_time() - began, time.process_time()
dataset = open_dataset(sys.argv[1])
mark("open")
kept = filter_samples(dataset.samples, language=["fr", "en"], subset=["hand"])
mark("filter")
assigned = assign(dataset.samples, None, Shares(0.1, 0.1))
mark("split")
clock = time.perf_counter() - clock
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
last = assigned.samples[len(assigned.samples) - 1]
print(json.dumps({"samples": len(dataset), "kept": len(kept), "parts": assigned.counts(), "last": last.id,
    "split_of_last": str(last.split), "processor_seconds": marks, "clock_seconds": clock, "megabytes": memory}))
"""


def make(folder: Path, rows: int, seed: int) -> int:
    """Write the manifest and its (empty) images; how many rows the filter keeps."""
    rng = random.Random(seed)
    (folder / "images").mkdir()
    for number in range(1000):
        (folder / "images" / f"{number:04d}.png").touch()
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyzéà", k=rng.randint(2, 9))) for _ in range(5000)]
    kept = 0
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(rows):
            language, subset = rng.choice(LANGUAGES), rng.choice(SUBSETS)
            kept += language != "de" and subset == "hand"
            row = {
                "id": f"line-{number:07d}",
                "image": f"images/{number % 1000:04d}.png",
                "text": " ".join(rng.choices(words, k=6)),
                "page": f"page-{number // PAGE}",
                "language": language,
                "subset": subset,
                "writer": f"w{number % 50}",
            }
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = make(Path(folder), arguments.rows, 0)
        command = [sys.executable, "-c", WORK, str(Path(folder) / "manifest.jsonl")]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    result["right"] = result["samples"] == arguments.rows == sum(result["parts"].values()) and result["kept"] == kept
    result["processor_total"] = sum(result["processor_seconds"].values())
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    good = result["right"] and result["processor_total"] < SECONDS and result["megabytes"] < MEGABYTES
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
