"""Packed word lists give the words that wordfreq gives. Covers N15."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.text import wordlists
from emendo.text.lexicon import Lexicon, detect_language
from emendo.text.wordlists import frequent_words, languages, listed_words, packed, unpacked

DANISH = ["der var engang en lille pige som boede i et stort hus", "sammen med sin mor og far og en gammel hund"]


@given(st.dictionaries(st.text("aébc'ж", min_size=1, max_size=90), st.integers(0, 999), min_size=1, max_size=40))
@settings(max_examples=80, deadline=None)
def test_a_packed_list_gives_the_same_words_back(found: dict[str, int]) -> None:
    words = sorted(found.items())
    assert unpacked(packed(words)) == words


@pytest.fixture
def packed_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """An installation whose wheel holds packed lists of two languages, and no wordfreq."""
    whole = {code: (listed_words(code), frequent_words(code)) for code in ("da", "id")}
    for code, (words, _) in whole.items():
        (tmp_path / f"{code}.bz2").write_bytes(packed(words))
    monkeypatch.setattr(wordlists, "languages", lambda: tuple(whole))
    (tmp_path / wordlists.FREQUENT).write_bytes(wordlists.packed_frequent())
    monkeypatch.undo()
    caches = (languages, frequent_words, wordlists._frequent_of_all)
    monkeypatch.setattr(wordlists, "FOLDER", tmp_path)
    for one in caches:
        one.cache_clear()
    yield whole
    monkeypatch.undo()
    for one in caches:
        one.cache_clear()


def test_an_installed_wheel_reads_with_the_same_words(packed_lists: dict[str, object]) -> None:
    assert languages() == ("da", "id")
    for code, (words, frequent) in packed_lists.items():
        assert listed_words(code) == words and frequent_words(code) == frequent
    assert detect_language(DANISH) == "da"
    assert Lexicon.build("da", listed_words("da")).frequency("hus") > 1e-5


def test_without_any_list_no_language_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wordfreq", None)
    languages.cache_clear()
    try:
        assert languages() == () and detect_language(DANISH) == ""
    finally:
        languages.cache_clear()


def test_words_come_in_order_and_once() -> None:
    words = [word for word, _ in listed_words("da")]
    assert words == sorted(set(words))
