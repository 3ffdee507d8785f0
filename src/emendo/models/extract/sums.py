"""The choice among what the words can say by what adds up: each sum that holds speaks for it, each that breaks against.

Combinations of candidates are tried by their tags' score, the best first, until no further one can win (k-best
enumeration with a bound) or the search has seen enough; sums are those of `fields.validate`, exact.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from emendo.fields.schema import Document, LineItem, TaxRow
from emendo.fields.validate import check_sums

from .candidates import Candidate

Amount = Candidate[Decimal]
AMOUNTS: Final = ("discount", "charges", "net", "tax", "rounding", "total", "prepaid", "due")
_SEEN: Final = 300
"""Combinations that are looked at."""
HOLDS, BREAKS = 2.5, 2.5
"""Log-odds that a sum adds when it holds, and takes when it does not."""
_TWICE = 3.0
"""What it costs to take one word for two fields."""
_BESIDE: Final = {"lines": ("discount", "charges"), "total": ("rounding",)}
"""Fields that enter a sum without being named by its finding."""


@dataclass(frozen=True, slots=True)
class Table:
    """One way to have the rows of a table: which of the rows that were read, their numbers, and what speaks for it."""

    kept: tuple[int, ...] = ()
    rows: tuple[Mapping[str, Amount], ...] = ()
    score: float = 0.0


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
    bias: float = 0.0
    """Log-odds below which a field is rather left out, when no sum speaks for it."""


def choose(options: Options, *, sums: bool = True) -> Choice:
    """The best combination. Without `sums` the tags alone decide."""
    axes: list[list[tuple[float, object]]] = []
    for name in AMOUNTS:
        held: list[tuple[float, object]] = [(one.score - options.bias, one) for one in options.amounts.get(name, ())]
        axes.append(sorted([*held, (0.0, None)], key=lambda pair: -pair[0]))
    axes.append(sorted(((one.score, one) for one in options.lines), key=lambda pair: -pair[0]))
    axes.append(sorted(((one.score, one) for one in options.taxes), key=lambda pair: -pair[0]))
    best: Choice | None = None
    most = 6 * HOLDS
    for seen, (score, picks) in enumerate(_ranked(axes)):
        if best is not None and (seen >= _SEEN or score + most <= best.score or not sums):
            break
        made = _judged(score, picks, options, sums=sums)
        if best is None or made.score > best.score:
            best = made
    assert best is not None, "there is always the combination of the first ones"
    return best


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
    return Choice(amounts, lines, taxes, confirmed, broken, score + gain - _TWICE * min(twice, 3))


def weigh(
    amounts: Mapping[str, Amount], lines: Table, taxes: Table, currency: str | None
) -> tuple[dict[str, int], dict[str, int], float]:
    """How often each field is confirmed and contradicted by a sum, and what the sums add to the score."""
    document = as_document(amounts, lines, taxes, currency)
    confirmed: dict[str, int] = {}
    broken: dict[str, int] = {}
    gain = 0.0
    for rule, paths, holds in check_sums(document, products=False):
        told = confirmed if holds else broken
        for path in (*paths, *_BESIDE.get(rule, ())):
            told[path] = told.get(path, 0) + 1
        gain += HOLDS if holds else -BREAKS
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
