"""Greedy and beam decoding against brute force."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.ctc.align import log_likelihood
from emendo.models.ctc.decode import Decoding, beam, beam_text, greedy, greedy_text, loss, text_of, weighing_of
from emendo.models.ctc.search import search
from emendo.text.language import LanguageModel
from emendo.text.ngram import END, CharacterModel
from emendo.types import Evidence

ALPHABET = ("a", "b")


def evidence(seed: int, frames: int) -> Evidence:
    logits = np.random.default_rng(seed).normal(size=(frames, 3)) * 1.5
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return Evidence(log_probs.astype(np.float32), ALPHABET, 4.0)


def every_text(most: int) -> list[str]:
    return ["".join(chars) for size in range(most + 1) for chars in itertools.product(ALPHABET, repeat=size)]


def unpruned(shown: Evidence, model: LanguageModel | None, decoding: Decoding) -> str:
    """What beam search finds when none is dropped for being far behind: only what cannot win any more."""
    weighing = replace(weighing_of(decoding), pruned=inf)
    return search(shown.log_probs, shown.alphabet, model, weighing)[0].text


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_a_wide_beam_finds_the_most_probable_text(seed: int, frames: int) -> None:
    shown = evidence(seed, frames)
    best = max(every_text(frames), key=lambda text: log_likelihood(shown, text))
    found = unpruned(shown, None, Decoding(width=200))
    assert log_likelihood(shown, found) == pytest.approx(log_likelihood(shown, best), abs=1e-4)


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_with_a_character_model_the_sum_of_both_is_greatest(seed: int, frames: int) -> None:
    shown = evidence(seed, frames)
    model = LanguageModel(CharacterModel.learn(["abab", "ab"], order=3))
    decoding = Decoding(width=200, model_weight=0.7, bonus=0.3)

    def score(text: str) -> float:
        language = sum(model.log_prob(text[:i], char) for i, char in enumerate(text + END))
        return log_likelihood(shown, text) + 0.7 * language + 0.3 * len(text)

    found = unpruned(shown, model, decoding)
    assert score(found) == pytest.approx(max(score(text) for text in every_text(frames)), abs=1e-3)


@given(st.integers(0, 10_000), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_greedy_is_the_collapsed_best_path_and_its_spans_are_its_frames(seed: int, frames: int) -> None:
    shown = evidence(seed, frames)
    best = shown.log_probs.argmax(axis=1)
    found = greedy(shown)
    assert text_of(found) == greedy_text(shown) == "".join(ALPHABET[k - 1] for k, _ in itertools.groupby(best) if k)
    for character in found:
        held = range(round(character.start / 4), round(character.end / 4))
        assert all(best[t] == ALPHABET.index(character.text) + 1 for t in held)
        top = max(float(np.exp(shown.log_probs[t, best[t]])) for t in held)
        assert character.probability == pytest.approx(top, abs=1e-6)


def test_nothing_to_read_gives_nothing() -> None:
    empty = Evidence(np.zeros((0, 3), np.float32), ALPHABET, 4.0)
    blank = Evidence(np.log(np.array([[0.98, 0.01, 0.01]] * 5, np.float32)), ALPHABET, 4.0)
    assert greedy(empty) == greedy(blank) == beam(blank) == beam(empty) == ()
    assert greedy_text(empty) == greedy_text(blank) == ""
    assert loss(()) == float("inf")


def test_a_blank_cost_and_spans_of_the_beam() -> None:
    shown = Evidence(np.log(np.array([[0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0.2, 0.1, 0.7]], np.float32)), ALPHABET, 4.0)
    first, second = beam(shown)
    assert (first.text, first.start, first.end) == ("a", 0, 4)
    assert (second.text, second.start, second.end) == ("b", 8, 12)
    assert loss((first, second)) == pytest.approx(-log(0.7), abs=1e-5)


def test_what_differs_where_the_model_no_longer_looks_takes_no_place_in_a_narrow_beam() -> None:
    """Four doubts (0.51 : 0.49) that do not matter, then a wrong letter that only the next one gives away."""
    rare = 1e-5
    rows = [[rare, 0.51, 0.49, rare], [1, rare, rare, rare]] * 4
    rows += [[rare, 0.80, 0.20, rare], [1, rare, rare, rare], [rare, rare, rare, 1]]
    shown = Evidence(np.log(np.array(rows, np.float32)), ("a", "b", "c"), 4.0)
    model = LanguageModel(CharacterModel.learn(["aabbabaabb" * 5, "bc", "abc"], order=2))
    decoding = Decoding(width=4, model_weight=2.0, bonus=1.0)
    wide = beam_text(shown, model, decoding.model_copy(update={"width": 200}))
    assert wide.endswith("bc")
    assert beam_text(shown, model, decoding) == wide


def test_a_long_line_neither_underflows_nor_overflows() -> None:
    logits = np.random.default_rng(3).normal(size=(4000, 3))
    logits[1::2, 0] += 6
    log_probs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)
    shown = Evidence(log_probs, ALPHABET, 4.0)
    for bonus in (-10.0, 0.0, 10.0):
        found = beam_text(shown, None, Decoding(bonus=bonus, width=8))
        assert bool(found) == (bonus > -10)
