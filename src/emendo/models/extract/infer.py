"""What a misread amount must have been: the sums tell the value, and the print comes near it.

Where a sum breaks by a gap, each of its amounts would make it hold if it were more or less by that gap. Such a value
becomes a candidate where it differs from what was read by one figure, a lost sign or a lost decimal mark; the surer the
OCR reader was of the word, the more it costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from rapidfuzz.distance import Levenshtein

from emendo.fields.currencies import decimals_of
from emendo.fields.validate import check_sums

from .candidates import Scene
from .sums import BESIDE, Amount, Choice, as_document

_LOOKALIKES: Final = frozenset(
    frozenset(pair)
    for pair in ("03", "06", "08", "09", "14", "17", "23", "27", "35", "38", "39", "49", "56", "58", "68", "69", "89")
)
"""Pairs of figures that readers take for each other."""
_ALIKE, _OTHER, _SIGN, _MARK = 1.0, 2.5, 0.7, 1.2
"""Costs: another figure that looks alike, any other, the sign, the decimal mark."""
_SURE = 2.0
"""What it costs more where the reader was sure of the word; nothing below a confidence of `_DOUBTFUL`."""
_DOUBTFUL = 0.8
_TWICE = 2.0
"""What it costs more where another word says what was read."""


def implied(choice: Choice, scene: Scene, currency: str | None) -> dict[str, list[Amount]]:
    """By path, the values that the broken sums ask for and the print comes near."""
    document = as_document(choice.amounts, choice.lines, choice.taxes, currency)
    found: dict[str, list[Amount]] = {}
    for one in check_sums(document, products=False):
        if one.holds:
            continue
        for path in (*one.paths, *BESIDE.get(one.rule, ())):
            picked = _picked(choice, path)
            if picked is None:
                continue
            for value in (picked.value + one.gap, picked.value - one.gap):
                made = near(value, picked, scene, currency)
                if made is not None and made not in found.setdefault(path, []):
                    found[path].append(made)
    return {path: some for path, some in found.items() if some}


def _picked(choice: Choice, path: str) -> Amount | None:
    table, _, rest = path.partition(".")
    if not rest:
        return choice.amounts.get(path)
    at, _, name = rest.partition(".")
    rows = (choice.lines if table == "lines" else choice.taxes).rows
    return rows[int(at)].get(name)


def near(value: Decimal, picked: Amount, scene: Scene, currency: str | None) -> Amount | None:
    """The value as a candidate where what was read comes near it; None elsewhere."""
    if value == picked.value:
        return None
    cost = _distance(picked.value, value, decimals_of(currency))
    if cost is None:
        return None
    sure = min((scene.layout.words[at].confidence for at in picked.words), default=1.0)
    cost += _SURE * max(0.0, sure - _DOUBTFUL) / (1 - _DOUBTFUL) + _TWICE * _elsewhere(scene, picked)
    return replace(picked, value=value, score=picked.score - cost, cost=picked.cost + cost, inferred=True)


def _elsewhere(scene: Scene, picked: Amount) -> bool:
    """Whether another word says the same amount: so many are not misread alike."""
    return any(
        span.figures[0].value == picked.value and not span.figures[0].cost and set(span.words).isdisjoint(picked.words)
        for span in scene.amounts
    )


def _distance(read: Decimal, value: Decimal, decimals: int) -> float | None:
    """What it costs to have read one number for another; None where they are not near."""
    if read == -value:
        return _SIGN
    if (read < 0) != (value < 0) and read and value:
        return None
    if read == read.to_integral_value() and abs(read) >= 10 and abs(value) * 10**decimals == abs(read):
        return _MARK
    places = max(decimals, *(-min(0, _exponent(one)) for one in (read, value)))
    if places > decimals and _exponent(value) < min(-decimals, _exponent(read)):
        return None
    one, other = (f"{abs(number):.{places}f}" for number in (read, value))
    if Levenshtein.distance(one, other) != 1:
        return None
    changed = [frozenset(pair) for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
    return _ALIKE if len(one) == len(other) and changed[0] in _LOOKALIKES else _OTHER


def _exponent(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def factors(numbers: Mapping[str, Amount], scene: Scene, currency: str | None) -> Iterator[tuple[str, Amount]]:
    """For a row whose product breaks: the quantity, price and amount that would mend it and come near the print."""
    count, price, amount = (numbers[name] for name in ("quantity", "unit_price", "amount"))
    less = numbers["discount"].value if "discount" in numbers else Decimal(0)
    coin = Decimal(1).scaleb(-decimals_of(currency))
    asked: Sequence[tuple[str, Amount, Decimal]] = [
        ("amount", amount, (count.value * price.value - less).quantize(coin)),
        *([("unit_price", price, _divided(amount.value + less, count.value, coin))] if count.value else []),
        *([("quantity", count, _divided(amount.value + less, price.value, Decimal("0.01")))] if price.value else []),
    ]
    for name, picked, value in asked:
        made = near(value, picked, scene, currency)
        if made is not None:
            yield name, made


def _divided(whole: Decimal, part: Decimal, coin: Decimal) -> Decimal:
    return (whole / part).quantize(coin)
