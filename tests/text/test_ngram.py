"""The author's character model."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError
from emendo.text.language import LanguageModel
from emendo.text.ngram import END, CharacterModel

lines = st.lists(st.text("abc ", min_size=1, max_size=12), min_size=1, max_size=8)


@given(lines, st.text("abcx ", max_size=8), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_what_can_follow_sums_to_one(known: list[str], context: str, order: int) -> None:
    model = CharacterModel.learn(known, order=order)
    after = set(model.counts.get("", {}))
    unseen = "\u2603"
    total = sum(exp(model.log_prob(context, char)) for char in after)
    assert total + 2 * exp(model.log_prob(context, unseen)) == pytest.approx(1, abs=1e-6)


@given(lines, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_json_gives_the_same_model_back(known: list[str], order: int) -> None:
    model = CharacterModel.learn(known, order=order)
    again = CharacterModel.from_json(model.to_json())
    assert again == model
    assert again.log_prob("ab", "c") == model.log_prob("ab", "c")


def test_it_learns_an_authors_words(data: Path) -> None:
    rows = [json.loads(row) for row in (data / "peraire" / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    train = [row["text"] for row in rows if row["split"] == "train"]
    val = [row["text"] for row in rows if row["split"] == "val"]
    long = LanguageModel(CharacterModel.learn(train[:300], order=5)).perplexity(val)
    short = LanguageModel(CharacterModel.learn(train[:300], order=1)).perplexity(val)
    assert long < 13
    assert short > 18


def test_ends_are_foreseen() -> None:
    model = CharacterModel.learn(["abc"] * 5, order=4)
    assert model.log_prob("abc", END) > model.log_prob("ab", END)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": "emendo-ngram/1", "order": 3}',
        '{"format": "emendo-ngram/1", "order": 99, "counts": {}}',
        '{"format": "emendo-ngram/1", "order": 3, "counts": {"abc": {"a": 1}}}',
        '{"format": "emendo-ngram/1", "order": 3, "counts": {"a": {"a": -1}}}',
        '{"format": "emendo-ngram/1", "order": 3, "counts": {"a": {"a": 1.5}}}',
        '{"format": "emendo-ngram/1", "order": 3, "counts": {"a": {}}}',
    ],
)
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="learn the model again"):
        CharacterModel.from_json(text, where="ngram.json")


def test_the_order_has_bounds() -> None:
    for order in (0, 13):
        with pytest.raises(ValueError, match="order of a character model"):
            CharacterModel.learn(["a"], order=order)
