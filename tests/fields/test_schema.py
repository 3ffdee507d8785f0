"""The schema: one spelling of each field, and one text of each document."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.errors import FormatError
from emendo.fields import canonical, read_document, read_text
from emendo.fields.names import ALIASES, REGIONS
from emendo.fields.schema import ROWS, Document
from emendo.text.normalize import normalize_text

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*Document.model_fields, *ALIASES[""], "note", "sources"]) | st.text(max_size=8)


def test_fields_are_read_in_any_spelling_and_written_in_one() -> None:
    read = read_document(
        {
            "company": " HARBOUR  BOOKS ",
            "date": "25/12/2018",
            "total": "RM 1.234,50",
            "currency": "RM",
            "line_items": [{"desc": "Atlas", "qty": 2, "price": "5,00", "total": 10.0}],
            "address": "12 Quay Street\r\n\n  Bristol",
            "cashier": "No. 4",
        }
    )
    assert json.loads(canonical(read.document)) == {
        "schema": "emendo.fields/1",
        "seller": "HARBOUR BOOKS",
        "seller_address": "12 Quay Street\nBristol",
        "date": "2018-12-25",
        "currency": "MYR",
        "lines": [{"description": "Atlas", "quantity": "2", "unit_price": "5.00", "amount": "10.00"}],
        "total": "1234.50",
        "cashier": "No. 4",
    }
    assert read.faults == () and read.renamed is not None
    assert read.renamed["company"] == "seller" and read.renamed["lines.0.qty"] == "quantity"


def test_a_value_that_cannot_be_is_left_out_and_told() -> None:
    read = read_document(
        {
            "total": "12,3,4",
            "date": "05/04/2018",
            "currency": "$",
            "type": "love letter",
            "lines": [{"amount": "x"}, "row", {"amount": "2.00", "tax_rate": "19 %"}],
            "net": True,
            "sources": {"total": {"page": 0, "box": [1, 2, 3, 4]}},
            "deep": json.loads("[" * 30 + "]" * 30),
        }
    )
    assert {one.path for one in read.faults} == {
        "total",
        "date",
        "currency",
        "type",
        "lines.0.amount",
        "lines.1",
        "net",
        "sources",
        "deep",
    }
    assert all(len(one.what) > 8 for one in read.faults)
    assert read.document.values() == {"lines": [{}, {}, {"tax_rate": "19", "amount": "2.00"}]}


def test_another_name_gives_way_to_the_right_one() -> None:
    read = read_document({"seller": "A", "company": "B"})
    assert (read.document.seller, read.document.extras()) == ("A", {"company": "B"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"total": "1.00"', "not JSON"),
        ("[1]", "not an object"),
        ('{"total": NaN}', "NaN"),
        ("[" * 100_000, "nest"),
        ('{"schema": "emendo.fields/9"}', "emendo.fields/9"),
    ],
)
def test_what_is_no_document_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read_text(text)


def test_numbers_of_json_are_exact() -> None:
    document = read_text('{"total": 0.10, "net": 1234567890.12, "tax": 1e2, "rate_of_day": 1.50}').document
    assert (document.total, document.net, document.tax) == (Decimal("0.1"), Decimal("1234567890.12"), Decimal(100))
    assert '"total":"0.10"' in canonical(document) and '"rate_of_day":"1.5"' in canonical(document)


def test_amounts_have_the_decimals_of_their_currency() -> None:
    assert read_document({"currency": "JPY", "total": "1200.00"}).document.values()["total"] == "1200"
    assert read_document({"currency": "KWD", "total": "1.5"}).document.values()["total"] == "1.500"


def test_sources_go_with_their_rows_and_can_be_left_out() -> None:
    source = {"page": 2, "box": [1.0, 2.0, 30.5, 40.0]}
    read = read_document(
        {"total": "1", "sources": {"total": source}, "lines": [{"amount": "1", "sources": {"amount": source}}]}
    )
    kept = read.document.values(sources=True)
    assert kept["sources"]["total"] == source and kept["lines"][0]["sources"]["amount"] == source
    assert "sources" not in canonical(read.document, sources=False)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_every_document_has_one_text_that_reads_back(raw: dict[str, Any]) -> None:
    if raw.get("schema", "emendo.fields/1") != "emendo.fields/1":
        return
    document = read_document(raw).document
    text = canonical(document)
    again = read_text(text)
    if not again.renamed:  # a second name takes the place of a value that could not be read
        assert again.faults == () and canonical(again.document) == text
    assert normalize_text(text) == text  # what the store does to every text changes nothing


def test_every_field_stands_in_one_region() -> None:
    placed = [name for names in REGIONS.values() for name in names]
    assert sorted(placed) == sorted(set(Document.model_fields) - {"sources"})


def test_aliases_lead_to_fields_and_are_none_themselves() -> None:
    for table, aliases in ALIASES.items():
        names = set(ROWS.get(table, Document).model_fields)
        assert set(aliases.values()) <= names and not names & set(aliases)
