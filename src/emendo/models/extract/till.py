"""How a till says what was paid: the total, below it what was handed over, below that what was given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from emendo.fields.compare import ROW_MARK

from .candidates import Candidate, Scene

Amount = Candidate[Decimal]

_FAR: Final = 5
"""Lines from the total to the change."""
_TAX: Final = ("tax", f"taxes{ROW_MARK}.amount")
_ROWS: Final = (f"lines{ROW_MARK}.amount", f"lines{ROW_MARK}.unit_price")
_DOUBT: Final = -1.5
"""Log-odds above which an amount may be the tax."""
MOST_TAX: Final = Decimal("0.3")
"""No tax is more of what is taxed, as a rule."""
_ROUNDED: Final = 0.5
"""By how much a total after rounding is likelier than the one before."""
_READ: Final = 2.0
"""What reading such an amount may cost."""
_COINS: Final = (-2, -3)
"""Exponents of amounts that show their coins."""


@dataclass(frozen=True, slots=True)
class Till:
    """What was paid with the words that say so, and the words of what was handed over and given back."""

    paid: Mapping[Decimal, tuple[int, ...]]
    cash: frozenset[int]


def till_of(scene: Scene) -> Till:
    """Amounts below each other of which the first is the second less the third; nothing where no three are."""
    shown = [
        (scene.layout.line_of[span.words[0]], abs(figure.value), span.words)  # some print what is paid as less
        for span in scene.amounts
        if len(span.telling) == 1
        for figure in span.figures[:1]
        if figure.cost < _READ and figure.value.as_tuple().exponent in _COINS and figure.value
    ]
    paid: dict[Decimal, tuple[int, ...]] = {}
    cash: set[int] = set()
    for line, given, words in shown:
        for below, back, others in shown:
            if not (0 < below - line <= _FAR and back < given) or _is_tax(scene, others, given, back):
                continue
            if _in_rows(scene, words) and _in_rows(scene, others):
                continue
            for above, total, third in shown:
                if 0 < line - above <= _FAR and total == given - back and total not in (back, given):
                    paid[total] = third
                    cash.update((*words, *others))
    return Till(paid, frozenset(cash))


def _in_rows(scene: Scene, words: tuple[int, ...]) -> bool:
    """Whether an amount more likely than not stands in a row of goods."""
    return max(scene.odd(words, label) for label in _ROWS) > 0


def _is_tax(scene: Scene, words: tuple[int, ...], given: Decimal, back: Decimal) -> bool:
    """Whether the third amount may be a tax: then the first is not what was paid, but the second less its tax."""
    if max(scene.odd(words, label) for label in _TAX) <= _DOUBT or back > MOST_TAX * (given - back):
        return False
    rate = (2 * 100 * back / (given - back)).to_integral_value() / 2
    return abs((given - back) * rate / 100 - back) <= Decimal("0.01")


def after_rounding(totals: Sequence[Amount], roundings: Sequence[Amount]) -> list[Amount]:
    """Candidates for the total; where two differ by what is rounded, the one after it is as likely as the other."""
    found = list(totals)
    for rounding in roundings:
        if not rounding.value or rounding.score < _DOUBT:
            continue
        for before in totals:
            for at, after in enumerate(found):
                if after.value == before.value + rounding.value and after.score < before.score + _ROUNDED:
                    found[at] = replace(after, score=before.score + _ROUNDED)
    return found
