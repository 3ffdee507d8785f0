"""Documents that were filled in, as samples and as crops with annotations."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from emendo.correct.dataset import FORGOTTEN, samples
from emendo.correct.export import export_workspace
from emendo.correct.fields import document_samples, document_set
from emendo.errors import DataError
from emendo.fields import read_document
from emendo.formats import jsonl
from emendo.formats.base import ReadOptions
from emendo.image.load import read_image
from emendo.label.desk import Desk
from emendo.label.intake import take_documents, workspace_of
from emendo.types import Origin, Split, Verdict
from emendo.workspace.folder import Workspace

from ..receipts import receipts, two_pages

FIELDS = {
    "seller": "HARBOUR BOOKS LTD",
    "total": "12.30",
    "lines": [
        {"description": "Atlas", "amount": "10.00", "sources": {"amount": {"page": 1, "box": [440, 296, 524, 326]}}}
    ],
    "sources": {"seller": {"page": 1, "box": [36, 44, 350, 78]}},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two receipts that were filled in and one that was skipped."""
    held = workspace_of(receipts(tmp_path / "shop"))
    two_pages(held.root / "bill.pdf")
    desk = Desk.open(held)
    take_documents(held, desk.store, held.root / "receipts.jsonl")
    take_documents(held, desk.store, held.root / "bill.pdf")
    said = {"harbour": FIELDS, "bill": {"total": "55.00", "sources": {"total": {"page": 2, "box": [10, 10, 900, 200]}}}}
    for line in desk.store.lines():
        fields = next((fields for name, fields in said.items() if name in line.document), None)
        verdict = Verdict.EDITED if fields else Verdict.SKIPPED
        desk.save(line.id, json.dumps(fields) if fields else None, verdict, expected=0, author="ann")
    desk.close()
    return held


def test_filled_documents_are_a_data_set(workspace: Workspace, tmp_path: Path) -> None:
    found = document_set(workspace)
    assert len(found) == 2 and all(one.fields for one in found) and len(found.hash) == 64
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no document was corrected"):
        document_set(workspace_of(tmp_path / "empty"))


def test_filled_documents_are_samples_with_fields_and_no_lines(workspace: Workspace) -> None:
    with workspace.store() as store:
        assert list(samples(workspace, store)) == []
        found = {one.group: one for one in document_samples(workspace, store)}
    assert set(found) == {"images/harbour.png", "bill.pdf"}
    one = found["images/harbour.png"]
    assert read_document(one.fields or {}).document.values() == {
        "seller": "HARBOUR BOOKS LTD",
        "lines": [{"description": "Atlas", "amount": "10.00"}],
        "total": "12.30",
    }
    assert (one.fields or {})["sources"]["seller"]["page"] == 1, "training goes by where people saw it"
    assert (one.split, one.origin, one.language, one.text) == (Split.VAL, Origin.CORRECTED, "en", None)


def test_what_a_forgotten_author_said_is_no_sample(workspace: Workspace) -> None:
    with workspace.store() as store:
        store.add_event(FORGOTTEN, {"author": "ann"})
        assert list(document_samples(workspace, store)) == []


def test_they_go_out_as_crops_with_annotations_and_come_back(workspace: Workspace, tmp_path: Path) -> None:
    done = export_workspace(workspace, "fields", tmp_path / "out.zip")
    assert (done.judged, done.failures) == (2, ())
    out = tmp_path / "out"
    with ZipFile(tmp_path / "out.zip") as packed:
        packed.extractall(out)
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    truths = []
    for row in rows:
        assert set(row) == {"invoice_id", "image_path", "ground_truth_path"} and (out / row["image_path"]).is_file()
        truths.append(json.loads((out / row["ground_truth_path"]).read_text()))
    assert {truth["total"] for truth in truths} == {"12.30", "55.00"} and "sources" not in str(truths)
    annotations = [json.loads(path.read_text()) for path in sorted((out / "annotations").iterdir())]
    assert sorted(one["region"] for one in annotations) == ["line_items_table", "totals_section", "vendor_block"]
    assert {"region": "vendor_block", "fields": {"seller": "HARBOUR BOOKS LTD"}} in annotations
    for path in (out / "annotations").iterdir():
        crop = read_image(out / "crops" / f"{path.stem}.png")
        assert crop.std() > 5, "there is ink in it"
    again = jsonl.read(out / "documents.jsonl", ReadOptions())
    assert not again.rejects
    assert sorted(str(read_document(one.fields or {}).document.total) for one in again.samples) == ["12.30", "55.00"]


def test_a_picture_that_is_gone_is_told_and_the_rest_goes_out(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "bill.pdf").unlink()
    done = export_workspace(workspace, "fields", tmp_path / "out.zip")
    assert done.judged == 1 and "bill.pdf" in done.failures[0]
    (workspace.root / "images" / "harbour.png").unlink()
    with pytest.raises(DataError, match="nothing to export"):
        export_workspace(workspace, "fields", tmp_path / "none.zip")
