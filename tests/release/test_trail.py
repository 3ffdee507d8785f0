"""From a line to what was made of its corrections, and from a model back to the lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.correct.dataset import FORGOTTEN, samples
from emendo.datasets.build import build
from emendo.errors import UsageError
from emendo.release.trail import origins_of, trail
from emendo.types import Reading, Split, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.names import keep
from emendo.workspace.store import Entry, Line

Told = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Four lines; the second was corrected twice, each state made a model; the third is held out."""
    made = Workspace.init(tmp_path / "notes")
    rows = []
    for at in (1, 2, 3, 4):
        (made.root / f"{at}.png").write_bytes(f"image {at}".encode())
        line = Line(id=f"l{at}", document="journal", number=at, text_line=2 * at, page=at, image=f"{at}.png", sha256="")
        rows.append((line, Reading(f"read {at}", 0.5, (), "base@feed")))
    with made.store() as store:
        store.put_document("journal", rows)
        say(made, "l1", "one", "anna")
        say(made, "l2", "tow", "anna")
        say(made, "l3", "three", "carl")
        first = learned(made, "aa")
        say(made, "l2", "two", "ben")
        learned(made, "bb")
    keep(made, "mine@best", "bb")
    made.set_champion("bb", "better")
    assert (made.datasets / first).is_dir()
    return made


def say(workspace: Workspace, line: str, text: str, author: str) -> None:
    with workspace.store() as store:
        store.add_correction(Entry(line=line, reading="x", text=text, verdict=Verdict.EDITED, author=author))


def learned(workspace: Workspace, model: str) -> str:
    with workspace.store() as store:
        rows = list(samples(workspace, store))
    parts = {"l1": Split.TRAIN, "l2": Split.TRAIN, "l3": Split.TEST}
    built = build([replace(row, split=parts[row.id]) for row in rows], workspace, name="corrections")
    run = workspace.runs / f"{built.id}-{len(rows)}"
    run.mkdir()
    (run / "report.json").write_text(json.dumps({"model": model}))
    return built.id


def test_a_line_leads_to_every_verdict_and_every_model(workspace: Workspace) -> None:
    found = trail(workspace, "journal.txt", 4)
    assert [(one.version, one.text, one.author) for one in found.verdicts] == [(1, "tow", "anna"), (2, "two", "ben")]
    assert found.reading is not None and found.reading.model == "base@feed"
    assert {(use.models, use.version, use.learned) for use in found.uses} == {(("aa",), 1, True), (("bb",), 2, True)}
    assert (found.champion, found.learned) == ("bb", True)
    assert any("learned by bb, models:/mine/1, models:/mine@best; run " in one for one in found.sentences())
    assert found.sentences()[-1] == "in use: bb, which learned from this line"


def test_a_line_that_was_held_out_was_not_learned(workspace: Workspace) -> None:
    found = trail(workspace, "journal", 6)
    assert {(use.models, use.split, use.learned) for use in found.uses} == {
        (("aa",), "test", False),
        (("bb",), "test", False),
    }
    assert any("held out from bb" in one for one in found.sentences())
    assert found.sentences()[-1] == "in use: bb, which did not learn from this line"


def test_a_line_without_a_verdict_leads_nowhere(workspace: Workspace) -> None:
    found = trail(workspace, "journal", 8)
    assert (found.verdicts, found.uses, found.learned) == ((), (), False)
    assert "nobody has given a verdict on it" in found.sentences()


def test_what_is_forgotten_or_cannot_be_opened_is_told(workspace: Workspace) -> None:
    with workspace.store() as store:
        store.add_event(FORGOTTEN, {"author": "anna"})
    broken = sorted(path.parent for path in workspace.datasets.glob("*/manifest.jsonl"))[0]
    (broken / "manifest.jsonl").write_text("{\n")
    found = trail(workspace, "journal", 4)
    assert [one["forgotten"] for one in found.to_dict()["verdicts"]] == [True, False]
    assert found.unopened == (broken.name,) and len(found.uses) == 1
    assert any(f"data set {broken.name} cannot be opened" in one for one in found.sentences())


def test_a_model_leads_back_to_its_lines(workspace: Workspace) -> None:
    for ref in ("champion", "bb", "notes-2@bb", "models:/mine@best"):
        origins, places = origins_of(workspace, ref)
        assert origins.model == "bb"
        assert list(zip(places, origins.corrections, strict=True)) == [
            ("journal.txt:2", ("l1", "anna", 1)),
            ("journal.txt:4", ("l2", "ben", 2)),
        ]


def test_the_command_follows_both_ways(workspace: Workspace, capsys: Told) -> None:
    place = ["--workspace", str(workspace.root)]
    assert main(["lineage", "journal.txt:4", *place, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["author"] for one in shown["verdicts"]] == ["anna", "ben"]
    assert shown["places"] == {"bb": ["models:/mine/1", "models:/mine@best"]}
    assert {"line", "document", "text_line", "page", "reading", "datasets", "in_use", "in_use_learned"} <= set(shown)
    assert main(["lineage", "champion", *place, "--json"]) == 0
    back = json.loads(capsys.readouterr().out)
    assert back["model"] == "bb" and [one["place"] for one in back["corrections"]] == ["journal.txt:2", "journal.txt:4"]
    assert main(["lineage", "journal:4", *place]) == 0
    assert "version 2: edited by ben, " in capsys.readouterr().out
    assert main(["lineage", "bb", *place]) == 0
    assert capsys.readouterr().out.startswith("bb: ")


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("diary:4", "no note 'diary' was read here; use one of journal"),
        ("journal:3", "line 3 of journal.txt is none that was read; use one from 2 to 8"),
        ("cc", "is known to lead to the model cc; models made here: "),
        ("base", "is known to lead to the model base"),
    ],
)
def test_what_is_not_there_is_told(workspace: Workspace, capsys: Told, subject: str, said: str) -> None:
    assert main(["lineage", subject, "--workspace", str(workspace.root)]) == 2
    assert said in capsys.readouterr().err


def test_nothing_of_it_takes_a_note_for_a_model(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no correction of"):
        origins_of(workspace, "journal.txt")
