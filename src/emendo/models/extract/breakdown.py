"""Sums that a breakdown of taxes tells where their own lines are missing, as on a page that nobody sent.

Where every rate gives its tax, the bases add up to what is taxed, the taxes to the tax, both to the total (EN 16931,
BR-CO-13 to BR-CO-15, for a document without charges for payment or rounding).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Final

from emendo.fields.compare import ROW_MARK

from .candidates import Candidate, Scene
from .cells import ReadRow
from .sums import Amount
from .till import MOST_TAX

SUMS: Final = ("net", "tax", "total")
LEAST_SAID: Final = -1.0
"""Log-odds of the likeliest word of a sum above which the document says the sum itself."""
SCORE: Final = -0.5
"""Log-odds of a sum that only the breakdown tells, before the sums that it makes hold."""
COST: Final = 2.0
"""What it counts as having been read."""
_HALF_COIN: Final = Decimal("0.005")
_GOODS: Final = tuple(f"lines{ROW_MARK}.{name}" for name in ("description", "quantity", "code"))
_READ: Final = 1.0
"""What reading a number of such a line may cost."""
_MOST: Final = 8
"""Numbers of a line that are looked at."""


def broken_down(
    scene: Scene, rows: Sequence[ReadRow], ranked: Mapping[str, Sequence[Amount]]
) -> dict[str, list[Amount]]:
    """Candidates for `net`, `tax` and `total` in the light of the rates; none where no rates hold.

    What stands in a row of several is no sum of all; where then no total is said, the rows tell it. `rows` are those
    that the tags tell; where they do not hold, printed lines on which a rate gives its tax.
    """
    held = _tagged(rows) or _printed(scene)
    if not held:
        return {}
    parts = {one for pair in held for one in pair} if len(held) > 1 and all(tax for _, tax in held) else set()
    left = {name: [one for one in ranked.get(name, ()) if one.value not in parts] for name in SUMS}
    if not any(one.score > LEAST_SAID for one in left["total"]):
        net, tax = (sum(some, Decimal(0)) for some in zip(*held, strict=True))
        for name, value in zip(SUMS, (net, tax, net + tax), strict=True):
            told = Candidate(value, (), SCORE, COST, inferred=True)
            left[name] = [*(one for one in left[name] if one.score > LEAST_SAID and one.value != value), told]
    return left


def _tagged(rows: Sequence[ReadRow]) -> list[tuple[Decimal, Decimal]]:
    """Base and tax of each row, nothing unless all hold."""
    found = []
    for one in rows:
        numbers = one.numbers
        if not {"rate", "base", "amount"} <= set(numbers):
            return []
        rate, base, tax = (numbers[name].value for name in ("rate", "base", "amount"))
        if abs(base * rate / 100 - tax) > _HALF_COIN:
            return []
        found.append((base, tax))
    return found


def _printed(scene: Scene) -> list[tuple[Decimal, Decimal]]:
    """Base and tax of the printed lines that say a rate with them, each rate once, goods aside."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in scene.layout.lines:
        numbers: list[Decimal] = []
        for at in line:
            for span in scene.starts.get(at, ()):
                if len(span.words) == 1 and span.figures and span.figures[0].cost < _READ:
                    numbers.append(span.figures[0].value)
        if any(scene.odd((at,), label) > 0 for at in line for label in _GOODS):
            continue
        for base, rate, tax in permutations(numbers[:_MOST], 3):
            exact = base * rate / 100
            if (
                0 < rate <= 100 * MOST_TAX
                and base > tax > 0
                and abs(exact - tax) <= _HALF_COIN
                and _shows_coins(base, tax)
            ):
                found.setdefault(rate, (base, tax))
    return list(found.values())


def _shows_coins(*amounts: Decimal) -> bool:
    return all(one.as_tuple().exponent in (-2, -3) for one in amounts)
