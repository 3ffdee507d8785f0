"""A CRNN from random weights on all labelled plates beside drawn ones; fast-plate-ocr from scratch on the same labels.

    python benchmarks/plate_crnn.py --out DIR [--set key=value] [--test]
    python benchmarks/plate_crnn.py --model BUNDLE [--test]
    python benchmarks/plate_crnn.py --out DIR --peer PYTHON --peer-model cct_xs_v1.yaml [--peer-minutes 10]

Trains on the split train of both subsets by the recipe plates-crnn, chooses on val, and reads val, or with --test the
split test, which no choice may rest on. `folded` holds the letter O equal to the digit 0, for the ground truth of the
US plates writes most O as 0. Every plate is also read by sixteen threads of one service, which must read what one
reads. Below a hundred labels and without drawn plates the run must refuse itself beforehand.

The peer is trained by its own command line in an environment of its own (`fast-plate-ocr[train]`, Keras over torch)
with its smallest published model file, on one thread for so many minutes of processor time, and judged on the same
split by the checkpoint that was best on val.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from emendo.datasets.dataset import open_dataset
from emendo.datasets.plates import contradict
from emendo.errors import DataError
from emendo.image.load import sample_image
from emendo.models.plate_service import CRNNOCRService
from emendo.train.crnn.recipe import CrnnRecipe
from emendo.train.recipe import family_recipe
from emendo.train.run import train
from emendo.train.selection import training_parts
from emendo.types import Sample

FEW = 90


def plates(name: str) -> list[Sample]:
    """The labelled plates of a split."""
    root = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    return list(open_dataset(root / "plates").split(name))


def trained(out: Path, changes: Sequence[str]) -> Path:
    """The bundle of a run on all labels, with its time."""
    parts = training_parts([open_dataset(plates("train")[0].image.parents[1])])
    recipe = family_recipe("plates-crnn", changes, family="crnn", kind=CrnnRecipe)
    began = time.process_time()
    result = train(
        parts.train,
        val=parts.val,
        base="crnn",
        recipe=recipe,
        out=out,
        threads=1,
        resume=(out / "run.yaml").exists(),
        tell=lambda line: print(line, flush=True),
    )
    minutes = (time.process_time() - began) / 60
    print(
        f"trained on {result.report['lines']} lines ({result.report['drawn']} drawn), {minutes:.1f} processor minutes"
    )
    return result.bundle


def figures(samples: Sequence[Sample], texts: Sequence[str]) -> dict[str, Any]:
    """Plates, exact ones, and those that are exact when O and 0 are held equal, by subset."""
    found: dict[str, Any] = {}
    for name in sorted({sample.subset for sample in samples}):
        pairs = [(one.text or "", text) for one, text in zip(samples, texts, strict=True) if one.subset == name]
        folded = sum(not contradict(*pair) for pair in pairs)
        exact = sum(one == other for one, other in pairs)
        found[name] = {"plates": len(pairs), "exact": exact, "folded": folded, "exact_folded": folded / len(pairs)}
    return found


def judged(model: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """What a model reads of the plates, its milliseconds, and whether sixteen threads read the same."""
    service = CRNNOCRService(model)
    images = [sample_image(sample) for sample in samples]
    service.warmup(5)
    began = time.perf_counter()
    alone = [service.predict(image) for image in images]
    one_thread = time.perf_counter() - began
    with ThreadPoolExecutor(16) as pool:
        began = time.perf_counter()
        together = list(pool.map(service.predict, images))
        sixteen = time.perf_counter() - began
    return {
        **figures(samples, [one.text for one in alone]),
        "milliseconds": 1000 * one_thread / len(images),
        "sixteen_threads_faster": one_thread / sixteen,
        "sixteen_threads_same": together == alone,
    }


def few_labels(out: Path) -> str:
    """What is said of too few labels without drawn plates; empty when nothing is said."""
    recipe = family_recipe("crnn", [], family="crnn", kind=CrnnRecipe)
    try:
        train(plates("train")[:FEW], base="crnn", recipe=recipe, out=out / "few", threads=1)
    except DataError as error:
        return str(error)
    return ""


def peer(python: str, model: Path, out: Path, minutes: float, split: str) -> str:
    """Train the peer for so many processor minutes and let it judge itself on the split; what it says at the end."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("train", "val", split):
        with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["image_path", "plate_text"])
            rows.writerows([os.path.relpath(one.image, out), one.text] for one in plates(name))
    longest = max(len(one.text or "") for name in ("train", "val", split) for one in plates(name))
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
    plate = {"max_plate_slots": longest, "alphabet": alphabet, "pad_char": "_", "img_height": 64, "img_width": 128}
    (out / "plate.yaml").write_text(json.dumps(plate), encoding="utf-8")  # JSON is YAML
    command = [str(Path(python).parent / "fast-plate-ocr")]
    common = ["--plate-config-file", str(out / "plate.yaml")]
    learn = [*command, "train", *common, "--model-config-file", str(model), "--annotations", str(out / "train.csv")]
    learn += ["--val-annotations", str(out / "val.csv"), "--output-dir", str(out / "models"), "--epochs", "5000"]
    learn += ["--early-stopping-patience", "5000", "--seed", "0"]
    seconds = round(60 * minutes)
    around = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    around.pop("PYTHONPATH", None)
    with (out / "train.log").open("w", encoding="utf-8") as log:
        subprocess.run(
            learn,
            env=around,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5)),
        )
    kept = sorted((out / "models").rglob("*.keras"), key=lambda path: (path.name == "last.keras", path.stat().st_mtime))
    if not kept:
        return f"the peer left no model; see {out / 'train.log'}"
    best = [path for path in kept if path.name != "last.keras"] or kept
    judge = [*command, "valid", "--model", str(best[-1]), *common, "--annotations", str(out / f"{split}.csv")]
    done = subprocess.run(judge, env=around, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()[-1500:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("crnn-run"))
    parser.add_argument("--model", default="", help="Only judge this one.")
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="KEY=VALUE")
    parser.add_argument("--test", action="store_true", help="Read the split test in place of val.")
    parser.add_argument(
        "--peer", default="", metavar="PYTHON", help="Train fast-plate-ocr of this environment instead."
    )
    parser.add_argument("--peer-model", type=Path, metavar="FILE", help="Its model file.")
    parser.add_argument("--peer-minutes", type=float, default=10.0)
    given = parser.parse_args()
    split = "test" if given.test else "val"
    if given.peer:
        print(peer(given.peer, given.peer_model, given.out, given.peer_minutes, split))
        return 0
    said = few_labels(given.out)
    print(f"{FEW} labels: {said or 'NOTHING SAID'}")
    model = given.model or str(trained(given.out, given.changes))
    found = judged(model, plates(split))
    print(json.dumps({"split": split, "model": model, **found}, indent=1))
    return 0 if said and found["sixteen_threads_same"] else 1


if __name__ == "__main__":
    sys.exit(main())
