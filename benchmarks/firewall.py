"""The correction firewall: 10 % of Peraire's training labels made wrong by seed; how many are found, how surely.

    python benchmarks/firewall.py [--folds K --work DIR [--jobs N] [--recipe NAME|FILE] [--set KEY=VALUE]] [--lines N]
        [--seeds 0,1,2] [--model REF] [--threads N] [--out FILE.json]

Half of the wrong labels are swapped among each other; the other half is corrupted: a word gone, come in, replaced or
moved, or the label of yet another line. Without --folds one model that never saw these labels reads everything (the
embedded base unless --model says otherwise; a model adapted on lines that are not in the set reads better). With
--folds K, K models are trained on the wrong labels too, each without the fold that it reads, N at once (as many as
threads and memory allow); a seed takes about an hour on one core, and what is finished in DIR is not trained again.
Only training lines are used. The reach: 90 % of the wrong ones found, 80 % of the named ones wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emendo.datasets import open_dataset
from emendo.evaluate.labels import spoil
from emendo.settings import cores
from emendo.train.firewall import check_labels
from emendo.train.recipe import load_recipe
from emendo.types import Sample

ROOT = Path(__file__).resolve().parent.parent
SHARE, RECALL, PRECISION = 0.1, 0.9, 0.8
SECONDS = 60
"""Between two lines about how far the folds are."""


class Told:
    """Progress on standard error, now and then."""

    def __init__(self) -> None:
        self._next = time.monotonic()

    def __call__(self, done: int, total: int, text: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS
            print(f"{time.strftime('%H:%M:%S')} {done}/{total} {text}", file=sys.stderr, flush=True)


def wronged(samples: Sequence[Sample], seed: int) -> tuple[list[Sample], dict[str, str]]:
    """The samples with wrong labels among them, and how each wrong one was made (by id)."""
    rng = np.random.default_rng(seed)
    texts = [sample.text or "" for sample in samples]
    chosen = rng.permutation(len(samples))[: round(SHARE * len(samples))].tolist()
    swap, corrupt = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]
    new, how = list(texts), {}
    for at, other in zip(swap, [*swap[1:], *swap[:1]], strict=True):
        if texts[other] != texts[at]:
            new[at], how[samples[at].id] = texts[other], "swapped"
    for at in corrupt:
        while new[at] == texts[at]:
            new[at] = spoil(texts, at, rng)
        how[samples[at].id] = "corrupted"
    return [replace(sample, text=text) for sample, text in zip(samples, new, strict=True)], how


def one(samples: Sequence[Sample], seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    wrong, how = wronged(samples, seed)
    began = time.monotonic()
    report = check_labels(
        wrong,
        model=arguments.model,
        folds=arguments.folds,
        work=arguments.work / f"seed-{seed}" if arguments.work else None,
        recipe=load_recipe(arguments.recipe, arguments.set),
        seed=1000 + seed,
        threads=arguments.threads,
        jobs=arguments.jobs,
        progress=Told(),
    )
    named = {one.sample.id for one in report.suspects}
    found = Counter(kind for name, kind in how.items() if name in named)
    kinds = Counter(how.values())
    ranked = [one.sample.id in how for one in report.judged]
    needed = int(np.ceil(RECALL * len(how)))
    depth = int(np.searchsorted(np.cumsum(ranked), needed)) + 1
    return {
        "seed": seed,
        "samples": len(report.judged),
        "wrong": len(how),
        "named": len(named),
        "recall": sum(found.values()) / len(how),
        "precision": sum(found.values()) / max(len(named), 1),
        "recall_by_kind": {kind: found[kind] / kinds[kind] for kind in kinds},
        "precision_where_90_percent_are_found": needed / depth,
        "seconds": time.monotonic() - began,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--jobs", type=int, default=0, help="folds trained at once; 0: as many as can be")
    parser.add_argument("--recipe", default="default", help="how the folds are trained")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the recipe")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--lines", type=int, default=0, help="only the first so many training lines")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--model", default="base")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = Path(os.environ.get("EMENDO_DATA", ROOT.parent / "shared" / "data"))
    samples = [sample for sample in open_dataset(data / "peraire").split("train") if sample.text]
    samples = samples[: arguments.lines or None]
    rows = [one(samples, int(seed), arguments) for seed in arguments.seeds.split(",")]
    mean = {key: float(np.mean([row[key] for row in rows])) for key in ("recall", "precision")}
    result = {"model": arguments.model, "folds": arguments.folds, **mean, "runs": rows}
    print(json.dumps(result, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if mean["recall"] >= RECALL and mean["precision"] >= PRECISION else 1


if __name__ == "__main__":
    raise SystemExit(main())
