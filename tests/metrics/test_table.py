from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from emendo.errors import FormatError, UsageError
from emendo.metrics import corpus_counts, total
from emendo.metrics.table import METRICS, Better, Pairs, measure, metric
from emendo.metrics.tokens import SACREBLEU, TOKENIZERS, tokenizer
from emendo.text.folds import fold_of

EVERY = [row.name for row in METRICS]
LINES = st.lists(st.tuples(st.text("ab é", max_size=12), st.text("ab é", max_size=12)), max_size=8)


@given(LINES)
def test_rates_are_those_of_the_one_alignment(pairs: list[tuple[str, str]]) -> None:
    references, hypotheses = [a for a, _ in pairs], [b for _, b in pairs]
    found = measure(["cer", "wer", "exact"], Pairs(references, hypotheses))
    summed = total(corpus_counts(references, hypotheses))
    assert found["cer"] == pytest.approx(summed.cer)
    assert found["wer"] == pytest.approx(summed.wer)
    assert found["exact"] == pytest.approx(summed.exact_rate)


def test_values_by_hand() -> None:
    found = measure(EVERY, Pairs(["the cat sat", "on"], ["the cut sat down", "on"]))
    assert found["cer"] == pytest.approx(6 / 13)
    assert found["wer"] == found["ter"] == pytest.approx(2 / 4)
    assert found["ned"] == pytest.approx((6 / 16 + 0) / 2)
    assert found["exact"] == 0.5
    assert (found["precision"], found["recall"]) == (pytest.approx(3 / 5), pytest.approx(3 / 4))
    assert found["f1"] == pytest.approx(2 * 3 / 9)
    assert found["character_precision"] == pytest.approx(12 / 18)
    assert found["character_recall"] == pytest.approx(12 / 13)
    assert found["character_accuracy"] == pytest.approx(1 - 6 / 13)


def test_nothing_is_capped() -> None:
    found = measure(["cer", "character_accuracy"], Pairs(["a"], ["abcd"]))
    assert found == {"cer": 3.0, "character_accuracy": -2.0}


def test_an_empty_corpus_has_finite_values() -> None:
    assert all(math.isfinite(value) for value in measure(EVERY, Pairs([], [])).values())


@pytest.mark.parametrize("name", EVERY)
def test_the_direction_is_that_of_the_values(name: str) -> None:
    text = ["one two three four five six"]
    right = measure([name], Pairs(text, text))[name]
    wrong = measure([name], Pairs(text, ["0ne tvo"]))[name]
    assert metric(name).improves(right, wrong)
    assert not metric(name).improves(wrong, right)
    assert not metric(name).improves(right, right)
    assert metric(name).improves(wrong, None)
    assert not metric(name).improves(math.nan, None)


def test_an_accuracy_is_never_minimised() -> None:
    assert {row.name for row in METRICS if row.better is Better.LOWER} == {"cer", "wer", "ter", "ned"}


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    found = measure(["bleu", "chrf"], Pairs(["a b c d e"], ["a b c d f"]))
    assert found["bleu"] == pytest.approx(66.874, abs=1e-3)  # geometric mean of 4/5, 3/4, 2/3, 1/2
    assert found["chrf"] == pytest.approx(54.333, abs=1e-3)


def test_folding_shows_only_what_is_left() -> None:
    texts = ["قَالَ أحمد"], ["قال احمد"]
    assert measure(["cer"], Pairs(*texts))["cer"] > 0
    assert measure(["cer"], Pairs(*texts, fold=fold_of(["alef"])))["cer"] > 0
    assert measure(["cer"], Pairs(*texts, fold=fold_of(["arabic"])))["cer"] == 0


TOKENS = {
    "words": ["Été", "d'or,", "東京"],
    "characters": list("Été d'or, 東京"),
    "graphemes": list("Été d'or, 東京"),
    "words-marks": ["Été", "d", "'", "or", ",", "東", "京"],
    "13a": ["Été", "d'or", ",", "東京"],
    "intl": ["Été", "d", "'", "or", ",", "東京"],
    "zh": ["Été", "d'or", ",", "東", "京"],
    "char": ["É", "t", "é", "d", "'", "o", "r", ",", "東", "京"],
}


@pytest.mark.parametrize("name", TOKENS)
def test_tokenizers(name: str) -> None:
    assert set(TOKENS) == {*TOKENIZERS, *SACREBLEU}
    assert list(tokenizer(name)("Été d'or, 東京")) == TOKENS[name]


def test_a_grapheme_holds_its_marks() -> None:
    assert list(tokenizer("graphemes")("كِتَ")) == ["كِ", "تَ"]


def test_a_tokenizer_file(tmp_path: Path) -> None:
    made = Tokenizer(models.WordLevel({"un": 0, "deux": 1, "?": 2}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    assert list(tokenizer(str(tmp_path / "tokenizer.json"))("deux un trois")) == [1, 0, 2]
    found = measure(["f1"], Pairs(["un deux"], ["deux"], tokens=str(tmp_path / "tokenizer.json")))
    assert found["f1"] == pytest.approx(2 / 3)
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(FormatError, match=r"broken\.json: is no tokenizer"):
        tokenizer(str(tmp_path / "broken.json"))


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown metric 'blue' \(did you mean 'bleu'\?\); use cer, wer"):
        metric("blue")
    with pytest.raises(UsageError, match=r"unknown tokenizer 'word' \(did you mean 'words'\?\); use words"):
        tokenizer("word")
    with pytest.raises(UsageError, match=r"no tokenizer 'gone\.json'"):
        tokenizer("gone.json")
