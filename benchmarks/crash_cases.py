"""The commands that `crash.py` kills. A new one is a row of CASES."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from crash import Case
from crash_layout import LAYOUT
from crash_learning import LEARNING
from crash_notes import NOTES as REAL_NOTES
from crash_read import READ

from emendo.correct import collect
from emendo.settings import Settings
from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry, Line

NOTES, LINES = 6, 24
WORDS = tuple("le chat est sur la table nous partons demain matin il fait beau et la mer reste devant Naples".split())  # noqa: SIM905


def _note(folder: Path, name: str, r: random.Random) -> None:
    lines = folder / f"{name}_lines"
    lines.mkdir(parents=True)
    rows, text = [], []
    for i in range(LINES):
        reading = " ".join(r.choices(WORDS, k=8)) + f" {i}"
        picture = f"{name} {i}".encode()
        digest = hashlib.sha256(picture).hexdigest()
        (lines / f"line_{i:03d}.png").write_bytes(picture)
        row = {"id": digest[:16], "number": i + 1, "text_line": i + 1, "page": 1, "image": f"line_{i:03d}.png"}
        rows.append(row | {"sha256": digest, "text": reading, "confidence": 0.5, "model": "m"})
        text.append(reading)
    (lines / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for end in (".txt", ".txt.orig"):
        (folder / f"{name}{end}").write_text("\n".join(text) + "\n")


def _prepare_notes(folder: Path, r: random.Random) -> None:
    Workspace.init(folder)
    for k in range(NOTES):
        _note(folder, f"note{k}", r)


def _edit_notes(folder: Path, number: int, r: random.Random) -> None:
    """What a person does between two runs: a new word in some lines of every note."""
    for k in range(NOTES):
        path = folder / f"note{k}.txt"
        lines = path.read_text().splitlines()
        for i in r.sample(range(LINES), 4):
            words = lines[i].split()
            lines[i] = " ".join([*words[:3], f"mot{number}", *words[4:]])
        path.write_text("\n".join(lines) + "\n")
        then = time.time() - 100 + number * 1e-3
        os.utime(path, (then, then))


def _collect(folder: Path, tell: Callable[[str], None]) -> None:
    done: list[str] = []

    def progress(_done: int, _total: int, name: str) -> None:
        for note in done:
            tell(note)
        done[:] = [name]

    result = collect(Workspace.open(folder), settings=Settings(), progress=progress)
    assert not result.failures, result.failures


def _said(folder: Path, name: str) -> list[str]:
    """Lines of a note whose text in the file is not the correction that the database holds."""
    lines = (folder / f"{name}.txt").read_text().splitlines()
    original = (folder / f"{name}.txt.orig").read_text().splitlines()
    with Workspace.open(folder).store() as store:
        held = {correction.line: correction.text for correction in store.corrections()}
    faults = []
    for i, (line, read) in enumerate(zip(lines, original, strict=True)):
        key = hashlib.sha256(f"{name} {i}".encode()).hexdigest()[:16]
        if line != read and held.get(key) != line:
            faults.append(f"{name} line {i + 1}: {held.get(key)!r} is held, the file says {line!r}")
    return faults


def _check_collect(folder: Path, acknowledged: list[str]) -> list[str]:
    return [fault for name in acknowledged for fault in _said(folder, name)]


def _check_collected(folder: Path) -> list[str]:
    return [fault for k in range(NOTES) for fault in _said(folder, f"note{k}")]


def _prepare_store(folder: Path, _r: random.Random) -> None:
    lines = [
        Line(id=f"line{i}", document="a", number=i, text_line=i, page=1, image=f"{i}.png", sha256="0")
        for i in range(20)
    ]
    with Workspace.init(folder).store() as store:
        store.put_document("a", [(line, Reading("read", 0.5)) for line in lines])


def _save(folder: Path, tell: Callable[[str], None]) -> None:
    """A web page that saves: two dozen corrections one by one, each acknowledged when `add_correction` returns."""
    with Workspace.open(folder).store() as store:
        mark = store.mark()
        for i in range(24):
            line, text = f"line{i % 20}", f"text {mark + i}"
            entry = Entry(line=line, reading="read", text=text, verdict=Verdict.EDITED, author="me", source="web")
            correction, _ = store.add_correction(entry)
            tell(f"{line} {correction.version} {text}")


def _check_store(folder: Path, acknowledged: list[str]) -> list[str]:
    faults = []
    with Workspace.open(folder).store() as store:
        history = {line.id: store.history(line.id) for line in store.lines()}
    for told in acknowledged:
        line, version, text = told.split(" ", 2)
        held = {correction.version: correction.text for correction in history[line]}
        if held.get(int(version)) != text:
            faults.append(f"{line} version {version}: {text!r} was acknowledged, {held.get(int(version))!r} is held")
    for line, versions in history.items():
        if [correction.version for correction in versions] != list(range(1, len(versions) + 1)):
            faults.append(f"{line}: versions have a gap")
    return faults


def _prepare_champion(folder: Path, _r: random.Random) -> None:
    Workspace.init(folder)


def _promote(folder: Path, tell: Callable[[str], None]) -> None:
    workspace = Workspace.open(folder)
    now = workspace.champion()
    start = int(now.model) + 1 if now else 1
    for number in range(start, start + 12):
        with workspace.lock("promote"):
            workspace.set_champion(str(number), "crash test")
        tell(str(number))


def _check_champion(folder: Path, acknowledged: list[str]) -> list[str]:
    now = Workspace.open(folder).champion()
    held = int(now.model) if now else 0
    return [f"champion {told} was acknowledged, {held} is held" for told in acknowledged[-1:] if int(told) > held]


def _nothing(_folder: Path, _number: int, _r: random.Random) -> None:
    """The command makes its own work."""


CASES = {
    case.name: case
    for case in (
        Case("collect", _prepare_notes, _edit_notes, _check_collect, _check_collected, run=_collect),
        Case("store", _prepare_store, _nothing, _check_store, lambda folder: _check_store(folder, []), run=_save),
        REAL_NOTES,
        READ,
        LAYOUT,
        Case("pointer", _prepare_champion, _nothing, _check_champion, lambda _folder: [], run=_promote),
        *LEARNING,
    )
}
