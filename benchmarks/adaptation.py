"""How far a model adapts to one hand or one book: CER before and after training on few, some and all lines.

    python benchmarks/adaptation.py --out FOLDER [--base REF] [--cells peraire-16 peraire-300 hand book ...]
        [--seeds 0 1 2] [--split val] [--table]

Peraire: the first 16, 75, 300 and all 1,629 train lines, pages in sorted order; 262 test lines of other pages. In a
cell `peraire-N+unlabelled` (run only when it is named in full) the images of the other train lines are there too,
without their texts: what is read and not corrected yet.
hands_fr: each writer on its own train lines, measured on its own test lines (a writer with one page and no test split:
the first two thirds of its lines against the rest). arabic_print: each book on its own train lines, all 364 (`book-`)
or 100 of them evenly spread (`book100-`), also counted over the Arabic letters alone (all else taken out of both
texts). No validation lines are given to training: what a person corrected is all there is. Each cell is a process of
its own through the public `train`, so that time and peak memory are its own; a cell whose file is there is not run
again. The general set is read before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SIZES = {"peraire-16": 16, "peraire-75": 75, "peraire-300": 300, "peraire-all": 0}
TARGETS = {"peraire-16": 16.0, "peraire-75": 8.0, "peraire-300": 5.5, "peraire-all": 3.6}
BOOKS = {"Kamil": (6.2, 1.5), "Adab": (10.7, 1.5), "Hayawan": (5.1, 2.0), "Muntazam": (4.0, 1.0)}
"""Asked of each book after training on its own lines: raw CER below, and over the Arabic letters alone at most."""
FEW = 100
UNLABELLED = "+unlabelled"
NO_LETTER = re.compile(r"[^\u0621-\u063a\u0641-\u064a]")


def writers() -> list[str]:
    rows = (DATA / "hands_fr" / "lines.jsonl").read_text("utf-8").splitlines()
    return sorted({json.loads(row)["writer"] for row in rows})


def all_cells() -> list[str]:
    books = [f"{kind}-{book}" for kind in ("book", f"book{FEW}") for book in BOOKS]
    return [
        *SIZES,
        *(f"{name}{UNLABELLED}" for name in SIZES if SIZES[name]),
        *(f"hand-{writer}" for writer in writers()),
        *books,
    ]


def lines_of(cell: str, split: str = "test") -> tuple[list[Any], list[Any]]:
    """Training lines of a cell, and those that it is measured on."""
    from emendo.datasets import open_dataset

    if cell.startswith("book"):
        kind, book = cell.split("-")
        own = [s for s in open_dataset(DATA / "arabic_print").samples if s.attributes["book"].endswith(f".{book}")]
        train, test = ([s for s in own if s.split == name] for name in ("train", split))
        wanted = len(train) if kind == "book" else FEW
        return [train[at * len(train) // wanted] for at in range(wanted)], test

    if cell in SIZES:
        return peraire_lines()[: SIZES[cell] or None], list(open_dataset(DATA / "peraire").split(split))
    writer = cell.removeprefix("hand-")
    own = [s for s in open_dataset(DATA / "hands_fr").samples if s.attributes.get("writer") == writer]
    train, test = ([s for s in own if s.split == name] for name in ("train", split))
    if not test and split == "test":
        train, test = train[: 2 * len(train) // 3], train[2 * len(train) // 3 :]
    return train, test


def peraire_lines() -> list[Any]:
    """All training lines of Peraire, pages in sorted order."""
    from emendo.datasets import open_dataset

    lines = open_dataset(DATA / "peraire").split("train")
    return sorted(lines, key=lambda s: (s.attributes.get("page") or s.group, _number(s)))


def _number(sample: Any) -> int:
    return int(sample.attributes.get("line", 0))


def run_cell(cell: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train and measure one cell in this process."""
    from emendo.datasets.synth import general_set
    from emendo.image.load import sample_image
    from emendo.metrics.align import counts
    from emendo.models.base import cache_folder
    from emendo.models.bundle import read_bundle
    from emendo.models.ctc.recognizer import CtcRecognizer
    from emendo.models.references import load_recognizer
    from emendo.train.recipe import load_recipe
    from emendo.train.run import train
    from emendo.train.unlabelled import train_with_unlabelled

    began = time.monotonic()
    plain = cell.removesuffix(UNLABELLED)
    own, test = lines_of(plain, given.split)
    recipe = load_recipe("default", [f"seed={seed}", *given.changes])
    work = given.out / f"{cell}-{seed}.run"
    shutil.rmtree(work, ignore_errors=True)
    settings: dict[str, Any] = {"out": work, "recipe": recipe, "threads": given.threads, "base": given.base}
    if cell == plain:
        result = train(own, **settings)
    else:
        others = [replace(sample, text=None) for sample in peraire_lines()[len(own) :]]
        result = train_with_unlabelled(own, others, **settings)
    seconds = time.monotonic() - began
    general = general_set(cache_folder() / "general").samples

    def measured(recognizer: Any, samples: Sequence[Any]) -> dict[str, list[int]]:
        read = recognizer.read([sample_image(sample) for sample in samples])
        pairs = [(s.text or "", r.text) for s, r in zip(samples, read, strict=True)]
        rows = [counts(*pair) for pair in pairs]
        letters = [counts(*(NO_LETTER.sub("", text) for text in pair)) for pair in pairs]
        return {
            "edits": [row.edits for row in rows],
            "characters": [row.characters for row in rows],
            "letter_edits": [row.edits for row in letters],
            "letters": [row.characters for row in letters],
        }

    base, adapted = load_recognizer(given.base), CtcRecognizer(read_bundle(result.bundle))
    return {
        "cell": cell,
        "base": given.base,
        "split": given.split,
        "seed": seed,
        "lines": len(own),
        "unlabelled": result.report["unlabelled"],
        "changes": list(given.changes),
        "threads": given.threads,
        "seconds": seconds,
        "peak_memory_mb": result.report["peak_memory_mb"],
        "steps": result.report["steps"],
        "before": measured(base, test),
        "after": measured(adapted, test),
        "general_before": measured(base, general),
        "general_after": measured(adapted, general),
    }


