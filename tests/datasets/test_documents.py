"""Regions cut out of documents by where a reader finds their fields: what is cut, annotated, and left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.errors import DataError, UsageError
from emendo.fields.schema import canonical, read_document
from emendo.image.encode import png_bytes
from emendo.image.load import read_image
from emendo.pages import fields
from emendo.pages.regions import FieldRegions, Region, RegionFinder, regions_by_sources
from emendo.types import Image, Reading

FOUND: dict[str, Any] = {
    "type": "invoice",
    "seller": "Ann",
    "number": "7",
    "lines": [
        {"amount": "1.00", "sources": {"amount": {"page": 1, "box": [60, 50, 90, 55]}}},
        {"amount": "2.00", "sources": {"amount": {"page": 1, "box": [60, 60, 90, 65]}}},
        {"amount": "3.00", "sources": {"amount": {"page": 2, "box": [60, 5, 90, 10]}}},
    ],
    "total": "6.00",
    "sources": {
        "seller": {"page": 1, "box": [5, 5, 40, 10]},
        "number": {"page": 1, "box": [60, 20, 80, 25]},
        "total": {"page": 2, "box": [60, 80, 95, 99]},
    },
}


def page(height: int = 100) -> Image:
    return np.arange(height * 100 * 3, dtype=np.uint32).reshape(height, 100, 3).astype(np.uint8)


class Finds:
    """A reader that finds the same in every document."""

    model = "finds@1"

    def __init__(self, found: dict[str, Any] | None) -> None:
        self.found = found

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        if self.found is None:
            return [Reading("", 0.0, model=self.model) for _ in documents]
        document = read_document(self.found).document
        values = document.values(sources=True)
        return [Reading(canonical(document), 1.0, model=self.model, fields=values) for _ in documents]


def test_a_region_is_what_its_values_span_on_the_page_with_most_of_them() -> None:
    pages = [page(), page()]
    finder: RegionFinder = FieldRegions(Finds(FOUND))
    found = {one.name: one for one in finder.find(pages)}
    assert [*found] == ["vendor_block", "document", "line_items_table", "totals_section"]
    assert found["vendor_block"] == Region("vendor_block", 1, (3, 3, 42, 12), {"seller": "Ann"})
    assert found["document"].fields == {"type": "invoice", "number": "7"}
    table = found["line_items_table"]
    assert (table.page, table.box) == (1, (58, 48, 92, 67))
    assert table.fields == {"lines": [{"amount": "1.00"}, {"amount": "2.00"}]}, "the third row is on the other page"
    assert found["totals_section"].page == 2 and found["totals_section"].box == (58, 78, 97, 100)
    assert np.array_equal(table.crop(pages), pages[0][48:67, 58:92])
    alone = {one.name: one for one in finder.find(pages[:1])}
    assert "totals_section" not in alone and FieldRegions(Finds(None)).find(pages) == []


def test_what_lies_off_the_page_is_no_region() -> None:
    outside = {"seller": "Ann", "sources": {"seller": {"page": 1, "box": [500, 500, 600, 600]}}}
    assert regions_by_sources(read_document(outside).document, [(100, 100)]) == []


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One document with the truth that the reader finds, one with another, one without, one that is torn."""
    truth = {name: value for name, value in FOUND.items() if name != "sources"}
    truth["lines"] = [{"amount": row["amount"]} for row in FOUND["lines"]]
    rows: list[dict[str, Any]] = [
        {"image": "a.png", "fields": truth, "split": "val", "language": "fr"},
        {"image": "b.png", "fields": {**truth, "seller": "Anna", "tax": "1.00"}},
        {"image": "c.png"},
        {"image": "d.png", "fields": truth},
    ]
    for row in rows:
        (tmp_path / row["image"]).write_bytes(png_bytes(page(120)))
    (tmp_path / "d.png").write_bytes(b"torn")
    (tmp_path / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    flat = json.loads(json.dumps(FOUND).replace('"page": 2', '"page": 1'))
    monkeypatch.setattr(fields, "load_document_reader", lambda ref, **how: Finds(flat))
    return tmp_path / "documents.jsonl"


def test_crops_are_annotated_where_all_that_is_known_was_found(
    documents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["dataset", "regions", str(documents), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["crops"] == 10 and told["annotated"] == 6
    assert {path.stem for path in (out / "crops").iterdir()} == {
        *(f"{name}.png_{region}" for name in "ac" for region in ("vendor_block", "totals_section")),
        *(f"{name}.png_{region}" for name in "abc" for region in ("document", "line_items_table")),
    }
    assert told["left_out"][:2] == [
        "b.png: not all fields of vendor_block were found where they stand",
        "b.png: not all fields of totals_section were found where they stand",
    ]
    assert told["left_out"][2].startswith("d.png: ")
    dataset = open_dataset(out)
    assert len(dataset.samples) == 6 and not dataset.rejects
    one = next(one for one in dataset.samples if one.id == "a.png_line_items_table")
    assert one.fields == {"lines": [{"amount": "1.00"}, {"amount": "2.00"}, {"amount": "3.00"}]}
    assert (one.group, one.language, one.split) == ("a.png", "fr", "val")
    assert read_image(one.image).shape == (66, 34, 3)
    assert main(["dataset", "regions", str(documents), "--out", str(out)]) == 2
    assert "exists; name a new folder" in capsys.readouterr().err


def test_where_nothing_is_found_nothing_is_written(documents: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from emendo.datasets.documents import cut_regions

    samples = open_dataset(documents).samples
    with pytest.raises(DataError, match="no region was found"):
        cut_regions(samples, FieldRegions(Finds(None)), lambda sample: read_document({}).document, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(UsageError, match="exists"):
        cut_regions(samples, FieldRegions(Finds(None)), lambda sample: read_document({}).document, tmp_path)
