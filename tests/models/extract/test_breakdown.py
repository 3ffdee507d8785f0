"""Sums that stand on a page that is missing, told by the table of taxes."""

from __future__ import annotations

import pytest
from tests.models.extract.made import typed

from emendo.models.extract.decode import decode

TAXES = (
    "7<taxes.0.rate> %<taxes.0.rate>  113.03<taxes.0.base>  7.91<taxes.0.amount>",
    "19<taxes.1.rate> %<taxes.1.rate>  64.46<taxes.1.base>  12.25<taxes.1.amount>",
)


def test_the_breakdown_of_taxes_tells_the_sums_where_none_is_printed() -> None:
    words, tags = typed("Invoice", *TAXES, kind="invoice")
    found = decode(words, tags, {"mark": "."})
    document = found.document
    assert (str(document.net), str(document.tax), str(document.total)) == ("177.49", "20.16", "197.65")
    assert "total" not in document.sources, "it stands nowhere"
    printed, tags = typed("Invoice", *TAXES, "177.49<net>", "20.16<tax>", "197.65<total>", kind="invoice")
    assert found.certainty["total"] < decode(printed, tags, {"mark": "."}).certainty["total"]


def test_a_printed_total_is_believed_more_than_the_breakdown() -> None:
    words, tags = typed(*TAXES, "200.00<total>", kind="invoice")
    assert str(decode(words, tags, {"mark": "."}).document.total) == "200.00"


def test_no_row_of_several_is_the_sum_of_all() -> None:
    words, tags = typed(*TAXES, "113.03<total>", "12.25<tax>", kind="invoice")
    document = decode(words, tags, {"mark": "."}).document
    assert (str(document.tax), str(document.total)) == ("20.16", "197.65")


def test_lines_on_which_a_rate_gives_its_tax_are_one_whatever_their_tags() -> None:
    words, tags = typed("VAT (S)  129.37  7  9.06", "VAT (S)  64.40  19<taxes.0.rate>  12.24", kind="invoice")
    document = decode(words, tags, {"mark": "."}).document
    assert (str(document.net), str(document.tax), str(document.total)) == ("193.77", "21.30", "215.07")
    goods, tags = typed("Wine<lines.0.description>  129.37<lines.0.amount>  7<lines.0.tax_rate>  9.06", kind="invoice")
    assert str(decode(goods, tags, {"mark": "."}).document.total) != "138.43"


@pytest.mark.parametrize("broken", ["7.19<taxes.0.amount>", ""], ids=["wrong", "missing"])
def test_a_breakdown_that_does_not_hold_tells_nothing(broken: str) -> None:
    row = TAXES[0].replace("7.91<taxes.0.amount>", broken)
    words, tags = typed("Invoice", row, TAXES[1], kind="invoice")
    assert str(decode(words, tags, {"mark": "."}, sums=False).document.total) != "197.65"
