from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError, UsageError
from emendo.text.folds import FOLDINGS, Fold, fold_of, read_phrases

CASES = [
    ("alef", "أحمد إلى آل ٱلله", "احمد الى ال الله"),
    ("ya", "على فی", "علي في"),
    ("ta-marbuta", "مدرسة", "مدرسه"),
    ("tatweel", "كتـــاب", "كتاب"),
    ("harakat", "كِتَابٌ", "كتاب"),
    ("forms", "ﻛﺘﺎﺏ ﷲ", "كتاب الله"),
    ("case", "Straße ÉTÉ", "strasse été"),
    ("blanks", "  un\t deux ", "un deux"),
    ("o0", "LOOK, oh 8OO", "L00K, 0h 800"),
    ("punctuation", "«un», deux؟", "un deux"),
]


@pytest.mark.parametrize(("name", "text", "expected"), CASES)
def test_each_folding_by_itself(name: str, text: str, expected: str) -> None:
    assert fold_of([name])(text) == expected
    others = fold_of([row.name for row in FOLDINGS if row.name != name])
    assert others(text) != others(expected), "no other folding does the same"


def test_every_folding_has_a_case() -> None:
    assert [case[0] for case in CASES] == [row.name for row in FOLDINGS]


def test_nothing_is_folded_unasked() -> None:
    text = "أَهْلًا  ـــ ة ى ﻛ A."
    assert Fold()(text) == unicodedata.normalize("NFC", text)


def test_hamza_marks_are_letters_not_vowels() -> None:
    assert fold_of(["harakat"])("ا\u064e\u0654") == "أ"
    assert fold_of(["arabic"])("ا\u064e\u0654") == "ا"


def test_groups_and_order() -> None:
    assert fold_of(["harakat", "arabic"]).names == ("alef", "ya", "ta-marbuta", "tatweel", "harakat", "forms")


def test_an_unknown_name_is_answered_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown folding 'alif' \(did you mean 'alef'\?\); use alef, ya, .*arabic"):
        fold_of(["alif"])


@settings(max_examples=60)
@given(st.text(st.characters(codec="utf-8"), max_size=30), st.sets(st.sampled_from([row.name for row in FOLDINGS])))
def test_folding_twice_changes_nothing(text: str, names: set[str]) -> None:
    fold = fold_of(names)
    once = fold(text)
    assert fold(once) == once
    assert unicodedata.is_normalized("NFC", once)


HONORIFIC = (("صلى الله عليه وسلم", "◆"), ("صلي الله عليه و سلم", "◆"), ("رحمه الله", "◇"))


def test_a_phrase_counts_as_its_sign_in_every_spelling_that_is_named() -> None:
    fold = fold_of([], HONORIFIC)
    assert fold("قال صلى الله عليه وسلم") == fold("قال صلي الله عليه و سلم") == "قال ◆"
    assert fold("صلى الله عليه") == "صلى الله عليه", "a part of it is no sign"


def test_a_phrase_is_looked_for_when_all_else_is_folded() -> None:
    fold = fold_of(["arabic", "punctuation"], HONORIFIC[:1])
    assert fold("قال: صَلّى الله، عليه وسلم.") == "قال ◆"
    assert fold_of(["punctuation"], (("...", "◆"),))("a...") == "a", "what is folded away is no phrase"


@given(st.text("abc ◆.أاى"), st.lists(st.text("abc .أى", min_size=1, max_size=4), max_size=4))
@settings(max_examples=150)
def test_folding_phrases_twice_changes_nothing(text: str, phrases: list[str]) -> None:
    fold = fold_of(["arabic", "loose"], tuple((phrase, "◆") for phrase in phrases))
    assert fold(fold(text)) == fold(text)


def test_a_file_of_phrases(tmp_path: Path) -> None:
    path = tmp_path / "phrases.tsv"
    path.write_text("\ufeff# honorifics\n\nصلى الله عليه وسلم\t◆\r\nرحمه الله \t ◇\n", encoding="utf-8")
    assert read_phrases(path) == (HONORIFIC[0], HONORIFIC[2])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a b\n", ":1: is no phrase with a sign"),
        (b"# x\na b\t\n", ":2: is no phrase with a sign"),
        ("a b\tﷺ\n".encode(), "is not one character that every folding leaves as it is"),
        (b"a b\tcd\n", "is not one character"),
        (b"a b\t!\n", "is not one character"),
        (b"a b\tx\nx y\tz\n", "the sign 'x' stands in a phrase"),
        (b"# nothing\n", "holds no phrases"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_is_no_file_of_phrases_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "phrases.tsv"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=said):
        read_phrases(path)
