from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from emendo.models.extract.figures import read_amounts, read_days

TODAY = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("46.90", "", "46.90"),
        ("1.234,56", ",", "1234.56"),
        ("RM46.90", "", "46.90"),
        ("A$260.34", ".", "260.34"),
        ("-1.336,50 €", ",", "-1336.50"),
        ("(6 %)", "", "6"),
        ("Total:46.90", "", "46.90"),
        ("4O.5O", "", "40.50"),
        ("l2.S0", "", "12.50"),
        ("46 .90", "", "46.90"),
        ("46..90", "", "46.90"),
        ("78-10", "", "78.10"),
        ("12.50SR", "", "12.50"),
        ("1.234.56", "", "1234.56"),
    ],
)
def test_amounts_as_readers_see_them(text: str, mark: str, value: str) -> None:
    assert read_amounts(text, mark)[0].value == Decimal(value)


@pytest.mark.parametrize("text", ["SOLO", "---", "", "Total", "l", "O"])
def test_what_has_no_figure_is_no_amount(text: str) -> None:
    assert read_amounts(text) == []


def test_what_is_repaired_costs_more() -> None:
    right, repaired = read_amounts("40.50")[0], read_amounts("4O.50")[0]
    twice = read_amounts("4O.5O")[0]
    assert right.cost == 0 < repaired.cost < twice.cost


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("25/12/2018", "2018-12-25"),
        ("2018-03-30", "2018-03-30"),
        ("25.12.18", "2018-12-25"),
        ("DATE:15/06/2017", "2017-06-15"),
        ("l5/O6/2017", "2017-06-15"),
        ("16 de septiembre de 2015", "2015-09-16"),
        ("30. Juni 2017", "2017-06-30"),
        ("January 25, 2017", "2017-01-25"),
        ("25/12/201814:33", "2018-12-25"),
        ("17:4518/05/18", "2018-05-18"),
        ("2703/2018", "2018-03-27"),
        ("02:31PH56549725-05-17", "2017-05-25"),
        ("28-04-2613", "2013-04-28"),
    ],
)
def test_days_as_readers_see_them(text: str, day: str) -> None:
    assert read_days(text, TODAY)[0].value.isoformat() == day


def test_a_day_that_can_be_two_is_both() -> None:
    found = {(one.value.isoformat(), one.order) for one in read_days("05/04/2018", TODAY)}
    assert found == {("2018-04-05", "dmy"), ("2018-05-04", "mdy")}


@pytest.mark.parametrize("text", ["31/02/2018", "hello", "12", "99/99/9999", ""])
def test_what_is_no_day(text: str) -> None:
    assert read_days(text, TODAY) == []
