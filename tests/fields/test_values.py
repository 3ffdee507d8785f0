"""Amounts and dates as people write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.fields.conventions import conventions
from emendo.fields.currencies import DECIMALS, currency_of, decimals_of
from emendo.fields.values import amount_text, parse_amount, parse_date

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u202f234\u202f567,89", "1234567.89"),
        ("1'234.50", "1234.50"),
        ("1,23,456.78", "123456.78"),
        ("1.234.567", "1234567"),
        ("RM 46.90", "46.90"),
        ("€12,5", "12.5"),
        ("12,50 EUR", "12.50"),
        ("-$3.10", "-3.10"),
        ("(5.00)", "-5.00"),
        ("5.00-", "-5.00"),
        ("−5,00", "-5.00"),
        (".50", "0.50"),
        ("1.234", "1.234"),
        ("0,123", "0.123"),
        ("٣٤٫٥٠", "34.50"),
    ],
)
def test_amounts_are_read_as_they_are_printed(text: str, value: str) -> None:
    assert parse_amount(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,234", "can be 1234 or 1.234"),
        ("1.234.50", "groups of three"),
        ("12,3,4", "groups of three"),
        ("1,234.567,8", "groups of three"),
        ("46.9o", "stands beside it"),
        ("12 apples", "stands beside it"),
        ("1e5", "no amount"),
        ("5.", "nothing follows"),
        ("--5", "more than one sign"),
        ("(-5.00)", "more than one sign"),
        ("", "no amount"),
        ("total", "no amount"),
        ("9" * 16, "too many digits"),
    ],
)
def test_what_is_no_amount_or_could_be_two_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_amount(text)


def test_the_mark_of_the_document_tells() -> None:
    assert parse_amount("1,234", mark=".") == 1234
    assert parse_amount("1,234", mark=",") == Decimal("1.234")
    assert parse_amount("1.234", mark=",") == 1234


@given(AMOUNTS, st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]))
def test_every_spelling_of_an_amount_reads_back(value: Decimal, style: tuple[str, str]) -> None:
    group, mark = style
    text = f"{value:,.2f}".translate({ord(","): group, ord("."): mark})
    assert parse_amount(text) == value
    assert parse_amount(amount_text(value, least=2)) == value
    assert amount_text(parse_amount(amount_text(value)), least=2) == amount_text(value, least=2)


@given(st.text(max_size=30))
def test_garbage_gives_an_amount_or_one_sentence(text: str) -> None:
    for read in (parse_amount, parse_date, currency_of):
        try:
            read(text)
        except ValueError as error:
            assert len(str(error)) > 10


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("25/12/2018", date(2018, 12, 25)),
        ("12/25/2018", date(2018, 12, 25)),
        ("25-12-18", date(2018, 12, 25)),
        ("25.12.2018", date(2018, 12, 25)),
        ("2018-03-30", date(2018, 3, 30)),
        ("20180330", date(2018, 3, 30)),
        ("03/03/2018", date(2018, 3, 3)),
        ("25 Dec 2018", date(2018, 12, 25)),
        ("Dec 25, 2018", date(2018, 12, 25)),
        ("Tue, 25th December 2018", date(2018, 12, 25)),
        ("25. Dezember 2018", date(2018, 12, 25)),
        ("1er août 2020", date(2020, 8, 1)),
        ("3 de marzo de 2021", date(2021, 3, 3)),
        ("2018-03-30T12:22:01Z", date(2018, 3, 30)),
        ("30/06/2018 10:05 PM", date(2018, 6, 30)),
    ],
)
def test_dates_are_read_as_they_are_printed(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("05/04/2018", "can be 2018-04-05 or 2018-05-04"),
        ("31/02/2018", "there is no"),
        ("2018-13-01", "there is no"),
        ("25/12/018", "figures"),
        ("25/12", "no date"),
        ("December", "no date"),
        ("25 12 Dec", "no date"),
        ("soon", "no date"),
    ],
)
def test_what_is_no_date_or_could_be_two_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_date(text)


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)))
def test_every_date_reads_back(day: date) -> None:
    assert parse_date(day.isoformat()) == parse_date(f"{day:%d/%m/%Y}", order="dmy") == day
    assert parse_date(f"{day:%m-%d-%y}", order="mdy") == parse_date(f"{day:%d %B %Y}") == day


def test_a_data_set_tells_how_it_writes() -> None:
    assert conventions(["05/04/2018", "25/12/2018", "RM 3.50", "1,234"]) == (".", "dmy")
    assert conventions(["12/25/2018", "3,50 EUR"]) == (",", "mdy")
    assert conventions(["12/25/2018", "25/12/2018", "3,50", "3.50", "shop"]) == ("", None)
    assert conventions([*["25/12/2018"] * 19, "12/28/2017", *["3.50"] * 18, "3,50"]) == ("", "dmy")


def test_currencies_have_codes_and_decimals() -> None:
    assert [currency_of(text) for text in ("eur", "€", "RM", "chf")] == ["EUR", "EUR", "MYR", "CHF"]
    assert [decimals_of(code) for code in ("EUR", "JPY", "KWD", None)] == [2, 0, 3, 2]
    assert all(len(code) == 3 and code.isupper() for code in DECIMALS)
    for text, said in (("$", "several currencies"), ("XXQ", "no currency code")):
        with pytest.raises(ValueError, match=said):
            currency_of(text)
