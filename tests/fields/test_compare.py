"""Documents compared: numbers as numbers, texts without case and punctuation, rows by alignment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.fields import Document, read_document
from emendo.fields.compare import Comparison, FieldCounts, align_rows, compare_documents, plain
from emendo.fields.schema import LineItem


def document(**values: object) -> Document:
    read = read_document(values)
    assert not read.faults
    return read.document


TRUTH = document(
    seller="Müller & Co. KG",
    date="2024-03-21",
    total="1234.50",
    lines=[{"description": "Oak shelf", "amount": "34.00"}, {"description": "Desk lamp", "amount": "39.50"}],
)


def test_values_are_compared_as_what_they_are() -> None:
    found = document(seller="MÜLLER &Co KG", date="21.3.2024", total="1.234,50", lines=[], buyer="nobody")
    counts = compare_documents(TRUTH, found).fields
    assert counts["seller"] == counts["date"] == counts["total"] == FieldCounts(right=1)
    assert counts["buyer"] == FieldCounts(invented=1)
    assert counts["lines[].amount"] == FieldCounts(missed=2)
    assert compare_documents(TRUTH, document(seller="Muller")).fields["seller"] == FieldCounts(wrong=1)
    assert plain("Ünï-1.5 €") == "ünï15"


def test_a_row_that_is_missing_moves_no_other() -> None:
    found = document(lines=[{"description": "Desk larnp", "amount": "39.50"}, {"description": "x", "amount": "1"}])
    pairs = align_rows(TRUTH.lines, found.lines)
    assert [(one is not None, other is not None) for one, other in pairs] == [
        (True, False),
        (True, True),
        (False, True),
    ]
    counts = compare_documents(TRUTH, found).fields
    assert counts["lines[].amount"] == FieldCounts(right=1, missed=1, invented=1)
    assert counts["lines[].description"] == FieldCounts(wrong=1, missed=1, invented=1)


def test_counts_of_many_documents_add_up() -> None:
    both = compare_documents(TRUTH, TRUTH) + compare_documents(TRUTH, None)
    assert both.all.right == both.all.missed and both.all.accuracy == 0.5 and both.all.precision == 1
    assert both.of(["lines"]) == both.fields["lines[].amount"] + both.fields["lines[].description"]
    assert both.all.f1 == pytest.approx(2 / 3)
    assert FieldCounts().accuracy is None and FieldCounts().f1 is None and Comparison({}).all == FieldCounts()
    assert FieldCounts(1, 2, 3, 4).to_dict()["right"] == 1


ROWS = st.lists(
    st.builds(LineItem, description=st.sampled_from(["ab", "cd", "ef"]), amount=st.integers(1, 3)), max_size=6
)


@given(ROWS, ROWS)
def test_every_row_is_in_one_pair_in_order(truth: list[LineItem], found: list[LineItem]) -> None:
    pairs = align_rows(truth, found)
    assert [one for one, _ in pairs if one is not None] == truth
    assert [other for _, other in pairs if other is not None] == found
    assert align_rows(truth, truth) == [(one, one) for one in truth]
