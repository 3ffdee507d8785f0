"""Whose words a run expects: the language that the lines name, or seem to be in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emendo.errors import UsageError
from emendo.train.ctc import lexicon_for
from emendo.train.selection import TrainingLine
from emendo.types import UNKNOWN_LANGUAGE, Sample

FRENCH = "nous avons vu la maison de mon père près de la rivière"


def lines(*languages: str, text: str = FRENCH) -> list[TrainingLine]:
    picture = np.zeros((4, 4, 3), np.uint8)
    return [
        TrainingLine(Sample(id=str(i), image=Path("x.png"), language=name), picture, text, 4, 1)
        for i, name in enumerate(languages)
    ]


def found(language: str, given: list[TrainingLine]) -> str:
    lexicon = lexicon_for(language, given)
    return lexicon.language if lexicon else ""


def test_the_language_of_nearly_all_lines_counts_and_a_mixture_has_none() -> None:
    assert found("auto", lines("fr", "fr", "fr", "fr", "de")) == "fr"
    assert found("auto", lines("fr", "de", "fr", "de")) == ""
    assert found("auto", lines("fra-CA")) == "fr"


def test_a_named_language_without_words_gets_none_and_an_unnamed_one_is_told() -> None:
    assert found("auto", lines("la", "la")) == ""
    assert found("auto", lines(UNKNOWN_LANGUAGE, UNKNOWN_LANGUAGE)) == "fr"
    assert found("auto", lines(UNKNOWN_LANGUAGE, text="AB 123")) == ""


def test_the_recipe_decides_otherwise() -> None:
    assert found("none", lines("fr")) == ""
    assert found("de", lines("fr")) == "de"
    with pytest.raises(UsageError, match="no words of the language 'tlh'"):
        lexicon_for("tlh", lines("fr"))
