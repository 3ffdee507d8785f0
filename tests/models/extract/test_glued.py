"""Counts that were read as one word with what stands beside them."""

from __future__ import annotations

import pytest
from tests.models.extract.made import typed

from emendo.fields import LineItem
from emendo.models.extract.decode import decode

NAME = "Goods<lines.0.description>"


def read(*cells: str) -> LineItem:
    words, tags = typed("  ".join((NAME, *cells)))
    return decode(words, tags, {"mark": ","}).document.lines[0]


def test_a_count_with_its_unit() -> None:
    row = read("3Std<lines.0.unit>", "43,20<lines.0.unit_price>", "129,60<lines.0.amount>")
    assert (row.quantity, row.unit) == (3, "Std")
    assert read("box<lines.0.unit>", "8,40<lines.0.amount>").quantity is None


def test_a_count_before_the_rate() -> None:
    row = read("12,00<lines.0.unit_price>", "100%<lines.0.tax_rate>", "120,00<lines.0.amount>")
    assert (row.quantity, row.tax_rate) == (10, 0)
    row = read("2,77<lines.0.unit_price>", "2019%<lines.0.tax_rate>", "55,40<lines.0.amount>")
    assert (row.quantity, row.tax_rate) == (20, 19)


def test_a_count_behind_the_price() -> None:
    row = read("3,33333m²<lines.0.unit_price>", "19%<lines.0.tax_rate>", "10,00<lines.0.amount>")
    assert row.quantity == 3 and str(row.unit_price) == "3.3333"


@pytest.mark.parametrize("rate", ["19%", "7%", "1007%"])
def test_a_rate_alone_is_no_count(rate: str) -> None:
    row = read("11,00<lines.0.unit_price>", f"{rate}<lines.0.tax_rate>", "120,00<lines.0.amount>")
    assert row.quantity is None
