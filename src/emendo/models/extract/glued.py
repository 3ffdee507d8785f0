"""Counts that a reader ran together with what stands beside them: with their unit, with the rate of tax, the price.

A count and its unit are told by their letters; what was run together with other figures only by the product: where the
amount divided by the price is a whole number and the word begins or ends with it, the rest is the other number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from emendo.fields.compare import ROW_MARK

from .candidates import Scene, rank
from .figures import REPAIR
from .rows import Row
from .sums import Amount
from .till import MOST_TAX

_COUNTED: Final = re.compile(r"\d{1,6}(?:[.,]\d{1,3})?[^\W\d_]\D{0,8}")
"""A count with its unit in one word."""
_RATE: Final = re.compile(r"(\d{2,8})\s?%?")
_PRICE: Final = re.compile(r"(\d{1,7})[.,](\d{3,10})(?:[^\W\d_]\S{0,5})?")
_MOST: Final = 10_000
_HALF_COIN: Final = Decimal("0.005")


def parted(scene: Scene, row: Row, ranked: Mapping[str, Sequence[Amount]]) -> dict[str, list[Amount]]:
    """Candidates of a row in which no count was read: the count, and what it stood in without it; often none."""
    if ranked.get("quantity"):
        return {}
    for at in row.words("unit"):
        if _COUNTED.fullmatch(scene.layout.words[at].text):
            span = [one for one in scene.starts.get(at, ()) if one.words == (at,)]
            return {"quantity": rank(scene, f"lines{ROW_MARK}.unit", span, among=frozenset((at,)))[:1]}
    prices, amounts = ranked.get("unit_price", ()), ranked.get("amount", ())
    if not prices or not amounts or not prices[0].value or ranked.get("discount"):
        return {}
    return _from_rate(ranked, prices[0], amounts[0]) or _from_price(prices[0], amounts[0])


def _from_rate(ranked: Mapping[str, Sequence[Amount]], price: Amount, amount: Amount) -> dict[str, list[Amount]]:
    """The count before the rate, as in 100% for 10 and 0%."""
    rates = ranked.get("tax_rate", ())
    written = _RATE.fullmatch(rates[0].text) if rates else None
    count = amount.value / price.value
    if written is None or count != count.to_integral_value() or not 0 < count < _MOST:
        return {}
    rest = written[1].removeprefix(str(int(count)))
    if rest in ("", written[1]) or Decimal(rest) > 100 * MOST_TAX:
        return {}
    return {"quantity": [_as(rates[0], count)], "tax_rate": [_as(rates[0], Decimal(rest))]}


def _from_price(price: Amount, amount: Amount) -> dict[str, list[Amount]]:
    """The count behind the price, as in 3,33333m2 for 3.3333 and 3 m2."""
    written = _PRICE.fullmatch(price.text)
    for figures in range(1, len(written[2]) - 1 if written else 1):
        assert written is not None
        alone = Decimal(f"{written[1]}.{written[2][:-figures]}")
        count = Decimal(written[2][-figures:])
        if 0 < count < _MOST and abs(alone * count - amount.value) <= _HALF_COIN:
            return {"quantity": [_as(price, count)], "unit_price": [_as(price, alone)]}
    return {}


def _as(one: Amount, value: Decimal) -> Amount:
    return replace(one, value=value, cost=one.cost + REPAIR, inferred=True)
