"""The simulated author of forms: keys counted by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from emendo.fields import Document, read_document
from emendo.label.filling import filling_effort


def document(**fields: Any) -> Document:
    return read_document(fields).document


TRUTH = document(seller="Mill Ltd", date="2024-03-21", total="12.00")


def test_an_empty_form_is_typed_field_by_field() -> None:
    # seller; Tab x 3 past the address and the number to the date; 6 more to the total; Enter
    found = filling_effort(TRUTH)
    assert found.keys == 1 + len("Mill Ltd") + 3 + len("2024-03-21") + 6 + len("12.00") + 1
    assert (found.documents, found.fields, found.decisions, found.accepted) == (1, 3, 3, 0)


def test_what_is_right_and_sure_is_one_key() -> None:
    found = filling_effort(TRUTH, TRUTH)
    assert (found.keys, found.accepted, found.decisions) == (1, 1, 3)


def test_what_is_right_and_unsure_is_one_key_more() -> None:
    assert filling_effort(TRUTH, TRUTH, unsure=["total", "date"]).keys == 3


def test_a_wrong_value_at_which_the_form_stops_is_typed_over_or_taken_from_what_is_offered() -> None:
    shown = TRUTH.model_copy(update={"total": Decimal("90.55")})
    assert filling_effort(TRUTH, shown, unsure=["total"]).keys == 1 + len("12.00") + 1
    assert filling_effort(TRUTH, shown, unsure=["total"], offered={"total": ["1.00", "12.00"]}).keys == 1 + 1 + 1
    hidden = filling_effort(TRUTH, shown)  # Tab goes there: past nine others
    assert hidden.keys == 10 + len("12.00") + 1


def test_a_slip_in_a_long_value_is_corrected_within() -> None:
    right = document(seller_address="NO. 31G&33G, JALAN SETIA INDAH X, U13/X 40170 SETIA ALAM")
    wrong = document(seller_address="NQ. 31G&33G, JALAN SETIA INDAH X, U13/X 40170 SETIA ALAM")
    assert filling_effort(right, wrong, unsure=["seller_address"]).keys < 8


def test_rows_that_are_missing_or_invented_cost_a_key_each() -> None:
    rows = [{"description": "Tea", "amount": "3.20"}, {"description": "Milk", "amount": "1.00"}]
    whole, half = document(lines=rows), document(lines=rows[:1])
    typed = 1 + len("Milk") + 1 + len("1.00") + 1  # Alt+arrow, the cells with Tab between, Enter
    assert filling_effort(whole, half).keys == typed + 1
    removed = filling_effort(half, whole)  # Tab past five fields and a row of two, Ctrl+Delete, Enter
    assert removed.keys == 8 + 1 + 1 and removed.accepted == 0


def test_sums_add_up() -> None:
    both = filling_effort(TRUTH) + filling_effort(TRUTH, TRUTH)
    assert both.documents == 2 and both.accepted == 1
    assert both.to_dict()["keys_each"] == both.keys / 2
