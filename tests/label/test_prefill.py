"""Documents filled in ahead: what is kept, what a person said, and what each correction tells the next document."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emendo.errors import BadInput
from emendo.fields import canonical, read_document
from emendo.label.desk import Desk
from emendo.label.documents import DocumentDesk
from emendo.label.intake import take_documents, workspace_of
from emendo.types import Image, Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind

from ..receipts import SHOPS, Row, receipts

LATER: tuple[Row, ...] = (
    ("HARBOUR BOOKS LTD", ""),
    ("12 Quay Street, Bristol", ""),
    ("Receipt no. HB-3055", ""),
    ("Date 27/01/2019", ""),
    ("1 x Globe", "40.00"),
    ("Total GBP", "40.00"),
    ("Cash", "50.00"),
)
SAID = {"seller": "HARB0UR B00KS", "date": "2018-12-25", "total": "12.30"}


@dataclass
class Said:
    """A reader that says the same of every document."""

    fields: dict[str, Any] = field(default_factory=lambda: dict(SAID))
    certainty: dict[str, float] = field(default_factory=lambda: {"seller": 0.4, "date": 0.99, "total": 0.7})
    model: str = "said@1"
    read_so_far: int = 0
    refuses: Exception | None = None

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        if self.refuses:
            raise self.refuses
        self.read_so_far += len(documents)
        document = read_document(self.fields).document
        return [Reading(canonical(document), 0.4, (), self.model, self.fields, self.certainty) for _ in documents]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    manifest = receipts(tmp_path / "shop", [SHOPS[0], ("later", LATER, {"total": "40.00"}), *SHOPS[1:]])
    return workspace_of(manifest)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def documents(workspace: Workspace, said: Said) -> Iterator[DocumentDesk]:
    desk = Desk.open(workspace, document_reader=lambda: said)
    take_documents(workspace, desk.store, workspace.root)
    opened = DocumentDesk(desk)
    yield opened
    opened.prefiller.close()
    desk.close()


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def card(documents: DocumentDesk, name: str) -> dict[str, Any]:
    found = next(line for line in documents.desk.store.lines(kind=Kind.DOCUMENT) if name in line.document)
    return documents.cards([found.id])[0]


def filled(documents: DocumentDesk) -> int:
    ids = [line.id for line in documents.desk.store.lines(kind=Kind.DOCUMENT)]
    return sum(reading.model == "said@1" for reading in documents.desk.store.readings(ids).values())


def test_documents_are_filled_in_with_how_sure_each_field_is(documents: DocumentDesk) -> None:
    assert card(documents, "corner")["fields"] == {}
    documents.prefiller.start()
    until(lambda: filled(documents) == 4)
    shown = card(documents, "corner")
    assert shown["fields"]["total"] == "12.30" and shown["prefilled"] and not shown["given"] and not shown["comes"]
    assert shown["sure"] == {"seller": 0.4, "date": 0.99, "total": 0.7} and shown["model"] == "said@1"
    assert [value for value, *_ in shown["others"]["total"]] == ["3.20"]
    assert [value for value, *_ in shown["others"]["date"]] == ["2020-06-30"]


def test_one_that_is_accepted_as_it_stands_counts_as_accepted(documents: DocumentDesk) -> None:
    documents.prefiller.start()
    until(lambda: filled(documents) == 4)
    shown = card(documents, "garten")
    held = documents.desk.save(shown["id"], json.dumps(shown["fields"]), Verdict.EDITED, expected=0, author="ann")
    assert held.verdict is Verdict.ACCEPTED
    again = card(documents, "garten")
    assert again["sure"] == {} and again["version"] == 1


def test_what_a_person_said_is_never_touched(documents: DocumentDesk, said: Said) -> None:
    first = card(documents, "harbour")["id"]
    documents.desk.save(first, '{"total": "1.00"}', Verdict.EDITED, expected=0, author="ann")
    documents.prefiller.start()
    until(lambda: filled(documents) == 3)
    assert said.read_so_far == 3 and card(documents, "harbour")["fields"] == {"total": "1.00"}


def test_what_a_manifest_brought_stays(workspace: Workspace, said: Said) -> None:
    desk = Desk.open(workspace, document_reader=lambda: said)
    take_documents(workspace, desk.store, workspace.root / "receipts.jsonl", prefill=True)
    opened = DocumentDesk(desk)
    opened.prefiller.start()
    time.sleep(0.2)
    opened.prefiller.close()
    assert said.read_so_far == 0 and card(opened, "corner")["given"]
    desk.close()


def test_the_documents_that_are_looked_at_come_first(documents: DocumentDesk, said: Said) -> None:
    card(documents, "garten")
    documents.prefiller._reader, documents.prefiller._opened = said, ""
    assert documents.prefiller._one()
    assert card(documents, "garten")["prefilled"] and not card(documents, "corner")["prefilled"]


@pytest.mark.parametrize("fault", [BadInput("holds no words", where="page 1"), ValueError("holds no words\nat all")])
def test_a_document_that_cannot_be_filled_in_says_why_and_the_others_go_on(
    documents: DocumentDesk, said: Said, fault: Exception
) -> None:
    said.refuses = fault
    documents.prefiller.start()
    until(lambda: bool(card(documents, "corner")["fault"]) and bool(card(documents, "later")["fault"]))
    shown = card(documents, "corner")
    assert "holds no words" in shown["fault"] and shown["fields"] == {} and not shown["comes"]


def test_a_model_that_is_not_there_is_said_and_costs_nothing(workspace: Workspace) -> None:
    def absent() -> Any:
        raise BadInput("is not there", where="base-fields")

    desk = Desk.open(workspace, document_reader=absent)
    take_documents(workspace, desk.store, workspace.root)
    opened = DocumentDesk(desk)
    opened.prefiller.start()
    until(lambda: bool(opened.prefiller.status()["fault"]))
    assert opened.prefiller.status() == {"fills": False, "model": "", "fault": "base-fields: is not there"}
    shown = card(opened, "corner")
    assert shown["fields"] == {} and not shown["comes"]
    opened.prefiller.close()
    desk.close()


def test_a_correction_teaches_the_next_document_of_the_same_seller(documents: DocumentDesk) -> None:
    documents.prefiller.start()
    until(lambda: filled(documents) == 4)
    right = {
        "seller": "Harbour Books Ltd",
        "seller_address": "12 Quay Street, Bristol",
        "number": "HB-2041",
        "date": "2018-12-25",
        "currency": "GBP",
        "total": "12.30",
    }
    first = card(documents, "harbour")["id"]
    documents.desk.save(first, json.dumps(right), Verdict.EDITED, expected=0, author="ann")
    shown = card(documents, "later")
    fields = shown["fields"]
    assert fields["seller"] == "Harbour Books Ltd" and fields["seller_address"] == "12 Quay Street, Bristol"
    assert fields["currency"] == "GBP" and fields["total"] == "40.00" and fields["number"] == "HB-3055"
    assert fields["date"] == "2018-12-25"  # of this the reader was sure
    assert set(shown["learnt"]) == {"seller", "seller_address", "currency", "number", "total"}
    assert fields["sources"]["total"]["page"] == 1 and shown["sure"]["seller"] > 0.9
    other = card(documents, "garten")
    assert other["fields"]["seller"] == SAID["seller"] and not other["learnt"]


def test_what_was_learnt_follows_a_correction_that_is_changed(documents: DocumentDesk) -> None:
    documents.prefiller.start()
    until(lambda: filled(documents) == 4)
    first = card(documents, "harbour")["id"]
    for version, seller in enumerate(("Harbour Books", "HARBOUR BOOKS LTD")):
        text = json.dumps({"seller": seller, "total": "12.30"})
        documents.desk.save(first, text, Verdict.EDITED, expected=version, author="ann")
        assert card(documents, "later")["fields"]["seller"] == seller
    documents.desk.save(first, None, Verdict.SKIPPED, expected=2, author="ann")
    assert card(documents, "later")["fields"]["seller"] == SAID["seller"]


def test_a_better_model_that_is_put_in_use_takes_over(documents: DocumentDesk, said: Said) -> None:
    in_use = ["old"]
    documents.prefiller.in_use = lambda: in_use[0]
    documents.prefiller.start()
    until(lambda: filled(documents) == 4)
    said.model, said.fields, in_use[0] = "said@2", {"total": "99.00"}, "new"
    until(lambda: card(documents, "corner")["fields"] == {"total": "99.00"})


WORK = """
import sys, time
from pathlib import Path
from tests.label.test_prefill import Said
from emendo.label.desk import Desk
from emendo.label.documents import DocumentDesk
from emendo.workspace.folder import Workspace

class Slow(Said):
    def read_documents(self, documents):
        time.sleep(0.05)
        return super().read_documents(documents)

desk = Desk.open(Workspace.open(Path(sys.argv[1])), document_reader=lambda: Slow())
opened = DocumentDesk(desk)
opened.prefiller.start()
print("begun", flush=True)
time.sleep(60)
"""


def test_killed_while_it_fills_in_it_goes_on_and_nothing_is_lost(documents: DocumentDesk, said: Said) -> None:
    first = card(documents, "garten")["id"]
    documents.desk.save(first, '{"total": "1.00"}', Verdict.EDITED, expected=0, author="ann")
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), str(root / "src")])
    command = [sys.executable, "-c", WORK, str(documents.desk.workspace.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    assert process.stdout is not None and process.stdout.readline()
    until(lambda: filled(documents) > 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    before = filled(documents)
    documents.prefiller.start()
    until(lambda: filled(documents) == 3)
    assert said.read_so_far == 3 - before
    for name in ("harbour", "later", "corner"):
        assert card(documents, name)["sure"], name
    assert card(documents, "garten")["fields"] == {"total": "1.00"}
