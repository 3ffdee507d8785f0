"""What the rows of a document's tables say: each cell read, and in each row what multiplies to its amount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import Final

from emendo.fields.compare import ROW_MARK
from emendo.fields.currencies import decimals_of

from .candidates import Scene, rank
from .rows import Row
from .sums import HOLDS, Amount, Table

NUMBERS: Final = {
    "lines": ("quantity", "unit_price", "discount", "tax_rate", "amount"),
    "taxes": ("rate", "base", "amount"),
}
"""Fields of the rows that are numbers."""
TEXTS: Final = ("code", "description", "unit")
_TRIED = 3
"""Candidates of a cell that are tried."""
_UNSURE = 1.5
"""Log-odds below which a row may be none."""


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row with its numbers read and its texts as words; `ranked` holds the further ways to read each number."""

    row: Row
    numbers: Mapping[str, Amount]
    ranked: Mapping[str, Sequence[Amount]]
    holds: bool | None
    """Whether quantity x price is the amount; None where that cannot be checked."""


def read_rows(scene: Scene, table: str, rows: Sequence[Row], *, currency: str | None, sums: bool) -> list[ReadRow]:
    """The rows that say something, each with the likeliest numbers."""
    read = [_read(scene, table, row, currency, sums=sums) for row in rows]
    if table == "taxes":
        return _once(read)
    return [one for one in read if one.numbers.get("amount") or one.row.words("description")]


def _read(scene: Scene, table: str, row: Row, currency: str | None, *, sums: bool) -> ReadRow:
    ranked: dict[str, Sequence[Amount]] = {}
    for name in NUMBERS[table]:
        some = row.words(name)
        if some:
            found: list[Amount] = rank(scene, f"{table}{ROW_MARK}.{name}", scene.amounts, frozenset(some))
            if name in ("discount", "rate", "tax_rate"):
                found = [replace(one, value=abs(one.value)) for one in found]
            ranked[name] = found
    numbers: Mapping[str, Amount] = {name: found[0] for name, found in ranked.items() if found}
    if table != "lines":
        return ReadRow(row, numbers, ranked, None)
    coin = Decimal(1).scaleb(-decimals_of(currency))
    holds = _multiplies(numbers, coin)
    if sums and holds is False:
        numbers, holds = _best(ranked, coin, numbers)
    return ReadRow(row, numbers, ranked, holds)


def _best(
    ranked: Mapping[str, Sequence[Amount]], coin: Decimal, first: Mapping[str, Amount]
) -> tuple[Mapping[str, Amount], bool | None]:
    """The numbers that multiply, where these are hardly less likely; else the first ones."""
    names = [name for name in ("quantity", "unit_price", "discount", "amount") if ranked.get(name)]
    best, most = (first, False), sum(first[name].score for name in names)
    for some in product(*(ranked[name][:_TRIED] for name in names)):
        picked = {**first, **dict(zip(names, some, strict=True))}
        score = sum(one.score for one in some)
        if score + HOLDS > most and _multiplies(picked, coin):
            best, most = (picked, True), score + HOLDS
    return best


def _multiplies(numbers: Mapping[str, Amount], coin: Decimal) -> bool | None:
    """Whether quantity x price less discount is the amount, rounded to a coin."""
    if not all(name in numbers for name in ("quantity", "unit_price", "amount")):
        return None
    less = numbers["discount"].value if "discount" in numbers else Decimal(0)
    exact = numbers["quantity"].value * numbers["unit_price"].value - less
    return bool(abs(exact - numbers["amount"].value) <= (coin / 2 if exact % coin else 0))


def _once(read: Sequence[ReadRow]) -> list[ReadRow]:
    """Rows of tax without those that only repeat the rate of another."""
    full = [one for one in read if one.numbers.get("base") or one.numbers.get("amount")]
    rates = {one.numbers["rate"].value for one in full if "rate" in one.numbers}
    kept = []
    for one in read:
        if one in full:
            kept.append(one)
        elif "rate" in one.numbers and one.numbers["rate"].value not in rates:
            rates.add(one.numbers["rate"].value)
            kept.append(one)
    return kept


def tables(read: Sequence[ReadRow], name: str) -> list[Table]:
    """Ways to have the rows for the sums: as they are, with one amount read otherwise, without a doubtful row."""
    base = tuple(one.numbers for one in read)
    every = tuple(range(len(read)))
    found = [Table(every, base)]
    field = "amount"
    for at, one in enumerate(read):
        now = one.numbers.get(field)
        if now is None:
            continue
        for other in one.ranked.get(field, ())[:_TRIED]:
            if other.value != now.value and not one.holds:
                changed = (*base[:at], {**one.numbers, field: other}, *base[at + 1 :])
                found.append(Table(every, changed, other.score - now.score))
        if now.score < _UNSURE and name == "lines":
            without = (*every[:at], *every[at + 1 :])
            found.append(Table(without, tuple(base[to] for to in without), -max(0.5, now.score)))
    return sorted(found, key=lambda one: -one.score)[:12]
