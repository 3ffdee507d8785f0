"""`emendo read` for `crash.py`: killed at any moment, every note is whole or not there, and ends up the same.

The documents are pages of strokes, read by a stand-in for the recogniser: what is under test are the files.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from crash import Case
from PIL import Image as Pillow

from emendo.pages.session import read_inputs
from emendo.settings import Settings, WatchSettings
from emendo.types import Image, Reading

DOCUMENTS, PAGES, LINES = 4, 3, 5
SETTINGS = Settings(watch=WatchSettings(settle_seconds=0))
EDITED = "edited.tif"


class Stub:
    """Reads a line as the hash of its pixels, a little slowly."""

    model = "stub@1"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        time.sleep(0.002 * len(images))
        return [Reading(_hash(image.tobytes())[:12], 0.5, (), self.model) for image in images]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def page_picture(r: random.Random) -> Pillow.Image:
    page = np.full((360, 420, 3), 250, np.uint8)
    for row in range(LINES):
        for x in range(30, r.randrange(150, 390), 12):
            cv2.line(page, (x, 60 + 55 * row), (x + 5, 46 + 55 * row - r.randrange(4)), (30, 30, 60), 2)
            cv2.line(page, (x + 5, 46 + 55 * row), (x + 9, 60 + 55 * row), (30, 30, 60), 2)
    return Pillow.fromarray(page)


def _document(path: Path, r: random.Random) -> None:
    first, *others = [page_picture(r) for _ in range(PAGES)]
    hidden = path.with_name(f".{path.name}")
    first.save(hidden, format="TIFF", save_all=True, append_images=others)
    hidden.replace(path)


def _prepare(folder: Path, r: random.Random) -> None:
    folder.mkdir()
    _document(folder / EDITED, r)
    read_inputs([folder], recognizer=Stub(), settings=SETTINGS)
    (folder / "edited.txt").write_text("what the person wrote\n", encoding="utf-8")


def _work(folder: Path, number: int, r: random.Random) -> None:
    """A new document, and another one scanned anew: its reading must be replaced."""
    for place in (number % DOCUMENTS, (number + 1) % DOCUMENTS):
        _document(folder / f"scan{place}.tif", r)


def _read(folder: Path, tell: Callable[[str], None]) -> None:
    for path in sorted(folder.glob("*.tif")):
        result = read_inputs([path], recognizer=Stub(), settings=SETTINGS)
        assert not result.failures, result.failures
        tell(f"{path.name} {_hash(path.read_bytes())}")


def _faults(path: Path) -> list[str]:
    """What is wrong with the note of a document whose manifest is there: it must fit its crops and its text."""
    stem = path.with_suffix("")
    manifest = stem.with_name(f"{stem.name}_lines") / "lines.jsonl"
    if not manifest.exists():
        return []
    faults = []
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    text = stem.with_suffix(".txt.orig").read_text(encoding="utf-8").splitlines()
    if path.name != EDITED and stem.with_suffix(".txt").read_text(encoding="utf-8").splitlines() != text:
        faults.append(f"{path.name}: text and untouched copy differ")
    for row in rows:
        crop = manifest.with_name(row["image"])
        if not crop.exists() or _hash(crop.read_bytes()) != row["sha256"]:
            faults.append(f"{path.name}: {row['image']} is not the picture of its row")
        if not 0 < row["text_line"] <= len(text) or text[row["text_line"] - 1] != row["text"]:
            faults.append(f"{path.name}: line {row['text_line']} of the text is not that of {row['image']}")
    if len(rows) != PAGES * LINES:
        faults.append(f"{path.name}: {len(rows)} rows")
    return faults


def _check(folder: Path, acknowledged: list[str]) -> list[str]:
    faults = [fault for path in folder.glob("*.tif") for fault in _faults(path)]
    if (folder / "edited.txt").read_text(encoding="utf-8") != "what the person wrote\n":
        faults.append("the edited text was touched")
    for told in acknowledged:
        name, digest = told.split(" ")
        if name == EDITED:
            continue
        state = json.loads((folder / f"{Path(name).stem}_lines" / ".read.json").read_text(encoding="utf-8"))
        if state["job"]["document"] != digest:
            faults.append(f"{name} was acknowledged and is not the reading in place")
    return faults


def _check_end(folder: Path) -> list[str]:
    faults = _check(folder, [f"{path.name} {_hash(path.read_bytes())}" for path in folder.glob("*.tif")])
    straight = folder.with_name("straight")
    for path in folder.glob("scan*.tif"):
        read_inputs([path], recognizer=Stub(), settings=SETTINGS, out=straight, again=True)
        for name in (f"{path.stem}.txt", f"{path.stem}.txt.orig", f"{path.stem}_lines/lines.jsonl"):
            if not (folder / name).exists() or (folder / name).read_bytes() != (straight / name).read_bytes():
                faults.append(f"{name} differs from an undisturbed reading")
    faults += [f"{path} was left over" for path in folder.rglob(".reading")]
    return faults


READ = Case("read", _prepare, _work, _check, _check_end, run=_read)
