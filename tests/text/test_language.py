"""An author's characters mixed with the words of their language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


_LEXICON = Lexicon.build("fr", [("la", 100), ("lac", 250), ("le", 110), ("qu", 200), ("été", 300), ("l", 150)])
_OWN = CharacterModel.learn(["Le lac.", "L'été (la)", "qu'il"], order=4)


@given(
    st.text("laceLqué .'(?1\u0301", max_size=14), st.sampled_from([(None, _LEXICON), (_OWN, _LEXICON), (_OWN, None)])
)
@settings(max_examples=150, deadline=None)
def test_what_is_remembered_of_a_line_foresees_what_the_whole_line_does(
    line: str, parts: tuple[CharacterModel | None, Lexicon | None]
) -> None:
    model, context = LanguageModel(*parts), ""
    for at, character in enumerate(line):
        found, context = model.follow(context, character)
        assert found == pytest.approx(model.log_prob(line[:at], character))
        assert line[: at + 1].endswith(context)
    assert model.follow(context, "l")[0] == pytest.approx(model.log_prob(line, "l"))
