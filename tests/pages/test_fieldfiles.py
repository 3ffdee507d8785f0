"""Files of fields: what they hold, what is read again, and what becomes of documents that cannot be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from emendo.errors import UsageError
from emendo.image.load import LayeredPages
from emendo.pages.fieldfiles import FieldsResult, read_fields
from emendo.settings import ReadSettings, Settings
from emendo.types import Image, Reading

from ..pdfs import Show, page_pdf
from ..receipts import SHOPS, draw, two_pages

GOOD: dict[str, Any] = {
    "type": "receipt",
    "seller": "Corner Shop",
    "date": "2020-06-30",
    "currency": "GBP",
    "net": "3.00",
    "tax": "0.20",
    "total": "3.20",
}


class Told:
    """Answers each document with the same reading and notes how many pages it saw."""

    def __init__(self, fields: dict[str, Any] | None = None, model: str = "told@1", **faults: str) -> None:
        self.model = model
        self.fields = GOOD if fields is None else fields
        self.faults = faults
        self.seen: list[int] = []

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        self.seen += [len([page.shape for page in pages]) for pages in documents]
        return [self._one() for _ in documents]

    def _one(self) -> Reading:
        if not self.fields:
            return Reading("", 0.0, model=self.model, faults=self.faults)
        sure = dict.fromkeys(self.fields, 0.9)
        return Reading("{}", 0.87654, model=self.model, fields=self.fields, certainty=sure, faults=self.faults)


class Blank(Told):
    """Finds no word on any page."""

    def _one(self) -> Reading:
        return Reading("", 0.0, faults={f"page {at}": "no words were found" for at in range(1, self.seen[-1] + 1)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    place.mkdir()
    draw(SHOPS[2][1], place / "corner.png")
    return place


def test_a_file_holds_fields_and_findings(folder: Path) -> None:
    result = read_fields([folder], reader=Told({**GOOD, "total": "3.30"}, due="'3.2.0' is no amount"))
    held = json.loads((folder / "corner.fields.json").read_text())
    assert held["fields"]["total"] == "3.30" and held["model"] == "told@1" and held["pages"] == 1
    assert {one["rule"] for one in held["findings"]} == {"total", "value"}
    assert held["confidence"] == 0.8765 and held["certainty"]["total"] == 0.9
    assert held["faults"] == {"due": "'3.2.0' is no amount"}
    (line,) = result.sentences()
    assert f"{folder / 'corner.png'}: Corner Shop, 2020-06-30, total 3.30 GBP, 88 % sure; " in line
    assert "due: '3.2.0' is no amount" in line and "3.20" in line
    assert result.summary()["results"][0]["fields"] == held["fields"]


def test_what_was_read_is_read_again_only_when_it_must(folder: Path) -> None:
    reader = Told()
    read_fields([folder], reader=reader)
    target = folder / "corner.fields.json"
    first = target.read_bytes()
    result = read_fields([folder], reader=reader)
    assert reader.seen == [1] and result.files[0].status == "unchanged" and target.read_bytes() == first
    assert result.sentences() == ["1 read before and unchanged (--again reads them anew)"]
    assert result.files[0].fields.seller == "Corner Shop"
    read_fields([folder], reader=reader, again=True)
    read_fields([folder], reader=Told(model="told@2"))
    assert reader.seen == [1, 1] and json.loads(target.read_text())["model"] == "told@2"
    draw(SHOPS[0][1], folder / "corner.png")
    assert read_fields([folder], reader=Told(model="told@2")).files[0].status == "read"


def test_what_a_person_changed_is_kept(folder: Path) -> None:
    read_fields([folder], reader=Told())
    target = folder / "corner.fields.json"
    held = json.loads(target.read_text())
    held["fields"]["total"] = "4.20"
    target.write_text(json.dumps(held))
    changed = target.read_bytes()
    result = read_fields([folder], reader=Told(model="told@2"), again=True)
    assert result.files[0].status == "kept" and target.read_bytes() == changed
    assert str(result.files[0].fields.total) == "4.20" and "kept, because corner.fields.json" in result.sentences()[0]
    assert [one.rule for one in result.files[0].findings if one.rule == "total"] == ["total"]


def test_pages_of_a_pdf_and_a_tiff_are_one_document(tmp_path: Path) -> None:
    two_pages(tmp_path / "long.pdf")
    frames = [Pillow.new("RGB", (60, 40), "white") for _ in range(3)]
    frames[0].save(tmp_path / "fax.tif", save_all=True, append_images=frames[1:])
    reader, shown = Told(), []
    result = read_fields([tmp_path], reader=reader, progress=lambda *told: shown.append(told), out=tmp_path / "out")
    assert reader.seen == [3, 2] and [one.pages for one in result.files] == [3, 2]
    assert (tmp_path / "out" / "long.fields.json").is_file() and not (tmp_path / "long.fields.json").exists()
    assert shown[1] == (0, 2, "fax.tif, page 2 of 3") and shown[-1] == (1, 2, "long.pdf, page 2 of 2")


def test_a_finding_names_field_and_page(tmp_path: Path) -> None:
    two_pages(tmp_path / "long.pdf")
    rows = [{"quantity": "2", "unit_price": "5.00", "amount": "11.00", "sources": {"quantity": _at(2)}}]
    wrong = {**GOOD, "total": "3.30", "lines": rows, "sources": {"total": _at(1)}}
    result = read_fields([tmp_path], reader=Told(wrong, **{"page 2": "no words were found"}))
    (line,) = result.sentences()
    assert "lines.0.quantity on page 2: " in line and "page 2: no words were found" in line


def _at(page: int) -> dict[str, Any]:
    return {"page": page, "box": [0, 0, 9, 9]}


def _failing(folder: Path, reader: Told) -> tuple[FieldsResult, str]:
    """Read a folder in which one document fails and another does not."""
    result = read_fields([folder], reader=reader)
    (sentence,) = result.failures
    return result, sentence


def test_what_is_no_picture_stops_no_other(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    result, sentence = _failing(folder, Told())
    assert sentence.startswith(f"{folder / 'a.pdf'}: ") and [one.document.name for one in result.files] == [
        "corner.png"
    ]
    assert result.summary()["failed"] == 1 and result.summary()["documents"] == 2


def test_a_page_that_cannot_be_read_is_named(folder: Path) -> None:
    frames = [Pillow.fromarray(np.full((40, 60, 3), at, np.uint8)) for at in (250, 200)]
    frames[0].save(folder / "b.tif", save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate")
    whole = (folder / "b.tif").read_bytes()
    with Pillow.open(folder / "b.tif") as opened:
        opened.seek(1)
        (place,) = opened.tag_v2[273]
    (folder / "b.tif").write_bytes(whole[:place] + b"\0" * 8 + whole[place + 8 :])
    _, sentence = _failing(folder, Told())
    assert "page 2 of the TIFF image is damaged" in sentence


def test_documents_without_words_or_fields_are_told(folder: Path) -> None:
    seen: list[tuple[str, object]] = []
    blank = read_fields([folder], reader=Blank(), done=lambda path, file: seen.append((path.name, file)))
    assert blank.failures == (f"{folder / 'corner.png'}: no words were found on its page; scan or photograph it again",)
    none = read_fields([folder], reader=_nothing(due="'3.2.0' is no amount"))
    assert (
        "the words on its page tell no field of an invoice or receipt (due: '3.2.0' is no amount)" in none.failures[0]
    )
    assert seen == [("corner.png", None)] and not list(folder.glob("*.json"))


def _nothing(**faults: str) -> Told:
    reader = Told(**faults)
    reader.fields = {}
    return reader


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "emendo.fieldsfile/1", "fields": 3}', "\xff"])
def test_a_file_that_is_not_ours_is_not_touched(folder: Path, content: str) -> None:
    target = folder / "corner.fields.json"
    target.write_bytes(content.encode("latin-1"))
    (sentence,) = read_fields([folder], reader=Told(), again=True).failures
    assert "corner.fields.json: stands where the fields would go and is not ours; rename" in sentence
    assert target.read_bytes() == content.encode("latin-1")


def test_two_documents_never_share_a_file(folder: Path) -> None:
    shutil.copyfile(folder / "corner.png", folder / "corner.jpg")
    (sentence,) = read_fields([folder], reader=Told()).failures
    assert "would have its fields where those of" in sentence
    (folder / "corner.jpg").unlink()
    assert read_fields([folder], reader=Told()).failures
    assert "holds the fields of corner.jpg, not of corner.png" in read_fields([folder], reader=Told()).failures[0]


def test_a_file_cut_short_by_hand_is_told(folder: Path) -> None:
    read_fields([folder], reader=Told())
    target = folder / "corner.fields.json"
    held = json.loads(target.read_text())
    del held["faults"]
    target.write_text(json.dumps(held))
    assert "is no whole file of fields" in read_fields([folder], reader=Told()).failures[0]


def test_each_document_read_now_is_handed_on(folder: Path) -> None:
    seen: list[str] = []
    for _ in range(2):
        read_fields([folder], reader=Told(), done=lambda path, file: seen.append(path.name))
    assert seen == ["corner.png"]


def test_an_input_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        read_fields([tmp_path / "gone.png"], reader=Told())


def test_pages_can_be_taken_from_any_place(tmp_path: Path) -> None:
    two_pages(tmp_path / "long.pdf")

    class Backwards(Told):
        def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
            (pages,) = documents
            assert pages[-1].shape == pages[1].shape == pages[:2][1].shape and len(pages) == 2
            with pytest.raises(IndexError):
                pages[2]
            return [replace(self._one(), text="seen")]

    assert read_fields([tmp_path], reader=Backwards()).files[0].pages == 2


class Layers(Told):
    """Says which pages could be asked for their text layer."""

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        found = []
        for pages, reading in zip(documents, super().read_documents(documents), strict=True):
            asked = [pages.layer(at) is not None for at in range(len(pages))] if isinstance(pages, LayeredPages) else []
            found.append(replace(reading, text_layer=tuple(at for at, one in enumerate(asked, 1) if one)))
        return found


def test_the_text_layer_of_a_pdf_is_offered_noted_and_can_be_left_aside(folder: Path) -> None:
    (folder / "bill.pdf").write_bytes(page_pdf([Show(60, 700, "Corner Shop, total 3.20")]))
    first = {one.document.name: one for one in read_fields([folder], reader=Layers()).files}
    assert first["bill.pdf"].text_layer == (1,) and first["corner.png"].text_layer == ()
    held = json.loads((folder / "bill.fields.json").read_text())
    assert held["text_layer"] == [1] and held["words"] == "text layer or OCR"
    assert first["bill.pdf"].to_dict()["text_layer"] == [1]
    assert "words" not in json.loads((folder / "corner.fields.json").read_text())
    never = Settings(read=ReadSettings(text_layer="never"))
    again = {one.document.name: one for one in read_fields([folder], reader=Layers(), settings=never).files}
    assert again["corner.png"].status == "unchanged"
    assert again["bill.pdf"].status == "read" and again["bill.pdf"].text_layer == ()
    same = read_fields([folder], reader=Layers(), settings=never)
    assert [one.status for one in same.files] == ["unchanged", "unchanged"]
