"""The memory of sellers: recognised, borne out by the page, values beside their key words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from emendo.fields import Document, read_document
from emendo.models.extract.memory import SellerMemory
from emendo.types import Word

Rows = list[tuple[str, str]]
SHOP: Rows = [("HARBOUR BOOKS LTD", ""), ("12 Quay Street, Bristol", ""), ("VAT no. GB 123 4567 89", "")]


def sheet(rows: Rows, page: int = 1) -> list[Word]:
    """Words of rows with something at the left and something at the right."""
    words = []
    for at, (left, right) in enumerate(rows):
        for start, text in ((10.0, left), (400.0, right)):
            x = start
            for part in text.split():
                end = x + 8.0 * len(part)
                words.append(Word(part, (x, 30.0 * at, end, 30.0 * at + 18), at, page))
                x = end + 6
    return words


def receipt(number: str, day: str, total: str, cash: str, tail: Rows | None = None) -> list[Word]:
    rows = [*SHOP, ("Receipt", number), ("Date", day), ("Atlas", total), ("TOTAL GBP", total), ("CASH", cash)]
    return sheet([*rows, *(tail or [])])


def document(**fields: Any) -> Document:
    return read_document(fields, order="dmy").document


KNOWN = {
    "seller": "Harbour Books Ltd",
    "seller_address": "12 Quay Street, Bristol",
    "number": "HB-1",
    "date": "25/12/2018",
    "currency": "GBP",
    "total": "10.00",
}


def taught(**changes: Any) -> SellerMemory:
    memory = SellerMemory()
    memory.learn("a", document(**{**KNOWN, **changes}), receipt("HB-1", "25/12/2018", "10.00", "20.00"))
    return memory


def values(memory: SellerMemory, words: list[Word]) -> dict[str, Any]:
    return {name: one.value for name, one in memory.recall(words).items()}


def test_one_receipt_teaches_the_next() -> None:
    found = values(taught(), receipt("HB-7", "05/04/2019", "33.50", "40.00"))
    assert found == {
        "seller": "Harbour Books Ltd",
        "seller_address": "12 Quay Street, Bristol",
        "number": "HB-7",
        "date": date(2019, 4, 5),  # 25/12/2018 has told which of both is the day
        "currency": "GBP",
        "total": Decimal("33.50"),
    }


def test_where_each_value_stands_is_told() -> None:
    recalled = taught().recall(receipt("HB-7", "05/04/2019", "33.50", "40.00"))
    source = recalled["number"].source
    assert source is not None and source.page == 1 and source.box[:2] == (400.0, 90.0)
    assert recalled["currency"].source is None


def test_another_seller_is_not_taken_for_this_one() -> None:
    assert taught().recall(sheet([("CORNER SHOP", ""), ("Date", "05/04/2019"), ("TOTAL GBP", "3.20")])) == {}
    assert SellerMemory().recall(receipt("1", "05/04/2019", "1.00", "1.00")) == {}
    assert taught().recall([]) == {}


def test_a_misread_name_is_still_known_and_the_persons_spelling_holds() -> None:
    words = receipt("HB-7", "05/04/2019", "33.50", "40.00")
    misread = [Word("HARB0UR", *_rest(words[0])), *words[1:]]
    assert values(taught(), misread)["seller"] == "Harbour Books Ltd"


def _rest(word: Word) -> tuple[Any, ...]:
    return word.box, word.line, word.page


def test_a_tax_number_is_enough() -> None:
    memory = taught(seller_tax_id="GB 123 4567 89")
    words = sheet([("(a logo)", ""), ("VAT GB123456789", ""), ("TOTAL GBP", "7.00")])
    found = values(memory, words)
    assert found["total"] == Decimal("7.00") and "seller" not in found  # the page does not bear the name out


def test_an_address_that_the_page_does_not_have_is_left_out() -> None:
    words = sheet([("HARBOUR BOOKS LTD", ""), ("99 Mill Lane, Leeds", ""), ("TOTAL GBP", "7.00")])
    assert "seller_address" not in values(taught(), words)


def test_of_several_branches_the_one_on_the_page_is_taken() -> None:
    memory = taught()
    words = sheet([("HARBOUR BOOKS LTD", ""), ("99 Mill Lane, Leeds", ""), ("TOTAL GBP", "7.00")])
    memory.learn("b", document(seller="Harbour Books Ltd", seller_address="99 Mill Lane, Leeds", total="7.00"), words)
    assert values(memory, receipt("HB-7", "05/04/2019", "33.50", "40.00"))["seller_address"].startswith("12 Quay")
    assert values(memory, words)["seller_address"] == "99 Mill Lane, Leeds"


def test_a_total_that_was_paid_exactly_is_not_sought_at_cash_for_long() -> None:
    memory = SellerMemory()
    memory.learn("a", document(**KNOWN), receipt("HB-1", "25/12/2018", "10.00", "10.00"))
    memory.learn("b", document(**{**KNOWN, "total": "12.00"}), receipt("HB-2", "26/12/2018", "12.00", "50.00"))
    assert values(memory, receipt("HB-3", "27/12/2018", "13.00", "20.00"))["total"] == Decimal("13.00")


def test_the_place_that_a_person_chose_decides() -> None:
    words = receipt("HB-1", "25/12/2018", "10.00", "10.00")
    cash = next(word for word in words if word.line == 7 and word.text == "10.00")
    fields = {**KNOWN, "prepaid": "10.00", "sources": {"prepaid": {"page": 1, "box": list(cash.box)}}}
    memory = SellerMemory()
    memory.learn("a", document(**fields), words)
    assert values(memory, receipt("HB-2", "26/12/2018", "12.00", "50.00"))["prepaid"] == Decimal("50.00")


def test_what_is_forgotten_or_learnt_anew_counts_once() -> None:
    memory = taught()
    words = receipt("HB-1", "25/12/2018", "10.00", "20.00")
    memory.learn("a", document(**{**KNOWN, "seller": "HARBOUR BOOKS"}), words)
    assert values(memory, words)["seller"] == "HARBOUR BOOKS"
    memory.forget("a")
    assert memory.recall(words) == {}
    memory.learn("a", document(total="10.00"), words)  # nobody says who sells
    assert memory.recall(words) == {}
