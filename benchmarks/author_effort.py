"""What it costs an author to correct a notebook, in keys: line mode, a plain text field, typing it all.

    python benchmarks/author_effort.py --out FOLDER [--lines 300] [--block 50] [--models 50 100 200] [--base auto]
        [--svg docs/effort.svg] [--json]

The first train lines of Peraire in page order are the notebook of one author, who corrects it line by line. A model is
trained on the first 50, 100, 200 lines that they have corrected (`--models`; kept in FOLDER, so that another run does
not train them again) and is in use `DELAY` lines later, for training takes as long as those take to correct. Between
trainings the language model learns from each line that is saved.

The author is simulated (`emendo.label.author`; what counts as a key stands there). Three ways, on the same lines:
typing the line and Enter; correcting the same reading, the one that line mode shows, in a plain text field by the
fewest keys that any way of working needs (`emendo.metrics.editing`), and Enter; line mode. `--split val` and another
`--offset` are for choosing settings: nothing was chosen on the first 300 train lines.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from adaptation import lines_of

from emendo.image.load import sample_image
from emendo.label.author import LineEditor, correct
from emendo.label.foresight import Foresight
from emendo.label.predict import Prediction
from emendo.metrics.align import counts
from emendo.metrics.editing import fewest_keys
from emendo.models.choice import settled
from emendo.models.references import load_recognizer
from emendo.text.normalize import normalize_text
from emendo.types import EvidenceRecognizer, Reading, Recognizer, Sample

DELAY = 10
"""Lines that are corrected while a model is trained."""
TOLD_FROM = 40
"""Readings that the language is told from, those of the first pages."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: characters, errors of what was shown, keys of the three ways, and the slowest prediction."""

    characters: int
    edits: int
    typed: int
    plain: int
    line_mode: int
    slowest_ms: float


def trained(samples: list[Sample], size: int, out: Path, base: str) -> Path:
    """The bundle that is trained on the first lines, by the default recipe, once."""
    from emendo.train.recipe import load_recipe
    from emendo.train.run import train

    place = out / "models" / str(size)
    if not (place / "report.json").exists():
        shutil.rmtree(place, ignore_errors=True)
        train(samples[:size], out=place, recipe=load_recipe("default", ["seed=0"]), threads=1, base=base)
    return place / "bundle"


def corrected(samples: list[Sample], models: dict[int, Recognizer]) -> list[Row]:
    """Each line in order, read by the model that is in use by then (its first line is its key)."""
    images = {sample.id: sample_image(sample) for sample in samples}
    general = models[0]
    assert isinstance(general, EvidenceRecognizer)
    first = settled(general, [images[sample.id] for sample in samples[:TOLD_FROM]])
    models = {**models, 0: first}
    told = [one.text for one in first.read([images[sample.id] for sample in samples[:TOLD_FROM]])]
    now: Recognizer = first
    foresight = Foresight(
        lambda: now, lambda line: (images[line], Reading("", 0.0, (), now.model)), lambda most: ({}, told)
    )
    rows: list[Row] = []
    waiting: Sample | None = None
    for at, sample in enumerate(samples):
        now = models.get(at, now)
        shown = foresight.predict(sample.id)  # the page asks for it while the line before is in work
        if waiting is not None:
            foresight.learn(waiting.id, waiting.text or "")
        waiting = sample
        rows.append(_line(foresight, sample, shown))
    return rows


def _line(foresight: Foresight, sample: Sample, shown: Prediction | None) -> Row:
    times: list[float] = []

    def predict(before: str, between: str, kept: str) -> Prediction | None:
        began = time.perf_counter()
        found = foresight.predict(sample.id, before, between, kept)
        times.append(1000 * (time.perf_counter() - began))
        return found

    truth = normalize_text(sample.text or "")
    assert shown is not None
    keys = correct(LineEditor.show(shown, predict), truth)
    plain = fewest_keys(truth, shown.text.strip()) + 1
    edits = counts(truth, shown.text).edits
    return Row(len(truth), edits, len(truth) + 1, plain, len(keys), max(times, default=0.0))


