"""Errors of whole pages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emendo.evaluate.document import document_counts
from emendo.metrics import total

words = st.text(
    st.characters(codec="ascii", exclude_characters=" \n\r\t", categories=("L", "N")), min_size=1, max_size=8
)
lines = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=8)


def test_edits_fall_on_their_line() -> None:
    found = document_counts(["eins zwei", "", "drei vier", "fünf"], ["eins zwo", "drei vier", "fünf x"])
    assert [counts.edits for counts in found] == [2, 0, 2]
    assert sum(counts.characters for counts in found) == len("eins zwei drei vier fünf")


@given(lines)
def test_the_same_text_broken_elsewhere_has_no_errors(text: list[str]) -> None:
    assert total(document_counts(text, " ".join(text).split(" "))).edits == 0


@given(lines, lines)
def test_nothing_is_lost(reference: list[str], reading: list[str]) -> None:
    found = document_counts(reference, reading)
    assert len(found) == len(reference)
    assert total(found).characters == len(" ".join(reference))
    assert total(found).edits <= max(len(" ".join(reference)), len(" ".join(reading)))


def test_a_missed_page_costs_every_character() -> None:
    assert total(document_counts(["abc", "def"], [])).cer == 1
