"""The fewest keys in a plain field: never more than the old estimate, exact on what can be counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.metrics.editing import fewest_keys, word_jumps
from emendo.metrics.effort import line_effort


@pytest.mark.parametrize(
    ("truth", "read", "keys"),
    [
        ("abc", "abc", 0),
        ("je suis la", "jo suis la", 3),  # right, delete, type
        ("je suis la", "je suis le", 3),  # end, backspace, type
        ("je suis là bas", "je suis la bas", 5),  # three word jumps, backspace, type
        ("", "abc", 1),  # delete the word
        ("xyz", "abc", 4),  # select all, type over it
        ("a bc d", "a d", 4),  # right, right, type three: the jump would end behind the a
        ("one two", "one xxxx two", 2),  # jump behind one, delete a word
    ],
)
def test_keys_counted_by_hand(truth: str, read: str, keys: int) -> None:
    assert fewest_keys(truth, read) == keys


@given(st.text("ab cd", min_size=1, max_size=14), st.text("ab cd", max_size=14))
@settings(max_examples=150, deadline=None)
def test_no_way_of_working_is_cheaper_than_the_cheapest(truth: str, read: str) -> None:
    keys = fewest_keys(truth, read)
    assert keys <= line_effort(truth, read).keystrokes - 1
    assert keys <= 1 + max(1, len(truth))
    assert keys == fewest_keys(truth, read)


def test_a_jump_ends_where_a_word_does() -> None:
    assert word_jumps("l'été, oui") == [5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 10]
