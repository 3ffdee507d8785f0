"""The vote among several readings of a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from emendo.models.ctc.vote import aligned, vote
from emendo.types import Character

readings = st.lists(
    st.tuples(st.text("abc", max_size=8), st.floats(0.1, 1)).map(
        lambda drawn: tuple(Character(char, drawn[1], i, i + 1) for i, char in enumerate(drawn[0]))
    ),
    min_size=1,
    max_size=4,
)


def read(text: str, probability: float = 0.9) -> tuple[Character, ...]:
    return tuple(Character(char, probability, i, i + 1) for i, char in enumerate(text))


def test_two_of_three_win_and_a_sure_one_beats_an_unsure_one() -> None:
    assert vote([read("maison"), read("maison", 0.6), read("moison", 0.8)]) == "maison"
    assert vote([read("rue", 0.95), read("rne", 0.3)]) == "rue"


def test_a_character_that_one_reading_missed_is_kept_when_the_others_are_sure() -> None:
    assert vote([read("jardin"), read("jardin"), read("jadin")]) == "jardin"
    assert vote([read("jadin"), read("jadin"), read("jardin", 0.5)]) == "jadin"


@given(readings)
def test_agreement_stands_and_nothing_is_invented(drawn: list[tuple[Character, ...]]) -> None:
    found = vote(drawn)
    assert set(found) <= {char.text for reading in drawn for char in reading}
    assert vote([drawn[0]] * 3) == "".join(char.text for char in drawn[0])
    assert len(found) <= sum(map(len, drawn))


def test_no_reading_gives_no_text() -> None:
    assert vote([]) == vote([()]) == ""


@given(st.lists(st.sampled_from("abc"), max_size=14), st.lists(st.sampled_from("abc"), max_size=14))
def test_the_alignment_is_rapidfuzzs(source: list[str], target: list[str]) -> None:
    expected: list[tuple[int | None, int | None]] = []
    for step in Levenshtein.opcodes(source, target):
        old, new = range(step.src_start, step.src_end), range(step.dest_start, step.dest_end)
        expected += zip(old or [None] * len(new), new or [None] * len(old), strict=True)
    assert aligned(source, target) == expected
