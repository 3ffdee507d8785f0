"""Tiny random TrOCR on 64 real lines of one writer, through the command line: adapter and whole.

    python benchmarks/families.py [--mode lora full] [--lines 64] [--json]

The model (random weights, the real classes) is trained until it knows its lines; what counts is that the CER on them
falls below 5 % and that the merged model is the adapter within 1e-4. It measures the trainer, not a reader of unseen
lines.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMON = {
    "augment": 0,
    "judged": 64,
    "evaluations": 4,
    "batch": 16,
    "max_target": 100,
    "resolution": "[32, 256]",
    "scheduler": "cosine",
    "weight_decay": 0.0,
}
MODES: dict[str, dict[str, Any]] = {
    "full": {"lora_rank": 0, "learning_rate": 5e-4, "epochs": 450, "warmup": 0.1},
    "lora": {
        "lora_rank": 128,
        "lora_alpha": 256,
        "lora_dropout": 0.0,
        "lora_targets": r".*\.(q_proj|k_proj|v_proj|o_proj|out_proj|fc1|fc2|output_projection)$",
        "learning_rate": 5e-4,
        "epochs": 600,
        "warmup": 0.1,
    },
}


def learn(mode: str, count: int, changes: list[str]) -> dict[str, Any]:
    """Train in one mode and return the figures."""
    from emendo.cli import main as emendo

    trocr = runpy.run_path(str(ROOT / "tests" / "tiny.py"))["trocr"]
    data = Path(os.environ.get("EMENDO_DATA") or ROOT.parent / "shared" / "data") / "peraire"
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        rows = [json.loads(row) for row in (data / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
        own = [row for row in rows if row["split"] == "train"][:count]
        manifest = folder / "lines.jsonl"
        manifest.write_text("".join(json.dumps(row) + "\n" for row in own), encoding="utf-8")
        base = trocr(folder / "base", width=128, tied=False, spread=0.09, paper=(0.8, 0.15))
        began = time.monotonic()
        settings = [f"--set={key}={value}" for key, value in {**COMMON, **MODES[mode]}.items()]
        settings += [f"--set={change}" for change in changes]
        out = folder / "run"
        command = [
            "train",
            "--data",
            f"lines={manifest}:{data}",
            "--base",
            str(base),
            "--out",
            str(out),
            "--threads",
            "1",
            *settings,
        ]
        if emendo(command) != 0:
            raise SystemExit(f"training in the mode {mode!r} failed")
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return {
        "cer": report["cer_after"],
        "steps": report["steps"],
        "seconds": time.monotonic() - began,
        "trained_weights": report["trained_weights"],
        "logit_difference": report["parity"]["logit_difference"],
        "losses": report["losses"][:: max(1, len(report["losses"]) // 10)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", nargs="+", choices=list(MODES), default=list(MODES))
    parser.add_argument("--lines", type=int, default=64)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="Change the recipe.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {mode: learn(mode, arguments.lines, arguments.set) for mode in arguments.mode}
    if arguments.json:
        print(json.dumps(figures))
        return
    for mode, seen in figures.items():
        worst = max(seen["logit_difference"].values())
        print(
            f"{mode:5} CER {100 * seen['cer']:.1f} % after {seen['steps']} steps, {seen['seconds']:.0f} s, "
            f"{seen['trained_weights'] / 1000:.0f} thousand weights trained, forms differ by {worst:.1e} at most"
        )


if __name__ == "__main__":
    main()
