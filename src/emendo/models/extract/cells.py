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
from .glued import parted
from .infer import factors
from .rows import Row
from .sums import BREAKS, HOLDS, Amount, Table, Way

NUMBERS: Final = {
    "lines": ("quantity", "unit_price", "discount", "tax_rate", "amount"),
    "taxes": ("rate", "base", "amount"),
}
"""Fields of the rows that are numbers."""
TEXTS: Final = ("code", "description", "unit")
_GOODS: Final = ("code", "description", "quantity")
_FACTORS: Final = ("quantity", "unit_price", "discount", "amount")
_UNSIGNED: Final = frozenset({"discount", "rate", "tax_rate"})
_TRIED = 3
"""Candidates of a cell that are tried."""
_WAYS = 4
"""Ways to read a row that are kept."""
_TABLES = 16
"""Ways to have a table that are kept."""
_UNSURE = 1.5
"""Log-odds below which a row may be none."""


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row with the ways to read its numbers, the best first, and the candidates of each."""

    row: Row
    ways: tuple[Way, ...]
    ranked: Mapping[str, Sequence[Amount]]

    @property
    def numbers(self) -> Mapping[str, Amount]:
        """The best way."""
        return self.ways[0].numbers


def read_rows(scene: Scene, table: str, rows: Sequence[Row], *, currency: str | None, sums: bool) -> list[ReadRow]:
    """The rows that say something."""
    read = [_read(scene, table, row, currency, sums=sums) for row in rows]
    if table == "taxes":
        return _once(read)
    return _sold([one for one in read if one.numbers.get("amount") or one.row.words("description")])


def _sold(read: Sequence[ReadRow]) -> list[ReadRow]:
    """Without the figures that stand in rows that say nothing of goods, where most of the rows do."""
    named = [one for one in read if any(one.row.words(name) for name in _GOODS)]
    return named if 2 * len(named) >= len(read) else list(read)


def _read(scene: Scene, table: str, row: Row, currency: str | None, *, sums: bool) -> ReadRow:
    ranked: dict[str, Sequence[Amount]] = {}
    for name in NUMBERS[table]:
        some = row.words(name)
        if some:
            near = [span for at in some for span in scene.starts.get(at, ())]
            found: list[Amount] = rank(scene, f"{table}{ROW_MARK}.{name}", near, among=frozenset(some))
            if name in _UNSIGNED:
                found = [replace(one, value=abs(one.value)) for one in found]
            ranked[name] = found
    if table == "lines":
        ranked |= parted(scene, row, ranked)
    first = {name: found[0] for name, found in ranked.items() if found}
    coin = Decimal(1).scaleb(-decimals_of(currency))
    ways = [_way(first, coin)]
    if sums and not ways[0].holds:
        ways = _ways(scene, ranked, first, coin, currency)
    return ReadRow(row, tuple(ways), ranked)


def _way(numbers: Mapping[str, Amount], coin: Decimal) -> Way:
    holds = _multiplies(numbers, coin)
    gain = 0.0 if holds is None else HOLDS if holds else -BREAKS
    return Way(numbers, sum(one.score for one in numbers.values()) + gain, holds)


def _ways(
    scene: Scene,
    ranked: Mapping[str, Sequence[Amount]],
    first: Mapping[str, Amount],
    coin: Decimal,
    currency: str | None,
) -> list[Way]:
    """The likeliest combinations of what the cells can be, with what the product asks for where it breaks."""
    wider = {name: list(ranked[name][:_TRIED]) for name in _FACTORS if ranked.get(name)}
    if _multiplies(first, coin) is False:
        for name, one in factors(first, scene, currency):
            wider[name].append(one)
    made = [_way({**first, **dict(zip(wider, some, strict=True))}, coin) for some in product(*wider.values())]
    return sorted(made, key=lambda way: -way.score)[:_WAYS]


def _multiplies(numbers: Mapping[str, Amount], coin: Decimal) -> bool | None:
    """Whether quantity x price less discount is the amount, rounded to a coin."""
    if not all(name in numbers for name in ("quantity", "unit_price", "amount")):
        return None
    less = numbers["discount"].value if "discount" in numbers else Decimal(0)
    exact = numbers["quantity"].value * numbers["unit_price"].value - less
    return bool(abs(exact - numbers["amount"].value) <= (coin / 2 if exact % coin else 0))


def _once(read: Sequence[ReadRow]) -> list[ReadRow]:
    """Rows of tax without those that only repeat the rate of another, or its rate and tax without saying the base."""
    said = {_rate_and_tax(one) for one in read if "base" in one.numbers} - {(None, None)}
    read = [one for one in read if "base" in one.numbers or _rate_and_tax(one) not in said]
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


def _rate_and_tax(row: ReadRow) -> tuple[Decimal | None, Decimal | None]:
    rate, tax = (row.numbers.get(name) for name in ("rate", "amount"))
    return (rate.value, tax.value) if rate is not None and tax is not None else (None, None)


def tables(read: Sequence[ReadRow], name: str) -> list[Table]:
    """Ways to have the rows for the sums: as they are, with one row read otherwise, without a doubtful one."""
    base = tuple(one.ways[0] for one in read)
    every = tuple(range(len(read)))
    found = [Table(every, base, 0.0)]
    for at, one in enumerate(read):
        for other in one.ways[1:]:
            changed = (*base[:at], other, *base[at + 1 :])
            found.append(Table(every, changed, other.score - base[at].score))
        now = one.numbers.get("amount")
        if name == "lines" and now is not None and now.score < _UNSURE:
            kept = (*every[:at], *every[at + 1 :])
            found.append(Table(kept, tuple(base[to] for to in kept), -max(0.5, now.score)))
    return sorted(found, key=lambda one: -one.score)[:_TABLES]
