"""What stands at the beginning stays; without it the search is free; words are weighed between their neighbours."""

from __future__ import annotations

import itertools
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.ctc.align import log_likelihood
from emendo.models.ctc.decode import Decoding, beam_text, completions
from emendo.models.ctc.search import ANY, forward
from emendo.models.ctc.words import words
from emendo.text.language import LanguageModel
from emendo.text.ngram import CharacterModel
from emendo.types import Evidence

ALPHABET = ("a", "b", " ")


def evidence(seed: int, frames: int, alphabet: tuple[str, ...] = ALPHABET, direction: str = "ltr") -> Evidence:
    logits = np.random.default_rng(seed).normal(size=(frames, 1 + len(alphabet))) * 2
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return Evidence(log_probs.astype(np.float32), alphabet, 4.0, direction)  # type: ignore[arg-type]


@given(st.integers(0, 10_000), st.integers(1, 7), st.text("ab ", max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_wide_search_finds_the_best_text_that_begins_so(seed: int, frames: int, begun: str) -> None:
    shown = evidence(seed, frames)
    texts = ("".join(one) for size in range(frames + 1) for one in itertools.product(ALPHABET, repeat=size))
    fitting = {text: log_likelihood(shown, text) for text in texts if text.startswith(begun)}
    best = max(fitting.values(), default=-inf)
    found = completions(shown, None, Decoding(width=256), begun)
    if best == -inf:
        assert all(one.score == -inf for one in found)
        return
    assert found[0].text.startswith(begun)
    assert found[0].score == pytest.approx(best, abs=0.1)  # characters below exp(-5) in a frame are not tried there
    assert fitting[found[0].text] == pytest.approx(best, abs=0.1)


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_without_a_beginning_it_is_the_free_search(seed: int, frames: int) -> None:
    shown = evidence(seed, frames)
    model = LanguageModel(CharacterModel.learn(["ab ba", "a b"], order=3))
    decoding = Decoding(model_weight=0.6, bonus=1.2)
    assert completions(shown, model, decoding)[0].text == beam_text(shown, model, decoding)


@given(st.integers(0, 10_000), st.text("abz ", min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_what_was_typed_is_kept_even_where_the_alphabet_lacks_it(seed: int, begun: str) -> None:
    found = completions(evidence(seed, 30), None, Decoding(), begun)
    assert found and all(one.text.startswith(begun) for one in found)


@given(st.integers(0, 10_000), st.text("ابج ", min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_line_from_right_to_left_begins_at_its_right_edge(seed: int, begun: str) -> None:
    shown = evidence(seed, 20, ("ا", "ب", "ج", " "), "rtl")
    found = completions(shown, None, Decoding(), begun)
    assert found and found[0].text.startswith(begun)
    mirrored = Evidence(shown.log_probs[::-1], ("a", "b", "c", " "), 4.0)
    latin = begun.translate(str.maketrans("ابج", "abc"))
    assert found[0].score == pytest.approx(completions(mirrored, None, Decoding(), latin)[0].score, abs=1e-4)


def test_a_line_with_too_few_columns_for_what_was_typed_gives_nothing_better_than_impossible() -> None:
    assert all(one.score == -inf for one in completions(evidence(1, 3), None, Decoding(), "abab"))


@given(st.integers(0, 10_000), st.integers(1, 12), st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_a_beginning_is_worth_is_its_likelihood(seed: int, frames: int, classes: list[int]) -> None:
    shown = evidence(seed, frames)
    ends, last = forward(shown.log_probs, classes)[-1]
    text = "".join(ALPHABET[k - 1] for k in classes)
    assert np.logaddexp(ends, last) == pytest.approx(log_likelihood(shown, text), abs=1e-4)


def test_any_character_stands_for_what_the_network_has_no_class_for() -> None:
    shown = evidence(5, 1)
    _, last = forward(shown.log_probs, [ANY])[-1]
    assert last == pytest.approx(log(1 - np.exp(shown.log_probs[0, 0])), abs=1e-4)


@given(st.integers(0, 10_000), st.integers(4, 60))
@settings(max_examples=40, deadline=None)
def test_words_cover_the_text_and_their_shares_are_shares(seed: int, frames: int) -> None:
    shown = evidence(seed, frames)
    text = beam_text(shown, None, Decoding())
    found = words(shown, text, None, Decoding())
    assert "".join(text[word.start : word.end] for word in found) == text
    for word in found:
        assert word.start <= word.at <= word.end
        assert 0 <= word.sure <= 1 + 1e-9
        assert word.sure + sum(share for _, share in word.options) <= 1 + 1e-6
        assert all(0 <= share <= 1 + 1e-9 for share in word.characters)
        assert text[word.start : word.end] not in {option for option, _ in word.options}


def test_an_alternative_is_found_early_in_a_long_line() -> None:
    """A beam over the whole line forgets it; searched between its neighbours the word keeps it."""
    alphabet = ("a", "b", "c", " ")
    frames = []
    for at, char in enumerate("ab ab ab ab ab ab ab ab"):
        row = np.full(5, 1e-4)
        row[1 + alphabet.index(char)] = 1
        if at % 3 == 1:
            row[1:4] = (1e-4, 0.6, 0.4)
        frames += [row, np.array([1, 1e-4, 1e-4, 1e-4, 1e-4])]
    log_probs = np.log(np.array(frames) / np.array(frames).sum(axis=1, keepdims=True))
    shown = Evidence(log_probs.astype(np.float32), alphabet, 4.0)
    first = words(shown, "ab ab ab ab ab ab ab ab", None, Decoding())[0]
    assert first.at == 1
    assert first.sure == pytest.approx(0.6, abs=0.02)
    assert first.options[0][0] == "ac "
    assert first.options[0][1] == pytest.approx(0.4, abs=0.02)
