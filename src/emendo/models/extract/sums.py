"""The choice among what the words can say by what adds up: each sum that holds speaks for it, each that breaks against.

Combinations of candidates are tried by their tags' score, the best first, until no further one can win (k-best
enumeration with a bound) or the search has seen enough; sums are those of `fields.validate`, exact.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from emendo.fields.schema import Document, LineItem, TaxRow
from emendo.fields.validate import check_sums

from .candidates import Candidate
from .till import MOST_TAX

Amount = Candidate[Decimal]
AMOUNTS: Final = ("discount", "charges", "net", "tax", "rounding", "total", "prepaid", "due")
_SEEN: Final = 300
"""Combinations that are looked at."""
HOLDS, BREAKS = 3.0, 2.0
"""Log-odds that a sum adds when it holds, and takes when it does not."""
_LIGHTER: Final = {"lines": 0.8, "line_rates": 0.3, "taxes": 1.5, "tax_base": 1.5, "tax_rate": 1.5}
"""Sums that break more easily, for a row that was not found: what they take."""
_PAID = 8.0
"""What it adds that a total is what was paid."""
_DROPPED = 2.0
"""What it costs to leave out an amount that the tags tell, so that a broken sum goes with it."""
_DEAR = 2.0
"""What it takes that a tax is more than taxes are."""
_LESS = 4.0
"""What it takes that a total is less than its dearest row, with nothing that was taken off."""
_TWICE = 3.0
"""What it costs to take one word for two fields."""
BESIDE: Final = {"lines": ("discount", "charges"), "total": ("rounding",)}
"""Fields that enter a sum without being named by its finding."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read the numbers of a row: what speaks for it, and whether quantity x price is the amount (None: that
    cannot be checked)."""

    numbers: Mapping[str, Amount]
    score: float
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One way to have a table: which of the rows that were read, how each is read, and what speaks for it."""

    kept: tuple[int, ...] = ()
    ways: tuple[Way, ...] = ()
    score: float = 0.0

    @property
    def rows(self) -> list[Mapping[str, Amount]]:
        """The numbers of each row."""
        return [way.numbers for way in self.ways]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, how many sums each field is confirmed and contradicted by, and the score."""

    amounts: Mapping[str, Amount]
    lines: Table
    taxes: Table
    confirmed: Mapping[str, int]
    broken: Mapping[str, int]
    score: float


@dataclass(frozen=True, slots=True)
class Options:
    """For each amount its candidates, the best first, and for each table the ways to have it."""

    amounts: Mapping[str, Sequence[Amount]]
    lines: Sequence[Table]
    taxes: Sequence[Table]
    currency: str | None = None
    paid: frozenset[Decimal] = frozenset()
    """What was handed over less what was given back, as far as the document tells it."""
    least: Mapping[str, float] = field(default_factory=dict)
    """Log-odds below which an amount is rather left out, when no sum speaks for it."""


def choose(options: Options, *, sums: bool = True) -> Choice:
    """The best combination. Without `sums` the tags alone decide."""
    axes: list[list[tuple[float, object]]] = []
    for name in AMOUNTS:
        held: list[tuple[float, object]] = [
            (one.score - options.least.get(name, 0.0), one) for one in options.amounts.get(name, ())
        ]
        none = -_DROPPED if any(score > 0 for score, _ in held) else 0.0
        axes.append(sorted([*held, (none, None)], key=lambda pair: -pair[0]))
    axes.append(sorted(((one.score, one) for one in options.lines), key=lambda pair: -pair[0]))
    axes.append(sorted(((one.score, one) for one in options.taxes), key=lambda pair: -pair[0]))
    best: Choice | None = None
    most = 6 * HOLDS + _PAID
    for seen, (score, picks) in enumerate(_ranked(axes)):
        if best is not None and (seen >= _SEEN or score + most <= best.score or not sums):
            break
        made = _judged(score, picks, options, sums=sums)
        if best is None or made.score > best.score:
            best = made
    assert best is not None, "there is always the combination of the first ones"
    return best


def widened(options: Options, choice: Choice, more: Mapping[str, Sequence[Amount]]) -> Options:
    """The options with further candidates by path: of an amount as one more, of a row's as one more table."""
    amounts = {name: [*options.amounts.get(name, ()), *more.get(name, ())] for name in AMOUNTS}
    tables: dict[str, list[Table]] = {"lines": list(options.lines), "taxes": list(options.taxes)}
    for path, found in more.items():
        table, _, rest = path.partition(".")
        if not rest:
            continue
        at, _, name = rest.partition(".")
        base = choice.lines if table == "lines" else choice.taxes
        for one in found:
            way = base.ways[int(at)]
            lost = way.numbers[name].score - one.score + (HOLDS + BREAKS if way.holds else 0)
            other = Way({**way.numbers, name: one}, way.score - lost, False if way.holds else way.holds)
            ways = (*base.ways[: int(at)], other, *base.ways[int(at) + 1 :])
            tables[table].append(Table(base.kept, ways, base.score - lost))
    return replace(options, amounts=amounts, lines=tables["lines"], taxes=tables["taxes"])


