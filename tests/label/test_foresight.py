"""What is foreseen of a line: by the model that read it, with what the author has said so far."""

from __future__ import annotations

import numpy as np
import pytest

from emendo.label.foresight import Foresight
from emendo.label.predict import predict
from emendo.models.ctc.decode import Decoding
from emendo.text.language import Learner
from emendo.text.lexicon import Lexicon
from emendo.text.ngram import END, CharacterModel
from emendo.types import Evidence, Image, Reading

ALPHABET = ("a", "b", "c", " ")


def evidence(text: str, doubtful: dict[int, tuple[float, ...]]) -> Evidence:
    """Clear evidence of a text, one frame a character and one blank, but for some places (shares of a, b, c)."""
    rows = []
    for at, char in enumerate(text):
        row = np.full(5, 1e-4)
        row[1 + ALPHABET.index(char)] = 1
        if at in doubtful:
            row[1:4] = doubtful[at]
        rows += [row, np.array([1, 1e-4, 1e-4, 1e-4, 1e-4])]
    shares = np.array(rows)
    return Evidence(np.log(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), ALPHABET, 4.0)


def test_what_was_typed_stays_and_what_lies_between_follows() -> None:
    seen = evidence("ab ab ab", {1: (0.1, 0.5, 0.4), 7: (0.1, 0.5, 0.4)})
    read = predict(seen, None, Decoding())
    assert read is not None and read.text == "ab ab ab"
    assert [stop.at for stop in read.stops] == [1, 7]
    assert read.stops[0].options[0][0] == "ac"
    assert read.probabilities[1] == pytest.approx(0.5, abs=0.05)
    begun = predict(seen, None, Decoding(), "ac")
    assert begun is not None and begun.text == "ac ab ab" and begun.probabilities[:2] == (1, 1)
    kept = predict(seen, None, Decoding(), "ac", " ab ", "bb")
    assert kept is not None and kept.text == "ac ab bb" and kept.probabilities[-2:] == (1, 1)


def test_a_line_without_room_for_what_was_typed_foresees_nothing_that_breaks_it() -> None:
    found = predict(evidence("ab", {}), None, Decoding(), "abcabcabc")
    assert found is None or found.text.startswith("abcabcabc")


def test_a_learner_knows_what_batch_learning_knows() -> None:
    lines = ["the grey mare", "the grey gate"]
    learner = Learner(None, order=4)
    assert learner.model is None
    for line in lines:
        learner.learn(line)
    batch, grown = CharacterModel.learn(lines, order=4), learner.model
    assert grown is not None
    for context, char in (("the gre", "y"), ("", "t"), ("the grey gate", END), ("zz", "q")):
        assert grown.log_prob(context, char) == pytest.approx(batch.log_prob(context, char))


def test_the_share_of_the_words_falls_for_an_author_whom_they_do_not_foresee() -> None:
    lexicon = Lexicon.build("en", [("the", 100), ("and", 120)])
    learner = Learner(lexicon)
    for _ in range(20):
        learner.learn("qux qux qux")
    assert learner.model is not None and learner.model.share < 0.5


class Reader:
    """A recogniser that is no model of ours."""

    model = "theirs"

    def read(self, images: list[Image]) -> list[Reading]:
        return [Reading("", 0.0) for _ in images]


def test_another_models_reading_is_not_turned_into_ours() -> None:
    picture = np.zeros((40, 100, 3), np.uint8)
    foresight = Foresight(Reader, lambda line: (picture, Reading("read", 0.5, (), "theirs")), lambda most: ({}, []))
    assert foresight.predict("1") is None
    assert Foresight(lambda: None, lambda line: (picture, Reading("", 0)), lambda most: ({}, [])).predict("1") is None
