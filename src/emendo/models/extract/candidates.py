"""Where a document may say an amount or a day: spans of words that can be read as one, scored for each field.

Scores are natural log-odds: those of the tags of the words that hold figures, less what it costs to read the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import exp, log
from typing import Any, Final, Generic

import numpy as np
import numpy.typing as npt

from emendo.fields.compare import ROW_MARK
from emendo.fields.conventions import conventions
from emendo.fields.currencies import DECIMALS, SIGNS, UNTOLD, WORDS
from emendo.fields.values import Order

from .context import agreed
from .figures import GLUED, SPLIT, Figure, V, read_amounts, read_days
from .labels import INDEX
from .layout import Layout
from .tagger import Array

MOST: Final = 5
"""Candidates of a field that are kept."""
LEAST: Final = -5.0
"""Log-odds of the last one."""
_LONGEST, _LONGEST_DAY = 4, 6
_BARE: Final = 1.5
"""What it costs that an amount has no decimals where others have."""
_BARE_SUM: Final = 4.0
"""The same for a sum of the document, which is hardly ever printed so."""
_POSITIVE: Final = frozenset({"net", "total", "due"})
_MINUS: Final = 2.5
"""What it costs that such an amount is less than nothing."""
_LAST: Final = frozenset({"total", "due"})
_NEIGHBOUR: Final = 3.0
"""What it costs that such an amount was run together with another: what is to pay stands alone."""
_NOTHING: Final = 2.5
"""What it costs that the total is nothing."""
_PLACES: Final = 4
"""Places of one value that are counted."""
_NEAR = 1.3
"""Gap within a value, in heights."""
_LEFT_OUT = 2.0
"""What it costs to leave out a figure beside the span that is tagged with the same field."""
_SIDE = frozenset({*DECIMALS, *SIGNS, *WORDS, *UNTOLD, "-", "−", "–", "%", "(", ")", "", "A$", "US", "C$"})
_RATE = "%"


@dataclass(frozen=True, slots=True)
class Span(Generic[V]):
    """Neighbouring words of a printed line, the ways to read them, and which of the words hold figures."""

    words: tuple[int, ...]
    text: str
    figures: tuple[Figure[V], ...]
    telling: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate(Generic[V]):
    """A value that a field may have: from where, its log-odds, and what reading it cost."""

    value: V
    words: tuple[int, ...]
    score: float
    cost: float
    text: str = ""
    order: Order | None = None
    inferred: bool = False
    """Whether other amounts told the value and the print only comes near it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A document as the choice sees it: words in their layout, log-odds (N, C) of the tags, and its decimal mark."""

    layout: Layout
    odds: npt.NDArray[np.float64]
    mark: str
    amounts: tuple[Span[Decimal], ...]
    days: tuple[Span[date], ...]
    starts: Mapping[int, Sequence[Span[Decimal]]]
    """The spans of amounts by their first word."""

    def odd(self, words: Sequence[int], label: str) -> float:
        """Mean log-odds of some words for a label."""
        column = self.odds[list(words), INDEX[label]]
        return float(column.mean()) if len(words) else LEAST


def log_odds(labels: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Of chances, within +-9; what is no number counts as no chance."""
    held = np.clip(np.nan_to_num(np.asarray(labels, np.float64), nan=0.0), 1.2e-4, 1 - 1.2e-4)
    result: npt.NDArray[np.float64] = np.log(held / (1 - held))
    return result


def see(layout: Layout, labels: Array, *, mark: str, today: date) -> Scene:
    """Read all figures of a document; `mark` is the decimal mark where the document does not show it."""
    odds = log_odds(agreed(layout, np.nan_to_num(np.asarray(labels, np.float64))))
    money = [INDEX[name] for name in INDEX if name.rpartition(".")[2] in _MONEY]
    held = [word.text for at, word in enumerate(layout.words) if money and odds[at, money].max(initial=-9) > 0]
    shown = told_mark(held) or mark
    texts = tuple(_plain(word.text) for word in layout.words)
    amounts = tuple(_spans(layout, texts, _numeral, _LONGEST, lambda text: read_amounts(text, shown)))
    days = tuple(_spans(layout, texts, _dated, _LONGEST_DAY, lambda text: read_days(text, today)))
    starts: dict[int, list[Span[Decimal]]] = {}
    for span in amounts:
        starts.setdefault(span.words[0], []).append(span)
    return Scene(layout, odds, shown, amounts, days, starts)


_MONEY = frozenset(
    ["discount", "charges", "net", "tax", "rounding", "total", "prepaid", "due", "amount", "base", "unit_price"]
)


def told_mark(texts: Iterable[str]) -> str:
    """The decimal mark that most amounts show (`fields.conventions` of each); empty when none or as many do."""
    marks = Counter(mark for text in texts if (mark := conventions([text])[0]))
    ranked = marks.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return ""
    return ranked[0][0]


