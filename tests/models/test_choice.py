from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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


def choosing(general: Told, *special: Told) -> ChoosingRecognizer:
    return ChoosingRecognizer(general, {one.text or "silent": partial(lambda told: told, one) for one in special})


def test_where_the_general_model_is_unsure_the_surest_special_one_reads_all_lines() -> None:
    unsure, less, sure = Told("abc", 0.4), Told("def", 0.8), Told("xyz", 0.9)
    chooser = choosing(unsure, less, sure)
    assert isinstance(chooser, EvidenceRecognizer)
    assert [one.text for one in chooser.read(lines(40))] == ["xyz"] * 40
    assert [one.read_lines for one in (unsure, less, sure)] == [LOOKED_AT, LOOKED_AT, LOOKED_AT + 40]
    assert chooser.evidence(lines(1))[0].alphabet == ("x",)
    assert chooser.model == "auto(abc, def, xyz)"


def test_where_the_general_model_is_sure_the_others_are_not_even_opened() -> None:
    def never() -> EvidenceRecognizer:
        raise AssertionError("opened")

    chooser = ChoosingRecognizer(Told("abc", 0.9), {"xyz": never})
    assert [one.text for one in chooser.read(lines(40))] == ["abc"] * 40
    assert chooser.read([]) == []


def test_an_unsure_general_model_reads_only_when_clearly_surer() -> None:
    assert choosing(Told("abc", 0.6), Told("xyz", 0.57)).read(lines(1))[0].text == "xyz"
    assert choosing(Told("abc", 0.6), Told("xyz", 0.45)).read(lines(1))[0].text == "abc"
    assert choosing(Told("abc", 0.6)).read(lines(1))[0].text == "abc"


def test_lines_that_were_all_looked_at_are_not_read_again() -> None:
    unsure, sure = Told("abc", 0.4), Told("xyz", 0.9)
    assert [one.text for one in choosing(unsure, sure).read(lines(LOOKED_AT))] == ["xyz"] * LOOKED_AT
    assert sure.read_lines == LOOKED_AT


def test_work_line_by_line_settles_on_one_model() -> None:
    unsure, sure = Told("abc", 0.4), Told("xyz", 0.9)
    assert settled(choosing(unsure, sure), lines(20)) is sure
    assert settled(unsure, lines(20)) is unsure and not len(spread(lines(0)))
    assert list(spread(range(20))) == [0, 3, 6, 9, 12, 15, 18] and list(spread(range(3))) == [0, 1, 2]


def test_threads_open_a_special_model_once() -> None:
    opened: list[int] = []

    def opener() -> EvidenceRecognizer:
        opened.append(1)
        time.sleep(0.05)
        return Told("xyz", 0.9)

    chooser = ChoosingRecognizer(Told("abc", 0.4), {"xyz": opener})
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda _: chooser.read(lines(1))[0].text, range(8)))
    assert read == ["xyz"] * 8 and opened == [1]


def test_the_model_of_an_earlier_reading_is_found_by_its_name() -> None:
    general, special = Told("abc", 0.4), Told("xyz", 0.9)
    chooser = choosing(general, special)
    assert (chooser.named("abc"), chooser.named("xyz"), chooser.named("other@1")) == (general, special, None)


def test_a_model_that_reads_nothing_is_unsure() -> None:
    assert choosing(Told("", 1.0), Told("abc", 0.1)).read(lines(2))[0].text == "abc"
    assert sureness([]) == sureness([Reading("", 1.0)]) < sureness([Told("a", 0.01).read(lines(1))[0]])


@pytest.mark.parametrize(
    ("name", "chosen"), [("peraire", "base-hand"), ("hands_en", "base-hand"), ("arabic_print", "base-ar")]
)
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
