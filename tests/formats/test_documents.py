"""Receipts and invoices of other projects: SROIE key files, and PDFs that carry their truth as XML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.datasets import open_dataset
from emendo.errors import FormatError
from emendo.fields import read_document
from emendo.formats.foreign.facturx import embedded_xml, invoice_fields

from .documents import V2, receipts


def test_an_invoice_as_xml_in_either_version(tmp_path: Path) -> None:
    fields = invoice_fields(V2.encode(), tmp_path / "x.xml")
    assert fields == {
        "type": "credit_note", "number": "F-7", "date": "2024-02-29", "currency": "EUR", "seller": "Seller Ltd",
        "seller_address": "Mill 1\n1000 Town", "seller_tax_id": "DE123456789", "buyer": "Buyer", "net": "11",
        "tax": "2.09", "total": "13.09", "taxes": [{"rate": "19", "base": "11", "amount": "2.09"}],
        "lines": [
            {"description": "Shelf oak", "quantity": "2", "unit_price": "5.5", "tax_rate": "19", "amount": "11"}
        ],
    }  # fmt: skip
    assert not read_document(fields).faults
    older = V2
    for name, before in (
        ("SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction"),
        ("ExchangedDocument", "HeaderExchangedDocument"),
        ("ApplicableHeaderTradeAgreement", "ApplicableSupplyChainTradeAgreement"),
        ("ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement"),
        ("SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"),
        ("RateApplicablePercent", "ApplicablePercent"),
    ):
        older = older.replace(f"<{name}", f"<{before}").replace(f"</{name}", f"</{before}")
    assert invoice_fields(older.encode(), tmp_path / "x.xml") == fields


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<Order/>", "the XML is a 'Order' and no invoice"),
        ("<a>", "is not well-formed XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "has a document type"),
    ],
)
def test_xml_that_is_no_invoice_is_told(content: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=sentence):
        invoice_fields(content.encode(), tmp_path / "x.xml")


def test_real_invoices_say_the_same_as_their_published_fields(data: Path) -> None:
    folder = data / "invoices"
    checked = 0
    for line in (folder / "invoices.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        content = embedded_xml(folder / row["pdf"])
        if not row["truth"].startswith("XML") or content is None:
            continue
        own = read_document(invoice_fields(content, folder / row["pdf"])).document
        given = read_document(row["fields"]).document
        names = ("number", "date", "seller", "buyer", "currency", "net", "tax", "total")
        assert [getattr(own, name) for name in names] == [getattr(given, name) for name in names], row["page"]
        assert [row.amount for row in own.lines] == [row.amount for row in given.lines], row["page"]
        checked += 1
    assert checked > 20


def test_a_folder_of_such_pdfs_is_a_data_set(data: Path, tmp_path: Path) -> None:
    source = data / "invoices" / "pdf"
    for name in ("EN16931_Elektron.pdf", "invoice2data_free_fiber.pdf"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    opened = open_dataset(tmp_path)
    assert [sample.fields["number"] for sample in opened if sample.fields] == ["181301674"]
    assert len(opened.rejects) == 1 and "carries no invoice as XML" in opened.rejects[0].what


def test_sroie_receipts_come_with_keys_and_boxes(tmp_path: Path) -> None:
    opened = open_dataset(receipts(tmp_path / "sroie"))
    assert [sample.id for sample in opened] == [sample.id for sample in opened] and len(opened.samples) == 2
    sample = opened.samples[0]
    assert sample.fields == {"company": "TAN SHOP", "date": "25/12/2018", "total": "9.00"}
    assert read_document(sample.fields).renamed == {"company": "seller"}
    assert sample.image.name == "001.jpg"


def test_a_receipt_without_its_picture_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = receipts(tmp_path / "sroie")
    (folder / "img" / "001.jpg").unlink()
    opened = open_dataset(folder)
    assert [sample.image.name for sample in opened] == ["002.jpg"]
    assert [one.what for one in opened.rejects] == [f"entry 1: no image '001' below {folder}"]
    (folder / "box" / "002.csv").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"no image '001'.*1 more rows are wrong"):
        open_dataset(folder)
