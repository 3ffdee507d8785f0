"""Models that a real training got wrong, for `gate.py --bad`.

    python benchmarks/bad_training.py --out FOLDER [--only shuffled ...] [--steps 40]

Each row of FAULTS is a mistake that a pipeline can make before or during training; what follows is the public `train`
on the first 75 (or 16) Peraire training lines in sorted page order, short, without validation lines, so that nothing
but the gate stands between the model and its use. A run that is there is not made again.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from emendo.datasets import open_dataset
from emendo.image.load import sample_image
from emendo.train.recipe import load_recipe
from emendo.train.run import train
from emendo.types import Image, Sample, Split

DATA = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
LINES, FEW = 75, 16
MEMORISED = ("augment=0", "dropout=0", "replay=0", "share=1", "average=0", "splice=0")
"""Recipe values that let a model learn its few lines by heart."""
Spoil = Callable[[Sequence[Sample], Path], list[Sample]]


def _shuffled(share: float) -> Spoil:
    """The texts of that share of the lines go round among them."""

    def spoil(samples: Sequence[Sample], _work: Path) -> list[Sample]:
        chosen = random.Random(1).sample(range(len(samples)), round(share * len(samples)))
        moved = dict(zip(chosen, [*chosen[1:], chosen[0]], strict=True))
        return [replace(one, text=samples[moved.get(i, i)].text) for i, one in enumerate(samples)]

    return spoil


def _next_line(samples: Sequence[Sample], _work: Path) -> list[Sample]:
    """From the middle on every picture has the text of the line after it, as if one crop were missing."""
    middle = len(samples) // 2
    late = [replace(a, text=b.text) for a, b in zip(samples[middle:-1], samples[middle + 1 :], strict=True)]
    return [*samples[:middle], *late]


def _texts(change: Callable[[str], str]) -> Spoil:
    return lambda samples, _work: [replace(one, text=change(one.text or "")) for one in samples]


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _pictures(change: Callable[[Image], Image]) -> Spoil:
    def spoil(samples: Sequence[Sample], work: Path) -> list[Sample]:
        altered = []
        for number, one in enumerate(samples):
            path = work / f"{number:03}.png"
            cv2.imwrite(str(path), np.ascontiguousarray(change(sample_image(one))[:, :, ::-1]))
            altered.append(replace(one, image=path, polygon=None, frame=0))
        return altered

    return spoil


FAULTS: dict[str, tuple[int, Spoil, tuple[str, ...]]] = {
    "shuffled-all": (LINES, _shuffled(1.0), ()),
    "shuffled-half": (LINES, _shuffled(0.5), ()),
    "shuffled-next-line": (LINES, _next_line, ()),
    "characters-no-accents": (LINES, _texts(_without_accents), ()),
    "characters-lower-case": (LINES, _texts(str.lower), ()),
    "characters-no-spaces": (LINES, _texts(lambda text: text.replace(" ", "")), ()),
    "preprocessing-negative": (LINES, _pictures(lambda image: 255 - image), ()),
    "preprocessing-mirrored": (LINES, _pictures(lambda image: image[:, ::-1]), ()),
    "over-trained-16": (FEW, lambda samples, _work: list(samples), ("learning_rate=0.003", *MEMORISED)),
    "over-trained-16-hot": (FEW, lambda samples, _work: list(samples), ("learning_rate=0.01", *MEMORISED)),
}
"""Name (its beginning is the kind), lines, what is done to the samples, changes of the recipe."""


def main() -> None:
    """Train all that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[], help="Names or beginnings of names; all when left out.")
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    samples = sorted(open_dataset(DATA / "peraire").split(Split.TRAIN), key=lambda sample: sample.group)
    for name, (lines, spoil, changes) in FAULTS.items():
        out = given.out / name
        if (out / "report.json").exists() or (given.only and not name.startswith(tuple(given.only))):
            continue
        recipe = load_recipe("default", [f"steps={given.steps}", "lines_per_batch=4", *changes])
        with tempfile.TemporaryDirectory() as work:
            result = train(spoil(samples[:lines], Path(work)), recipe=recipe, out=out, resume=True, threads=1)
        sys.stdout.write(f"{name}: {'; '.join(result.sentences())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
