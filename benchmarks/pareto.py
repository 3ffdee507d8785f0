"""CER against milliseconds per line: every form of a model on the same lines in the same run, rapidocr beside them.

    python benchmarks/pareto.py --models whole=BUNDLE narrow=BUNDLE int8=BUNDLE [--split val] [--lines 0] [--rounds 3]
        [--engines onnxruntime openvino] [--words-only] [--svg docs/pareto.svg] [--json]

Each model is read by each engine, with the words of its language and without. The engines take turns; the figure is
processor time, the best round of each (`reading_speed.py`, whose readers these are). The reference is the first model
on ONNX Runtime in float32 with words: a form holds when it is at least 2.5 times as fast as rapidocr's own recogniser
and its CER at most 0.3 points above the reference's, on the same lines. With `--svg` the forms are drawn, and a line
joins those of which no other is both faster and better.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from reading_speed import Reader, emendo, load_lines, measured, rapidocr

from emendo.errors import EngineError
from emendo.metrics.align import counts
from emendo.metrics.bootstrap import paired_bootstrap
from emendo.tools.files import write_bytes

PEER = "rapidocr"
FASTER, WORSE = 2.5, 0.3
"""Asked: times as fast as the peer, and most percentage points of CER above the reference."""
ENGINES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class Form:
    """One point: times as fast as the peer, CER in percent, points above the reference with their 95 % interval."""

    name: str
    cpu_ms: float
    times: float
    cer: float
    above: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether it is as fast and as good as asked."""
        return self.times >= FASTER and self.above <= WORSE


def readers_of(
    models: Sequence[str], engines: Sequence[str], *, plain: bool
) -> tuple[dict[str, Reader], dict[str, str]]:
    """A reader for each form, the reference first, and why others are missing."""
    found: dict[str, Reader] = {}
    missing: dict[str, str] = {}
    for model in models:
        name, equals, ref = model.partition("=")
        if not equals:
            raise SystemExit(f"--models {model!r} is no NAME=MODEL")
        for engine in engines:
            for words in (True, False) if plain else (True,):
                shown = f"{name}, {ENGINES[engine]}, {'with' if words else 'without'} words"
                try:
                    found[shown] = emendo(ref, engine=engine, words=words)  # type: ignore[arg-type]
                except (ImportError, EngineError) as error:
                    missing[shown] = str(error)
    return found, missing


def forms_of(
    readers: dict[str, Reader], images: Sequence[object], texts: Sequence[str], groups: Sequence[str], rounds: int
) -> list[Form]:
    """Every form measured, the reference first and the peer last."""
    readers = {**readers, PEER: rapidocr()}
    found = measured(readers, images, rounds=rounds)  # type: ignore[arg-type]
    errors = {name: [counts(a, b).edits for a, b in zip(texts, one.texts, strict=True)] for name, one in found.items()}
    sizes = [counts(text, text).characters for text in texts]
    first = errors[next(iter(errors))]
    forms = []
    for name, one in found.items():
        paired = paired_bootstrap(first, errors[name], sizes, groups=groups)
        forms.append(
            Form(
                name=name,
                cpu_ms=one.cpu_ms,
                times=found[PEER].cpu_ms / one.cpu_ms,
                cer=100 * sum(errors[name]) / sum(sizes),
                above=100 * paired.difference,
                low=100 * paired.low,
                high=100 * paired.high,
            )
        )
    return forms


def front(forms: Sequence[Form]) -> list[Form]:
    """The forms that no other beats in both, the fastest first."""
    best: list[Form] = []
    for form in sorted(forms, key=lambda one: (one.cpu_ms, one.cer)):
        if not best or form.cer < best[-1].cer:
            best.append(form)
    return best


