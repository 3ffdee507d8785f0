"""Pages to fields: a reader of documents out of an OCR reader and a tagger, and how a reference names one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emendo.errors import BundleError, UsageError
from emendo.fields.schema import Document, Fault, Source
from emendo.image.load import LayeredPages, open_content, read_image
from emendo.models.base import base_bundle
from emendo.models.bundle import BundleInfo, read_bundle, write_bundle
from emendo.models.extract.decode import Extraction
from emendo.models.extract.labels import LABELS, TYPES
from emendo.models.extract.tagger import Tags
from emendo.models.references import load_recognizer
from emendo.pages import fields
from emendo.pages.fields import PageFieldsReader, load_document_reader
from emendo.types import DocumentReader, Image, Reading, Word

from ..fieldnet import nest_reader
from ..models.extract.test_tagger import bundle, network
from ..pdfs import Show, page_pdf
from ..receipts import SHOPS, draw

BLANK = np.full((40, 60, 3), 255, np.uint8)


class Spoken:
    """Says of each page the words that belong to its height."""

    model = "spoken@1"

    def __init__(self, pages: Mapping[int, str]) -> None:
        self.pages = pages

    def read(self, images: Sequence[Image]) -> list[Reading]:
        raise AssertionError("the words are given")

    def words(self, page: Image, number: int) -> list[Word]:
        texts = self.pages.get(page.shape[0], "").split()
        return [Word(text, (10.0 * at, 0, 10.0 * at + 9, 9), 0, number, 0.9) for at, text in enumerate(texts)]


class Even:
    """A tagger that cannot decide."""

    model = "even@2"
    decoding: Mapping[str, Any] = {"asked": True}

    def tag(self, words: Sequence[Word]) -> Tags:
        labels = np.full((len(words), len(LABELS)), 1 / len(LABELS), np.float32)
        return Tags(labels, np.eye(len(words), dtype=np.float32), np.full(len(TYPES), 1 / 3, np.float32))


def by_spelling(words: Sequence[Word], tags: Tags, decoding: Mapping[str, Any]) -> Extraction:
    """Takes `name=value` for a field; stands in for the decoder, which has tests of its own."""
    assert decoding == {"asked": True} and len(tags.labels) == len(words)
    said = {one.text.partition("=")[0]: one for one in words if "=" in one.text}
    texts = {name: one.text.partition("=")[2] for name, one in said.items()}
    faults = (Fault("due", f"{texts.pop('due')!r} is no amount"),) if "due" in texts else ()
    places = {name: Source(page=said[name].page, box=said[name].box) for name in texts}
    document = Document.model_validate({**texts, "sources": places})
    return Extraction(document, {name: 0.1 * at for at, name in enumerate(texts, 5)}, faults)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> PageFieldsReader:
    monkeypatch.setattr(fields, "decode", by_spelling)
    spoken = Spoken({10: "Shop seller=Corner date=2020-06-30 x", 20: "total=3.20 due=3.2.0", 30: "nothing here"})
    return PageFieldsReader(spoken, None, Even(), words=spoken.words)


def page(height: int) -> Image:
    return np.full((height, 8, 3), 255, np.uint8)


def test_pages_of_a_document_are_read_together(reader: PageFieldsReader) -> None:
    assert isinstance(reader, DocumentReader) and reader.model == "even@2(spoken@1)"
    (reading,) = reader.read_documents([[page(10), page(20)]])
    assert reading.fields is not None
    found = Document.model_validate(reading.fields)
    assert (found.seller, found.date, found.total) == ("Corner", date(2020, 6, 30), Decimal("3.20"))
    assert found.sources["total"].page == 2 and found.sources["seller"].box == (10, 0, 19, 9)
    assert json.loads(reading.text) == {"schema": "emendo.fields/1", **reading.fields}
    assert reading.confidence == pytest.approx(0.5) == reading.certainty["seller"]
    assert reading.faults == {"due": "'3.2.0' is no amount"} and reading.model == reader.model


def test_a_document_without_its_main_fields_is_not_trusted(reader: PageFieldsReader) -> None:
    first, second = reader.read([page(10), page(20)])
    assert first.fields is not None and "total" not in first.fields and first.confidence == 0
    assert second.fields is not None and second.confidence == 0


def test_pages_without_words_or_fields_are_told(reader: PageFieldsReader) -> None:
    empty, idle, half = reader.read_documents([[page(40), page(41)], [page(30)], [page(10), page(40)]])
    assert (empty.text, empty.fields, empty.confidence) == ("", None, 0)
    assert empty.faults == {"page 1": "no words were found", "page 2": "no words were found"}
    assert (idle.fields, idle.faults) == (None, {})
    assert half.fields is not None and half.faults == {"page 2": "no words were found"}
    assert reader.read_documents([[]])[0].fields is None


def test_a_page_with_a_text_layer_needs_no_reading_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "decode", by_spelling)
    base = load_recognizer("base", threads=1, language="none")
    layered = page_pdf([Show(60, 780, "seller=Corner number=17"), Show(60, 740, "date=2020-06-30")])
    with open_content(layered, "a.pdf", dpi=100) as opened:
        image, layer = opened.frame(0), opened.layer(0)
    spoken = Spoken({10: "total=3.20", len(image): "seller=Read"})
    reader = PageFieldsReader(base, None, Even(), words=spoken.words)
    pages = [image, page(10)]
    (mixed,) = reader.read_documents([LayeredPages(pages, [layer, None].__getitem__)])
    assert mixed.fields is not None and mixed.text_layer == (1,)
    assert [mixed.fields[name] for name in ("seller", "number", "total")] == ["Corner", "17", "3.20"]
    assert {name: where["page"] for name, where in mixed.fields["sources"].items()}["total"] == 2
    (plain,) = reader.read_documents([pages])
    assert plain.fields is not None and plain.fields["seller"] == "Read" and plain.text_layer == ()
    assert reader.words(LayeredPages(pages[:1], lambda _: layer))[0].text == "seller=Corner"


def test_a_page_without_ink_is_read_by_the_usual_road() -> None:
    reader = PageFieldsReader(Spoken({}), None, Even())
    assert reader.read([BLANK])[0].faults == {"page 1": "no words were found"}


def test_a_model_of_lines_reads_no_documents() -> None:
    with pytest.raises(UsageError, match="'base' is of the family 'ctc' and reads no documents"):
        load_document_reader("base")


def fields_bundle(folder: Path, **preprocessing: Any) -> Path:
    info = BundleInfo(family="fields", name="made", preprocessing=preprocessing)
    write_bundle(folder, info, {"card.md": b"made"})
    return folder


@pytest.mark.parametrize("named", ["../elsewhere", "someone/else", 7, None])
def test_a_bundle_names_no_reader_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: object
) -> None:
    bundle = read_bundle(fields_bundle(tmp_path / "made", reader=named))
    opening = fields.Opening(bundle, None, 1, "onnxruntime", "", cache=False)
    with pytest.raises(BundleError, match=r"names the OCR reader .* which does not come with this installation"):
        fields._reader(bundle, opening, threads=1)


def test_a_bundle_reads_from_pixels_to_fields(tmp_path: Path) -> None:
    plain = bundle(tmp_path / "plain", network())
    draw(SHOPS[0][1], tmp_path / "page.png")
    page = read_image(tmp_path / "page.png")
    alone = load_document_reader(str(plain.folder))
    both = load_document_reader(str(plain.folder), threads=2)
    assert alone.model.startswith(f"small@{plain.id}(base@")
    (first,), (second,) = alone.read_documents([[page, page]]), both.read_documents([[page, page]])
    assert first.text == second.text and first.certainty.keys() == second.certainty.keys()
    nested = nest_reader(plain, base_bundle(), tmp_path / "nested")
    inside = load_document_reader(str(nested.folder))
    assert inside.model.startswith(f"small@{nested.id}(base@")
    assert inside.read_documents([[page, page]])[0].text == first.text


def test_words_of_a_page_are_remembered_where_that_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emendo.pages.wordcache.cache_folder", lambda: tmp_path / "cache")
    plain = bundle(tmp_path / "plain", network())
    draw(SHOPS[2][1], tmp_path / "page.png")
    page = read_image(tmp_path / "page.png")
    load_document_reader(str(plain.folder)).read([page])
    assert not (tmp_path / "cache").exists()
    first = load_document_reader(str(plain.folder), cache=True).read([page])
    assert len(list((tmp_path / "cache" / "words").rglob("*.json"))) == 1
    reader = load_document_reader(str(plain.folder), cache=True, threads=2)
    assert isinstance(reader, PageFieldsReader)
    monkeypatch.setattr(reader.recognizer, "read", Spoken({}).read)
    assert [one.text for one in reader.read([page])] == [one.text for one in first]


def test_another_reader_of_lines_can_be_asked_for(tmp_path: Path) -> None:
    plain = bundle(tmp_path / "plain", network())
    named = load_document_reader(str(plain.folder), reader=str(base_bundle().folder))
    assert "(base@" in named.model
    with pytest.raises(UsageError, match="no model 'gone'"):
        load_document_reader(str(plain.folder), reader="gone")
    with pytest.raises(UsageError, match="tells the fields of whole documents and reads no lines"):
        load_document_reader(str(plain.folder), reader=str(plain.folder))


def test_a_bundle_whose_decoding_is_of_another_version_is_refused(tmp_path: Path) -> None:
    made = bundle(tmp_path / "made", network(), decoding={"signs": {"$": 7}})
    with pytest.raises(BundleError, match=r"decoding\.signs.*; use the version that wrote it"):
        load_document_reader(str(made.folder))
