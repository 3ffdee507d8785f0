"""Seconds from the start of `emendo read` on one page to its first line, with a warm file cache; torch must stay out.

    python benchmarks/cold_start.py [--runs 7]

The command runs as a whole process. Its time is taken when the recogniser returns for the first time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHILD = """
import sys, time
from emendo.models.ctc import recognizer
plain = recognizer.CtcRecognizer.read
def read(self, images):
    readings = plain(self, images)
    print("FIRST", time.time(), "torch" in sys.modules, readings[0].text, flush=True)
    recognizer.CtcRecognizer.read = plain
    return readings
recognizer.CtcRecognizer.read = read
from emendo.cli import main
sys.exit(main(sys.argv[1:]))
"""


def first_line(page: Path) -> tuple[float, bool]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        command = [sys.executable, "-c", CHILD, "read", str(page), "--out", folder]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        line = next(line for line in ran.stdout.splitlines() if line.startswith("FIRST"))
        _, at, torch, *_ = line.split(" ", 3)
        return float(at) - began, torch == "True"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    data = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    page = data / "peraire" / "raw_alto" / "D.2.eurasie-3-4_0016.jpg"
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / page.name
        alone.write_bytes(page.read_bytes())  # without the layout file beside it
        first_line(alone)
        runs = [first_line(alone) for _ in range(arguments.runs)]
    seconds = [run[0] for run in runs]
    print(
        json.dumps(
            {
                "runs": len(runs),
                "median_s": round(statistics.median(seconds), 2),
                "min_s": round(min(seconds), 2),
                "max_s": round(max(seconds), 2),
                "torch_loaded": any(run[1] for run in runs),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
