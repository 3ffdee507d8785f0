from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import UsageError
from emendo.text.folds import FOLDINGS, Fold, fold_of

CASES = [
    ("alef", "أحمد إلى آل ٱلله", "احمد الى ال الله"),
    ("ya", "على فی", "علي في"),
    ("ta-marbuta", "مدرسة", "مدرسه"),
    ("tatweel", "كتـــاب", "كتاب"),
    ("harakat", "كِتَابٌ", "كتاب"),
    ("forms", "ﻛﺘﺎﺏ ﷲ", "كتاب الله"),
    ("case", "Straße ÉTÉ", "strasse été"),
    ("blanks", "  un\t deux ", "un deux"),
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
