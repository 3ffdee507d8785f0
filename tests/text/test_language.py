"""An author's characters mixed with the words of their language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.text.language import LanguageModel, learn_language
from emendo.text.lexicon import Lexicon
from emendo.text.ngram import CharacterModel


@pytest.fixture(scope="module")
def texts(data: Path) -> dict[str, list[str]]:
    rows = [json.loads(row) for row in (data / "peraire" / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    return {split: [row["text"] for row in rows if row["split"] == split] for split in ("train", "val")}


def test_words_and_author_together_foresee_more_than_either(texts: dict[str, list[str]]) -> None:
    own, unseen = texts["train"][:150], texts["val"][:60]
    lexicon = Lexicon.of("fr")
    together = learn_language(own, [], lexicon, order=5)
    alone = LanguageModel(CharacterModel.learn(own, order=5)).perplexity(unseen)
    words = LanguageModel(None, lexicon, 0.9).perplexity(unseen)
    assert together.perplexity(unseen) < 0.9 * min(alone, words)


def test_the_more_lines_the_less_the_lexicon_counts(texts: dict[str, list[str]]) -> None:
    lexicon = Lexicon.of("fr")
    shares = [learn_language(texts["train"][:count], [], lexicon, order=5).share for count in (16, 150, 1000)]
    assert 0.95 > shares[0] > shares[1] > shares[2] > 0.3


def test_without_a_lexicon_it_is_the_character_model(texts: dict[str, list[str]]) -> None:
    own = texts["train"][:20]
    model = learn_language(own, ["abc"], None, order=4)
    assert model.log_prob("Je s", "u") == CharacterModel.learn([*own, "abc"], order=4).log_prob("Je s", "u")
    assert LanguageModel().log_prob("a", "b") == 0
