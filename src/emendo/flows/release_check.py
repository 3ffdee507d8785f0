"""Is this emendo fit to be released? The whole loop on made-up material, step by step, held against what was recorded.

A notebook in an invented hand is read, corrected by its truth, learnt from, judged by the gate and read again; the new
model is evaluated, exported with its certificate, served by a process of its own and asked; made-up invoices are read
to fields. Fixtures are drawn from seeds, so the lines are the same each time and the figures are compared in pairs:
one counts as fallen when it is worse with confidence (`baseline.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ..client import Client
from ..datasets import Dataset, open_dataset
from ..datasets.invoices.build import make_document
from ..datasets.notebook import synth_notebook
from ..errors import BundleError, EmendoError, EngineError, Refused, UsageError
from ..evaluate import evaluate
from ..fields.compare import compare_documents
from ..image.load import sample_image
from ..learn.round import Log
from ..metrics import Interval, ratio_interval
from ..models.bundle import Bundle, read_bundle
from ..models.certificate import check_certificate
from ..models.references import load_recognizer
from ..pages.fieldfiles import read_fields
from ..pages.fields import load_document_reader
from ..release.export import Order, export
from ..release.keys import release_key, trusted_keys
from ..settings import Settings
from ..tools.files import write_bytes, write_text
from ..types import Sample, Split
from ..workspace.folder import Workspace
from .demo import DemoResult, material_of, run_demo

SEED: Final = 29
PARITY_LINES: Final = 12
"""Test lines on which the exported model is proven."""
START_SECONDS: Final = 300.0
"""Time in which the service has to load the model, on a machine that has other work too."""
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, slots=True)
class Fixture:
    """What the loop runs on: pages of the notebook (the last `test_pages` are read before and after), the lines that
    are corrected, the recipe, how many documents are read to fields, and how strange the hand is. `what` is for
    people."""

    what: str
    pages: int
    test_pages: int
    lines: int
    documents: int
    recipe: Mapping[str, Any]
    strangeness: float


FIXTURES: Final[Mapping[str, Fixture]] = {
    "tiny": Fixture(
        "shows that every step runs; its model has hardly learned",
        pages=4,
        test_pages=1,
        lines=20,
        documents=1,
        recipe={"steps": 4, "lines_per_batch": 4, "evaluations": 1, "replay": 0},
        strangeness=0.9,
    ),
    "small": Fixture(
        "some minutes; the model reads the hand far better than the base, but loses a letter that it was never shown",
        pages=8,
        test_pages=2,
        lines=85,
        documents=4,
        recipe={"steps": 80, "lines_per_batch": 8, "evaluations": 2},
        strangeness=1.4,
    ),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Errors counted over lines or documents (`unit`), with the size of each: a rate, the lower the better."""

    what: str
    unit: str
    errors: tuple[float, ...]
    sizes: tuple[float, ...]

    @property
    def interval(self) -> Interval:
        """The rate with its 95 % interval."""
        return ratio_interval(self.errors, self.sizes)

    def __str__(self) -> str:
        seen = self.interval
        bounds = f"95 % interval {100 * seen.low:.2f} to {100 * seen.high:.2f}"
        return f"{self.what}: {100 * seen.value:.2f} % ({bounds}, {len(self.sizes)} {self.unit}s)"


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check has seen: figures by name, facts that are to be so (with what they say), and the time of each
    step in seconds, of the clock and of the processor."""

    fixture: str
    figures: Mapping[str, Figure]
    facts: Mapping[str, tuple[bool, str]]
    seconds: Mapping[str, float]
    cpu_seconds: float


@dataclass(slots=True)
class _Steps:
    """Tells each step and takes its time."""

    log: Log
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[None]:
        self.log(f"== {name}: {what}")
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began


def fixture_named(name: str) -> Fixture:
    """A fixture of the table. Raises UsageError for an unknown one."""
    if name not in FIXTURES:
        raise UsageError(f"unknown fixture {name!r}", remedy=f"use {' or '.join(FIXTURES)}")
    return FIXTURES[name]


def run_check(name: str, folder: Path, *, threads: int = 1, log: Log = lambda _: None) -> Checked:
    """Run the whole loop on a fixture in `folder`, which is made anew.

    Raises Refused when the loop makes no model, and whatever a step raises that fails: a release is not fit then.
    """
    fixture, steps, began = fixture_named(name), _Steps(log), _cpu()
    figures: dict[str, Figure] = {}
    facts: dict[str, tuple[bool, str]] = {}
    with steps.step("material", f"a notebook of {fixture.pages} pages and {fixture.documents} invoices are drawn"):
        lines = _lines(name, fixture, folder)
        recipe = folder / "recipe.yaml"
        write_text(recipe, yaml.safe_dump(dict(fixture.recipe)))
    with steps.step("loop", "init, read, correct, collect, train, gate, read again"):
        material = material_of(f"a drawn notebook ({name})", lines.path, "notebook", fixture.lines)
        loop = run_demo(folder / "loop", material=material, recipe=str(recipe), threads=threads, log=log)
        workspace = Workspace.open(loop.folder)
        bundle = _made(workspace, loop)
    figures["before"] = _read_figure("CER of the notebook before learning", loop.before.lines)
    figures["after"] = _read_figure("CER of the notebook with the new model in use, or the old one", loop.after.lines)
    facts["gate"] = (loop.promoted, loop.round.reason)
    with steps.step("evaluate", "the new model on lines that it never saw"):
        report = evaluate(load_recognizer(str(bundle.folder), threads=threads), lines, split=Split.TEST)
        figures["lines"] = _read_figure("CER of the new model on test lines", [line.counts for line in report.lines])
    tests = [sample for sample in lines.samples if sample.split is Split.TEST]
    with steps.step("export", f"onnx with its certificate, on {PARITY_LINES} lines"):
        exported, facts["certificate"] = _export(workspace, bundle, tests[:PARITY_LINES], folder / "onnx", threads)
    with steps.step("serve", "one request to a service of its own"):
        facts["service"] = _serve(exported, tests[0])
    with steps.step("documents", f"{fixture.documents} made-up invoices to fields"):
        figures["fields"], facts["documents"] = _documents(fixture.documents, folder / "documents", threads, log)
    return Checked(name, figures, facts, steps.seconds, _cpu() - began)


def _lines(name: str, fixture: Fixture, folder: Path) -> Dataset:
    """The notebook with its lines; drawn once a folder."""
    place = folder / f"notebook-{name}"
    if place.is_dir():
        return open_dataset(place)
    folder.mkdir(parents=True, exist_ok=True)
    return synth_notebook(
        place, SEED, pages=fixture.pages, test_pages=fixture.test_pages, strangeness=fixture.strangeness
    )


def _made(workspace: Workspace, loop: DemoResult) -> Bundle:
    place = workspace.runs / loop.round.run / "bundle"
    try:
        return read_bundle(place)
    except BundleError as error:
        raise Refused(f"the loop made no model ({loop.round.reason})", where=place) from error


def _read_figure(what: str, counts: Any) -> Figure:
    return Figure(what, "line", tuple(float(c.edits) for c in counts), tuple(float(c.characters) for c in counts))


def _export(
    workspace: Workspace, bundle: Bundle, samples: list[Sample], out: Path, threads: int
) -> tuple[Bundle, tuple[bool, str]]:
    """The model as an exported bundle, and whether its certificate proves it."""
    from ..tools.files import remove_folder

    remove_folder(out)
    order = Order(model=bundle, form="onnx", samples=samples, threads=threads)
    export(order, out, release_key(workspace), name="lines of the release check")
    held = read_bundle(out)
    seen = check_certificate(held, trusted_keys(workspace))
    row = seen.rows[-1]
    return held, (row.same == row.lines, f"{row.same} of {row.lines} lines the same as the trained model, signed")


def _serve(bundle: Bundle, sample: Sample) -> tuple[bool, str]:
    """Ask a service that is started for it, as a user starts it; whether it reads what the model reads here."""
    here = load_recognizer(str(bundle.folder), engine="onnxruntime").read([sample_image(sample)])[0].text
    with serving(bundle.folder) as address:
        served = Client(address, patience=START_SECONDS).read(sample.image).text
    return served == here, f"the service read {served[:60]!r}, the model here {here[:60]!r}"


@contextmanager
def serving(model: Path, *options: str) -> Iterator[str]:
    """`emendo serve` with a model, in a process of its own that ends with the block; its address.

    Raises EngineError with what it said when it does not start.
    """
    options = ("--kinds", "line", "--workers", "1", *options)
    command = [sys.executable, "-m", "emendo", "serve", "--model", str(model), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        address = _ADDRESS.search(said)
        if address is None:
            raise EngineError(f"the service did not start ({(said + process.stderr.read()).strip()[:300]})")
        yield address.group()
    finally:
        process.terminate()
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _documents(count: int, folder: Path, threads: int, log: Log) -> tuple[Figure, tuple[bool, str]]:
    """Errors per value of made-up invoices that are read to fields, and whether all were read."""
    reader = load_document_reader("base-fields", threads=threads)
    errors: list[float] = []
    sizes: list[float] = []
    read = 0
    for at in range(count):
        made = make_document(SEED, at)
        path = folder / f"invoice_{at + 1:02}.pdf"
        write_bytes(path, made.pdf)
        result = read_fields([path], reader=reader, settings=_SETTLED, again=True)
        found = result.files[0].fields if result.files else None
        read += found is not None
        for sentence in (*result.sentences(), *result.failures):
            log(f"   {sentence}")
        counts = compare_documents(made.document, found).fields.values()
        errors.append(float(sum(one.errors for one in counts)))
        sizes.append(float(sum(one.values for one in counts)))
    figure = Figure(
        "wrong, missed and invented values per value of made-up invoices", "document", tuple(errors), tuple(sizes)
    )
    return figure, (read == count, f"{read} of {count} documents read")


_SETTLED: Final = Settings.model_validate({"watch": {"settle_seconds": 0}})


def _cpu() -> float:
    """Seconds of the processor that this process and its ended children took."""
    import os

    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def check_steps(run: Callable[[], Checked]) -> Checked:
    """A check whose failed step is a refusal: what cannot be run cannot be released."""
    try:
        return run()
    except (UsageError, Refused):
        raise
    except EmendoError as error:
        raise Refused(f"a step of the loop failed: {error}") from error