def cer(rows: dict[str, list[int]], edits: str = "edits", characters: str = "characters") -> float:
    return 100 * sum(rows[edits]) / max(1, sum(rows[characters]))


def asked(cell: str, runs: Sequence[dict[str, Any]]) -> str:
    """What is asked of a cell; of a book also the figure over its letters alone."""
    if not cell.startswith("book"):
        return str(TARGETS.get(cell, ""))
    raw, letters = BOOKS[cell.split("-")[1]]
    found = statistics.mean(cer(run["after"], "letter_edits", "letters") for run in runs)
    return f"{raw}, letters {letters} (are {found:.2f})"


def table(out: Path) -> str:
    """All finished cells as a Markdown table."""
    from emendo.metrics.bootstrap import ratio_interval

    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(out.glob("*.json")):
        one = json.loads(path.read_text("utf-8"))
        found.setdefault(one["cell"], []).append(one)
    rows = [
        "| cell | lines | before | after (mean of seeds) | each seed | 95 % interval | asked | general rise | s | MB |"
    ]
    rows.append("|" + "---|" * 10)
    gains = []
    for cell in (name for name in all_cells() if name in found):
        runs = sorted(found[cell], key=lambda run: run["seed"])
        after = [cer(run["after"]) for run in runs]
        edits = [edit for run in runs for edit in run["after"]["edits"]]
        sizes = [size for run in runs for size in run["after"]["characters"]]
        lines = [f"{i}" for run in runs for i in range(len(run["after"]["edits"]))]
        interval = ratio_interval(edits, sizes, groups=lines)
        rise = statistics.mean(cer(run["general_after"]) - cer(run["general_before"]) for run in runs)
        before = cer(runs[0]["before"])
        if cell.startswith("hand-"):
            gains.append(100 * (1 - statistics.mean(after) / before))
        rows.append(
            f"| {cell} | {runs[0]['lines']} | {before:.1f} | {statistics.mean(after):.2f} | "
            f"{', '.join(f'{value:.2f}' for value in after)} | {100 * interval.low:.1f} to {100 * interval.high:.1f} | "
            f"{asked(cell, runs)} | {rise:+.2f} | {statistics.mean(run['seconds'] for run in runs):.0f} | "
            f"{max(run['peak_memory_mb'] for run in runs):.0f} |"
        )
    if gains:
        rows.append(f"\nhands_fr: median relative gain {statistics.median(gains):.1f} %, least {min(gains):.1f} %")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", nargs="*", help="Names or beginnings of names.")
    parser.add_argument("--base", default="base", help="Model to start from.")
    parser.add_argument("--split", default="test", choices=["test", "val"], help="Lines to measure on.")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    parser.add_argument("--table", action="store_true", help="Only show what is there.")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    named = given.cells or [""]
    chosen = [
        cell
        for cell in all_cells()
        if cell in named or (UNLABELLED not in cell and any(cell.startswith(one) for one in named))
    ]
    for seed in [] if given.table else given.seeds:
        for cell in chosen:
            target = given.out / f"{cell}-{seed}.json"
            if target.exists():
                continue
            if given.here:
                found = run_cell(cell, seed, given)
                target.write_text(json.dumps(found), encoding="utf-8")
                continue
            own = ["--out", str(given.out), "--cells", cell, "--seeds", str(seed), "--threads", str(given.threads)]
            own += ["--base", given.base, "--split", given.split]
            changes = ["--set", *given.changes] if given.changes else []
            subprocess.run([sys.executable, __file__, *own, *changes, "--here"], check=True)
    sys.stdout.write(table(given.out) + "\n")


if __name__ == "__main__":
    main()
