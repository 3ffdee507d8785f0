"""The firewall over a workspace, in this process and in one of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets.synth import synth_lines
from emendo.label.doubts import EVENT, Judging, judge_workspace
from emendo.settings import Settings
from emendo.types import Reading, Verdict
from emendo.workspace.doubts import Doubts
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Line
from emendo.workspace.store import Entry


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Eight set lines with their texts; that of the third belongs to another line."""
    place = tmp_path_factory.mktemp("doubts")
    made = synth_lines(8, 3, place / "set", languages=("en",), fonts="builtin")
    workspace = Workspace.init(place / "ws")
    rows, entries = [], []
    for at, sample in enumerate(made.samples):
        name = f"{at}.png"
        (workspace.root / name).write_bytes(sample.image.read_bytes())
        line = Line(id=f"{at}", document="set", number=at + 1, text_line=at + 1, page=1, image=name, sha256="0")
        rows.append((line, Reading(sample.text or "", 0.9)))
        text = "quite another sentence stands here" if at == 2 else sample.text
        entries.append(Entry(line=line.id, reading="", text=text, verdict=Verdict.EDITED, author="ann"))
    with workspace.store() as store:
        store.put_document("set", rows)
        store.add_corrections(entries)
    return workspace


def open_doubts(workspace: Workspace) -> list[str]:
    with workspace.store() as store:
        return Doubts(store.database).open()


def test_a_text_of_another_line_is_doubted(judged: Workspace) -> None:
    report = judge_workspace(judged, model="base")
    assert len(report.judged) == 8 and open_doubts(judged)[0] == "2"
    with judged.store() as store:
        (event,) = store.events(EVENT)
        assert event.data["judged"] == 8
        assert Doubts(store.database).of(["2"])["2"].model == report.model


def test_the_command_keeps_them_for_the_page(judged: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with judged.store() as store:
        Doubts(store.database).keep([])
    assert main(["check", str(judged.root), "--labels", "--model", "base"]) == 1
    assert "label 'quite another sentence stands here'" in capsys.readouterr().out
    assert open_doubts(judged)[0] == "2"


def test_without_texts_there_is_one_sentence_and_no_process_left(tmp_path: Path) -> None:
    judging = Judging(Workspace.init(tmp_path / "empty"), Settings())
    assert judging.start().running
    assert judging.start().running, "once at a time"
    until = time.monotonic() + 60
    while judging.state.running and time.monotonic() < until:
        time.sleep(0.1)
    assert "no line with a text to judge" in judging.state.error
