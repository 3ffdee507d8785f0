"""Phrases that stand on the page as one sign are found by the paper they take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.text.signs import LEAST_LINES, find_signs

WORDS = [
    "rain",
    "stone",
    "river",
    "walked",
    "under",
    "the",
    "tall",
    "green",
    "trees",
    "before",
    "evening",
    "came",
    "over",
    "hills",
    "and",
    "fields",
    "again",
]
SIGN = "peace be upon him always"


def lines(count, sign_every, *, saved=1.0, seed=0, noise=6.0):
    """Texts of eight words, every few with SIGN, and widths: 10 columns a character, of SIGN the share not saved."""
    rng = np.random.default_rng(seed)
    texts, widths = [], []
    for at in range(count):
        words = [str(word) for word in rng.choice(WORDS, 8)]
        width = 10 * len(" ".join(words))
        if sign_every and at % sign_every == 0:
            words.insert(int(rng.integers(9)), SIGN)
            width += 10 * (1 + round(len(SIGN) * (1 - saved)))
        texts.append(" ".join(words))
        widths.append(width + float(rng.normal(0, noise)))
    return texts, widths


def test_a_phrase_that_takes_the_room_of_one_letter_is_found_whole():
    assert find_signs(*lines(60, 5, saved=0.95)) == (SIGN,)


def test_a_phrase_that_is_written_out_is_none():
    assert find_signs(*lines(60, 5, saved=0.0)) == ()


def test_two_spellings_of_one_sign_are_both_found_the_longer_first():
    texts, widths = lines(120, 4, saved=0.95)
    other = "peace be on him"
    changed = [text.replace(SIGN, other) if at % 8 == 0 else text for at, text in enumerate(texts)]
    assert find_signs(changed, widths) == (SIGN, other)


def test_few_lines_say_nothing():
    assert find_signs(*lines(2 * LEAST_LINES, 2, saved=0.95)) == ()
    assert find_signs([], []) == ()


@pytest.mark.parametrize("seed", range(20))
def test_lines_without_signs_have_none_however_uneven_the_hand(seed):
    assert find_signs(*lines(80, 0, seed=seed, noise=80.0)) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40), st.floats(0, 5000)), max_size=40))
def test_any_lines_are_taken(rows):
    found = find_signs([text for text, _ in rows], [width for _, width in rows])
    assert all(any(sign in text for text, _ in rows) for sign in found)
