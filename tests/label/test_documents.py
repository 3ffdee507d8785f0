"""Documents with fields: how they come in, what is kept of them, and the words of their pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from emendo.errors import BadInput, FormatError, UsageError
from emendo.image.load import LayeredPages
from emendo.label.desk import Desk
from emendo.label.documents import DocumentDesk, check, form
from emendo.label.intake import manifest_in, take_documents, words_file, workspace_of
from emendo.models.references import load_recognizer
from emendo.types import Image, Verdict, Word
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind
from emendo.workspace.store import Stale

from ..pdfs import Show, page_pdf
from ..receipts import SHOPS, receipts, two_pages

NAMES = ["images/corner.png", "images/garten.png", "images/harbour.png"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_of(receipts(tmp_path / "shop"))


@pytest.fixture
def desk(workspace: Workspace) -> Iterator[Desk]:
    opened = Desk.open(workspace)
    take_documents(workspace, opened.store, workspace.root)
    yield opened
    opened.close()


def shown(desk: Desk, order: str = "all") -> list[dict[str, object]]:
    documents = DocumentDesk(desk)
    return documents.cards(documents.hand("ann", order, 0, 9, fresh=True).lines)


def key_of(desk: Desk, name: str) -> str:
    return next(str(card["id"]) for card in shown(desk) if name in str(card["document"]))


def test_rows_of_a_manifest_come_in_empty(desk: Desk) -> None:
    cards = shown(desk, "waiting")
    assert [card["document"] for card in cards] == NAMES
    assert all(card["fields"] == {} and not card["prefilled"] and card["version"] == 0 for card in cards)
    assert desk.store.counts(kind=Kind.DOCUMENT) == (3, 0) and desk.store.counts() == (0, 0)


def test_with_prefill_they_start_from_their_fields(workspace: Workspace) -> None:
    with Desk.open(workspace).store as store:
        taken = take_documents(workspace, store, workspace.root / "receipts.jsonl", prefill=True)
    assert (taken.documents, taken.new, taken.failures) == (3, 3, ())
    assert taken.renamed == {"company -> seller": 3}
    desk = Desk.open(workspace)
    fields = {str(card["document"]): card["fields"] for card in shown(desk)}
    # 03.02.2019 alone could be two days: the other dates tell the order
    assert fields["images/garten.png"] == {"seller": "GARTENHAUS MUELLER", "date": "2019-02-03", "total": "1234.50"}
    with desk.store as store:
        again = take_documents(workspace, store, workspace.root)
    assert (again.documents, again.new) == (3, 0)
    desk = Desk.open(workspace)
    assert all(card["prefilled"] for card in shown(desk)), "what was read before stays"
    desk.close()


def test_what_is_saved_is_in_one_spelling_and_versions_hold(desk: Desk) -> None:
    key = key_of(desk, "harbour")
    held = desk.save(
        key, '{"total": "1.234,50", "company": "X", "date": "25 Dec 2018"}', Verdict.EDITED, expected=0, author="ann"
    )
    assert held.text == '{"schema":"emendo.fields/1","seller":"X","date":"2018-12-25","total":"1234.50"}'
    with pytest.raises(Stale):
        desk.save(key, '{"total": "2"}', Verdict.EDITED, expected=0, author="bob")
    desk.save(key, '{"total": "2"}', Verdict.EDITED, expected=1, author="bob")
    assert [one.version for one in desk.history(key)] == [1, 2]
    back = desk.restore(key, 1, expected=2, author="ann")
    assert back.text == held.text and back.version == 3
    assert desk.store.count_new() == 0, "documents are no lines to train on"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"total": "12,3,4"}', "total: '12,3,4' is no amount"),
        ('{"lines": [{"amount": "x"}]}', "lines.0.amount"),
        ("{}", "no field is filled in"),
        ('{"sources": {}}', "no field is filled in"),
        ("harbour", "not JSON"),
        ('{"total": "1"', "not JSON"),
        ('"text"', "not an object"),
    ],
)
def test_what_is_no_document_is_not_saved(desk: Desk, text: str, said: str) -> None:
    key = key_of(desk, "harbour")
    with pytest.raises(UsageError, match=said):
        desk.save(key, text, Verdict.EDITED, expected=0, author="ann")
    assert desk.history(key) == []


def test_documents_come_from_pictures_and_pdfs_too(tmp_path: Path) -> None:
    receipts(tmp_path)
    (tmp_path / "receipts.jsonl").unlink()
    two_pages(tmp_path / "bill.pdf")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 50)
    workspace = workspace_of(tmp_path)
    desk = Desk.open(workspace)
    taken = take_documents(workspace, desk.store, tmp_path)
    assert taken.documents == 4 and len(taken.failures) == 1 and "broken.png" in taken.failures[0]
    assert {str(card["document"]): card["pages"] for card in shown(desk)} == {**dict.fromkeys(NAMES, 1), "bill.pdf": 2}
    desk.close()


def test_pages_and_their_words(tmp_path: Path) -> None:
    boxes = two_pages(tmp_path / "bill.pdf")
    row = {"pdf": "bill.pdf", "fields": {}, "boxes": [*boxes, "no box", {"box": [1], "text": "x"}, {"text": "y"}]}
    (tmp_path / "m.jsonl").write_text(json.dumps(row) + "\n")
    workspace = workspace_of(tmp_path)
    desk = Desk.open(workspace)
    take_documents(workspace, desk.store, tmp_path / "m.jsonl")
    documents, key = DocumentDesk(desk), key_of(desk, "bill")
    assert [one.text for one in documents.words(key, 1)] == ["NORTH", "SUPPLIES", "Invoice", "N-7"]
    assert [one.text for one in documents.words(key, 2)] == ["Total", "55.00"]
    first, second = documents.words(key, 1)[:2]
    assert first.line == second.line and first.box[2] <= second.box[0]
    assert documents.picture(key, 2)[:2] == b"\xff\xd8" and documents.size(key, 2)[0] > 100
    for page in (0, 3):
        with pytest.raises(BadInput, match="has 2 pages"):
            documents.words(key, page)
    desk.close()


@pytest.mark.parametrize(("when", "layered"), [("auto", True), ("never", False)])
def test_words_of_a_pdf_come_from_its_text_layer(
    tmp_path: Path, when: str, layered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Words:
        def words(self, pages: Sequence[Image]) -> list[Word]:
            asked = isinstance(pages, LayeredPages) and pages.layer(0) is not None
            return [Word("offered" if asked else "not", (0, 0, 9, 9), 0)]

    (tmp_path / "bill.pdf").write_bytes(page_pdf([Show(60, 700, "Corner Shop, total 3.20")]))
    (tmp_path / "emendo.toml").write_text(f'[read]\ntext_layer = "{when}"\n')
    workspace = workspace_of(tmp_path)
    desk = Desk.open(workspace, lambda: load_recognizer("base", threads=1, language="none"))
    take_documents(workspace, desk.store, tmp_path)
    documents, key = DocumentDesk(desk), key_of(desk, "bill")
    monkeypatch.setattr(documents.prefiller, "word_reader", Words)
    assert [one.text for one in documents.words(key, 1)] == ["offered" if layered else "not"]
    words_file(workspace, key, 1).unlink()
    monkeypatch.setattr(documents.prefiller, "word_reader", lambda: None)
    monkeypatch.setattr(documents, "finder", lambda _: [])
    found = documents.words(key, 1)
    assert " ".join(one.text for one in found) == "Corner Shop, total 3.20"
    assert ({one.confidence for one in found} == {1.0}) == layered
    desk.close()


def test_the_same_picture_twice_and_bad_rows_are_told(tmp_path: Path) -> None:
    manifest = receipts(tmp_path)
    lines = manifest.read_text().splitlines()
    (tmp_path / "images" / "twin.png").write_bytes((tmp_path / "images" / "corner.png").read_bytes())
    lines += [
        "{broken",
        json.dumps({"image": "images/twin.png", "fields": {}}),
        json.dumps({"image": "../x.png", "fields": {}}),
    ]
    lines.append(json.dumps({"image": "images/corner.png", "id": "plain", "text": "no fields"}))
    manifest.write_text("\n".join(lines) + "\n")
    workspace = workspace_of(tmp_path)
    with workspace.store() as store:
        taken = take_documents(workspace, store, manifest)
    assert taken.documents == 3
    assert [
        next(word for word in ("receipts.jsonl:4", "receipts.jsonl:6", "twin.png", "without fields") if word in one)
        for one in taken.failures
    ]
    assert any("rows without fields were left out (1)" in one for one in taken.failures)
    assert any("same picture as images/corner.png" in one for one in taken.failures)


def test_what_holds_no_fields_is_no_manifest_of_documents(tmp_path: Path) -> None:
    plain = tmp_path / "lines.jsonl"
    plain.write_text('{"image": "a.png", "text": "a"}\n')
    assert manifest_in(plain) is None and manifest_in(tmp_path) is None and manifest_in(tmp_path / "none") is None
    plain.write_text("[" * 100_000)
    assert manifest_in(plain) is None
    workspace = Workspace.init(tmp_path)
    with workspace.store() as store, pytest.raises(FormatError, match="no row with fields"):
        take_documents(workspace, store, plain)


def test_a_form_has_every_field_and_is_checked_as_the_library_does() -> None:
    spec = form()
    names = [one["name"] for region in spec["regions"] for one in region["fields"]]
    assert len(names) == len(set(names)) == 23 and names[0] == "seller"
    found = check({**SHOPS[0][2], "total": "12,80", "lines": [{"amount": "10"}, {"amount": "2.30"}]})
    assert found["values"]["total"] == "12.80" and not found["ok"]
    assert "lines add up to 12.30, total says 12.80" in [one["what"] for one in found["findings"]]
