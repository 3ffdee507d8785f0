"""Licence plates: the embedded base as it comes, and adapted with 0, 43, 200 and all training labels.

    python benchmarks/plates.py [--out plates-out] [--split test] [--only base rapidocr drawn 43 200 all] [--json]

Everything is done by the commands that a user has, and what a stopped run has finished is not done again:

1. `emendo synth plates`: drawn plates, none of which is a photograph; `emendo train --recipe plates` on them: `drawn`,
   a model without a single real label that sees the crop as it is.
2. From it, `emendo train --recipe plates` on the first 43 and the first 200 training labels of the subset `plate`, in
   the order of the SHA-256 of their file names. Nothing else is used: no validation labels either.
   From the base, `emendo train --data plates --recipe plates` on all training labels (both subsets); the validation
   split chooses the weights, as everywhere.
3. `emendo evaluate --data plates --split test --slice subset,region` of each, of `plates:base` (the base, which finds
   the text in the crop by the line detector) and of `plates:rapidocr`.

`exact folded` holds the letter O equal to the digit 0, with Wilson's 95 % interval. OpenALPR stands beside it with its
readings of the same crops as its makers recorded them. Times are processor time of one crop at a time, one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from emendo.tools.files import write_text

DATA = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data") / "plates"
DRAWN = 4000
NARROW = ("geometry={crop: none, fit_pixels: 240, max_width: 256}", "camera=0.8", "augment=0.6")
"""A third of the time less: lines that the augmentation widens are squeezed back to one width."""
FIRST = ("passes=1.5", "lines_per_batch=16", "evaluations=3", "warmup=0.08", "camera=0.4", "augment=0.5")
"""Drawn plates are photographed by the drawing already, and are many: few passes, little augmentation."""
LABELS = {"43": 43, "200": 200, "all": 0}
PASSES = {"43": 20, "200": 8}
"""Fewer than those of the recipe: what they go on from reads plates already, and its lower blocks stay as they are."""
MODELS = ("base", "rapidocr", "drawn", *LABELS)
ASKED = {("base", "plate"): 82, ("43", "plate"): 88, ("200", "plate"): 93, ("all", "plate"): 96}
ASKED |= {("all", "plate_street"): 85}
TIMED = 60


def emendo(*words: str) -> None:
    """Run one command; its progress goes to standard error."""
    print("emendo", *words, file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "emendo", *words], check=True, stdout=subprocess.DEVNULL)


def rows() -> list[dict[str, Any]]:
    """The rows of the manifest."""
    return [json.loads(line) for line in (DATA / "lines.jsonl").read_text(encoding="utf-8").splitlines()]


def labels(number: int) -> list[dict[str, Any]]:
    """The first `number` training rows of the subset `plate`, in the order of the hash of their file names."""
    of_plates = [row for row in rows() if row["split"] == "train" and row["subset"] == "plate"]
    return sorted(of_plates, key=lambda row: sha256(row["image"].encode()).hexdigest())[:number]


def trained(name: str, out: Path) -> Path:
    """The run folder of a model, trained where it is not yet."""
    run = out / name
    changes: tuple[str, ...] = ()
    if (run / "report.json").is_file():
        return run
    data, base = str(DATA), "base"
    if name == "drawn":
        drawn = out / "data" / "drawn"
        if not drawn.is_dir():
            emendo("synth", "plates", "-n", str(DRAWN), "--seed", "11", "--out", str(drawn), "--json")
        data, changes = str(drawn), (*NARROW, *FIRST)
    elif LABELS[name]:
        manifest = out / "data" / f"{name}.jsonl"
        write_text(manifest, "".join(json.dumps(row) + "\n" for row in labels(LABELS[name])))
        data, base = f"plates{name}={manifest}:{DATA}", str(trained("drawn", out))
        changes = (*NARROW, "frozen=4", f"passes={PASSES[name]}")
    words = ["--data", data, "--base", base, "--recipe", "plates", "--threads", "1", "--out", str(run), "--json"]
    again = ["--resume"] if run.is_dir() else []
    emendo("train", *words, *(word for change in changes for word in ("--set", change)), *again)
    return run


def evaluated(name: str, reference: str, out: Path, split: str) -> dict[str, Any]:
    """Figures of `emendo evaluate`, kept in a folder."""
    folder = out / "evaluated" / f"{name}-{split}"
    if not (folder / "report.json").is_file():
        words = ["--model", reference, "--data", str(DATA), "--split", split, "--slice", "subset,region"]
        emendo("evaluate", *words, "--threads", "1", "--out", str(folder), "--json")
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def wilson(right: int, number: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    z, share = 1.96, right / number
    middle = share + z * z / (2 * number)
    reach = z * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return (middle - reach) / (1 + z * z / number), (middle + reach) / (1 + z * z / number)


def milliseconds(reference: str) -> dict[str, float]:
    """Median processor time of one crop (training split), by run time."""
    from emendo.image.load import read_image
    from emendo.models.references import load_recognizer

    images = [read_image(DATA / row["image"]) for row in rows() if row["split"] == "train"][:TIMED]
    found = {}
    for engine in ("onnxruntime", "auto"):
        reader = load_recognizer(reference, threads=1, engine=engine)
        reader.read(images[:3])
        took = []
        for image in images:
            began = time.process_time()
            reader.read([image])
            took.append(1000 * (time.process_time() - began))
        found[engine] = round(statistics.median(took), 2)
    return found


def openalpr(split: str) -> tuple[int, int]:
    """Recorded readings that are right, O and 0 held equal, and crops."""
    held = [row for row in rows() if row["split"] == split and row["subset"] == "plate"]
    return sum(row["openalpr"].replace("O", "0") == row["text"].replace("O", "0") for row in held), len(held)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("plates-out"))
    parser.add_argument("--split", default="test", choices=["val", "test"])
    parser.add_argument("--only", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report: dict[str, Any] = {}
    for name in given.only:
        peer = name in ("base", "rapidocr")
        reference = f"plates:{name}" if peer else str(trained(name, given.out.resolve()))
        figures = evaluated(name, reference, given.out, given.split)
        report[name] = {"milliseconds": milliseconds(reference), **figures["slices"]}
        if not given.json:
            show(name, report[name])
    right, number = openalpr(given.split)
    report["openalpr"] = {"subset": {"plate": {"exact_folded_samples": right, "samples": number}}}
    if given.json:
        print(json.dumps(report, indent=1))
    else:
        show("openalpr", report["openalpr"])
    return 0


def show(name: str, found: dict[str, Any]) -> None:
    """One line a subset and region."""
    spent = " ".join(f"{engine} {value:.1f} ms" for engine, value in found.get("milliseconds", {}).items())
    for kind in ("subset", "region"):
        for value, one in found.get(kind, {}).items():
            right, number = one["exact_folded_samples"], one["samples"]
            low, high = wilson(right, number)
            asked = f"  asked {ASKED[name, value]}" if (name, value) in ASKED else ""
            print(
                f"{name:9} {value:13} exact folded {right:3} of {number:3} = {100 * right / number:5.1f} % "
                f"({100 * low:.1f} to {100 * high:.1f}){asked}  {spent}",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
