"""Which of two models makes fewer errors, asked after every document, at any time, without being fooled by asking.

Each look at running figures is a chance to be wrong, so a test made for one look (Student's t) finds a difference
between equal models in a third of all trials that are looked at all the time. Here the evidence is the wealth of
somebody who bets against "the two models are alike" (Shafer, Testing by betting, 2021; Waudby-Smith and Ramdas,
Estimating means of bounded random variables by betting, 2024): if they are alike no bet pays on average, and by Ville's
inequality the chance that the wealth ever reaches 1 / alpha is at most alpha, however often one looks.

What is bet on is which model made the errors. If both are alike, exchanging them changes nothing, so given how far
apart they are on a document, it is the toss of a coin which is ahead; the size of a bet may depend on that distance
and on all that came before. This holds for any number of documents and any distribution of errors, for a document is
one bet however many lines it has. Two forms:

- *paired*: both models read the document. The coin decides the sign of the difference of errors.
- *unpaired*: one model read it, drawn with a known chance. The coin is that draw; the move is how far the errors of
  the document are from what was usual before.

A bet of `b` multiplies the wealth by exp(b x) / E[exp(b x)], where x is the move, its expectation over the coin. The
wealth is shared among several `BETS`, as one does not know how large the difference is (method of mixtures: Robbins,
Statistical methods related to the law of the iterated logarithm, 1970). Models that only have the same mean and err in
different ways are not quite exchangeable; the benchmark measures that case too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BETS: Final = (0.1, 0.18, 0.32, 0.56, 1.0)
"""Sizes of the bets, in units of one over the root mean square of the moves so far: about the mean difference over its
spread, from what 300 documents can show to what 20 can."""
STEP: Final = 1.02
RATIOS: Final = STEP ** np.arange(-70.0, 71.0)
"""Ratios of errors (candidate to champion) of which an interval is made: 0.25 to 4, in steps of 2 %."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What was bet on, document by document (n,): the move that `came`, the `other` that would have come had the coin
    fallen otherwise, and the `chance` in (0, 1) of the one that came. A move above 0 speaks for the candidate."""

    came: Floats
    other: Floats
    chance: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found after each document (n,): wealth of the bets that the candidate is `better`, and `worse`, as
    natural logarithms, 0 at the start; and an interval of the ratio of its errors to the champion's, in which the true
    one lies at all times with the confidence asked for (`low` 0 and `high` infinite while nothing is known)."""

    better: Floats
    worse: Floats
    low: float
    high: float


def paired_moves(champion: Floats, candidate: Floats, *, ratio: float = 1.0) -> Moves:
    """Moves of documents (n,) that both models read, from their numbers of errors, 0 up.

    `ratio` is that of the candidate's errors to the champion's against which is bet. Each error counts the same, as in
    a CER. (Tried: differences over the root of their sum, or of the characters; see the decisions.)
    """
    move = champion * np.sqrt(ratio) - candidate / np.sqrt(ratio)
    return Moves(move, -move, np.full(len(move), 0.5))


def unpaired_moves(rates: Floats, candidate: NDArray[np.bool_], share: float, *, ratio: float = 1.0) -> Moves:
    """Moves of documents (n,) that one of the models read, from their error rates, 0 up: `candidate` says which it was,
    drawn with the chance `share`.

    The move is the distance of the root of the rate, whose spread hardly depends on the rate (Bartlett, The square root
    transformation in analysis of variance, 1936), from the mean so far.
    """
    roots = np.sqrt(rates / np.where(candidate, np.sqrt(ratio), 1 / np.sqrt(ratio)))
    above = roots - np.cumsum(roots) / np.arange(1, len(roots) + 1)
    if_candidate, if_champion = -(1 - share) * above, share * above
    return Moves(
        np.where(candidate, if_candidate, if_champion),
        np.where(candidate, if_champion, if_candidate),
        np.where(candidate, share, 1 - share),
    )


def log_wealth(moves: Moves, *, against: bool = False) -> Floats:
    """Logarithm of the wealth after each document (n,), of bets that the candidate is better; `against`: worse.

    If both models are alike it ever reaches log(1 / alpha) with chance alpha at most.
    """
    if not len(moves.came):
        return np.zeros(0)
    square = moves.chance * moves.came**2 + (1 - moves.chance) * moves.other**2
    usual = np.sqrt(np.cumsum(square) / np.arange(1, len(square) + 1))
    bets = np.array(BETS)[None] / np.where(usual > 0, usual, 1.0)[:, None] * (-1 if against else 1)
    came, other = bets * moves.came[:, None], bets * moves.other[:, None]
    chance = moves.chance[:, None]
    steps = came - np.logaddexp(np.log(chance) + came, np.log1p(-chance) + other)
    paths = np.cumsum(steps, axis=0) - np.log(len(BETS))
    return np.asarray(np.logaddexp.reduce(paths, axis=1))


def paired(champion: Floats, candidate: Floats, *, confidence: float = 0.9) -> Evidence:
    """Evidence of documents (n,) that both models read, from their numbers of errors."""
    return _evidence(lambda ratio: paired_moves(champion, candidate, ratio=ratio), confidence)


def unpaired(rates: Floats, candidate: NDArray[np.bool_], share: float, *, confidence: float = 0.9) -> Evidence:
    """Evidence of documents (n,) of which one model each read; see `unpaired_moves`."""
    return _evidence(lambda ratio: unpaired_moves(rates, candidate, share, ratio=ratio), confidence)


def _evidence(moves: Callable[[float], Moves], confidence: float) -> Evidence:
    """The interval holds each ratio against which neither bet has won so far, each at half of the risk. The higher a
    ratio, the more wins who bets that the true one is lower, so both ends are found by bisection."""
    bar = float(np.log(2 / (1 - confidence)))

    def won(at: int, *, against: bool) -> bool:
        return bool(np.max(log_wealth(moves(float(RATIOS[at])), against=against), initial=0.0) >= bar)

    every = range(len(RATIOS))
    high = bisect_left(every, True, key=lambda at: won(at, against=False))
    low = bisect_left(every, True, key=lambda at: not won(at, against=True)) - 1
    alike = moves(1.0)
    return Evidence(
        log_wealth(alike),
        log_wealth(alike, against=True),
        float(RATIOS[low]) if low >= 0 else 0.0,
        float(RATIOS[high]) if high < len(RATIOS) else float("inf"),
    )


def first(path: Floats, alpha: float) -> int | None:
    """The document (counted from 1) at which a wealth first reached 1 / `alpha`; None: it did not."""
    reached = np.flatnonzero(path >= np.log(1 / alpha))
    return int(reached[0]) + 1 if len(reached) else None