def draw(forms: Sequence[Form], path: Path, title: str) -> None:
    """The forms without the peer as points; the front as a line; what is asked as a shaded corner."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "pareto"
    own, peer = [form for form in forms if form.name != PEER], next(form for form in forms if form.name == PEER)
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    models = list(dict.fromkeys(form.name.split(", ")[0] for form in own))
    colours = dict(zip(models, ("#2f6ba8", "#c2702e", "#3a8f5c", "#8a4fa3", "#b03a48", "#6b6b6b"), strict=False))
    for form in own:
        model, engine, words = form.name.split(", ")
        marker = "o" if engine == ENGINES["onnxruntime"] else "s"
        filled = colours[model] if words == "with words" else "white"
        axes.plot(form.cpu_ms, form.cer, marker, color=colours[model], markerfacecolor=filled, markersize=8)
    best = front(own)
    axes.plot([f.cpu_ms for f in best], [f.cer for f in best], color="#555555", linewidth=1, linestyle="--", zorder=0)
    axes.axvline(peer.cpu_ms / FASTER, color="#999999", linewidth=1)
    axes.axhline(own[0].cer + WORSE, color="#999999", linewidth=1)
    axes.fill_between([0, peer.cpu_ms / FASTER], 0, own[0].cer + WORSE, color="#e8f2e8", zorder=-1)
    axes.axvline(peer.cpu_ms, color="#c0392b", linewidth=1, linestyle=":")
    top = max(form.cer for form in own) * 1.12
    shown = f"rapidocr ({peer.cer:.1f} %) "
    axes.text(peer.cpu_ms, 0.98 * top, shown, color="#c0392b", ha="right", va="top", fontsize=9)
    asked = f" asked: {FASTER} times as fast,\n at most {WORSE} points worse"
    axes.text(0, 0.02 * top, asked, color="#4d7a4d", fontsize=9)
    for model in models:
        axes.plot([], [], "o", color=colours[model], label=model)
    for label, marker, filled in (
        ("ONNX Runtime", "o", "#444444"),
        ("OpenVINO", "s", "#444444"),
        ("without words", "o", "white"),
    ):
        axes.plot([], [], marker, color="#444444", markerfacecolor=filled, label=label)
    axes.set(xlim=(0, 1.12 * max(f.cpu_ms for f in forms)), ylim=(0, top), title=title)
    axes.set_xlabel("milliseconds of one core per line")
    axes.set_ylabel("CER (%)")
    axes.grid(color="#eeeeee")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=9, loc="best")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    write_bytes(path, buffer.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["base=base", "base-hand=base-hand"], metavar="NAME=MODEL")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--data", default="peraire", metavar="REF")
    parser.add_argument("--split", default="val")
    parser.add_argument("--lines", type=int, default=48, help="0: all lines of the split")
    parser.add_argument("--rounds", type=int, default=3, help="at least 2: the first makes the plans of the widths")
    parser.add_argument("--words-only", action="store_true", help="only with the words of the language")
    parser.add_argument("--svg", type=Path, help="where the forms are drawn")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    images, texts, _ = load_lines(given.data, given.split, given.lines)
    readers, missing = readers_of(given.models, given.engines, plain=not given.words_only)
    groups = [str(at) for at in range(len(texts))]
    forms = forms_of(readers, images, texts, groups, given.rounds)
    if given.svg:
        draw(forms, given.svg, f"{given.data}, {len(images)} {given.split} lines, one thread")
    if given.json:
        content = {"lines": len(images), "split": given.split, "machine": platform.processor() or platform.machine()}
        print(json.dumps({**content, "missing": missing, "forms": [{**vars(f), "holds": f.holds} for f in forms]}))
        return
    print("| form | ms of one core per line | times rapidocr | CER % | above the reference (95 %) | holds |")
    print("|---|---|---|---|---|---|")
    for form in forms:
        spread = f"{form.above:+.2f} ({form.low:+.2f} to {form.high:+.2f})"
        holds = "yes" if form.holds else "no"
        print(f"| {form.name} | {form.cpu_ms:.1f} | {form.times:.2f} | {form.cer:.2f} | {spread} | {holds} |")
    print(f"\nfront: {'; '.join(form.name for form in front([f for f in forms if f.name != PEER]))}")
    for name, why in missing.items():
        print(f"missing: {name}: {why}")


if __name__ == "__main__":
    main()
