"""An alphabet entry of several characters: read, scored and placed as one sign, in either direction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from emendo.models.ctc.align import encode, forced_alignment, log_likelihood
from emendo.models.ctc.decode import Decoding, beam, greedy, text_of
from emendo.text.language import LanguageModel
from emendo.text.ngram import CharacterModel
from emendo.types import Evidence

LATIN = ("a", "b", "que", " ")
ARABIC = ("ا", "ب", "صلى الله", " ", "1")
FEW_FRAMES = 6
either = pytest.mark.parametrize(
    ("path", "alphabet", "direction", "text"),
    [
        ([1, 0, 3, 0, 4, 2], LATIN, "ltr", "aque b"),
        ([2, 0, 3, 3, 4, 1], ARABIC, "rtl", "ا صلى اللهب"),
    ],
)


def evidence(path, alphabet, direction):
    """Frames that clearly show the classes of `path`."""
    shown = np.full((len(path), 1 + len(alphabet)), -9.0, np.float32)
    shown[np.arange(len(path)), path] = -0.01
    return Evidence(shown, alphabet, 10.0, direction)


@either
def test_a_sign_is_read_as_its_phrase_by_every_decoder(path, alphabet, direction, text):
    shown = evidence(path, alphabet, direction)
    assert text_of(greedy(shown)) == text
    assert text_of(beam(shown, None, Decoding(width=8))) == text
    model = LanguageModel(CharacterModel.learn([text, text[::-1]], order=3))
    assert text_of(beam(shown, model, Decoding(width=8, model_weight=0.3, bonus=0.5))) == text


@either
def test_its_characters_share_its_place_and_probability(path, alphabet, direction, text):
    shown = evidence(path, alphabet, direction)
    for characters in (greedy(shown), tuple(forced_alignment(shown, text))):
        assert [one.text for one in characters] == list(text)
        phrase = alphabet[2]
        at = text.index(phrase)
        inside = characters[at : at + len(phrase)]
        assert len({one.probability for one in inside}) == 1 and inside[0].probability > 0.9
        spans = sorted((one.start, one.end) for one in inside)
        assert spans[0][0] >= 20 and spans[-1][1] <= 40
        assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(spans))
    first, last = (inside[0], inside[-1]) if direction == "ltr" else (inside[-1], inside[0])
    assert first.start < last.start


def test_a_phrase_longer_than_the_frames_can_still_be_likely():
    shown = evidence([1, 0, 3, 0, 4, 2], LATIN, "ltr")
    assert len("aque b") == FEW_FRAMES
    assert log_likelihood(shown, "aque b") > -1
    assert log_likelihood(shown, "aqu b") < -5
    turned = evidence([2, 0, 3, 3, 4, 1], ARABIC, "rtl")
    assert log_likelihood(turned, "ا صلى اللهب") > -1


def test_the_longest_sign_wins_and_unknown_characters_are_counted():
    classes, unknown = encode(("a", "ab", "abc"), "abcabax?")
    assert classes.tolist() == [3, 2, 1]
    assert unknown == 2
