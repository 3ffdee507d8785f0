"""What the sums are worth: wrong and misread amounts that they put right, and those that they leave alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from tests.models.extract.made import typed

from emendo.models.extract.decode import Extraction, decode
from emendo.models.extract.labels import INDEX
from emendo.models.extract.tagger import Tags

TODAY = date(2027, 1, 1)
POINT = {"mark": ".", "order": "dmy"}


def read(*lines: str, **how: object) -> Extraction:
    words, tags = typed(*lines)
    return decode(words, tags, POINT, today=TODAY, **how)  # type: ignore[arg-type]


BILL = (
    "2<lines.0.quantity> Screws<lines.0.description> 3.50<lines.0.unit_price> 7.00<lines.0.amount>",
    "1<lines.1.quantity> Hammer<lines.1.description> 12.40<lines.1.unit_price> 12.40<lines.1.amount>",
)


def test_a_misread_figure_is_what_the_sums_say() -> None:
    found = read(*BILL, "Net 19.40<net>", "Tax 1.16<tax>", "Total 26.56^0.6<total>")
    assert found.document.total == Decimal("20.56")
    alone = read(*BILL, "Net 19.40<net>", "Tax 1.16<tax>", "Total 26.56^0.6<total>", sums=False)
    assert alone.document.total == Decimal("26.56")


def test_a_misread_amount_of_a_row_is_what_the_product_says() -> None:
    found = read(BILL[0].replace("7.00<", "1.00^0.5<"), BILL[1], "Total 19.40<total>")
    assert [row.amount for row in found.document.lines] == [Decimal("7.00"), Decimal("12.40")]


def test_a_lost_sign_of_a_rounding_is_found() -> None:
    found = read("Net 19.40<net>", "Tax 1.16<tax>", "Rounding 0.01<rounding>", "Total 20.55<total>")
    assert found.document.rounding == Decimal("-0.01")


def test_a_lost_decimal_mark_is_found() -> None:
    found = read("Net 19.40<net>", "Tax 1.16<tax>", "Total 2056^0.7<total>")
    assert found.document.total == Decimal("20.56")


def test_far_from_the_print_nothing_is_put_right() -> None:
    found = read("Net 19.40<net>", "Tax 1.16<tax>", "Total 87.31<total>")
    assert found.document.total == Decimal("87.31")


def test_the_sums_choose_between_two_places() -> None:
    words, tags = typed("Net 19.40<net>", "Tax 1.16<tax>", "Total 20.56", "Cash 50.00<total>")
    labels = tags.labels.copy()
    labels[5, INDEX["total"]] = 0.3
    labels[5, 0] = 0.7
    doubtful = Tags(labels, tags.rows, tags.kinds)
    assert decode(words, doubtful, POINT, today=TODAY).document.total == Decimal("20.56")
    assert decode(words, doubtful, POINT, today=TODAY, sums=False).document.total == Decimal("50.00")


def test_a_total_is_no_less_than_its_dearest_row_unless_something_was_taken_off() -> None:
    rows = ("Hose<lines.0.description> 20.00<lines.0.amount>", "Clip<lines.1.description> 5.31<lines.1.amount>")
    end = ("To pay 38.00", "Sum 36.42 1.58<total>")

    def total(*more: str, **how: object) -> Decimal | None:
        words, tags = typed(*rows, *more, *end)
        labels = tags.labels.copy()
        at = next(at for at, word in enumerate(words) if word.text == "38.00")
        labels[at, INDEX["total"]], labels[at, 0] = 0.6, 0.4
        found = decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY, **how)  # type: ignore[arg-type]
        return found.document.total

    assert total() == Decimal("38.00")
    assert total(sums=False) == Decimal("1.58")
    assert total("Discount 23.73<discount>") == Decimal("1.58")


def test_what_a_till_took_is_the_total() -> None:
    words, tags = typed("Total 15.90", "Cash 50.00<total>", "Change 34.10<total>")
    labels = tags.labels.copy()
    labels[1, INDEX["total"]] = 0.05
    labels[[3, 5], INDEX["total"]] = 0.8
    labels[[3, 5], 0] = 0.2
    found = decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY)
    assert found.document.total == Decimal("15.90")


def test_what_was_taken_off_is_no_change_where_a_till_says_what_was_paid() -> None:
    """A subtotal less a discount is the total, as money handed over less the change is."""
    rows = ("Pizza<lines.0.description> 8.90 15.60<lines.0.amount>", "Sub-Total 15.60<total>", "Coupon 8.90")
    words, tags = typed(*rows, "Grand total 6.70", "Payment 50.00", "Change 43.30")
    labels = tags.labels.copy()
    at = next(at for at, word in enumerate(words) if word.text == "6.70")
    labels[at, INDEX["total"]], labels[at, 0] = 0.3, 0.7
    assert decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY).document.total == Decimal("15.60")
    sub = next(at for at, word in enumerate(words) if word.text == "Sub-Total") + 1
    labels[sub, INDEX["total"]], labels[sub, 0] = 0.6, 0.4
    assert decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY).document.total == Decimal("6.70")


def test_a_tax_above_its_total_and_the_sum_without_it_are_no_till() -> None:
    def total(*lines: str) -> Decimal | None:
        words, tags = typed(*lines)
        labels = tags.labels.copy()
        at = next(at for at, word in enumerate(words) if word.text == "20.56")
        labels[at, INDEX["total"]], labels[at, 0] = 0.4, 0.6
        return decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY).document.total

    assert total("GST 1.16<tax>", "Total 20.56", "Sales 19.40") == Decimal("20.56")
    assert total("Tea 1.16<lines.0.amount>", "Total 20.56", "Rate 0% 19.40<taxes.0.base>") == Decimal("20.56")
    assert total("Total 1.16", "Cash 20.56", "Change 19.40") == Decimal("1.16")


def test_a_tax_that_is_said_twice_is_one() -> None:
    once = "GST 6%<taxes.0.rate> 0.30<taxes.0.amount>"
    again = "S 6%<taxes.1.rate> 5.00<taxes.1.base> 0.30<taxes.1.amount>"
    found = read("Sub total 5.30<net>", "Total 5.30<total>", once, again).document
    assert found.total == Decimal("5.30")
    assert [(row.rate, row.base) for row in found.taxes] == [(Decimal(6), Decimal("5.00"))]
    halves = ("CGST 9%<taxes.0.rate> 0.45<taxes.0.amount>", "SGST 9%<taxes.1.rate> 0.45<taxes.1.amount>")
    assert len(read("Net 5.00<net>", *halves, "Total 5.90<total>").document.taxes) == 2


def test_a_total_above_its_tax_is_no_cash() -> None:
    found = read("Net 19.40<net>", "Total 20.56<total>", "Tax 1.16<tax>")
    assert (found.document.net, found.document.total) == (Decimal("19.40"), Decimal("20.56"))


def test_two_amounts_that_were_read_as_one_word_are_two() -> None:
    found = read("Goods 10.00", "Net and tax 52.003.12<net>", "Total 52.00<total>")
    assert found.document.net in (Decimal("52.00"), Decimal("3.12"))


def test_a_number_without_coins_is_no_amount_where_others_have_coins() -> None:
    words, tags = typed("Goods 10.00<net>", "41766<total>", "36.00<total>")
    labels = tags.labels.copy()
    labels[2, INDEX["total"]], labels[2, 0] = 0.6, 0.4
    labels[3, INDEX["total"]], labels[3, 0] = 0.5, 0.5
    assert decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY).document.total == Decimal("36.00")


def test_what_nearly_every_document_has_is_taken_also_when_it_is_doubtful() -> None:
    words, tags = typed("12/03/2018 9.00")
    labels = tags.labels.copy()
    labels[0, INDEX["date"]], labels[1, INDEX["total"]], labels[1, INDEX["due"]] = 0.02, 0.02, 0.02
    found = decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY)
    assert (found.document.date, found.document.total) == (date(2018, 3, 12), Decimal("9.00"))
    assert found.document.due is None
    assert found.certainty["total"] < 0.5


def test_what_the_sums_confirm_is_surer() -> None:
    confirmed = read("Net 19.40<net>", "Tax 1.16<tax>", "Total 20.56<total>")
    broken = read("Net 19.40<net>", "Tax 1.16<tax>", "Total 87.31<total>")
    assert confirmed.certainty["total"] > broken.certainty["total"]
    repaired = read("Net 19.40<net>", "Tax 1.16<tax>", "Total 26.56^0.6<total>")
    assert confirmed.certainty["total"] > repaired.certainty["total"]


@pytest.mark.parametrize("text", ["1.2.34", "46.9.0", "12,34,5"])
def test_an_amount_with_two_decimal_marks_is_a_fault(text: str) -> None:
    found = read(f"Total {text}<total>", "Tax 1.16<tax>")
    faults = [one for one in found.faults if one.path == "total"]
    assert found.document.total is None
    assert text in faults[0].what and "page 1" in faults[0].what


def test_a_day_in_two_orders_is_a_fault_where_nothing_tells_the_order() -> None:
    words, tags = typed("Date 05/04/2018<date>", "Total 9.00<total>")
    found = decode(words, tags, {}, today=TODAY)
    assert found.document.date is None
    assert "2018-04-05 or 2018-05-04" in found.faults[0].what and found.faults[0].path == "date"
    assert decode(words, tags, {"order": "mdy"}, today=TODAY).document.date == date(2018, 5, 4)


def test_a_day_is_read_as_the_others_of_its_document() -> None:
    words, tags = typed("Date 05/04/2018<date>", "Delivered 04/25/2018")
    assert decode(words, tags, {"order": "dmy"}, today=TODAY).document.date == date(2018, 5, 4)


def test_nothing_is_due_before_its_date() -> None:
    words, tags = typed("Date 10/04/2018<date>", "Due 09/05/2018<due_date>")
    found = decode(words, tags, {}, today=TODAY).document
    assert (found.date, found.due_date) == (date(2018, 4, 10), date(2018, 5, 9))


def test_a_credit_note_keeps_its_amounts_without_sign() -> None:
    words, tags = typed("Net -19.40<net>", "Tax -1.16<tax>", "Total -20.56<total>", kind="credit_note")
    found = decode(words, tags, POINT, today=TODAY).document
    assert (found.net, found.tax, found.total) == (Decimal("19.40"), Decimal("1.16"), Decimal("20.56"))


def test_rows_without_amount_or_description_are_dropped() -> None:
    found = read(*BILL, "7<lines.2.quantity>", "Total 19.40<total>")
    assert len(found.document.lines) == 2


def test_a_line_that_only_explains_is_no_row() -> None:
    found = read(*BILL, "", "as<lines.2.description> agreed<lines.2.description>", "Total 19.40<total>")
    assert [row.description for row in found.document.lines] == ["Screws", "Hammer"]


def test_no_amount_is_left_out_only_because_a_sum_breaks() -> None:
    found = read("Net 19.40<net>", "Tax 19.40<tax>", "Total 20.56<total>")
    assert found.document.net == Decimal("19.40") and found.document.total == Decimal("20.56")


def test_a_description_may_run_over_lines() -> None:
    found = read(
        "2<lines.0.quantity> Screws<lines.0.description> 7.00<lines.0.amount>", "   galvanised<lines.0.description>",
        "1<lines.1.quantity> Hammer<lines.1.description> 12.40<lines.1.amount>",
    )  # fmt: skip
    assert [row.description for row in found.document.lines] == ["Screws galvanised", "Hammer"]


def test_a_figure_that_stands_in_a_column_means_what_the_column_means() -> None:
    rows = [f"Item{at}<lines.{at}.description>   {at}.50<lines.{at}.amount>" for at in range(1, 6)]
    words, tags = typed(*rows)
    labels = tags.labels.copy()
    wrong = next(at for at, word in enumerate(words) if word.text == "3.50")
    labels[wrong] = 0.001
    labels[wrong, INDEX["discount"]], labels[wrong, INDEX["lines[].amount"]] = 0.8, 0.15
    found = decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY).document
    assert [str(row.amount) for row in found.lines] == ["1.50", "2.50", "3.50", "4.50", "5.50"]
    assert found.discount is None


def test_no_number_and_infinite_chances_are_no_chances() -> None:
    words, tags = typed("Total 9.00<total>")
    labels = np.full_like(tags.labels, np.nan)
    found = decode(words, Tags(labels, np.full_like(tags.rows, np.inf), np.full_like(tags.kinds, np.nan)), POINT)
    assert not found.document.values()


def test_the_total_after_rounding_is_the_total() -> None:
    words, tags = typed("Sales 7.72<total>", "Rounding -0.02<rounding>", "Total 7.70<total>")
    labels = tags.labels.copy()
    labels[5, INDEX["total"]], labels[5, 0] = 0.9, 0.1
    found = decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY)
    assert (found.document.total, found.document.rounding) == (Decimal("7.70"), Decimal("-0.02"))


def test_a_total_that_was_not_read_follows_from_what_was_rounded() -> None:
    found = read("Sales 28.31<total>", "Rounding -0.01<rounding>", "TOTAL ----", "Cash 50.00")
    assert found.document.total == Decimal("28.30")
    assert read("Rounding -0.01<rounding>", "Total 28.31<total>").document.total == Decimal("28.31")
    assert read("Goods 28.31", "Total 28.30<total>", "Rounding -0.01<rounding>").document.total == Decimal("28.30")


def test_what_is_to_pay_stands_alone() -> None:
    words, tags = typed("Sales 16.98<net>", "GST 1.02<tax>", "16.981.02<total>", "Total 18.00<total>")
    labels = tags.labels.copy()
    labels[5, INDEX["total"]], labels[5, 0] = 0.4, 0.6
    assert decode(words, Tags(labels, tags.rows, tags.kinds), POINT, today=TODAY).document.total == Decimal("18.00")


def test_what_stands_twice_was_not_misread() -> None:
    lines = ("Tea 5.90<lines.0.amount>", "Total 5.30^0.9<total>")
    assert read(*lines).document.total == Decimal("5.90")
    assert read(*lines, "Cash 5.30").document.total == Decimal("5.30")


def test_on_an_invoice_nothing_is_cash_and_change() -> None:
    words, tags = typed("Net 24.99", "Gross 29.99<total>", "Tax 5.00", kind="invoice", sure=0.995)
    assert decode(words, tags, POINT, today=TODAY).document.total == Decimal("29.99")
