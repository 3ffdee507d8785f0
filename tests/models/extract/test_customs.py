from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from tests.models.extract.made import typed

from emendo.models.extract.customs import Decoding, learn_customs
from emendo.models.extract.decode import decode

TODAY = date(2027, 1, 1)
DOLLARS: dict[str, Any] = {
    "signs": {"$": ["USD", "AUD"]},
    "by_currency": {"USD": {"mark": ".", "order": "mdy"}, "AUD": {"mark": ".", "order": "dmy"}},
}


@pytest.mark.parametrize(
    ("line", "known", "code"),
    [
        ("Total RM46.90<total>", {}, "MYR"),
        ("Total RM 46.90<total>", {}, "MYR"),
        ("Total 46,90<total> €", {"mark": ","}, "EUR"),
        ("Total CHF 46.90<total>", {}, "CHF"),
        ("Total A$46.90<total>", {}, "AUD"),
        ("Total $46.90<total>", DOLLARS, "USD"),
        ("Total $46.90<total> 25/12/2018", DOLLARS, "AUD"),
        ("Total 46.90<total>", {"currency": "MYR"}, "MYR"),
        ("Total 46.90<total> prices in USD", DOLLARS, "USD"),
        ("BHD  Total 46.90<total>", DOLLARS, None),
        ("Total 46.90<total>", {}, None),
    ],
)
def test_currencies(line: str, known: dict[str, Any], code: str | None) -> None:
    words, tags = typed(line)
    assert decode(words, tags, known, today=TODAY).document.currency == code


def test_customs_are_learnt_from_documents() -> None:
    european = (["25.12.2018", "1.234,50", "€"], {"currency": "EUR"})
    american = (["12/25/2018", "$1,234.50"], {"currency": "USD"})
    assert learn_customs([european, european, american]) == {
        "mark": ",",
        "order": "dmy",
        "signs": {"$": ["USD"]},
        "by_currency": {"EUR": {"mark": ",", "order": "dmy"}, "USD": {"mark": ".", "order": "mdy"}},
    }
    assert learn_customs([]) == {"signs": {}, "by_currency": {}}


def test_the_mark_of_the_currency_comes_before_the_usual_one() -> None:
    words, tags = typed("Total RM 1,234<total>")
    known = {"mark": ",", "by_currency": {"MYR": {"mark": "."}}}
    assert decode(words, tags, known, today=TODAY).document.total == 1234


@pytest.mark.parametrize("wrong", [{"marks": "."}, {"order": "ymd"}, {"threshold": 1.5}])
def test_what_is_no_custom_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Decoding.model_validate(wrong)
