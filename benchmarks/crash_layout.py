"""Changes of a page's lines for `crash.py`: killed at any moment, files and database fit together, nothing is lost.

A person splits, merges, moves, draws and deletes lines, takes some of it back and corrects texts in between, in the
page and in note.txt; each change is acknowledged by the state of the page that it led to.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path

from crash import Case
from crash_read import SETTINGS, Stub, page_picture

from emendo.correct import collect
from emendo.errors import UsageError
from emendo.label.changes import Add, Change, Delete, Merge, Move, Split
from emendo.label.desk import Desk
from emendo.label.pagework import PageDesk, PageState
from emendo.pages.session import read_inputs
from emendo.types import Verdict
from emendo.workspace.folder import Workspace

CHANGES = 12
PAGES = 2
MARK = "é"


def _prepare(folder: Path, r: random.Random) -> None:
    workspace = Workspace.init(folder)
    first, *others = [page_picture(r) for _ in range(PAGES)]
    first.save(folder / "scan.tif", save_all=True, append_images=others)
    read_inputs([folder], recognizer=Stub(), settings=SETTINGS)
    text = folder / "scan.txt"
    lines = text.read_text(encoding="utf-8").splitlines()
    text.write_text("\n".join([f"{lines[0]}{MARK}", *lines[1:], "a remark"]) + "\n", encoding="utf-8")
    collect(workspace, recognizer=Stub(), settings=SETTINGS)


def _work(folder: Path, number: int, r: random.Random) -> None:
    (folder.with_name("seed")).write_text(str(r.random()))


def _change(r: random.Random, state: PageState) -> Change:
    ids = [card.line.id for card in state.cards]
    at = r.randrange(len(ids))
    y = r.randrange(20, 340)
    choices: list[Callable[[], Change]] = [
        lambda: Split(ids[at], 1 + r.randrange(max(1, len(state.cards[at].text) - 1)), state.cards[at].text),
        lambda: Merge(ids[max(0, at - 1) : at + 1]),
        lambda: Move(ids[at], r.choice([*ids[:at], *ids[at + 1 :], ""])),
        lambda: Add(middle=((20, y), (20 + r.randrange(60, 380), y)), height=r.randrange(20, 40)),
        lambda: Delete([ids[at]]),
    ]
    if len(ids) < 4:
        return choices[3]()
    return r.choice(choices if len(ids) < 9 else [choices[1], choices[4]])()


def _run(folder: Path, tell: Callable[[str], None]) -> None:
    r = random.Random(folder.with_name("seed").read_text())
    desk = Desk.open(Workspace.open(folder), Stub)
    pages = PageDesk(desk)
    for _ in range(CHANGES):
        number = r.randrange(1, PAGES + 1)
        state = pages.page("scan", number)
        if state.cards and r.random() < 0.3:
            card = r.choice(state.cards)
            text = f"said {r.random()}"
            desk.save(card.line.id, text, Verdict.EDITED, expected=card.version, author="ann")
            tell(f"text {card.line.id} {text}")
        try:
            if state.undo and r.random() < 0.25:
                state = pages.undo("scan", number, state.version, "ann")
            elif state.cards:
                state = pages.change("scan", number, state.version, _change(r, state), "ann")
        except UsageError:
            continue  # a cut that would leave nothing, a line that is there already
        tell(f"page {number} {state.version}")
    desk.close()


def _note_faults(folder: Path) -> list[str]:
    """What is wrong with the files of the note, if its manifest is there."""
    manifest = folder / "scan_lines" / "lines.jsonl"
    if not manifest.exists():
        return [] if (folder / "scan_lines" / ".reading" / "ready.json").exists() else ["the manifest is lost"]
    faults = []
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    original = (folder / "scan.txt.orig").read_text(encoding="utf-8").split("\n")
    for row in rows:
        crop = manifest.with_name(row["image"])
        if not crop.exists() or hashlib.sha256(crop.read_bytes()).hexdigest() != row["sha256"]:
            faults.append(f"{row['image']} is not the picture of its row")
        if original[row["text_line"] - 1] != row["text"]:
            faults.append(f"line {row['text_line']} of the reading is not that of {row['image']}")
    if "a remark" not in (folder / "scan.txt").read_text(encoding="utf-8"):
        faults.append("the person's own line is gone from the text")
    return faults


def _check(folder: Path, acknowledged: list[str]) -> list[str]:
    """The files fit, every text that was acknowledged is in the history, and the last change is there or followed."""
    faults = _note_faults(folder)
    last = {told.split(" ")[1]: told.split(" ")[2] for told in acknowledged if told.startswith("page")}
    texts = [told.split(" ", 2)[1:] for told in acknowledged if told.startswith("text")]
    desk = Desk.open(Workspace.open(folder), Stub)
    try:
        faults += [f"{text!r} is lost" for line, text in texts if text not in [one.text for one in desk.history(line)]]
        pages = PageDesk(desk)
        for number, version in last.items():
            state = pages.page("scan", int(number))
            follows = [event.data["after"] for event in desk.store.events("layout") if event.data["before"] == version]
            if state.version != version and state.version not in follows:
                faults.append(f"page {number}: {version} was acknowledged and {state.version} is there")
    finally:
        desk.close()
    return faults


def _check_end(folder: Path) -> list[str]:
    """The next collection has nothing to say, and files and database tell of the same lines."""
    faults = _check(folder, [])
    workspace = Workspace.open(folder)
    found = collect(workspace, recognizer=Stub(), settings=SETTINGS)
    if found.new or found.failures:
        faults.append(f"a collection found {found.new} new, {found.failures}")
    rows = (folder / "scan_lines" / "lines.jsonl").read_text(encoding="utf-8").splitlines()
    with workspace.store() as store:
        if [line.id for line in store.lines("scan")] != [json.loads(row)["id"] for row in rows]:
            faults.append("the database tells of other lines than the files")
        if not any(MARK in str(one.text) for line in store.lines(present=False) for one in store.history(line.id)):
            faults.append("what the person typed into the text is lost")
    faults += [f"{path} was left over" for path in folder.rglob(".reading")]
    return faults


LAYOUT = Case("layout", _prepare, _work, _check, _check_end, run=_run)