def _ranked(axes: Sequence[Sequence[tuple[float, object]]]) -> Iterator[tuple[float, tuple[object, ...]]]:
    """Combinations of one entry an axis, by the sum of their scores, the best first."""
    start = (0,) * len(axes)
    score = sum(axis[0][0] for axis in axes)
    waiting, known = [(-score, start)], {start}
    while waiting:
        lost, places = heapq.heappop(waiting)
        yield -lost, tuple(axis[at][1] for axis, at in zip(axes, places, strict=True))
        for number, (axis, at) in enumerate(zip(axes, places, strict=True)):
            if at + 1 == len(axis):
                continue
            other = (*places[:number], at + 1, *places[number + 1 :])
            if other not in known:
                known.add(other)
                heapq.heappush(waiting, (lost + axis[at][0] - axis[at + 1][0], other))


def _judged(score: float, picks: Sequence[object], options: Options, *, sums: bool) -> Choice:
    amounts = {name: one for name, one in zip(AMOUNTS, picks, strict=False) if isinstance(one, Candidate)}
    lines, taxes = picks[-2], picks[-1]
    assert isinstance(lines, Table) and isinstance(taxes, Table)
    if not sums:
        return Choice(amounts, lines, taxes, {}, {}, score)
    confirmed, broken, gain = weigh(amounts, lines, taxes, options.currency)
    stood: dict[int, int] = {}
    for one in amounts.values():
        for at in one.words:
            stood[at] = stood.get(at, 0) + 1
    twice = sum(count - 1 for count in stood.values())
    taxed, tax = amounts.get("net") or amounts.get("total"), amounts.get("tax")
    if taxed is not None and tax is not None and abs(tax.value) > MOST_TAX * abs(taxed.value):
        gain -= _DEAR
    last = amounts.get("due") or amounts.get("total")
    if last is not None and last.value in options.paid:
        gain += _PAID
    elif _less_than_a_row(amounts, lines):
        gain -= _LESS
    return Choice(amounts, lines, taxes, confirmed, broken, score + gain - _TWICE * min(twice, 3))


def _less_than_a_row(amounts: Mapping[str, Amount], lines: Table) -> bool:
    """Whether the total is less than an amount of a row although nothing was taken off."""
    total = amounts.get("total")
    rows = [numbers["amount"].value for numbers in lines.rows if "amount" in numbers]
    if total is None or not rows or amounts.get("discount") is not None or min(rows) < 0:
        return False
    return total.value < max(rows)


def weigh(
    amounts: Mapping[str, Amount], lines: Table, taxes: Table, currency: str | None
) -> tuple[dict[str, int], dict[str, int], float]:
    """How often each field is confirmed and contradicted by a sum, and what the sums add to the score."""
    document = as_document(amounts, lines, taxes, currency)
    confirmed: dict[str, int] = {}
    broken: dict[str, int] = {}
    gain = 0.0
    for rule, paths, holds, _ in check_sums(document, products=False):
        told = confirmed if holds else broken
        for path in (*paths, *BESIDE.get(rule, ())):
            told[path] = told.get(path, 0) + 1
        gain += HOLDS if holds else -_LIGHTER.get(rule, BREAKS)
    return confirmed, broken, gain


def as_document(amounts: Mapping[str, Amount], lines: Table, taxes: Table, currency: str | None) -> Document:
    """The amounts as a document, whose sums `fields.validate` can check."""
    return Document.model_construct(
        currency=currency,
        lines=[LineItem.model_construct(**_values(row)) for row in lines.rows],
        taxes=[TaxRow.model_construct(**_values(row)) for row in taxes.rows],
        **_values(amounts),
    )


def _values(amounts: Mapping[str, Amount]) -> dict[str, Any]:
    return {name: one.value for name, one in amounts.items()}
