"""Texts on their one road."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emendo.text.normalize import alphabet_of, normalize_text


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("e\u0301te\u0301", "été"),
        ("  a \t b\u00a0c\n", "a b c"),
        ("\u200fسلام\u200e", "سلام"),
        ("\ufeffau\u00adto", "auto"),
        ("a\x00b\x07", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("", ""),
    ],
)
def test_known_texts(given_text: str, expected: str) -> None:
    assert normalize_text(given_text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("0\r\x1b\r0")
def test_normal_texts_are_composed_single_spaced_and_stay_as_they_are(text: str) -> None:
    found = normalize_text(text)
    assert normalize_text(found) == found
    assert unicodedata.is_normalized("NFC", found)
    assert "  " not in found
    assert found == found.strip()


def test_the_alphabet_is_sorted_single_and_normalised() -> None:
    assert alphabet_of(["be\u0301 ", "a b", "b"]) == (" ", "a", "b", "é")
