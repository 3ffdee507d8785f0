from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.build import build
from emendo.datasets.dataset import CARD, content_hash
from emendo.models.bundle import read_bundle
from emendo.release import install
from emendo.release.lineage import lineage
from emendo.train.selection import training_parts
from emendo.types import Origin, Sample, Split
from emendo.workspace.folder import Workspace

from .colours import write_colour_bundle


def sample(folder: Path, at: int, author: str, split: Split, origin: Origin) -> Sample:
    image = folder / f"{at}.png"
    image.write_bytes(f"image {at}".encode())
    about = {"author": author, "document": "journal", "version": at}
    return Sample(
        id=f"l{at}", image=image, text=f"text {at}", group=f"p{at}", split=split, origin=origin, attributes=about
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one data set, the run on it, and a run that was cut off."""
    made = Workspace.init(tmp_path / "notes")
    rows = [
        sample(tmp_path, 1, "anna", Split.TRAIN, Origin.CORRECTED),
        sample(tmp_path, 2, "ben", Split.TRAIN, Origin.ACCEPTED),
        sample(tmp_path, 3, "anna", Split.TRAIN, Origin.CORRECTED),
        sample(tmp_path, 4, "carl", Split.TEST, Origin.CORRECTED),
        sample(tmp_path, 5, "dora", Split.TRAIN, Origin.SYNTHETIC),
    ]
    built = build(rows, made, name="corrections")
    for run, report in ((f"{built.id}-7", '{"model": "feed"}'), (f"{built.id}-9", "{")):
        (made.runs / run).mkdir()
        (made.runs / run / "report.json").write_text(report)
    return made


def test_a_model_leads_back_to_its_corrections(workspace: Workspace) -> None:
    found = lineage(workspace)
    assert set(found) == {"feed"}, "a run that was cut off made no model"
    assert found["feed"].authors == {"anna": 2, "ben": 1}
    assert found["feed"].documents == {"journal": 3}
    assert found["feed"].corrections == (("l1", "anna", 1), ("l2", "ben", 2), ("l3", "anna", 3))
    assert "3 corrections (by anna 2, ben 1; in journal 3)" in str(found["feed"])


def test_a_model_of_a_run_elsewhere_is_known_by_what_it_learned(workspace: Workspace, tmp_path: Path) -> None:
    """As `emendo train --data notes --out run` and `emendo promote run` leave it."""
    (card,) = workspace.datasets.glob(f"*/{CARD}")
    parts = training_parts([open_dataset(card.parent)])
    for name, rows in (("same", parts.train), ("other", parts.train[1:])):
        bundle = write_colour_bundle(
            tmp_path / name, drop="a" if name == "same" else "", dataset={"hash": content_hash(rows)}
        )
        install(workspace, bundle.folder)
    found = {
        read_bundle(workspace.models / model).info.alphabet[0]: one
        for model, one in lineage(workspace).items()
        if model != "feed"
    }
    assert set(found) == {"b"}, "what learned other lines owes nothing to this data set"
    assert (found["b"].dataset, found["b"].run, found["b"].authors) == (card.parent.name, "", {"anna": 2, "ben": 1})


def test_a_data_set_that_is_gone_is_told(workspace: Workspace) -> None:
    (workspace.runs / "0123456789abcdef-1").mkdir()
    (workspace.runs / "0123456789abcdef-1" / "report.json").write_text('{"model": "lost"}')
    assert "its data set cannot be opened" in str(lineage(workspace)["lost"])


def test_the_command_shows_it(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(workspace.root)]
    assert main(["models", "--lineage", "--json", *place]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["lineage"]["feed"]["authors"] == {"anna": 2, "ben": 1}
    assert main(["models", "--json", *place]) == 0
    assert "lineage" not in json.loads(capsys.readouterr().out)
    assert main(["models", "--lineage", *place]) == 0
    assert "feed: 3 corrections" in capsys.readouterr().out
