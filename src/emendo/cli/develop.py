"""Commands that show and measure emendo itself: demo, bench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..settings import cores
from . import output
from .context import Json

BENCHMARKS = {
    "reading": ("reading_speed.py", "speed and CER of any --model on any --data beside rapidocr, tesseract, TrOCR"),
    "page": ("page_speed.py", "key press to next line in the page, 100,000 lines"),
    "search": ("search_speed.py", "search in all text of 100,000 lines while others save"),
    "effort": ("author_effort.py", "keys to correct 300 Peraire lines: line mode, a plain text field, typing"),
    "adaptation": ("adaptation.py", "CER after 16, 75, 300 and all lines of one writer; eight further writers"),
    "lines": ("line_finding.py", "line finding on whole pages beside rapidocr's boxes"),
    "alignment": ("alignment.py", "corrections paired with line images under fuzzed edits"),
    "trials": ("trials.py", "trials of a candidate on a service: right and wrong verdicts, documents needed, peers"),
    "gate": ("gate.py", "sabotaged and truly better candidates before the gate"),
    "learning": ("active_learning.py", "lines chosen by the queue against random order"),
    "crash": ("crash.py", "kill -9 at random moments of collect, watch, train and promote"),
    "families": ("families.py", "tiny TrOCR on 64 lines through the command line: adapter and whole"),
    "trocr": ("trocr_speed.py", "a training step of TrOCR-small beside a plain script; with a frozen encoder"),
    "trocr-reading": ("trocr_reading.py", "a line read by TrOCR-small: torch, ONNX graphs, int8, OpenVINO"),
    "metrics": ("metrics_speed.py", "corpus CER and WER on 100,000 pairs"),
    "estimate": (
        "estimate.py",
        "CER without a truth, with its interval: writers and pages left out; doubt, ATC, DoC beside",
    ),
    "manifests": ("manifests.py", "a manifest of a million rows: open, filter, split"),
    "firewall": ("firewall.py", "wrong labels found among Peraire's training lines"),
    "sagemaker": ("sagemaker.py", "the SageMaker container: time to ready, /invocations beside /v1/read"),
    "fields": ("fields.py", "fields of receipts, invoices and made-up documents: models, a few rules, invoice2data"),
    "text-layer": ("text_layer.py", "fields of PDFs: words of the text layer beside words by OCR, errors and time"),
    "validator": ("validator.py", "corrupted and right documents before the validator of fields"),
    "field-mode": ("field_mode.py", "keys to fill in documents: empty form, filled in by the model, with the memory"),
    "synth-invoices": ("synth_invoices.py", "synthetic invoices twice: the same bytes, right sums, pages a second"),
    "mining": ("mining_rounds.py", "three rounds of mining on receipts, corrections simulated; plain training beside"),
    "fields-speed": ("fields_speed.py", "a page to its checked fields: wall and processor seconds, and its steps"),
    "field-decoding": (
        "field_decoding.py",
        "tagged words to documents: right tags, noise, what sums are worth",
    ),
    "drift": ("drift.py", "simulated shifts in real traffic: pages until the alarm, false alarms, beside KS and PSI"),
    "registry": ("registry.py", "MLflow registry: push, pull, serve, a server that dies, kill -9 while aliases move"),
    "edge": ("edge_attacks.py", "attacks, kill -9 and a full disk while a device fetches a release"),
    "parity": ("parity.py", "torch network against its ONNX graph: every test line of every set of lines"),
    "service": ("service.py", "the service: overload, stops and swaps under load, workers, batches"),
    "capture": ("capture.py", "what capturing all readings costs the service: with it and without, in turn"),
    "soak": ("soak.py", "the service at full load with capture, swaps, bad images: memory and open files flat"),
    "plates": ("plates.py", "licence plates with 0, 43, 200 and all labels: the base, the adapted base, rapidocr"),
    "plate-labels": ("plate_labels.py", "pre-labels of licence plates: base, rapidocr, both together"),
    "pareto": ("pareto.py", "CER against ms per line: forms of a model by each engine, rapidocr beside them"),
    "threads": ("threads.py", "one recogniser shared by 16 threads: the same readings, and how much sooner"),
    "crnn": ("plate_crnn.py", "a CRNN from nothing on plates, threads, and fast-plate-ocr trained on the same"),
    "install": ("install_size.py", "megabytes of both light installations on x86-64 and aarch64; memory of a page"),
    "flow-batch": ("flow_batch.py", "2,000 lines in a batch: overhead over plain reading, and five kill -9"),
    "flow-train": ("flow_train.py", "the flow `train` on 60 lines: three folds, final model, gate, cards"),
    "start": ("cold_start.py", "seconds from `emendo read` to the first line"),
}
"""Name, script in benchmarks/, what it measures."""


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to work in.")] = Path("demo"),
    lines: Annotated[int, typer.Option(metavar="N", help="Corrected lines to learn from.")] = 300,
    json: Json = False,
) -> int:
    """Show the whole loop on a real notebook.

    It is read, 300 lines of other pages are corrected, a model is trained, proven and used, and it is read again.
    The notebook is that of Lucien Peraire when EMENDO_DATA names a folder that holds it or `emendo dataset fetch
    peraire` has fetched it; else one that emendo draws itself.
    """
    from ..flows.demo import run_demo

    result = run_demo(folder, lines=lines, threads=cores(), log=output.note)
    output.show(result.summary(), result.sentences(), json=json)
    return 0 if result.promoted else 1


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One benchmark, or all.")] = None,
) -> int:
    """Run a benchmark of the repository; without a name, list them.

    Further arguments go to its script.
    """
    if name is None:
        for key, (_, what) in BENCHMARKS.items():
            typer.echo(f"{key:12} {what}")
        return 0
    if name not in {*BENCHMARKS, "all"}:
        raise UsageError(f"unknown benchmark {name!r}", remedy=f"use all or one of {', '.join(BENCHMARKS)}")
    folder = Path(__file__).resolve().parents[3] / "benchmarks"
    if not folder.is_dir():
        raise UsageError("the benchmarks are not part of an installed emendo", remedy="run it in a checkout")
    failed = 0
    for key in BENCHMARKS if name == "all" else (name,):
        output.note(f"== {key}")
        failed |= subprocess.run([sys.executable, folder / BENCHMARKS[key][0], *context.args], check=False).returncode
    return 2 if failed else 0
