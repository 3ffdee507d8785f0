"""`emendo collect` for `crash.py` on real pages: killed at any moment, it takes in what an undisturbed one takes in.

Pages of the Peraire notebook (drawn lines where it is not there), as the base really reads them; the author corrects,
merges and splits lines, so that the recogniser's evidence is asked for.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from crash import Case, aside
from crash_learning import short_lines

from emendo.correct import collect
from emendo.flows.demo import lay_out
from emendo.models.detector import Detector
from emendo.models.references import load_recognizer
from emendo.pages.note import note_files
from emendo.pages.read import read_document
from emendo.settings import Settings, WatchSettings
from emendo.tools.files import write_text
from emendo.workspace.folder import HIDDEN, Workspace

PAGES, LINES = 3, 6
SETTINGS = Settings(watch=WatchSettings(settle_seconds=0))


def _prepare(folder: Path, _r: random.Random) -> None:
    Workspace.init(folder)
    lines = short_lines(folder.with_name("notebook"))
    for number in range(PAGES):
        lay_out(lines[number * LINES : (number + 1) * LINES], folder / f"page{number}.png")
    aside(lambda: _read(folder))


def _read(folder: Path) -> None:
    recognizer, detector = load_recognizer("base"), Detector()
    for page in sorted(folder.glob("page*.png")):
        read_document(page, recognizer=recognizer, detector=detector, settings=SETTINGS)


def _edit(folder: Path, number: int, r: random.Random) -> None:
    """What a person does: corrects a word, writes two lines as one, breaks one in two; always from the reading."""
    for page in sorted(folder.glob("page*.png")):
        files = note_files(page)
        lines = [line for line in files.original.read_text(encoding="utf-8").split("\n") if line.strip()]
        for i in r.sample(range(len(lines)), 2):
            words = lines[i].split()
            words[r.randrange(len(words))] = f"mot{number}"
            lines[i] = " ".join(words)
        i = r.randrange(len(lines) - 1)
        if r.random() < 0.5:
            lines[i : i + 2] = [" ".join(lines[i : i + 2])]
        else:
            words = lines[i].split()
            middle = max(1, len(words) // 2)
            lines[i : i + 1] = [" ".join(words[:middle]), " ".join(words[middle:])]
        write_text(files.text, "\n".join(line for line in lines if line) + "\n")


def _collect(folder: Path, tell: Callable[[str], None]) -> None:
    done: list[str] = []

    def progress(_done: int, _total: int, name: str) -> None:
        for note in done:
            tell(note)
        done[:] = [name]

    result = collect(Workspace.open(folder), recognizer=load_recognizer("base"), settings=SETTINGS, progress=progress)
    assert not result.failures, result.failures


def _held(folder: Path) -> dict[str, str]:
    with Workspace.open(folder).store() as store:
        return {correction.line: correction.text for correction in store.corrections()}


def _check(folder: Path, acknowledged: list[str]) -> list[str]:
    """A note that was acknowledged is signed as collected, with corrections that its text holds."""
    faults = []
    with Workspace.open(folder).store() as store:
        for name in acknowledged:
            if not store.signature(name):
                faults.append(f"{name} was acknowledged and is not collected")
            if not store.corrections(documents=[name]):
                faults.append(f"{name} was acknowledged, none of its corrections is there")
    return faults


def _check_end(folder: Path) -> list[str]:
    """All that an undisturbed collection of the same files takes in is there, with the same text."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "notes"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(HIDDEN))
        Workspace.init(copy)
        aside(lambda: _collect(copy, lambda _line: None))
        wanted, held = _held(copy), _held(folder)
    return [
        f"{line}: {held.get(line)!r} is held, {text!r} is in the file"
        for line, text in wanted.items()
        if held.get(line) != text
    ]


NOTES = Case("notes", _prepare, _edit, _check, _check_end, run=_collect)
