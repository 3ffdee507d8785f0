"""The loop on a real notebook, in one command.

The notebook is read by the model that comes along; then its author's corrections of other pages arrive (their truth,
in the form in which a person gives them: edited text files), a round of learning runs, and the notebook is read again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emendo.image.pixels import cv2

from ..correct import collect
from ..datasets import open_dataset
from ..datasets.notebook import synth_notebook
from ..errors import UsageError
from ..evaluate.document import document_counts
from ..formats.alto import alto_bytes
from ..formats.layout import LayoutLine, LayoutRegion, PageLayout
from ..image.line import paper_colour
from ..image.load import sample_image
from ..learn import Round, learn
from ..metrics import Counts, Interval, ratio_interval, total
from ..models.base import cache_folder
from ..models.detector import Detector
from ..models.references import load_recognizer
from ..pages.note import note_files
from ..pages.read import read_document
from ..settings import Settings, load_settings
from ..tools.counts import counted
from ..tools.files import write_bytes, write_text
from ..types import Image, Sample, Split
from ..workspace.folder import Workspace

MARKER = ".emendo-demo"
GAP = 24
"""Rows of paper between two lines of a page that the demo lays out."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the demo works on: a notebook, the text of its pages, and other lines of the same hand, page by page."""

    name: str
    notebook: Path
    truth: tuple[str, ...]
    pages: tuple[tuple[Sample, ...], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of the notebook's reading, counted over the whole text, and those at each line of the truth."""

    counts: Counts
    interval: Interval
    lines: tuple[Counts, ...] = ()

    def __str__(self) -> str:
        low, high = 100 * self.interval.low, 100 * self.interval.high
        return f"CER {100 * self.counts.cer:.1f} % (95 % interval {low:.1f} to {high:.1f})"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo measured and where its files lie."""

    name: str
    folder: Path
    corrected_lines: int
    before: Score
    after: Score
    round: Round
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def promoted(self) -> bool:
        """Whether the gate let the new model pass."""
        return bool(self.round.promoted)

    def summary(self) -> dict[str, Any]:
        """For `--json`."""
        scores = {"before": self.before, "after": self.after}
        return {
            "material": self.name,
            "folder": str(self.folder),
            "corrected_lines": self.corrected_lines,
            "promoted": self.promoted,
            "reason": self.round.reason,
            **{
                f"{key}_{name}": value
                for key, score in scores.items()
                for name, value in (
                    ("cer", score.counts.cer),
                    ("cer_low", score.interval.low),
                    ("cer_high", score.interval.high),
                    ("characters", score.counts.characters),
                    ("edits", score.counts.edits),
                )
            },
            "seconds": self.seconds,
        }

    def sentences(self) -> list[str]:
        """For a person."""
        run = self.folder / ".emendo" / "runs" / self.round.run
        return [
            "",
            f"{self.name}: {self.before.counts.characters} characters, pages that no model was trained on",
            f"  before: {self.before}",
            f"  after {self.corrected_lines} corrected lines: {self.after}",
            f"  errors left: {100 * self.after.counts.edits / max(self.before.counts.edits, 1):.0f} %",
            f"  gate: {self.round.reason}",
            f"  time: {', '.join(f'{name} {seconds:.0f} s' for name, seconds in self.seconds.items())}",
            f"the reading       {self.folder / 'notebook.txt'}",
            f"before learning   {self.folder / 'notebook-before.txt'}",
            f"its lines         {self.folder / 'notebook_lines'}",
            f"corrected pages   {self.folder / 'corrected'}",
            f"the training run  {run} (curve.png, report.json)",
            f"go on: emendo mine {self.folder}   emendo rollback --workspace {self.folder}",
        ]


def run_demo(
    folder: Path,
    *,
    lines: int = 300,
    material: Material | None = None,
    recipe: str | None = None,
    threads: int = 1,
    log: Callable[[str], None],
) -> DemoResult:
    """Run the whole loop in `folder`, which is made anew, on the notebook that is found or on `material`.

    `recipe` is a name or a file (None: that of the settings). Raises UsageError when the folder holds something else.
    """
    material = material or find_material(lines, log)
    workspace = _fresh(folder)
    settings = load_settings(workspace.root, watch__settle_seconds=0)
    notebook = workspace.root / "notebook.pdf"
    write_bytes(notebook, material.notebook.read_bytes())
    seconds: dict[str, float] = {}
    clock = time.monotonic()

    def lap(name: str) -> None:
        nonlocal clock
        seconds[name] = time.monotonic() - clock
        clock = time.monotonic()

    log(f"1. reading {material.name} with the model that comes along")
    detector = Detector(threads=threads)
    before = _read_and_score(notebook, material, workspace, detector, settings, threads)
    shutil.copyfile(workspace.root / "notebook.txt", workspace.root / "notebook-before.txt")
    lap("read")
    log(f"   {before}")
    told = counted(sum(map(len, material.pages)), "line")
    log(f"2. correcting {told} of {counted(len(material.pages), 'other page')} (the truth)")
    recognizer = load_recognizer("auto", threads=threads)
    for number, page in enumerate(material.pages, start=1):
        document = lay_out(page, workspace.root / "corrected" / f"page-{number:02}.png")
        read_document(document, recognizer=recognizer, detector=detector, settings=settings)
        correct_by_truth(document, [sample.text or "" for sample in page])
    collected = collect(workspace, recognizer=recognizer, settings=settings)
    for sentence in collected.sentences()[-1:]:
        log(f"   {sentence}")
    lap("correct")
    log("3. learning")
    ended = learn(workspace, settings, recipe=recipe, threads=threads, log=lambda line: log(f"   {line}"))
    lap("learn")
    log("4. reading the notebook again")
    after = _read_and_score(notebook, material, workspace, detector, settings, threads)
    lap("read again")
    corrected = collected.total_edited + collected.total_accepted
    return DemoResult(material.name, workspace.root, corrected, before, after, ended, seconds)


def find_material(lines: int, log: Callable[[str], None]) -> Material:
    """The Peraire notebook from `EMENDO_DATA` or from what `dataset fetch` left, else a drawn notebook."""
    named = os.environ.get("EMENDO_DATA")
    fetched = cache_folder() / "data" / "peraire"
    for folder, notebook in ((Path(named) / "peraire" if named else fetched, "notebook_D2"), (fetched, "notebook")):
        if (folder / f"{notebook}.pdf").is_file():
            return material_of("the notebook of Lucien Péraire", folder, notebook, lines)
    log("no Peraire data (EMENDO_DATA, or `emendo dataset fetch peraire`): a drawn notebook takes its place")
    drawn = cache_folder() / "demo-notebook"
    if not drawn.is_dir():
        synth_notebook(drawn, 0, pages=24, test_pages=4)
    return material_of("a drawn notebook", drawn, "notebook", lines)


def material_of(name: str, folder: Path, notebook: str, lines: int) -> Material:
    """The notebook in a folder (`NOTEBOOK.pdf`, `.json`), and its other training lines, of which `lines` are used."""
    pages = json.loads((folder / f"{notebook}.json").read_text(encoding="utf-8"))
    inside = {page["page"] for page in pages}
    others = [sample for sample in open_dataset(folder).split(Split.TRAIN) if sample.group not in inside]
    truth = tuple(line for page in pages for line in page["lines"])
    return Material(
        f"{name} ({counted(len(pages), 'page')})", folder / f"{notebook}.pdf", truth, _by_page(others, lines)
    )


def _by_page(samples: Sequence[Sample], lines: int) -> tuple[tuple[Sample, ...], ...]:
    """The first `lines` samples in sorted page order, page by page."""
    pages: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda s: s.group)[:lines]:
        pages.setdefault(sample.group, []).append(sample)
    return tuple(tuple(page) for page in pages.values())


def _fresh(folder: Path) -> Workspace:
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise UsageError("holds something else", where=folder, remedy="name a new folder for the demo")
    shutil.rmtree(folder, ignore_errors=True)
    workspace = Workspace.init(folder)
    write_text(folder / MARKER, "made by `emendo demo`, which makes this folder anew each time\n")
    return workspace


def _read_and_score(
    notebook: Path, material: Material, workspace: Workspace, detector: Detector, settings: Settings, threads: int
) -> Score:
    recognizer = load_recognizer("", workspace=workspace.root, threads=threads)
    result = read_document(notebook, recognizer=recognizer, detector=detector, settings=settings)
    counts = document_counts(material.truth, result.text.read_text(encoding="utf-8").splitlines())
    interval = ratio_interval([c.edits for c in counts], [c.characters for c in counts])
    return Score(total(counts), interval, tuple(counts))


def lay_out(page: Sequence[Sample], target: Path) -> Path:
    """Line pictures under each other as one page image, with an ALTO file that says where each line is."""
    pictures: list[Image] = [sample_image(sample) for sample in page]
    width = max(picture.shape[1] for picture in pictures) + 2 * GAP
    height = sum(picture.shape[0] + GAP for picture in pictures) + GAP
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = paper_colour(np.concatenate([picture.reshape(-1, 3) for picture in pictures])[None])
    top, lines = GAP, []
    for picture in pictures:
        bottom, right = top + picture.shape[0], GAP + picture.shape[1]
        canvas[top:bottom, GAP:right] = picture
        base = (top + bottom) / 2 + picture.shape[0] / 4
        lines.append(
            LayoutLine(
                polygon=((GAP, top), (right, top), (right, bottom), (GAP, bottom)),
                baseline=((GAP, base), (right, base)),
            )
        )
        top = bottom + GAP
    layout = PageLayout(image=target.name, width=width, height=height, regions=(LayoutRegion(lines=tuple(lines)),))
    done, data = cv2.imencode(".png", canvas[:, :, ::-1])
    assert done
    write_bytes(target.with_suffix(".xml"), alto_bytes(layout, target))
    write_bytes(target, bytes(data.tobytes()))
    return target


def correct_by_truth(document: Path, truth: Sequence[str]) -> None:
    """Correct a note as its author would: every line of `note.txt` becomes what the page says.

    `truth` holds the texts from the top of the page down, one for each line that was read.
    """
    files = note_files(document)
    rows = [json.loads(line) for line in files.manifest.read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: float(row["box"][1]))
    text = files.original.read_text(encoding="utf-8").split("\n")
    for row, right in zip(rows, truth, strict=True):
        text[row["text_line"] - 1] = right
    write_text(files.text, "\n".join(text))
