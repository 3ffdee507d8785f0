"""What a made-up document says: a `Document` whose sums are exact in the smallest coin by construction.

Prices are drawn first; taxes follow from the sums of each rate, totals from these. Where prices have the tax in them,
the last row of a rate takes up the coin that rounding would leave.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeVar

import numpy as np

from ...fields.currencies import decimals_of
from ...fields.schema import Document, LineItem, TaxRow
from .coined import coined_goods
from .firms import address, coded, firm, iban, number, person
from .goods import Good, goods_of
from .places import PLACES, Place

Rng = np.random.Generator
_T = TypeVar("_T")
FIRST, LAST = date(2012, 1, 1), date(2026, 12, 31)
"""Days on which made-up documents are written."""
_KINDS: Final = (("invoice", 0.72), ("receipt", 0.22), ("credit_note", 0.06))
_ROWS: Final = ((1, 0.1), (2, 0.16), (4, 0.26), (8, 0.26), (16, 0.14), (36, 0.05), (90, 0.03))
"""Most rows of a table, and how often."""
_CODES: Final = (
    "#####", "@@-###", "####-##", "@####", "########", "@@@@_####", "@@@#", "###", "##.###.##", "@@-####-@@",
    "#############", "@@@-###/@#@",
)  # fmt: skip
"""Forms of the codes of goods."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Content:
    """A document, where it is from, and whether its prices have the tax in them."""

    document: Document
    place: Place
    gross: bool
    phone: str
    mail: str


@dataclass(frozen=True, slots=True)
class _Row:
    item: LineItem
    rate: Decimal
    amount: Decimal


def draw_content(rng: Rng) -> Content:
    """One document; the same generator state gives the same one."""
    place = _pick(rng, tuple((one, one.share) for one in PLACES))
    kind = _pick(rng, _KINDS)
    gross = bool(rng.random() < (0.85 if kind == "receipt" and place.code != "US" else place.gross))
    rows = _rows(rng, place, kind, gross)
    sums, rows = _gross_sums(rng, place, rows) if gross else _net_sums(rng, place, kind, rows)
    seller, mail = firm(rng, place)
    party = {"seller": seller, "seller_address": address(rng, place)}
    if rng.random() < 0.8:
        party["seller_tax_id"] = coded(rng, str(rng.choice(place.tax_ids)))
    if kind != "receipt" or rng.random() < 0.1:
        party["buyer"] = firm(rng, place)[0] if rng.random() < 0.7 else person(rng)
        party["buyer_address"] = address(rng, place)
        if rng.random() < 0.25:
            party["buyer_tax_id"] = coded(rng, str(rng.choice(place.tax_ids)))
    day = FIRST + timedelta(days=int(rng.integers((LAST - FIRST).days)))
    facts: dict[str, object] = {"type": kind, "date": day, "currency": place.currency}
    if kind != "receipt" or rng.random() < 0.75:
        facts["number"] = number(rng, day)
    if kind == "invoice" and rng.random() < 0.55:
        facts["due_date"] = day + timedelta(days=int(rng.choice([7, 10, 14, 21, 30, 45, 60])))
    if kind != "receipt" and rng.random() < 0.35:
        facts["order_number"] = number(rng, day)
    if place.iban and kind == "invoice" and rng.random() < 0.7:
        facts["iban"] = iban(rng, place.iban)
    document = Document.model_validate({**party, **facts, **sums, "lines": [row.item for row in rows]})
    return Content(document, place, gross, coded(rng, str(rng.choice(["0## ### ####", "+## ## #######"]))), mail)


