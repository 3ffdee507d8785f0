"""Texts are told by script and language, with raw counts."""

from __future__ import annotations

import pytest
from tests.monitored import ENGLISH, FRENCH

from emendo.errors import UsageError
from emendo.monitor.validity import Expected, expected_of, script_of, validity

FR, EN = [" ".join(FRENCH)], [" ".join(ENGLISH)]


@pytest.mark.parametrize(
    ("char", "script"),
    [("é", "LATIN"), ("ش", "ARABIC"), ("ж", "CYRILLIC"), ("漢", "CJK"), ("7", ""), (" ", ""), ("⟦", "")],
)
def test_letters_have_scripts(char: str, script: str) -> None:
    assert script_of(char) == script


def test_what_traffic_holds_is_expected_of_it() -> None:
    assert expected_of(FR) == Expected(("LATIN",), "fr")
    assert expected_of(EN).language == "en"
    assert expected_of([*FR, "قال"]).scripts == ("LATIN",)  # a word of another script is no script of the traffic
    assert expected_of(["12 34"]) == Expected((), "")


def test_a_language_without_words_is_an_error() -> None:
    with pytest.raises(UsageError, match="no words of the language"):
        expected_of(FR, "xx-nothing")


def test_french_is_valid_french_and_english_is_not() -> None:
    expected = Expected(("LATIN",), "fr")
    french, english = validity(FR, expected), validity(EN, expected)
    assert french.known == french.words > 30
    assert french.lead is not None and english.lead is not None
    assert french.lead > 0.2 > -0.2 > english.lead


def test_letters_of_another_script_are_counted() -> None:
    found = validity(["abcd жжж"], Expected(("LATIN",), ""))
    assert dict(found.scripts) == {"LATIN": 4, "CYRILLIC": 3}
    assert found.in_script(Expected(("LATIN",))) == pytest.approx(4 / 7)
    assert (found.words, found.known_share, found.lead) == (0, None, None)


def test_noise_makes_few_words() -> None:
    found = validity(["xqzt wvrp kjhg bcdf " * 5], Expected(("LATIN",), "fr"))
    assert found.known_share is not None and found.known_share < 0.5


def test_nothing_read_has_no_shares() -> None:
    found = validity([], Expected(("LATIN",), "fr"))
    assert (found.known_share, found.lead, found.in_script(Expected(("LATIN",)))) == (None, None, None)
