"""Words of a language as expectation of a reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError, UsageError
from emendo.text.lexicon import Lexicon, detect_language, language_code
from emendo.text.ngram import END
from emendo.text.wordlists import languages

entries = st.lists(st.tuples(st.text("abé'", min_size=1, max_size=6), st.integers(0, 900)), min_size=1, max_size=30)
CONTEXTS = ("", "une ", "une fo", "une fois. ", "12", "l", "zzzz")


@given(entries)
@settings(max_examples=60, deadline=None)
def test_the_text_form_gives_the_same_words_back(found: list[tuple[str, int]]) -> None:
    lexicon = Lexicon.build("xx", found)
    again = Lexicon.from_text(lexicon.to_text())
    assert again == lexicon
    assert again.share("a") == lexicon.share("a")


@given(entries, st.text("abé", max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_prefix_shares_what_its_continuations_and_the_word_itself_have(
    found: list[tuple[str, int]], prefix: str
) -> None:
    lexicon = Lexicon.build("xx", found)
    parts = lexicon.frequency(prefix) + sum(lexicon.share(prefix + char) for char in "abé'")
    assert lexicon.share(prefix) == pytest.approx(parts, abs=1e-9)


@pytest.mark.parametrize("context", CONTEXTS)
def test_probabilities_never_exceed_one_in_all(context: str) -> None:
    lexicon = Lexicon.of("fr")
    chars = {chr(code) for code in range(32, 0x180)} | {END}
    chars -= set("–—”“’")
    assert 0 <= sum(lexicon.probability(context, char) for char in chars) <= 1.05


def test_words_are_foreseen_and_elisions_known() -> None:
    lexicon = Lexicon.of("fr")
    assert lexicon.probability("une fenêtr", "e") > 0.9
    assert lexicon.probability("l", "'") > lexicon.probability("l", " ")
    assert lexicon.probability("une xqz", "j") == 0
    assert lexicon.probability("La fin. ", "L") > lexicon.probability("La fin. ", "l")
    assert lexicon.frequency("Fenêtre") == 0
    assert lexicon.frequency("fenêtre") > 0


def test_a_language_is_told_from_real_lines_and_from_nothing_it_is_not(data: Path) -> None:
    def texts(name: str) -> list[str]:
        rows = (data / name / "lines.jsonl").read_text(encoding="utf-8").splitlines()
        return [row["text"] for row in map(json.loads, rows) if row["split"] == "val"][:12]

    assert detect_language(texts("peraire")) == "fr"
    assert detect_language(texts("hands_en")) == "en"
    assert detect_language(texts("arabic_print")) == "ar"
    assert detect_language(texts("plates")) == ""
    assert detect_language(["le la"]) == ""
    assert {"fr", "en", "de", "ar"} <= set(languages())


def test_tags_of_a_language_lead_to_its_words() -> None:
    assert [language_code(tag) for tag in ("fr", "fra", "FR", "fr-CA", "en_GB")] == ["fr", "fr", "fr", "fr", "en"]
    assert [language_code(tag) for tag in ("la", "und", "", "!!")] == ["", "", "", ""]
    assert Lexicon.of("fra").language == "fr"


def test_an_unknown_language_and_a_damaged_list_are_named() -> None:
    with pytest.raises(UsageError, match="no words of the language 'xx'"):
        Lexicon.of("xx")
    good = Lexicon.build("fr", [("a", 3), ("b", 5)]).to_text()
    for bad in (
        "",
        "emendo-words/2 fr\na 1\n",
        good + "c\n",
        good + "a 4\n",
        good.replace("5", "x"),
        "emendo-words/1 fr\n",
    ):
        with pytest.raises(FormatError, match="is no emendo-words/1"):
            Lexicon.from_text(bad, where="words.txt")