def _rows(rng: Rng, place: Place, kind: str, gross: bool) -> list[_Row]:
    most = _pick(rng, _ROWS)
    count = min(int(rng.integers((most + 1) // 2, most + 1)), 25 if kind == "receipt" else 90)
    goods = goods_of(place.language)
    if kind == "receipt":
        goods = tuple(good for good in goods if good.price < 60)
    with_code, discounted = bool(rng.random() < 0.45), bool(rng.random() < 0.12) and not gross and kind != "receipt"
    rated = [Decimal(rate) for rate in place.rates[: int(rng.choice([1, 1, 1, 2, 2, len(place.rates)]))]]
    coin = Decimal(1).scaleb(-decimals_of(place.currency))
    rows = []
    for _ in range(count):
        good = goods[int(rng.integers(len(goods)))]
        rate = rated[0] if rng.random() < 0.7 else rated[int(rng.integers(len(rated)))]
        few = kind == "receipt"
        row = _row(
            rng,
            good,
            place.language,
            rate,
            coin,
            few=few,
            with_code=with_code,
            discounted=discounted and rng.random() < 0.4,
        )
        rows.append(row)
    return rows


def _row(
    rng: Rng, good: Good, language: str, rate: Decimal, coin: Decimal, *, few: bool, with_code: bool, discounted: bool
) -> _Row:
    price = Decimal(str(round(good.price * float(rng.uniform(0.6, 1.7)), 2))).quantize(coin)
    if rng.random() < 0.35 and price > 1:
        price = price.to_integral_value() - (coin if rng.random() < 0.5 else ZERO)
    measured = good.unit in {"kg", "h", "m", "t", "m3", "Std", "ore", "uur"}
    if measured and rng.random() < 0.5:
        quantity = Decimal(int(rng.integers(1, 300 if few else 4000))) / (100 if rng.random() < 0.5 or few else 4)
        quantity = quantity.quantize(Decimal("0.01"))
    else:
        counts = [1, 1, 1, 2, 2, 3, 4] if few else [1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12, 20, 25, 50, 100]
        quantity = Decimal(int(rng.choice(counts)))
    discount = None
    exact = quantity * price
    if discounted:
        discount = (exact * Decimal(int(rng.choice([5, 10, 15, 20]))) / 100).quantize(coin, ROUND_HALF_UP)
        exact -= discount
    amount = exact.quantize(coin, ROUND_HALF_UP)
    name = coined_goods(rng, good.name, language) if rng.random() < 0.55 else good.name
    if rng.random() < 0.1:
        month, year = int(rng.integers(1, 13)), int(rng.integers(FIRST.year, LAST.year + 1))
        name += str(rng.choice([f" {month}", f" {month:02}/{year}", f" {year}", f" Q{month % 4 + 1} {year}"]))
    item = LineItem(
        code=coded(rng, str(rng.choice(_CODES))) if with_code else None,
        description=name,
        quantity=quantity,
        unit=good.unit or None,
        unit_price=price,
        discount=discount,
        tax_rate=rate,
        amount=amount,
    )
    return _Row(item, rate, amount)


def _by_rate(rows: list[_Row]) -> dict[Decimal, Decimal]:
    sums: dict[Decimal, Decimal] = {}
    for row in rows:
        sums[row.rate] = sums.get(row.rate, ZERO) + row.amount
    return dict(sorted(sums.items(), reverse=True))


def _net_sums(rng: Rng, place: Place, kind: str, rows: list[_Row]) -> tuple[dict[str, object], list[_Row]]:
    """Sums of a document whose prices are without tax."""
    coin = Decimal(1).scaleb(-decimals_of(place.currency))
    bases = _by_rate(rows)
    main = max(bases, key=lambda rate: bases[rate])
    sums: dict[str, object] = {}
    if kind == "invoice" and rng.random() < 0.12 and bases[main] > 20:
        share = Decimal(int(rng.choice([2, 3, 5, 10])))
        sums["discount"] = (bases[main] * share / 100).quantize(coin, ROUND_HALF_UP)
        bases[main] -= sums["discount"]  # type: ignore[operator]
    if kind == "invoice" and rng.random() < 0.2:
        charges = Decimal(str(rng.choice(["4.90", "6.95", "12.50", "25.00", "9.99"]))).quantize(coin)
        sums["charges"] = charges
        bases[main] += charges
    taxes = [
        TaxRow(rate=rate, base=base, amount=(base * rate / 100).quantize(coin, ROUND_HALF_UP))
        for rate, base in bases.items()
    ]
    net = sum(bases.values(), ZERO)
    return _closed(rng, place, kind, {**sums, "net": net, "taxes": taxes}), rows


def _gross_sums(rng: Rng, place: Place, rows: list[_Row]) -> tuple[dict[str, object], list[_Row]]:
    """Sums of a document whose prices have the tax in them, and its rows, of which some were moved by coins."""
    coin = Decimal(1).scaleb(-decimals_of(place.currency))
    taxes = []
    for rate, gross in _by_rate(rows).items():
        base = (gross / (1 + rate / 100)).quantize(coin, ROUND_HALF_UP)
        tax = (base * rate / 100).quantize(coin, ROUND_HALF_UP)
        rows = _moved(rows, rate, base + tax - gross)
        taxes.append(TaxRow(rate=rate, base=base, amount=tax))
    net = sum((row.base or ZERO for row in taxes), ZERO)
    return _closed(rng, place, "receipt", {"net": net, "taxes": taxes}), rows


def _moved(rows: list[_Row], rate: Decimal, by: Decimal) -> list[_Row]:
    """The rows with the last one of a rate dearer by `by`: one piece at what it then costs."""
    if not by:
        return rows
    at = max(place for place, row in enumerate(rows) if row.rate == rate)
    amount = rows[at].amount + by
    changed = rows[at].item.model_copy(update={"quantity": Decimal(1), "unit_price": amount, "amount": amount})
    return [*rows[:at], replace(rows[at], item=changed, amount=amount), *rows[at + 1 :]]


def _closed(rng: Rng, place: Place, kind: str, sums: dict[str, object]) -> dict[str, object]:
    """With tax, total, what cash is rounded by, and what is left to pay."""
    taxes: list[TaxRow] = sums["taxes"]  # type: ignore[assignment]
    tax = sum((row.amount or ZERO for row in taxes), ZERO)
    total = sums["net"] + tax  # type: ignore[operator]
    sums["tax"] = tax
    if place.coin and rng.random() < 0.6:
        rounded = (total / place.coin).quantize(Decimal(1), ROUND_HALF_UP) * place.coin
        if rounded != total:
            sums["rounding"] = rounded - total
            total = rounded
    sums["total"] = total
    if kind == "invoice" and rng.random() < 0.15 and total > 50:
        share = Decimal(int(rng.choice([10, 20, 30, 50, 90, 100])))
        sums["prepaid"] = (total * share / 100).quantize(Decimal("0.01")) if share < 100 else total
        sums["due"] = total - sums["prepaid"]  # type: ignore[operator]
    return sums


def _pick(rng: Rng, table: tuple[tuple[_T, float], ...]) -> _T:
    shares = np.array([share for _, share in table])
    return table[int(rng.choice(len(table), p=shares / shares.sum()))][0]
