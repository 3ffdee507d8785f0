"""Sums that a breakdown of taxes tells where their own lines are missing, as on a page that nobody sent.

Where every rate gives its tax, the bases add up to what is taxed, the taxes to the tax, both to the total (EN 16931,
BR-CO-13 to BR-CO-15, for a document without charges for payment or rounding).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from .candidates import Candidate
from .cells import ReadRow
from .sums import Amount

LEAST_SAID: Final = -1.0
"""Log-odds of the likeliest word of a sum above which the document says the sum itself."""
SCORE: Final = -0.5
"""Log-odds of a sum that only the breakdown tells, before the sums that it makes hold."""
COST: Final = 2.0
"""What it counts as having been read."""
_HALF_COIN: Final = Decimal("0.005")


def broken_down(rows: Sequence[ReadRow], ranked: Mapping[str, Sequence[Amount]]) -> dict[str, Amount]:
    """Candidates for `net`, `tax` and `total`, where the document says no total; none where the rows do not hold."""
    if any(one.score > LEAST_SAID for one in ranked.get("total", ())):
        return {}
    numbers = [one.numbers for one in rows]
    if not numbers or any(not {"rate", "base", "amount"} <= set(row) for row in numbers):
        return {}
    for row in numbers:
        if abs(row["base"].value * row["rate"].value / 100 - row["amount"].value) > _HALF_COIN:
            return {}
    net = sum((row["base"].value for row in numbers), Decimal(0))
    tax = sum((row["amount"].value for row in numbers), Decimal(0))
    told = {"net": net, "tax": tax, "total": net + tax}
    return {name: Candidate(value, (), SCORE, COST, inferred=True) for name, value in told.items()}
