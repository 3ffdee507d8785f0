"""Prefix beam search (Hannun et al. 2014) with a beginning that is already right.

A person who corrects a line from left to right has said what its beginning is; the rest is searched under that
constraint, as in computer-assisted transcription (Toselli, Romero, Vidal & Rodríguez, "Computer assisted transcription
of handwritten text images", ICDAR 2007). What the beginning is worth in each frame follows exactly from the forward
variables of CTC (Graves et al. 2006), so only the rest costs a search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log1p
from typing import Any

import numpy as np
import numpy.typing as npt

from emendo.text.language import LanguageModel
from emendo.text.ngram import END

PRUNED = 12.0
"""Prefixes this many nats behind the best are dropped."""
ANY = -1
"""A class that stands for any character: what the person wrote is no class of the network."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """How evidence and language are weighed: prefixes kept per frame, weight of the model, bonus per character.

    In a frame the `most` probable characters are tried, of those above `least` (natural logarithm).
    """

    width: int
    model_weight: float
    bonus: float
    least: float = -5.0
    most: int = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A text that the search ends with, and its score (natural logarithm, comparable within one search)."""

    text: str
    score: float


class _Prefix:
    """A text begun: one node of the tree of all texts that were tried, so that nothing is counted or scored twice.

    `language` is what the language model and the bonus give for it.
    """

    __slots__ = ("children", "language", "last", "text")

    def __init__(self, text: str, last: int, language: float) -> None:
        self.text, self.last, self.language = text, last, language
        self.children: dict[int, _Prefix] = {}


def search(
    log_probs: npt.NDArray[np.float32],
    alphabet: tuple[str, ...],
    model: LanguageModel | None,
    weighing: Weighing,
    *,
    begun: str = "",
    classes: Sequence[int] = (),
    then: str = END,
) -> list[Found]:
    """The best texts in the order of the frames, the best first; all of them begin with `begun`.

    `log_probs` has shape (frames, 1 + len(alphabet)); `classes` are those that emit `begun` in these frames, `ANY`
    where the alphabet does not hold a character. Without them `begun` is what stands before the frames. `then` is what
    stands behind them. Nothing is found where the line has too few frames for the classes.
    """
    weight = weighing.model_weight if model is not None else 0.0

    def longer(prefix: _Prefix, k: int) -> _Prefix:
        entry, text, foreseen = alphabet[k - 1], prefix.text, 0.0
        for char in entry:
            if weight and model is not None:
                foreseen += weight * model.log_prob(text, char)
            text += char
        made = prefix.children[k] = _Prefix(text, k, prefix.language + weighing.bonus + foreseen / len(entry))
        return made

    start = _Prefix(begun, classes[-1] if classes else 0, 0.0)
    worth = forward(log_probs, classes) if classes else None
    # per prefix the log-probability of all its paths that end in a blank, and of those that end in its last character
    kept: list[tuple[_Prefix, float, float]] = [] if classes else [(start, 0.0, -inf)]
    for frame, (blank, candidates) in enumerate(_candidates(log_probs, weighing.least, weighing.most)):
        if worth is not None:
            kept = [one for one in kept if one[0] is not start]
            if frame and worth[frame - 1] != (-inf, -inf):
                kept.append((start, *worth[frame - 1]))
        if not candidates:
            kept = [(prefix, _add(ends, last) + blank, -inf) for prefix, ends, last in kept]
            continue
        grown: dict[_Prefix, list[float]] = {}
        for prefix, ends, last in kept:
            total = _add(ends, last)
            same = grown.setdefault(prefix, [-inf, -inf])
            same[0] = _add(same[0], total + blank)
            for k, score in candidates:
                before = total
                if k == prefix.last:
                    same[1] = _add(same[1], last + score)
                    before = ends
                next_ = prefix.children.get(k) or longer(prefix, k)
                entry = grown.setdefault(next_, [-inf, -inf])
                entry[1] = _add(entry[1], before + score)
        ranked = [(_add(ends, last) + prefix.language, prefix, ends, last) for prefix, (ends, last) in grown.items()]
        if not ranked:
            continue
        ranked.sort(key=_first, reverse=True)
        least = ranked[0][0] - PRUNED
        kept = [(prefix, ends, last) for score, prefix, ends, last in ranked[: weighing.width] if score >= least]
    if worth is not None:
        kept = [one for one in kept if one[0] is not start]
        if worth and worth[-1] != (-inf, -inf):
            kept.append((start, *worth[-1]))

    def final(one: tuple[_Prefix, float, float]) -> Found:
        prefix, ends, last = one
        closing = weight * _foreseen(model, prefix.text, then) if weight and model is not None else 0.0
        return Found(prefix.text, _add(ends, last) + prefix.language + closing)

    return sorted(map(final, kept), key=lambda found: found.score, reverse=True)


def forward(log_probs: npt.NDArray[np.float32], classes: Sequence[int]) -> list[tuple[float, float]]:
    """After each frame the log-probability of all paths that have emitted just `classes`: ending in blank, in the last.

    O(frames * classes), vectorised over the classes.
    """
    wanted = np.asarray(classes, np.int64)
    states = np.zeros(2 * len(wanted) + 1, np.int64)
    states[1::2] = np.maximum(wanted, 0)
    emit = log_probs[:, states].astype(np.float64)
    anything = np.flatnonzero(wanted == ANY)
    if len(anything):
        blank = np.minimum(log_probs[:, 0].astype(np.float64), -1e-9)
        emit[:, 2 * anything + 1] = np.maximum(np.log1p(-np.exp(blank)), -20.0)[:, None]
    barred = np.full(len(states), -np.inf)
    barred[3::2] = np.where((wanted[1:] != wanted[:-1]) | (wanted[1:] == ANY), 0.0, -np.inf)
    padded = np.full(len(states) + 2, -np.inf)
    found: list[tuple[float, float]] = []
    now, before, two_before = padded[2:], padded[1:-1], padded[:-2]
    for at, frame in enumerate(emit):
        if at:
            step = np.logaddexp(now, before)
            np.logaddexp(step, two_before + barred, out=step)
        else:
            step = np.full(len(states), -np.inf)
            step[:2] = 0.0
        np.add(step, frame, out=now)
        found.append((float(now[-1]), float(now[-2])))
    return found


def _foreseen(model: LanguageModel, text: str, then: str) -> float:
    return sum(model.log_prob(text + then[:at], char) for at, char in enumerate(then))


def _candidates(log_probs: Any, least: float, most: int) -> list[tuple[float, list[tuple[int, float]]]]:
    """Per frame the blank's score and the characters worth a look: above `least` nats and among the `most` best."""
    found = []
    letters = log_probs[:, 1:]
    if letters.shape[1] > most:
        order = np.argpartition(-letters, most, axis=1)[:, :most]
    else:
        order = np.broadcast_to(np.arange(letters.shape[1]), letters.shape)
    scores = np.take_along_axis(letters, order, axis=1)
    for frame, (row, values) in enumerate(zip(order.tolist(), scores.tolist(), strict=True)):
        near = [(k + 1, value) for k, value in zip(row, values, strict=True) if value > least]
        found.append((float(log_probs[frame, 0]), near))
    return found


def _first(row: tuple[float, _Prefix, float, float]) -> float:
    return row[0]


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + log1p(exp(b - a))
