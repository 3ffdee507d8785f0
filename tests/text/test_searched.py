"""Searching: folded by character, so that matches are found back in the text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.text.searched import folded, marked, words_of

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Élève ÇA", "eleve ca"),
        ("œuvre l’été", "oeuvre l'ete"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
        ("مَدْرَسَة", "مدرسه"),
        ("إلى أحمد", "الي احمد"),
        ("كتـــاب", "كتاب"),
        ("١٢ ۳", "12 3"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी कु", "हिन्दी कु"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
    ],
)
def test_what_does_not_matter_is_folded(text: str, form: str) -> None:
    assert folded(unicodedata.normalize("NFC", text)) == form


@given(texts)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(texts, texts)
def test_each_character_folds_for_itself(a: str, b: str) -> None:
    assert folded(a + b) == folded(a) + folded(b)


def test_words_and_phrases() -> None:
    assert words_of("  Le “Train  Rapide” à ") == ("le", "train rapide", "a")
    assert words_of('"open') == ('"open',) and words_of(' " " ') == () and words_of("ـ") == ()


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("L’Été à l'ouest", "ete a", "L’[Été] [à] l'ouest"),
        ("Straße", "ss", "Stra[ß]e"),
        ("قَالَ أحمد", "قال احمد", "[قَالَ] [أحمد]"),
        ("aaaa", "aaa", "[aaaa]"),
        ("none", "x", "none"),
        ("", "x", ""),
    ],
)
def test_matches_are_marked_in_the_text_itself(text: str, query: str, shown: str) -> None:
    assert "".join(f"[{piece}]" if hit else piece for piece, hit in marked(text, words_of(query))) == shown


@given(texts, st.data())
def test_a_part_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = text[start : start + 6]
    pieces = marked(text, [folded(part)] if folded(part) else [])
    assert "".join(piece for piece, _ in pieces) == text
    assert not folded(part) or any(hit for _, hit in pieces)
