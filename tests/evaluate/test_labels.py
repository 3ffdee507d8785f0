from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emendo.evaluate.labels import Verdict, judge, spoil
from emendo.evaluate.suspects import suspects_page
from emendo.types import Evidence, Sample

ALPHABET = tuple(" abcdefghijklmnopqrstuvwxyz")
WORDS = ["le", "chat", "dort", "sur", "un", "grand", "tapis", "rouge", "pendant", "que", "la", "pluie", "tombe", "et"]


def lines(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=6)) for _ in range(count)]


def seen(text: str, rng: np.random.Generator, errors: float) -> Evidence:
    """What a network sees of a line: sharp frames, and now and then a letter taken for the next one."""
    rows = []
    for char in text:
        true = 1 + ALPHABET.index(char)
        frame = np.full(1 + len(ALPHABET), 0.002)
        if rng.random() < errors:
            frame[1 + true % len(ALPHABET)], frame[true] = 0.7, 0.2
        else:
            frame[true] = 0.95
        blank = np.full(1 + len(ALPHABET), 0.002)
        blank[0] = 0.95
        rows += [frame / frame.sum(), blank / blank.sum()]
    return Evidence(np.log(np.array(rows)).astype(np.float32), ALPHABET, 4.0)


@pytest.mark.parametrize("errors", [0.0, 0.08])
def test_wrong_labels_are_found_among_misread_ones(errors: float) -> None:
    rng = np.random.default_rng(3)
    true = lines(200, 1)
    evidence = [seen(text, rng, errors) for text in true]
    labels, bad = list(true), set(range(0, 200, 10))
    for at in sorted(bad):
        while labels[at] == true[at]:
            labels[at] = spoil(true, at, rng)
    verdicts = judge(labels, evidence, seed=7)
    named = {at for at, one in enumerate(verdicts) if one.wrong >= 0.5}
    assert len(named & bad) / len(bad) >= 0.9
    assert len(named & bad) / len(named) >= 0.8
    assert all(one.ratio <= 0 for one in verdicts)


def test_without_wrong_labels_hardly_one_is_named() -> None:
    rng = np.random.default_rng(4)
    true = lines(120, 2)
    verdicts = judge(true, [seen(text, rng, 0.05) for text in true], seed=7)
    assert sum(one.wrong >= 0.5 for one in verdicts) <= 3


def test_few_lines_are_judged_by_their_likelihood_alone() -> None:
    rng = np.random.default_rng(5)
    true = lines(4, 3)
    evidence = [seen(text, rng, 0.0) for text in true]
    swapped = [true[1], true[0], *true[2:]]
    assert [one.wrong >= 0.5 for one in judge(swapped, evidence)] == [True, True, False, False]
    assert judge([], []) == []


def test_a_label_that_cannot_be_emitted_is_wrong() -> None:
    rng = np.random.default_rng(6)
    verdict = judge(["x" * 400], [seen("chat", rng, 0.0)])[0]
    assert verdict.wrong > 0.9
    assert np.isfinite(verdict.ratio)


@pytest.mark.parametrize("seed", range(20))
def test_a_spoiled_label_differs(seed: int) -> None:
    texts = ["un", "deux trois", "quatre cinq six", ""]
    for at, text in enumerate(texts):
        assert spoil(texts, at, np.random.default_rng(seed)) != text


def test_the_page_shows_image_label_and_reading_as_text() -> None:
    sample = Sample(id="<i>", image=Path("a.png"), text="chat <b>")
    page = suspects_page(
        "notes & co", [(sample, Verdict(0.93, "chien", -40.2))], 10, {"<i>": np.zeros((8, 8, 3), np.uint8)}
    )
    assert "93 % likely wrong" in page and "40 nats less likely than read" in page
    assert "data:image/jpeg" in page and "notes &amp; co" in page
    assert "<b>" not in page and "<i>" not in page


def test_right_to_left_labels_stay_right_to_left() -> None:
    page = suspects_page("x", [(Sample(id="a", image=Path("a.png"), text="كتاب"), Verdict(0.9, "كتب", -9.0))], 1, {})
    assert 'dir="rtl"' in page
