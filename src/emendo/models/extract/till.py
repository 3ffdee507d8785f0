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
_TAXES: Final = (f"taxes{ROW_MARK}.base", f"taxes{ROW_MARK}.amount")
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
    """Amounts below each other of which the first is the second less the third; nothing where no three are.

    What one such three takes for the money is what was paid in another: a subtotal, what is taken off it, the total.
    """
    shown = [
        (scene.layout.line_of[span.words[0]], abs(figure.value), span.words)  # some print what is paid as less
        for span in scene.amounts
        if len(span.telling) == 1
        for figure in span.figures[:1]
        if figure.cost < _READ and figure.value.as_tuple().exponent in _COINS and figure.value
    ]
    threes: list[tuple[Decimal, tuple[int, ...], tuple[int, ...]]] = []
    for line, given, words in shown:
        for below, back, others in shown:
            if not (0 < below - line <= _FAR and back < given) or _is_tax(scene, others, given, back):
                continue
            if _among(scene, words, _ROWS) and _among(scene, others, _ROWS):
                continue
            if _among(scene, words, _TAXES) or _among(scene, others, _TAXES):
                continue
            for above, total, third in shown:
                if not 0 < line - above <= _FAR or total != given - back or total in (back, given):
                    continue
                if not _is_tax(scene, third, given, total):
                    threes.append((total, third, (*words, *others)))
    totals = {at for _, third, _ in threes for at in third}
    held = [one for one in threes if totals.isdisjoint(one[2])]
    return Till({total: third for total, third, _ in held}, frozenset(at for *_, money in held for at in money))


def _among(scene: Scene, words: tuple[int, ...], labels: Sequence[str]) -> bool:
    """Whether an amount more likely than not is one of these, of rows of goods or of taxes."""
    return max(scene.odd(words, label) for label in labels) > 0


def _is_tax(scene: Scene, words: tuple[int, ...], whole: Decimal, part: Decimal) -> bool:
    """Whether an amount may be the tax in another: then the three are a total, its tax and the sum without it."""
    if max(scene.odd(words, label) for label in _TAX) <= _DOUBT or part > MOST_TAX * (whole - part):
        return False
    rate = (2 * 100 * part / (whole - part)).to_integral_value() / 2
    return abs((whole - part) * rate / 100 - part) <= Decimal("0.01")


def after_rounding(scene: Scene, totals: Sequence[Amount], roundings: Sequence[Amount]) -> list[Amount]:
    """Candidates for the total; where two differ by what is rounded, the one after it is as likely as the other.

    Where the likeliest stands above what is rounded and no amount of the page differs from it by that, the one after it
    was not read.
    """
    found = list(totals)
    best = max(totals, key=lambda one: one.score, default=None)
    for rounding in roundings:
        if not rounding.value or rounding.score < _DOUBT:
            continue
        if best is not None and not rounding.inferred and _ends_before(scene, best, rounding):
            value = best.value + rounding.value
            found.append(replace(best, value=value, score=best.score + _ROUNDED, inferred=True))
        for before in totals:
            for at, after in enumerate(found):
                if after.value == before.value + rounding.value and after.score < before.score + _ROUNDED:
                    found[at] = replace(after, score=before.score + _ROUNDED)
    return found


def _ends_before(scene: Scene, total: Amount, rounding: Amount) -> bool:
    """Whether the total stands above the rounding, and nothing on the page is it before or after one."""
    line_of = scene.layout.line_of
    if not (total.words and rounding.words) or line_of[total.words[0]] >= line_of[rounding.words[0]]:
        return False
    shown = (figure.value for span in scene.amounts for figure in span.figures[:1])
    return all(abs(value - total.value) != abs(rounding.value) for value in shown)
