"""Lines that run from right to left: frames go from left to right, texts come out in logical order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.ctc.align import forced_alignment, log_likelihood
from emendo.models.ctc.decode import Decoding, beam, beam_text, greedy, greedy_text, text_of
from emendo.text.direction import on_page
from emendo.text.language import LanguageModel
from emendo.text.ngram import CharacterModel
from emendo.types import Evidence

ALPHABET = (*"سلامقد", *"12", *"ab", *" ().")
TEXTS = st.text(alphabet="".join(ALPHABET), min_size=1, max_size=12)


def shown(text: str, sure: float = 0.99) -> Evidence:
    """What a network that reads well emits for a line: each sign as it stands on the page, a blank behind each."""
    page = on_page(text, "rtl")
    probabilities = np.full((2 * len(page), 1 + len(ALPHABET)), (1 - sure) / len(ALPHABET))
    for at, char in enumerate(page):
        probabilities[2 * at, 1 + ALPHABET.index(char)] = sure
        probabilities[2 * at + 1, 0] = sure
    return Evidence(np.log(probabilities).astype(np.float32), ALPHABET, 8.0, "rtl")


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_greedy_beam_and_alignment_give_the_logical_text(text: str) -> None:
    evidence = shown(text)
    assert text_of(greedy(evidence)) == greedy_text(evidence) == text
    assert text_of(beam(evidence)) == text
    assert "".join(char.text for char in forced_alignment(evidence, text)) == text
    assert log_likelihood(evidence, text) > log_likelihood(evidence, text + "س")


def test_spans_are_columns_of_the_picture() -> None:
    evidence = shown("سل (12)")
    read = {char.text: char for char in greedy(evidence)}
    aligned = {char.text: char for char in forced_alignment(evidence, "سل (12)")}
    assert read["س"].start == 12 * 8 and read["ل"].start == 10 * 8
    assert read["1"].start < read["2"].start < read["ل"].start
    assert read["("].start > read["1"].start > read[")"].start
    assert {char: one.start for char, one in aligned.items()} == {char: one.start for char, one in read.items()}


def test_likelihood_and_alignment_agree_with_the_order_from_left_to_right() -> None:
    right, text = shown("قال (12)"), "قال (12)"
    plain = Evidence(right.log_probs, ALPHABET, 8.0)
    assert log_likelihood(right, text) == pytest.approx(log_likelihood(plain, on_page(text, "rtl")))
    assert log_likelihood(right, text) > log_likelihood(plain, text)


def test_the_language_model_reads_from_the_right() -> None:
    """An unsure letter behind a word's beginning is what the model foresees there."""
    model = LanguageModel(CharacterModel.learn(["سلام"] * 20, order=4))
    evidence = shown("سلام")
    probabilities = np.exp(evidence.log_probs)
    probabilities[0, :] = 0.01 / len(ALPHABET)
    probabilities[0, 1 + ALPHABET.index("م")] = 0.48
    probabilities[0, 1 + ALPHABET.index("د")] = 0.51
    unsure = Evidence(np.log(probabilities).astype(np.float32), ALPHABET, 8.0, "rtl")
    assert text_of(greedy(unsure)) == "سلاد"
    assert beam_text(unsure, model, Decoding(direction="rtl", model_weight=0.5)) == "سلام"
