from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.extract.made import example, typed

from emendo.fields import canonical, read_text
from emendo.fields.compare import Comparison, compare_documents
from emendo.models.extract.decode import decode
from emendo.models.extract.labels import LABELS, TYPES
from emendo.models.extract.tagger import Tags
from emendo.types import Word

TODAY = date(2027, 1, 1)
EUROPE = {"mark": ",", "order": "dmy", "by_currency": {"USD": {"mark": ".", "order": "mdy"}}, "signs": {"$": ["USD"]}}


def test_what_is_printed_comes_back() -> None:
    counts = Comparison({})
    for index in range(8):
        made = example(index)
        found = decode(made.words, made.tags, EUROPE, today=TODAY)
        assert not found.faults
        counts += compare_documents(made.document, found.document)
    assert counts.all.f1 is not None and counts.all.f1 > 0.99, counts.fields


def test_each_value_has_its_place_and_its_certainty() -> None:
    made = example(0)
    found = decode(made.words, made.tags, EUROPE, today=TODAY)
    at = made.meanings.index("total")
    assert found.document.sources["total"].page == made.words[at].page
    box = found.document.sources["total"].box
    assert box[0] <= made.words[at].box[0] and box[3] >= made.words[at].box[3]
    assert set(found.certainty) >= {"total", "net", "date", "seller", "type", "lines.0.amount"}
    assert all(0 <= chance <= 1 for chance in found.certainty.values())


def test_no_words_no_document() -> None:
    none = np.zeros((0, len(LABELS)), np.float32)
    found = decode((), Tags(none, np.zeros((0, 0), np.float32), np.zeros(3, np.float32)), {})
    assert not found.document.values()
    assert "no word was read" in found.faults[0].what


def test_no_field_no_document() -> None:
    labels = np.zeros((1, len(LABELS)), np.float32)
    labels[0, 0] = 1
    tags = Tags(labels, np.ones((1, 1), np.float32), np.full(3, 1 / 3, np.float32))
    found = decode((Word("hello", (0, 0, 9, 9), 0),), tags, {})
    assert not found.document.values()
    assert "no field was found" in found.faults[0].what


NUMBERS = st.floats(-1e4, 1e4, width=32)
TEXTS = st.one_of(st.text(max_size=12), st.text("0123456789.,-/:RM€%()OlS ", max_size=12))
WORDS = st.lists(
    st.builds(
        lambda text, x, y, wide, tall, line, page, sure: Word(text, (x, y, x + wide, y + tall), line, page, sure),
        TEXTS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.integers(0, 4), st.integers(1, 2), st.floats(0, 1),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(WORDS, st.integers(0, 2**32 - 1))
def test_any_words_with_any_tags_are_a_document(words: list[Word], seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.dirichlet(np.full(len(LABELS), 0.02), len(words)).astype(np.float32)
    pairs = rng.random((len(words), len(words))).astype(np.float32)
    tags = Tags(labels, (pairs + pairs.T) / 2, rng.dirichlet(np.ones(len(TYPES))).astype(np.float32))
    found = decode(words, tags, EUROPE, today=TODAY)
    again = read_text(canonical(found.document))
    assert again.faults == () and again.document == found.document
    assert all(0 <= chance <= 1 for chance in found.certainty.values())


def test_an_amount_that_stands_alone_below_a_row_is_of_that_row() -> None:
    words, tags = typed(
        "Steak<lines.0.description>  5<lines.0.quantity>  5.50<lines.0.unit_price>",
        "27.50<lines.1.amount>",
        "Water<lines.2.description>  2<lines.2.quantity>  1.20<lines.2.unit_price>",
        "2.40<lines.3.amount>",
        "(deposit)<lines.4.description>",
        "29.90<total>",
        kind="invoice",
    )
    rows = decode(words, tags, {}).document.lines
    assert [(row.description, str(row.amount)) for row in rows] == [("Steak", "27.50"), ("Water", "2.40")]


def test_a_row_goes_on_below_where_its_amount_stands_there() -> None:
    words, tags = typed(
        "W5<lines.0.code> Water<lines.0.description>  20<lines.0.quantity>  5.49<lines.0.unit_price>",
        "40001<lines.1.code> PET<lines.1.description>  109.80<lines.1.amount>",
        "Deposit<lines.2.description>  20<lines.2.quantity>  2.00<lines.2.unit_price>  40.00<lines.2.amount>",
    )
    first, second = decode(words, tags, {"mark": "."}).document.lines
    assert (first.description, str(first.amount), first.code) == ("Water PET", "109.80", "W5")
    assert (second.description, str(second.amount)) == ("Deposit", "40.00")


def test_figures_among_named_rows_are_no_goods() -> None:
    words, tags = typed(
        "Steak<lines.0.description>  27.50<lines.0.amount>",
        "Water<lines.1.description>  2.40<lines.1.amount>",
        "29.90<lines.2.unit_price>  2.09<lines.2.amount>",
    )
    assert [row.description for row in decode(words, tags, {}).document.lines] == ["Steak", "Water"]
    words, tags = typed("27.50<lines.0.amount>", "2.40<lines.1.amount>")
    assert len(decode(words, tags, {}).document.lines) == 2


def test_what_is_due_follows_from_the_total_of_an_invoice() -> None:
    words, tags = typed("30.00<total>", "10.00<prepaid>", kind="invoice")
    assert str(decode(words, tags, {}).document.due) == "20.00"
    words, tags = typed("30.00<total>", kind="receipt")
    assert decode(words, tags, {}).document.due is None


def test_an_invoice_of_less_than_nothing_is_a_credit_note() -> None:
    words, tags = typed("-30.00<total>", kind="invoice")
    document = decode(words, tags, {}).document
    assert (document.type, str(document.total), str(document.due)) == ("credit_note", "30.00", "30.00")