def summed(rows: list[Row]) -> dict[str, float]:
    """Keys per 1,000 characters of each way, CER, and what line mode saves."""
    characters = sum(row.characters for row in rows)
    typed, plain, ours = (sum(getattr(row, name) for row in rows) for name in ("typed", "plain", "line_mode"))
    return {
        "lines": len(rows),
        "cer": 100 * sum(row.edits for row in rows) / characters,
        "typed": 1000 * typed / characters,
        "plain": 1000 * plain / characters,
        "line_mode": 1000 * ours / characters,
        "fewer_than_typing": 100 * (1 - ours / typed),
        "fewer_than_plain": 100 * (1 - ours / plain),
    }


def table(parts: list[tuple[str, dict[str, float]]]) -> str:
    """The blocks as a Markdown table."""
    rows = ["| lines | CER shown | typed | plain field | line mode | fewer than typing | fewer than plain |"]
    rows.append("|" + "---|" * 7)
    for name, one in parts:
        rows.append(
            f"| {name} | {one['cer']:.1f} | {one['typed']:.0f} | {one['plain']:.0f} | {one['line_mode']:.0f} | "
            f"{one['fewer_than_typing']:.0f} % | {one['fewer_than_plain']:.0f} % |"
        )
    return "\n".join(rows)


def drawn(parts: list[tuple[str, dict[str, float]]], switches: list[int], block: int, lines: int) -> str:
    """The curves as SVG: keys per 1,000 characters by block, and where a new model comes into use."""
    width, height, left, top, right, bottom = 760, 380, 64, 24, 150, 48
    most = 1100.0
    across, down = width - left - right, height - top - bottom

    def place(x: float, y: float) -> tuple[float, float]:
        return left + across * x / lines, top + down * (1 - y / most)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        'font-size="13" fill="#777"><title>Keys per 1,000 characters while a notebook is corrected</title>'
    ]
    for level in range(0, 1001, 250):
        x, y = place(0, level)
        out.append(f'<path d="M{x:.0f} {y:.1f}H{width - right}" stroke="#777" stroke-opacity=".3"/>')
        out.append(f'<text x="{x - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{level}</text>')
    for at in range(0, lines + 1, block):
        x, y = place(at, 0)
        out.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{at}</text>')
    for at in switches:
        x, y = place(at, 0)
        out.append(f'<path d="M{x:.1f} {top}V{y:.1f}" stroke="#777" stroke-dasharray="3 4"/>')
    out.append(f'<text x="{left + across / 2:.0f}" y="{height - 8}" text-anchor="middle">lines corrected</text>')
    for name, label, colour in (
        ("typed", "typed anew", "#8a8a8a"),
        ("plain", "plain text field", "#c2702e"),
        ("line_mode", "line mode", "#3b7dc4"),
    ):
        points = [place(block * (number + 0.5), one[name]) for number, (_, one) in enumerate(parts)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        out.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{label} {parts[-1][1][name]:.0f}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--offset", type=int, default=0, help="Lines left out before the first.")
    parser.add_argument("--split", default="train", choices=["train", "val"])
    parser.add_argument("--block", type=int, default=50)
    parser.add_argument("--models", type=int, nargs="*", default=[50, 100, 200], help="Lines a model is trained on.")
    parser.add_argument("--base", default="auto")
    parser.add_argument("--svg", type=Path, help="Where the curves are drawn.")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    train, val = lines_of("peraire-all", "val")
    samples = (train if given.split == "train" else val)[given.offset : given.offset + given.lines]
    models: dict[int, Recognizer] = {0: load_recognizer(given.base)}
    for size in given.models:
        models[size + DELAY] = load_recognizer(str(trained(samples, size, given.out, given.base)))
    rows = corrected(samples, models)
    parts = [
        (f"{at + 1} to {min(len(rows), at + given.block)}", summed(rows[at : at + given.block]))
        for at in range(0, len(rows), given.block)
    ]
    whole = summed(rows)
    slowest = sorted(row.slowest_ms for row in rows)
    if given.svg:
        given.svg.write_text(drawn(parts, sorted(models)[1:], given.block, len(rows)), encoding="utf-8")
    if given.json:
        result: dict[str, Any] = {"whole": whole, "blocks": dict(parts), "rows": [asdict(row) for row in rows]}
        print(json.dumps(result))
        return
    print(table([*parts, ("all", whole)]))
    middle, late = slowest[len(slowest) // 2], slowest[int(0.95 * len(slowest))]
    print(f"\nslowest prediction of a line: median {middle:.0f} ms, 95 % of lines within {late:.0f} ms")


if __name__ == "__main__":
    main()
