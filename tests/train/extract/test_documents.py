"""How made-up documents are shown to a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emendo.fields.schema import Document
from emendo.models.extract.labels import INDEX
from emendo.train.extract.documents import exact_words, made_up
from emendo.types import Origin, Sample


def word(text: str, meaning: str = "", page: int = 1, y: float = 0.0) -> dict[str, object]:
    return {"text": text, "page": page, "box": [0.0, y, 40.0, y + 8], "meaning": meaning}


def test_the_last_page_is_missing_at_times_and_never_the_only_one() -> None:
    sample = Sample(id="made-00000001", image=Path(), origin=Origin.SYNTHETIC)
    two = made_up(sample, [word("Invoice"), word("9.00", "total", page=2), word("1/2", y=90.0)], Document())
    shown = [{one.word.page for one in two.draw(np.random.default_rng(seed), 1.0).words} for seed in range(200)]
    assert 5 < sum(pages == {1} for pages in shown) < 60
    one = made_up(sample, [word("Invoice"), word("9.00", "total", y=20.0)], Document())
    assert all(one.draw(np.random.default_rng(seed), 1.0).words for seed in range(50))


def test_a_sum_that_stands_again_may_be_the_field_and_the_sign_of_a_currency_may_not() -> None:
    rows = [word("RM", "total"), word("9.00", "total"), word("RM", y=20.0), word("9.00", y=20.0)]
    labels = [one.labels for one in exact_words(rows)]
    assert labels == [(INDEX["total"],), (INDEX["total"],), (0,), (0, INDEX["total"])]


def test_the_name_of_a_seller_that_stands_again_as_a_whole_may_be_the_field() -> None:
    rows = [word("Blue", "seller"), word("Harbour", "seller"), word("9.00", "total"), word("Ann", "buyer")]
    rows += [word(text) for text in ("Blue", "Harbour", "Bank", "Blue", "moon", "Ann")]
    labels = [one.labels for one in exact_words(rows)]
    seller, buyer = INDEX["seller"], INDEX["buyer"]
    assert labels[:4] == [(seller,), (seller,), (INDEX["total"],), (buyer,)]
    assert labels[4:] == [(0, seller), (0, seller), (0,), (0,), (0,), (0,)]
