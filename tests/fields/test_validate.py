"""Whether a document holds together: exact in coins, and nothing that does not passes."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emendo.fields import Severity, Validation, read_document, validate_document
from emendo.fields.validate import iban_holds

TODAY = date(2026, 11, 29)
CENT = Decimal("0.01")
COINS = st.integers(1, 50_000).map(lambda cents: Decimal(cents) / 100)


def judged(raw: dict[str, Any], **more: Any) -> Validation:
    return validate_document(read_document(raw), today=TODAY, **more)


def rules(raw: dict[str, Any], severity: Severity = Severity.ERROR, **more: Any) -> set[str]:
    return {one.rule for one in judged(raw, **more).findings if one.severity is severity}


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@st.composite
def invoices(draw: st.DrawFn) -> dict[str, Any]:
    """An invoice that adds up by construction, its prices without tax."""
    rates = draw(st.lists(st.sampled_from(["0", "5.5", "7", "19"]), min_size=1, max_size=2, unique=True))
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        quantity, price = Decimal(draw(st.integers(1, 4000))) / 100, draw(COINS)
        row = {"quantity": quantity, "unit_price": price, "amount": cents(quantity * price)}
        lines.append({**row, "tax_rate": draw(st.sampled_from(rates)), "description": "thing"})
    bases = {rate: sum(row["amount"] for row in lines if row["tax_rate"] == rate) for rate in rates}
    taxes = [
        {"rate": rate, "base": base, "amount": cents(base * Decimal(rate) / 100)}
        for rate, base in bases.items()
        if base
    ]
    net, tax = sum(bases.values()), sum(row["amount"] for row in taxes)
    rounding = draw(st.sampled_from(["0", "0.02", "-0.01"]))
    total = net + tax + Decimal(rounding)
    prepaid = min(total, draw(COINS))
    return {
        "type": "invoice",
        "seller": "Shop",
        "number": "A-1",
        "date": "2020-02-03",
        "due_date": "2020-03-03",
        "currency": "EUR",
        "lines": lines,
        "taxes": taxes,
        "net": net,
        "tax": tax,
        "rounding": rounding,
        "total": total,
        "prepaid": prepaid,
        "due": total - prepaid,
    }


@given(invoices())
def test_an_invoice_that_adds_up_passes_exactly(invoice: dict[str, Any]) -> None:
    found = judged(invoice)
    assert found.ok and found.exact, found.findings
    assert found.checked >= 5


@given(invoices(), st.data())
def test_one_cent_in_any_amount_is_caught(invoice: dict[str, Any], data: st.DataObject) -> None:
    places = [(invoice, name) for name in ("net", "tax", "total", "prepaid", "due")]
    places += [(row, "amount") for row in invoice["lines"]]
    places += [(row, name) for row in invoice["taxes"] for name in ("base", "amount")]
    holder, name = data.draw(st.sampled_from(places))
    holder[name] = Decimal(holder[name]) + data.draw(st.sampled_from([CENT, -CENT, Decimal(10), Decimal("0.001")]))
    assert not judged(invoice).ok


@given(invoices(), st.data())
def test_a_lost_or_doubled_row_is_caught(invoice: dict[str, Any], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(invoice["lines"]) - 1))
    assume(len(invoice["lines"]) > 1 and invoice["lines"][at]["amount"])
    lines = invoice["lines"]
    doubled = data.draw(st.booleans())
    invoice["lines"] = [*lines, lines[at]] if doubled else [*lines[:at], *lines[at + 1 :]]
    assert "lines" in rules(invoice)


def test_the_sentence_says_both_sums() -> None:
    receipt = {"seller": "Shop", "date": "2020-01-01", "currency": "GBP", "total": "12.80"}
    receipt["lines"] = [{"amount": "10.00"}, {"amount": "2.30"}]  # type: ignore[assignment]
    (error,) = [one for one in judged(receipt).findings if one.severity is Severity.ERROR]
    assert error.what == "lines add up to 12.30, total says 12.80"
    assert error.paths == ("total", "lines.0.amount", "lines.1.amount")


def test_a_tolerance_makes_a_warning_and_never_exact() -> None:
    receipt = {"seller": "Shop", "date": "2020-01-01", "total": "12.31", "lines": [{"amount": "12.30"}]}
    assert rules(receipt) == {"lines"}
    near = judged(receipt, tolerance=Decimal("0.02"))
    assert near.ok and not near.exact
    assert "lines" in rules(receipt, Severity.WARNING, tolerance=Decimal("0.02"))


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"foo": "bar"},
        {"total": "0.00"},
        {"seller": "?", "date": "2020-01-01", "total": "1.00"},
        {"seller": "Shop", "date": "2120-01-01", "total": "1.00"},
        {"seller": "Shop", "date": "2020-01-01", "total": "lots"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.005"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "currency": "XXQ"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "lines": [{"description": "thing"}]},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "lines": ["thing"]},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "type": "invoice"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "seller_tax_id": "none"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "net": "0.80"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "due": "0.80"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "due": "1.20"},
        {"seller": "Shop", "date": "2020-02-01", "due_date": "2020-01-01", "total": "1.00"},
        {"seller": "Shop", "date": "2020-01-01", "total": "1.00", "iban": "DE00 1234"},
    ],
)
def test_garbage_never_passes(garbage: dict[str, Any]) -> None:
    assert not judged(garbage).ok


def test_prices_with_tax_in_them_add_up_to_the_total() -> None:
    receipt = {
        "seller": "Shop",
        "date": "2020-01-01",
        "currency": "MYR",
        "net": "9.43",
        "tax": "0.57",
        "total": "10.00",
    }
    receipt |= {"rounding": "0.00", "lines": [{"amount": "10.50"}], "discount": "0.50"}  # type: ignore[dict-item]
    assert judged(receipt).ok
    assert rules({**receipt, "discount": "0.60"}) == {"lines"}


def test_tax_may_be_rounded_by_rate_or_by_row() -> None:
    lines = [{"amount": "0.33", "tax_rate": "19"}] * 3
    invoice = {"seller": "Shop", "date": "2020-01-01", "currency": "EUR", "lines": lines, "net": "0.99"}
    assert judged({**invoice, "tax": "0.19", "total": "1.18"}).ok
    assert judged({**invoice, "tax": "0.18", "total": "1.17"}).ok
    assert rules({**invoice, "tax": "0.20", "total": "1.19"}) == {"line_rates"}


def test_coins_of_other_currencies() -> None:
    lines = [{"quantity": "3", "unit_price": "33.4", "amount": "100"}]
    yen = {"seller": "Shop", "date": "2020-01-01", "currency": "JPY", "total": "100", "lines": lines}
    assert judged(yen).ok
    assert "decimals" in rules({**yen, "total": "100.5"})


def test_the_check_digits_of_an_iban() -> None:
    assert iban_holds("GB82 WEST 1234 5698 7654 32") and iban_holds("DE89370400440532013000")
    assert not iban_holds("DE89370400440532013001") and not iban_holds("DE8") and not iban_holds("1234567890123456")
