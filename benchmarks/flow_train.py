"""The flow `train` from end to end on a few lines of one writer: folds, final model, evaluation, gate and cards."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=60)
    parser.add_argument("--test-lines", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("EMENDO_DATA", "../shared/data")) / "peraire")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emendo-flow-") as held:
        folder = Path(held)
        manifest = few_lines(asked.data, folder / "lines.jsonl", asked.lines, asked.test_lines)
        emendo = [sys.executable, "-m", "emendo"]
        subprocess.run([*emendo, "init", str(folder / "notes")], check=True, capture_output=True)
        command = [
            *emendo,
            "flow",
            "train",
            "--data",
            f"few={manifest}:{asked.data}",
            "--out",
            str(folder / "out"),
            "--json",
        ]
        command += ["--folds", str(asked.folds), "--base", "base", "--threads", str(asked.threads)]
        command += ["--set", f"steps={asked.steps}", "--set", "evaluations=2", "--workspace", str(folder / "notes")]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        if done.returncode not in {0, 1}:
            sys.exit(done.stderr)
        result = json.loads(done.stdout)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = {
            "seconds": seconds,
            "processor_seconds": spent.ru_utime + spent.ru_stime,
            "folds": asked.folds,
            "cer_folds": result["folds"]["cer"],
            "cer_spread": result["spread"]["cer"],
            "cer": result["cer"],
            "judged_on": result["judged_on"],
            "passed": result["passed"],
            "reason": result["reason"],
            "cards": {Path(card).name: Path(card).stat().st_size for card in result["cards"]},
        }
    print(json.dumps(found, indent=1))
    return 0 if len(found["cards"]) == 3 else 1


def few_lines(data: Path, target: Path, lines: int, test_lines: int) -> Path:
    """A manifest of the first lines for training, whose pages stay whole, and of some test lines."""
    left = {"train": lines, "test": test_lines}
    kept = []
    for line in (data / "lines.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        if left.get(row["split"], 0) > 0:
            left[row["split"]] -= 1
            kept.append(row)
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.exit(main())