def rank(
    scene: Scene,
    label: str,
    spans: Sequence[Span[V]],
    *,
    among: frozenset[int] | None = None,
    floor: float = LEAST,
) -> list[Candidate[V]]:
    """The likeliest values of a field, each once, down to log-odds of `floor`; with `among` those on these words."""
    column = scene.odds[:, INDEX[label]]
    rate = label.endswith("rate")
    positive = label in _POSITIVE
    money = bool(scene.mark) and label.rpartition(".")[2] in _MONEY
    bare = (_BARE if ROW_MARK in label else _BARE_SUM) if money else 0.0
    found: dict[tuple[V, Order | None], list[Candidate[V]]] = {}
    for span in spans:
        if among is not None and not among.issuperset(span.words):
            continue
        base = float(np.mean([column[at] for at in span.telling]))
        if base < floor - 2:
            continue
        signs = [column[at] for at in span.words if at not in span.telling]
        base += 0.25 * max(0.0, max(signs, default=base) - base)
        base -= _LEFT_OUT * _left_out(scene, span, column)
        glued = label in _LAST and GLUED.search(span.text) is not None
        for figure in span.figures:
            cost = figure.cost + (0.0 if rate or _RATE not in span.text else 2.0)
            cost += _oddness(figure.value, bare, positive=positive) + _NOTHING * (label == "total" and not figure.value)
            cost += _NEIGHBOUR * glued
            made = Candidate(figure.value, span.words, base - cost, cost, span.text, figure.order)
            if made.score > floor:
                found.setdefault((figure.value, figure.order), []).append(made)
    return sorted(map(_together, found.values()), key=lambda one: -one.score)[:MOST]


def _oddness(value: object, bare: float, *, positive: bool) -> float:
    """What it costs that an amount is less than nothing, or has no coins where others of its document have."""
    if not isinstance(value, Decimal):
        return 0.0
    return _MINUS * (positive and value < 0) + bare * _no_coins(value)


def _no_coins(value: Decimal) -> bool:
    """Whether an amount was printed without decimals."""
    return value.as_tuple().exponent == -1 and value == value.to_integral_value()


def _together(places: Sequence[Candidate[V]]) -> Candidate[V]:
    """A value at the likeliest of its places, with the chance that it is meant at any of them."""
    ranked = sorted(places, key=lambda one: -one.score)
    taken: set[int] = set()
    none = 1.0
    for one in ranked[:_PLACES]:
        if taken.isdisjoint(one.words):
            taken.update(one.words)
            none /= 1 + exp(one.score)
    return replace(ranked[0], score=max(ranked[0].score, log((1 - none) / max(none, 1e-9)))) if none < 1 else ranked[0]


def _left_out(scene: Scene, span: Span[V], column: npt.NDArray[np.float64]) -> int:
    """How many figures close beside a span are tagged like it."""
    count = 0
    for end, step in ((span.words[0], -1), (span.words[-1], 1)):
        other = scene.layout.beside(end, step)
        if other is None or column[other] <= 0:
            continue
        gap = scene.layout.gap(other, end) if step < 0 else scene.layout.gap(end, other)
        if gap < _NEAR and any(char.isdecimal() for char in scene.layout.words[other].text):
            count += 1
    return count


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)[:64]


def _numeral(text: str) -> bool:
    """Whether a word can be a piece of an amount."""
    return (
        any(map(str.isdecimal, text))
        or text.upper().lstrip("-−(") in _SIDE
        or bool(re.fullmatch(r"[OolISB.,]{1,4}", text))
    )


def _dated(text: str) -> bool:
    """Whether a word can be a piece of a date."""
    if any(map(str.isdecimal, text)) or text in "-/.":
        return True
    return text.casefold() in ("de", "of") or bool(re.fullmatch(r"[^\W\d_]{3,10}[.,]?", text))


def _spans(
    layout: Layout,
    texts: Sequence[str],
    fits: Callable[[str], bool],
    longest: int,
    read: Callable[[str], list[Figure[V]]],
) -> Iterator[Span[V]]:
    """All spans of up to `longest` words that `read` can read, without those that read no more than a part of them."""
    for line in layout.lines:
        for first in range(len(line)):
            if not fits(texts[line[first]]):
                continue
            for end in range(first + 1, min(len(line), first + longest) + 1):
                some = line[first:end]
                if not fits(texts[some[-1]]):
                    break
                if len(some) > 1 and not -0.7 < layout.gap(some[-2], some[-1]) < _NEAR:
                    break
                yield from _span(some, texts, read)


def _span(some: tuple[int, ...], texts: Sequence[str], read: Callable[[str], list[Figure[V]]]) -> Iterator[Span[V]]:
    telling = tuple(at for at in some if any(map(str.isdecimal, texts[at])))
    if not telling:
        return
    spaced = " ".join(texts[at] for at in some)
    figures: list[Figure[V]] = read(spaced)
    if len(some) > 1:
        figures = [one for one in figures if one.cost == 0.0]
        tight = "".join(texts[at] for at in some)
        if not figures:
            figures = [replace(one, cost=one.cost + SPLIT) for one in read(tight) if one.cost < 2]
    if figures:
        yield Span(some, spaced, tuple(figures[:4]), telling)
