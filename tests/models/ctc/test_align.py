"""CTC likelihood and forced alignment against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.ctc.align import UNKNOWN_LOG_PROB, forced_alignment, log_likelihood
from emendo.types import Evidence

ALPHABET = ("a", "b", "c")


def evidence(seed: int, frames: int, sharp: float = 1.0) -> Evidence:
    logits = np.random.default_rng(seed).normal(size=(frames, 1 + len(ALPHABET))) * sharp
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return Evidence(log_probs.astype(np.float32), ALPHABET, 8.0)


def emitted(path: tuple[int, ...]) -> str:
    return "".join(ALPHABET[k - 1] for k, _ in itertools.groupby(path) if k)


def paths(shown: Evidence) -> dict[str, list[tuple[float, tuple[int, ...]]]]:
    frames, classes = shown.log_probs.shape
    found: dict[str, list[tuple[float, tuple[int, ...]]]] = {}
    for path in itertools.product(range(classes), repeat=frames):
        score = float(sum(shown.log_probs[t, k] for t, k in enumerate(path)))
        found.setdefault(emitted(path), []).append((score, path))
    return found


@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(0.1, 5))
@settings(max_examples=25, deadline=None)
def test_likelihood_sums_all_paths_and_all_texts_sum_to_one(seed: int, frames: int, sharp: float) -> None:
    shown = evidence(seed, frames, sharp)
    total = 0.0
    for text, scored in paths(shown).items():
        expected = np.logaddexp.reduce([score for score, _ in scored])
        assert log_likelihood(shown, text) == pytest.approx(expected, abs=1e-4)
        total += np.exp(log_likelihood(shown, text))
    assert total == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(0.1, 5))
@settings(max_examples=25, deadline=None)
def test_forced_alignment_is_the_best_path(seed: int, frames: int, sharp: float) -> None:
    shown = evidence(seed, frames, sharp)
    for text, scored in paths(shown).items():
        if not text:
            continue
        best = max(score for score, _ in scored)
        found = forced_alignment(shown, text)
        path = [0] * frames
        for character in found:
            for t in range(round(character.start / 8), round(character.end / 8)):
                path[t] = ALPHABET.index(character.text) + 1
        assert emitted(tuple(path)) == text
        assert sum(float(shown.log_probs[t, k]) for t, k in enumerate(path)) == pytest.approx(best, abs=1e-4)


@given(st.integers(0, 10_000), st.text("abcx⋎", max_size=12), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_alignment_names_each_character_in_order_inside_the_line(seed: int, text: str, frames: int) -> None:
    found = forced_alignment(evidence(seed, frames), text)
    assert "".join(character.text for character in found) == text
    ends = [0.0]
    for character in found:
        assert ends[-1] - 1e-6 <= character.start <= character.end <= frames * 8 + 1e-6
        assert 0 <= character.probability <= 1
        ends.append(character.end)


def test_a_character_outside_the_alphabet_costs_its_price_and_lies_between_its_neighbours() -> None:
    shown = evidence(1, 9)
    assert log_likelihood(shown, "a⋎b") == pytest.approx(log_likelihood(shown, "ab") + UNKNOWN_LOG_PROB)
    first, foreign, last = forced_alignment(shown, "a⋎b")
    assert foreign.probability == 0
    assert first.end <= foreign.start <= foreign.end <= last.start


def test_a_text_too_long_for_the_frames_is_impossible() -> None:
    shown = evidence(2, 3)
    assert log_likelihood(shown, "abca") == float("-inf")
    assert log_likelihood(shown, "aab") == float("-inf")
    assert np.isfinite(log_likelihood(shown, "abc"))
    assert [character.probability for character in forced_alignment(shown, "aab")] == [0, 0, 0]


def test_a_hopeless_text_still_has_a_finite_rank() -> None:
    log_probs = np.full((400, 4), -300, np.float32)
    log_probs[:, 0] = 0
    shown = Evidence(log_probs, ALPHABET, 8.0)
    assert -3001 < log_likelihood(shown, "abcabcabca") < -2900
    assert log_likelihood(shown, "abc") > log_likelihood(shown, "abca")
