"""Does correcting the lines of the queue teach more than correcting lines at random?

    python benchmarks/active_learning.py [--lines 75] [--pool 600] [--seeds 2] --out FILE.json

The base reads the first POOL Peraire train lines (pages in sorted order); LINES of them are picked by the queue, or at
random; a model is trained on their true texts with the default recipe and reads the 209 validation lines. Nothing
else is used: the queue sees no truth, training sees no validation line, test lines are never opened.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emendo.datasets import open_dataset
from emendo.evaluate import Comparison, evaluate
from emendo.image.load import sample_image
from emendo.mine import Unread, queue
from emendo.models.references import load_recognizer
from emendo.settings import Limits
from emendo.train.recipe import Recipe
from emendo.train.run import train
from emendo.types import Sample, Split


def by_queue(pool: Sequence[Sample], lines: int) -> list[Sample]:
    """The lines that the queue asks for first."""
    read = load_recognizer("base").read([sample_image(sample, Limits()) for sample in pool])
    known = {sample.id: sample for sample in pool}
    unread = [Unread(sample.id, reading, page=sample.group) for sample, reading in zip(pool, read, strict=True)]
    return [known[one.id] for one in queue(unread, most=lines)]


def at_random(pool: Sequence[Sample], lines: int, seed: int) -> list[Sample]:
    """Lines drawn without replacement."""
    return [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))[:lines]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/peraire"))
    parser.add_argument("--work", type=Path, default=Path("build/bench/active"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/active_learning.json"))
    parser.add_argument("--lines", type=int, default=75)
    parser.add_argument("--pool", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    dataset = open_dataset(args.data)
    ordered = sorted(dataset.split(Split.TRAIN), key=lambda s: (s.group, s.attributes["line"]))
    pool = ordered[: args.pool]
    picked = by_queue(pool, args.lines)
    rows: list[dict[str, Any]] = []
    reports = {}
    for seed in range(args.seeds):
        for order, samples in (("queue", picked), ("random", at_random(pool, args.lines, seed))):
            out = args.work / f"{order}-{args.lines}-s{seed}"
            shutil.rmtree(out, ignore_errors=True)
            result = train(samples, recipe=Recipe(seed=seed), out=out, threads=1)
            report = evaluate(load_recognizer(str(result.bundle)), dataset, split=Split.VAL)
            reports[order, seed] = report
            rows.append(
                {
                    "order": order,
                    "seed": seed,
                    "lines": len(samples),
                    "characters": sum(len(s.text or "") for s in samples),
                    "pages": len({s.group for s in samples}),
                    "seconds": result.report["seconds"],
                    "cer": report.counts.cer,
                    "cer_low": report.cer_interval.low,
                    "cer_high": report.cer_interval.high,
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    paired = [Comparison(reports["random", s], reports["queue", s]).paired for s in range(args.seeds)]
    result_file = {
        "rows": rows,
        "queue_minus_random": [[p.difference, p.low, p.high] for p in paired],
        "mean_cer": {o: float(np.mean([r["cer"] for r in rows if r["order"] == o])) for o in ("queue", "random")},
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result_file, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result_file["mean_cer"]))


if __name__ == "__main__":
    main()
