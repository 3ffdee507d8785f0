"""The simulated author always ends at what is right, whatever is foreseen; typed characters stay."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.label.author import MOVES, LineEditor, correct
from emendo.label.predict import Prediction, Stop

TEXTS = st.text("ab cé’", min_size=1, max_size=16).map(lambda text: " ".join(text.split())).filter(bool)


def prediction(text: str, chance: random.Random, first: int = 0) -> Prediction:
    """A line with stops at random places from `first` on."""
    stops = []
    for at in sorted(chance.sample(range(first, len(text) + 1), min(2, len(text) + 1 - first))):
        end = min(len(text), at + chance.randint(0, 3))
        stops.append(Stop(at, at, end, (("ab", 0.5), ("", 0.2))))
    return Prediction(text, (0.5,) * len(text), tuple(stops))


@given(TEXTS, TEXTS, st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_the_author_gets_there_whatever_is_foreseen(truth: str, read: str, seed: int) -> None:
    chance = random.Random(seed)

    def foresee(before: str, between: str, kept: str) -> Prediction | None:
        if chance.random() < 0.3:
            return None
        rest = "".join(chance.choice("ab ") for _ in range(chance.randint(0, 4)))
        return prediction(before + rest + kept, chance, len(before))

    editor = LineEditor.show(prediction(read, chance), foresee)
    keys = correct(editor, truth)
    assert editor.text.strip() == truth
    assert keys[-1] == "Enter"
    assert len(editor.typed) == len(editor.text)


@given(TEXTS, st.lists(st.sampled_from([*MOVES, "a", "é", "Backspace", "Delete", "ArrowDown"]), max_size=20))
@settings(max_examples=100, deadline=None)
def test_what_was_typed_stays_and_nothing_comes_between_what_was_deleted(read: str, keys: list[str]) -> None:
    def foresee(before: str, between: str, kept: str) -> Prediction | None:
        return Prediction(before + "zz" + kept, (1.0,) * (len(before + kept) + 2), ())

    editor = LineEditor.show(Prediction(read, (1.0,) * len(read), ()), foresee)
    for key in keys:
        held = [char for char, typed in zip(editor.text, editor.typed, strict=True) if typed]
        editor.press(key)
        now = [char for char, typed in zip(editor.text, editor.typed, strict=True) if typed]
        if len(key) == 1:
            assert sorted([*held, key]) == sorted(now)
        assert len(editor.typed) == len(editor.text)


def test_a_word_that_is_offered_is_taken_and_the_next_stop_is_one_key_away() -> None:
    stops = (Stop(4, 3, 6, (("two", 0.4), ("ten", 0.2))), Stop(8, 7, 12, (("three", 0.4),)))
    editor = LineEditor.show(Prediction("one txo thxxx", (1.0,) * 13, stops), lambda before, between, kept: None)
    assert editor.selection == (4, 5)
    assert correct(editor, "one txo thxxx") == ["Enter"]
