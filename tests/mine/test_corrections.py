"""Corrections of field mode in the log of errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.fields import Document, canonical, read_document
from emendo.label.desk import Desk
from emendo.label.intake import take_documents, workspace_of
from emendo.mine.corrections import log_corrections
from emendo.mine.errorlog import log_error, read_log
from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind

from ..receipts import receipts

TRUTH = {"seller": "HARBOUR BOOKS LTD", "total": "12.30"}


def document(**changes: object) -> Document:
    return read_document({**TRUTH, **changes}).document


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three receipts that nobody has filled in; a model has read one of them, with a wrong total."""
    held = workspace_of(receipts(tmp_path / "shop"))
    with held.store() as store:
        take_documents(held, store, held.root / "receipts.jsonl")
        line = next(one for one in store.lines(kind=Kind.DOCUMENT) if "harbour" in one.document)
        reading = Reading(canonical(document(total="123.00")), 0.7, model="reader@1")
        store.put_document(line.document, [(line, reading)], kind=Kind.DOCUMENT)
    return held


def save(workspace: Workspace, name: str, fields: dict[str, str], version: int = 0) -> None:
    desk = Desk.open(workspace)
    line = next(one for one in desk.store.lines(kind=Kind.DOCUMENT) if name in one.document)
    desk.save(line.id, json.dumps(fields), Verdict.EDITED, expected=version, author="ann")
    desk.close()


def test_a_correction_of_what_a_model_read_is_logged_once(workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert log_corrections(workspace, log) == []
    save(workspace, "harbour", TRUTH)
    (entry,) = log_corrections(workspace, log)
    assert (entry.id, entry.model, entry.classes) == ("images/harbour.png", "reader@1", ("TOTAL_MISMATCH",))
    assert entry.truth == document().values() and entry.found["total"] == "123.00"
    assert log_corrections(workspace, log) == [] and len(read_log(log)) == 1
    save(workspace, "harbour", {**TRUTH, "seller": "HARBOUR BOOKS"}, version=1)
    (entry,) = log_corrections(workspace, log)
    assert entry.classes == ("TOTAL_MISMATCH", "VENDOR_INFO_ERROR")


def test_a_correction_ends_what_was_suspected_when_the_document_was_read(workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log_error(log, "scan", workspace.root / "images" / "corner.png", document(total="-1"), model="reader@1")
    assert not read_log(log)[0].known
    save(workspace, "corner", TRUTH)
    save(workspace, "garten", TRUTH)
    (entry,) = log_corrections(workspace, log)
    assert (entry.id, entry.model, entry.found["total"]) == ("images/corner.png", "reader@1", "-1.00")
    assert [one.known for one in read_log(log)] == [True], "no model has read the other one"
