"""Noise like a reader's: nothing at strength 0, labels that stay with their words, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import numpy as np

from emendo.datasets.invoices.rehearsal import made_words
from emendo.models.extract.labels import INDEX, LABELS
from emendo.train.extract.documents import exact_words, tilted
from emendo.train.extract.noise import Made, joined, noisy
from emendo.types import Word


def documents(count: int = 12) -> list[list[Made]]:
    return [exact_words(made_words(3, index)["words"]) for index in range(count)]


def test_without_noise_every_word_is_there_as_it_was() -> None:
    for document in documents(4):
        seen = noisy(document, np.random.default_rng(0), strength=0.0)
        assert Counter((one.word.text, one.labels, one.row) for one in seen) == Counter(
            (one.word.text, one.labels, one.row) for one in document
        )


def test_the_same_seed_gives_the_same_words() -> None:
    document = documents(1)[0]
    one, other, third = (noisy(document, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == other != third


def test_noise_misreads_joins_splits_and_loses_but_most_words_stay() -> None:
    kept = total = joined_words = 0
    changed: Counter[str] = Counter()
    for index, document in enumerate(documents()):
        seen = noisy(document, np.random.default_rng(index))
        texts = Counter(one.word.text for one in document)
        total += len(document)
        kept += sum((texts & Counter(one.word.text for one in seen)).values())
        joined_words += sum(len(set(one.labels) - {0}) > 1 for one in seen)
        changed.update("".join(one.word.text for one in seen))
    assert 0.6 * total < kept < total and joined_words > 0


def test_what_a_word_tells_goes_with_it() -> None:
    for index, document in enumerate(documents(6)):
        rows = {one.row for one in document}
        for one in noisy(document, np.random.default_rng(index)):
            assert one.labels and all(0 <= label < len(LABELS) for label in one.labels)
            assert one.row in rows
            x0, y0, x1, y1 = one.word.box
            assert x0 < x1 and y0 < y1 and one.word.text


def test_two_words_read_as_one_may_be_either() -> None:
    left, right = (Word(text, (x, 0, x + 20, 10), 0) for text, x in (("5.00", 0.0), ("10.00", 60.0)))
    price, amount = INDEX["lines[].unit_price"], INDEX["lines[].amount"]
    both = joined(Made(left, (price,), 2), Made(right, (amount,), 2))
    assert both.word.text == "5.0010.00" and both.labels == (price, amount) and both.row == 2
    assert both.word.box == (0, 0, 80, 10)
    label = joined(Made(Word("DATE:", (0, 0, 9, 9), 0), (0,)), Made(Word("1/2/18", (9, 0, 19, 9), 0), (INDEX["date"],)))
    assert label.labels == (INDEX["date"],)


def test_a_total_that_stands_twice_may_be_told_by_either() -> None:
    rows = [
        {"text": "9.50", "page": 1, "box": [0, 0, 9, 9], "meaning": "total"},
        {"text": "9.50", "page": 1, "box": [0, 20, 9, 29], "meaning": ""},
        {"text": "1.50", "page": 1, "box": [0, 40, 9, 49], "meaning": ""},
    ]
    assert [one.labels for one in exact_words(rows)] == [(INDEX["total"],), (0, INDEX["total"]), (0,)]


def test_a_page_askew_keeps_its_words_side_by_side() -> None:
    document = documents(1)[0]
    moved = tilted(document, np.random.default_rng(4), 1.0)
    assert [one.word.text for one in moved] == [one.word.text for one in document]
    level = tilted(document, np.random.default_rng(4), 0.0)
    assert np.allclose([one.word.box for one in level], [one.word.box for one in document])
    assert noisy([], np.random.default_rng(0)) == []
