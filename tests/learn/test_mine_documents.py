"""Rounds of mining end to end: a tiny network learns drawn receipts, is judged, and is put in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.errors import DataError
from emendo.fields import Document, canonical
from emendo.label.desk import Desk
from emendo.label.intake import take_documents, workspace_of
from emendo.learn.means import Workshop
from emendo.learn.mine_documents import ERRORS, Order, corrected_documents, mine_dataset, mine_workspace
from emendo.learn.mining import Wanted
from emendo.mine.errorlog import read_log
from emendo.models.registry import install
from emendo.train.extract.recipe import FieldsRecipe
from emendo.train.run import train
from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind

from ..receipts import receipts

SHOPS = ("HARBOUR BOOKS", "CORNER SHOP", "NORTH SUPPLIES", "MILL TRADING", "GARDEN HOUSE", "RIVER FOODS")
TINY = {"width": 32, "layers": 1, "heads": 2, "words": 400, "evaluations": 1, "replay": 0.0}
NONE_USUAL = Order(rounds=1, wanted=Wanted(share=0.0), general=0)


def drawn(folder: Path, count: int) -> Path:
    """Receipts of one layout and a manifest; the last five are for validation."""
    shops = []
    for at in range(count):
        shop, total, day = f"{SHOPS[at % len(SHOPS)]} LTD", f"{7 * at + 3}.{10 + at}", f"{at + 13}/12/2018"
        rows = ((shop, ""), (f"Date {day}", ""), ("Tea", f"{at + 1}.50"), ("Total", total))
        shops.append((f"r{at:02}", rows, {"company": shop, "date": day, "total": total}))
    manifest = receipts(folder, shops)
    parts = [json.loads(line) for line in manifest.read_text().splitlines()]
    for at, row in enumerate(parts):
        row["split"] = "val" if at >= count - 5 else "train"
        del row["boxes"]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in parts))
    return manifest


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("shop") / "drawn", 8)


@pytest.fixture(scope="module")
def young(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has hardly learned anything."""
    recipe = FieldsRecipe(**TINY, steps=1, learning_rate=1e-6)
    samples = open_dataset(shop).split("train")
    return train(samples, base="fields", recipe=recipe, out=tmp_path_factory.mktemp("run") / "young", threads=1).bundle


def workshop(*changes: str) -> Workshop:
    own = (*(f"{name}={value}" for name, value in TINY.items() if name not in ("width", "layers", "heads", "replay")),)
    return Workshop(changes=(*own, "steps=80", "learning_rate=0.01", "average=0.5", *changes))


def test_a_tiny_network_learns_from_its_mistakes_and_is_promoted(shop: Path, young: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (one,) = mine_dataset(open_dataset(shop), str(young), out, workshop(), NONE_USUAL)
    assert one.read == 3 and one.trained_on["hard"] == 3
    before, after = one.held[0].before, one.held[0].after
    assert after is not None and after.errors < before.errors and before.documents == 5
    assert {finding["name"] for finding in one.findings} >= {"bundle", "better"}
    assert one.promoted and Path(one.in_use) == out / "round_01" / "run" / "bundle"
    assert mine_dataset(open_dataset(shop), str(young), out, workshop(), NONE_USUAL) == [one]


def fill(workspace: Workspace, found: Document, model: str) -> None:
    """A model has read every document of the workspace as `found`, and a person has put all of them right."""
    truths = {one.id: one.fields for one in open_dataset(workspace.root / "receipts.jsonl").samples}
    with workspace.store() as store:
        take_documents(workspace, store, workspace.root / "receipts.jsonl")
        for line in store.lines(kind=Kind.DOCUMENT):
            read = Reading(canonical(found), 0.5, model=model)
            store.put_document(line.document, [(line, read)], kind=Kind.DOCUMENT)
    desk = Desk.open(workspace)
    for line in desk.store.lines(kind=Kind.DOCUMENT):
        desk.save(line.id, json.dumps(truths[line.document]), Verdict.EDITED, expected=0, author="ann")
    desk.close()


def test_the_corrected_documents_of_a_workspace_make_its_model_better(young: Path, tmp_path: Path) -> None:
    workspace = workspace_of(drawn(tmp_path / "shop", 8))
    with pytest.raises(DataError, match="no document was corrected yet"):
        corrected_documents(workspace)
    begun = install(workspace, young).id
    workspace.set_champion(begun, "to begin with", kind="fields")
    fill(workspace, Document(), f"young@{begun}")
    tools = workshop()
    (one,) = mine_workspace(workspace, Workshop(changes=tools.changes, workspace=workspace.root), NONE_USUAL)
    logged = read_log(workspace.hidden / ERRORS)
    assert len(logged) == 8 and all(entry.known and entry.severity == 5 for entry in logged)
    assert workspace.in_use("fields") == one.in_use and (one.in_use != begun) is bool(one.promoted)
    assert one.findings, one.reason


def test_the_command_says_what_it_lacks(
    shop: Path, young: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["mine", "documents", "--data", str(shop), "--model", str(young), "--general", "0"]
    for more, what in (
        ([], "where to keep the rounds is not said; name a folder with --out"),
        (["--out", str(tmp_path / "o"), "--region", "x"], "unknown region 'x'; use vendor_block"),
        (["--out", str(tmp_path / "o"), "--class", "x"], "unknown class of error 'x'; use TOTAL_MISMATCH"),
        (["--out", str(tmp_path / "o"), "--rounds", "99"], "3 documents cannot be shared out to 99 rounds"),
    ):
        assert main([*base, *more]) == 2
        assert what in capsys.readouterr().err
    assert main(["mine", "documents", "--workspace", str(tmp_path)]) == 2
    assert "is in no workspace" in capsys.readouterr().err
