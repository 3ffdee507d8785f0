"""The trained network on torch against its graph on ONNX Runtime: every test line of every set of lines.

    python benchmarks/parity.py [--sets peraire,plates] [--every N] [--model REF] [--json]

Each line is read in full (looks, language model, as `emendo read` does) by one model twice: with the torch network made
of `model.safetensors`, and with `model.onnx`. Compared are the text, the greedy text of the same evidence, and all
log-probabilities. Every line that differs is listed. Asked: 99.9 % identical. The models are the embedded ones that
suit the set; nothing is tuned here, so test lines are what they are for. Needs `EMENDO_DATA`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SETS = {
    "peraire": "base-hand",
    "hands_fr": "base-hand",
    "hands_en": "base-hand",
    "arabic_print": "base-ar",
    "plates": "base",
}
"""Data set: the embedded model that reads it."""
ASKED = 0.999


def compare(name: str, ref: str, folder: Path, every: int) -> dict[str, Any]:
    """Read the test lines of a set with both, line by line in turn."""
    from emendo.datasets.dataset import open_dataset
    from emendo.image.load import sample_image
    from emendo.models.ctc.decode import greedy_text
    from emendo.models.ctc.recognizer import CtcRecognizer
    from emendo.models.references import load_bundle

    bundle = load_bundle(ref)
    torch, onnx = (CtcRecognizer(bundle, engine=engine) for engine in ("torch", "onnxruntime"))
    lines = open_dataset(str(folder / name / "lines.jsonl")).split("test")[::every]
    same = greedy = 0
    worst, seconds = 0.0, [0.0, 0.0]
    unlike = []
    for at, sample in enumerate(lines, 1):
        image = sample_image(sample)
        seen = []
        for number, reader in enumerate((torch, onnx)):
            began = time.process_time()
            seen.append(reader.observe([image])[0])
            seconds[number] += time.process_time() - began
        texts = [one.text for one in seen]
        plain = [greedy_text(one.evidence) for one in seen]
        same += texts[0] == texts[1]
        greedy += plain[0] == plain[1]
        worst = max(worst, float(np.abs(seen[0].evidence.log_probs - seen[1].evidence.log_probs).max()))
        if texts[0] != texts[1] or plain[0] != plain[1]:
            unlike.append({"line": sample.id, "torch": [texts[0], plain[0]], "onnx": [texts[1], plain[1]]})
        if at % 50 == 0:
            print(f"{name}: {at} of {len(lines)}, {same} the same", file=sys.stderr, flush=True)
    return {
        "set": name,
        "model": f"{bundle.info.name}@{bundle.id}",
        "lines": len(lines),
        "same": same,
        "same_greedy": greedy,
        "log_prob_difference": worst,
        "ms_torch": 1000 * seconds[0] / max(1, len(lines)),
        "ms_onnx": 1000 * seconds[1] / max(1, len(lines)),
        "unlike": unlike,
    }


def main() -> int:
    """Print a row a set, every line that differs, and whether what is asked was reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS), help="which sets")
    parser.add_argument("--every", type=int, default=1, help="only every n-th line")
    parser.add_argument("--model", default="", help="this model for all sets")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    folder = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    rows = []
    for name in given.sets.split(","):
        row = compare(name, given.model or SETS[name], folder, given.every)
        rows.append(row)
        if not given.json:
            print(
                f"{row['set']:13} {row['model']:26} {row['lines']:5} lines  the same: {row['same']:5} read in full, "
                f"{row['same_greedy']:5} greedily; log-probabilities apart {row['log_prob_difference']:.1e} at most; "
                f"{row['ms_torch']:.0f} ms torch, {row['ms_onnx']:.0f} ms ONNX Runtime",
                flush=True,
            )
            for one in row["unlike"]:
                print(f"    {one['line']}: torch {one['torch']}, onnx {one['onnx']}", flush=True)
    lines, same = sum(row["lines"] for row in rows), sum(row["same"] for row in rows)
    share = same / max(1, lines)
    if given.json:
        print(json.dumps({"sets": rows, "lines": lines, "same": same, "share": share, "asked": ASKED}, indent=1))
    else:
        print(f"all: {same} of {lines} lines identical, {100 * share:.2f} % (asked {100 * ASKED:.1f} %)")
    return 0 if share >= ASKED else 1


if __name__ == "__main__":
    sys.exit(main())
