"""One of a thing is not several."""

from __future__ import annotations

import pytest

from emendo.tools.counts import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "line", "1 line"), (0, "line", "0 lines"), (12, "data set", "12 data sets"), (2, "box", "2 boxes")],
)
def test_a_number_and_its_noun(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
