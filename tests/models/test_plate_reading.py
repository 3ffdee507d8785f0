"""Plates read by the base restricted to their alphabet, by rapidocr, and by several models together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import EngineError, UsageError
from emendo.models.ensemble import EnsembleRecognizer, FallbackRecognizer
from emendo.models.pieces import Piece
from emendo.models.plates import high_pieces, load_plate_recognizer, restricted, within
from emendo.models.rapid import RapidOcrRecognizer
from emendo.models.references import load_recognizer
from emendo.settings import PlateSettings
from emendo.types import Evidence, Image, Reading

from ..plates import plate

ALPHABET = PlateSettings().alphabet
NOTHING = np.zeros((4, 4, 3), np.uint8)


def test_the_base_and_rapidocr_read_the_plate_and_not_what_stands_around_it() -> None:
    crops = [plate("KTR4821", 0), plate("8BXC907", 1)]
    both = load_plate_recognizer("ensemble:base,rapidocr", ALPHABET)
    assert isinstance(both, EnsembleRecognizer)
    assert [one.text for one in both.members[0].read(crops)] == ["KTR4821", "8BXC907"]
    (agreed,) = both.read(crops[:1])
    assert agreed.text == "KTR4821" and [char.text for char in agreed.characters] == list("KTR4821")
    assert agreed.confidence > 0.7  # more than one member alone could give
    assert set(load_plate_recognizer("", "KTR").read(crops[:1])[0].text) <= set("KTR")


def test_a_picture_without_text_is_read_as_nothing() -> None:
    assert load_plate_recognizer("base", ALPHABET).read([np.full((60, 120, 3), 200, np.uint8)])[0].text == ""


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_restriction_keeps_the_sum_of_each_frame(frames: int, seed: int) -> None:
    letters = ("A", "a", "b", "-", "É", "0")
    raw = np.random.default_rng(seed).random((frames, 1 + len(letters))).astype(np.float32) + 0.01
    logs = np.log(raw / raw.sum(axis=1, keepdims=True))
    found = restricted(Evidence(logs, letters, 8.0), "AB0Z")
    shares, before = np.exp(found.log_probs), np.exp(logs)
    assert found.alphabet == ("A", "B", "0", "Z") and np.allclose(shares.sum(axis=1), 1, atol=1e-4)
    assert np.allclose(shares[:, 1], before[:, 1] + before[:, 2], atol=1e-5)
    assert np.allclose(shares[:, 0], before[:, 0] + before[:, 4] + before[:, 5], atol=1e-5)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=20))
def test_only_the_alphabet_is_left(text: str) -> None:
    kept = within(text, "ABCß1")
    assert set(kept) <= set("ABCß1") and within(kept, "ABCß1") == kept


def piece(x0: float, x1: float, y: float, height: float) -> Piece:
    return Piece(((x0, y), (x1, y)), height, 0.9)


def test_high_pieces_stand_in_reading_order_and_once() -> None:
    state, left, right = piece(80, 240, 20, 30), piece(10, 140, 80, 90), piece(170, 310, 84, 80)
    again, sticker = piece(100, 140, 80, 70), piece(12, 40, 30, 25)
    assert high_pieces([right, state, sticker, again, left]) == [left, right]
    above, below = piece(60, 120, 30, 50), piece(20, 160, 100, 55)
    assert high_pieces([below, above]) == [above, below]
    assert high_pieces([]) == [] == high_pieces([Piece(((5, 90), (5, 10)), 20, 0.9, upright=True)])


@dataclass
class Says:
    """Reads the same everywhere."""

    text: str
    confidence: float
    fails: bool = False
    asked: int = 0

    @property
    def model(self) -> str:
        return f"says-{self.text}"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        self.asked += len(images)
        if self.fails:
            raise EngineError("is not there")
        return [Reading(self.text, self.confidence, (), self.model) for _ in images]


def test_members_vote_by_their_confidence() -> None:
    alone = EnsembleRecognizer([Says("A1", 0.9), Says("B2", 0.6), Says("B2", 0.5)]).read([NOTHING])[0]
    assert alone.text == "B2" and alone.confidence == pytest.approx(1.1 / 3)
    agreed = EnsembleRecognizer([Says("A1", 0.9), Says("A1", 0.7)]).read([NOTHING, NOTHING])
    assert [one.confidence for one in agreed] == pytest.approx([0.8, 0.8])
    assert agreed[0].model == "ensemble(says-A1, says-A1)"


def test_the_next_is_asked_only_where_the_first_is_unsure_or_fails() -> None:
    sure, unsure, second, broken = Says("A1", 0.95), Says("A1", 0.5), Says("B2", 0.7), Says("", 0, fails=True)
    assert FallbackRecognizer([sure, second]).read([NOTHING])[0].text == "A1" and second.asked == 0
    assert FallbackRecognizer([unsure, second]).read([NOTHING])[0].model == "says-B2" and second.asked == 1
    assert FallbackRecognizer([broken, second]).read([NOTHING])[0].text == "B2"
    assert FallbackRecognizer([unsure, broken]).read([NOTHING])[0].text == "A1"
    with pytest.raises(EngineError, match="is not there"):
        FallbackRecognizer([broken]).read([NOTHING])
    assert FallbackRecognizer([sure]).read([]) == []


def test_references_name_several_models() -> None:
    both = load_recognizer("fallback:base,rapidocr")
    assert isinstance(both, FallbackRecognizer) and isinstance(both.members[1], RapidOcrRecognizer)
    assert both.model.startswith("fallback(base@") and "rapidocr@" in both.model
    for wrong in ("ensemble:base", "ensemble:base,", "fallback:", "ensemble:ensemble:base,rapidocr"):
        with pytest.raises(UsageError, match="does not name several models"):
            load_recognizer(wrong)
    with pytest.raises(UsageError, match="no model 'nothing'"):
        load_plate_recognizer("ensemble:base,nothing", ALPHABET)
