"""Cases of `crash.py` that learn: a training run that resumes, and the whole loop of `watch`.

Both are shrunk (a few short lines of the Peraire notebook, or of a drawn one where it is not there; a few steps; four
general lines), so that hundreds of kills are affordable; the code that runs is the code of the commands. One run is
killed again and again and resumed each time, and must end as one that nobody disturbed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crash import Case

from emendo.datasets import open_dataset
from emendo.datasets.build import export
from emendo.datasets.dataset import Dataset
from emendo.datasets.notebook import synth_notebook
from emendo.datasets.synth import synth_lines
from emendo.errors import BundleError
from emendo.flows.demo import correct_by_truth, lay_out
from emendo.flows.watch import Watcher
from emendo.learn import round as learning
from emendo.models.bundle import read_bundle
from emendo.models.references import load_bundle
from emendo.pages.note import note_files
from emendo.settings import load_settings
from emendo.tools.files import write_text
from emendo.train.recipe import load_recipe
from emendo.train.run import train
from emendo.types import Sample, Split
from emendo.workspace.folder import Workspace

RECIPE = "steps: {steps}\nlines_per_batch: 2\nevaluations: {evaluations}\nreplay: 0\nprecision: float32\n"
LINES = 4
"""Lines of a page of the watched folder."""
SHORT = 24
"""Most characters of a line that takes part."""


def short_lines(drawn: Path) -> list[Sample]:
    """Short training lines of the notebook, in sorted page order; one is drawn in `drawn` where it is missing."""
    data = Path(os.environ.get("EMENDO_DATA", "../shared/data")) / "peraire"
    if not data.is_dir():
        synth_notebook(drawn, 3, pages=24, test_pages=1)
        data = drawn
    lines = sorted(open_dataset(data).split(Split.TRAIN), key=lambda sample: sample.group)
    return [sample for sample in lines if 8 < len(sample.text or "") <= SHORT]


def _load_training() -> None:
    """Import what training needs once, for all forked children: a kill shall hit the work."""
    import emendo.train.candidate
    import emendo.train.fit  # noqa: F401


def _prepare_training(folder: Path, _r: random.Random) -> None:
    _load_training()
    folder.mkdir(parents=True)
    lines = short_lines(folder.with_name("notebook"))[:8]
    export(lines, "jsonl", folder / "lines")
    write_text(folder / "recipe.yaml", RECIPE.format(steps=8, evaluations=4))


def _begin_training(folder: Path, number: int, _r: random.Random) -> None:
    """Each round trains anew; the first one stays as what an undisturbed run gives."""
    if number == 1:
        shutil.move(folder / "run", folder / "undisturbed")
    elif number:
        shutil.rmtree(folder / "run")


def _train(folder: Path, tell: Callable[[str], None]) -> None:
    samples = open_dataset(folder / "lines").samples
    recipe = load_recipe(str(folder / "recipe.yaml"))
    result = train(samples[:6], val=samples[6:], recipe=recipe, out=folder / "run", resume=True, threads=1)
    tell(str(result.report["model"]))


def _check_training(folder: Path, acknowledged: list[str]) -> list[str]:
    """A bundle is there whole or not at all; a run that said it is done has its bundle."""
    try:
        made = read_bundle(folder / "run" / "bundle").id
    except BundleError as error:
        if not (folder / "run" / "bundle").exists():
            made = ""
        else:
            return [str(error)]
    return [f"model {told} was acknowledged, {made!r} is there" for told in acknowledged if told != made]


def _check_trained(folder: Path) -> list[str]:
    reports = [folder / name / "report.json" for name in ("run", "undisturbed")]
    told = [json.loads(path.read_text(encoding="utf-8")) for path in reports if path.exists()]
    same = all(one["losses"] == told[0]["losses"] and one["model"] == told[0]["model"] for one in told)
    return [] if told and same else ["the resumed run differs from the undisturbed one"]


def _prepare_watched(folder: Path, _r: random.Random) -> None:
    _load_training()
    workspace = Workspace.init(folder)
    write_text(workspace.hidden / "recipe.yaml", RECIPE.format(steps=3, evaluations=3))
    for number in range(3):
        _page(folder, number)


def _lines_of_page(folder: Path, number: int) -> list[Sample]:
    samples = short_lines(folder.with_name("notebook"))
    start = (number * LINES) % (len(samples) - LINES)
    return samples[start : start + LINES]


def _page(folder: Path, number: int) -> Path:
    return lay_out(_lines_of_page(folder, number), folder / f"page_{number:04}.png")


def _bring_work(folder: Path, number: int, _r: random.Random) -> None:
    """A new page arrives, and the author corrects every page that was read."""
    documents = sorted(folder.glob("page_*.png"))
    for index, document in enumerate(documents):
        files = note_files(document)
        if files.manifest.exists() and not files.is_edited():
            correct_by_truth(document, [sample.text or "" for sample in _lines_of_page(folder, index)])
    _page(folder, len(documents))


def _few_general_lines(_cache: Path, _lines: int) -> Dataset:
    lines = Path(tempfile.gettempdir()) / "emendo-crash-general"
    if not lines.exists():
        synth_lines(4, 9, lines, fonts="builtin", longest=14)
    return open_dataset(lines)


def _look(folder: Path, tell: Callable[[str], None]) -> None:
    learning.general_set = _few_general_lines  # type: ignore[assignment]
    settings = load_settings(
        environment={}, watch__settle_seconds=0, watch__min_corrections=3, gate__min_test_lines=1, threads=1
    )
    recipe = str(folder / ".emendo" / "recipe.yaml")
    Watcher(Workspace.open(folder), settings, recipe=recipe, log=lambda line: tell(f"{time.time()} {line}")).look()


def _check_watched(folder: Path, acknowledged: list[str]) -> list[str]:
    """What was said to be read, collected or put in use is there."""
    workspace = Workspace.open(folder)
    load_bundle("", workspace=workspace.root)
    faults = []
    with workspace.store() as store:
        corrected = {store.line(correction.line).document for correction in store.corrections()}
        rounds = len(store.events(learning.DONE))
    for told in acknowledged:
        _, kind, *rest = told.split(" ")
        if kind == "collected" and rest[0].rstrip(":") not in corrected:
            faults.append(f"{rest[0]} was said to be collected, its corrections are not there")
        if kind == "read" and not note_files(folder / rest[0].rstrip(":")).manifest.exists():
            faults.append(f"{rest[0]} was said to be read, its lines are not there")
        if kind in ("promoted:", "not") and not rounds:
            faults.append("a round was said to be done, the log does not know it")
    return faults


def _check_watched_end(folder: Path) -> list[str]:
    with Workspace.open(folder).store() as store:
        if learning.unfinished(store) is not None:
            return ["a round has no end after an undisturbed look"]
    return _check_watched(folder, [])


LEARNING = (
    Case("train", _prepare_training, _begin_training, _check_training, _check_trained, run=_train, kills_a_round=8),
    Case(
        "watch",
        _prepare_watched,
        _bring_work,
        _check_watched,
        _check_watched_end,
        run=_look,
        kills_a_round=6,
    ),
)
