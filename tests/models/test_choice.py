from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emendo.datasets import open_dataset
from emendo.image.load import sample_image
from emendo.models.choice import LOOKED_AT, ChoosingRecognizer, settled, spread, sureness
from emendo.models.references import embedded_names, load_recognizer
from emendo.models.vision import facts_of, own_tokens
from emendo.types import Character, Evidence, EvidenceRecognizer, Image, Reading


class Told:
    """Reads the same text everywhere, with the probability that it is told."""

    def __init__(self, text: str, probability: float) -> None:
        self.model, self.text, self.probability = text, text, probability
        self.read_lines = 0

    def read(self, images: Sequence[Image]) -> list[Reading]:
        self.read_lines += len(images)
        characters = tuple(Character(char, self.probability, 0, 1) for char in self.text)
        return [Reading(self.text, 0.5, characters, self.model) for _ in images]

    def evidence(self, images: Sequence[Image]) -> list[Evidence]:
        return [Evidence(np.zeros((2, 2), np.float32), (self.text[:1] or "x",), 8.0) for _ in images]


def lines(count: int) -> list[Image]:
    return [np.full((48, 96, 3), 250, np.uint8)] * count


def test_the_surest_reads_all_lines_and_the_rest_look_at_a_few() -> None:
    unsure, sure = Told("abc", 0.4), Told("xyz", 0.9)
    chooser = ChoosingRecognizer([unsure, sure])
    assert isinstance(chooser, EvidenceRecognizer)
    assert [one.text for one in chooser.read(lines(40))] == ["xyz"] * 40
    assert (unsure.read_lines, sure.read_lines) == (LOOKED_AT, LOOKED_AT + 40)
    assert chooser.evidence(lines(1))[0].alphabet == ("x",)
    assert chooser.model == "auto(abc, xyz)"


def test_lines_that_were_all_looked_at_are_not_read_again() -> None:
    unsure, sure = Told("abc", 0.4), Told("xyz", 0.9)
    assert [one.text for one in ChoosingRecognizer([unsure, sure]).read(lines(LOOKED_AT))] == ["xyz"] * LOOKED_AT
    assert sure.read_lines == LOOKED_AT


def test_work_line_by_line_settles_on_one_model() -> None:
    unsure, sure = Told("abc", 0.4), Told("xyz", 0.9)
    assert settled(ChoosingRecognizer([unsure, sure]), lines(20)) is sure
    assert settled(unsure, lines(20)) is unsure and not len(spread(lines(0)))
    assert list(spread(range(20))) == [0, 3, 6, 9, 12, 15, 18] and list(spread(range(3))) == [0, 1, 2]


def test_at_a_tie_and_without_lines_the_first_reads() -> None:
    chooser = ChoosingRecognizer([Told("abc", 0.5), Told("xyz", 0.5)])
    assert chooser.read(lines(1))[0].text == "abc"
    assert chooser.read([]) == []


def test_a_model_that_reads_nothing_is_unsure() -> None:
    silent = ChoosingRecognizer([Told("", 1.0), Told("abc", 0.1)])
    assert silent.read(lines(2))[0].text == "abc"
    assert sureness([]) == sureness([Reading("", 1.0)]) < sureness([Told("a", 0.01).read(lines(1))[0]])


@pytest.mark.parametrize(("name", "chosen"), [("peraire", "base"), ("hands_en", "base"), ("arabic_print", "base-ar")])
def test_real_lines_choose_the_model_of_their_script(name: str, chosen: str, data: Path) -> None:
    chooser = load_recognizer("auto")
    assert isinstance(chooser, ChoosingRecognizer)
    samples = open_dataset(data / name).split("val")[:12]
    images = [sample_image(sample) for sample in samples]
    seen = Counter(chooser.choose(images[i : i + 4]).model.partition("@")[0] for i in range(0, 12, 4))
    assert seen == {chosen: 3}


def test_facts_and_tokens_of_a_choice() -> None:
    chooser = load_recognizer("auto")
    assert isinstance(chooser, ChoosingRecognizer)
    assert embedded_names()[0] == "base" and len(chooser.recognizers) == len(embedded_names())
    facts = facts_of(chooser)
    assert facts.family == "ctc" and facts.size == sum(facts_of(one).size for one in chooser.recognizers)
    assert own_tokens(chooser, lines(1)[0]) > 0
