"""The correction firewall: which labels are most likely wrong, told before they are learned.

Each line is read by a model that never saw its page. A wrong label differs from the reading in another way than a
right label that was misread: the network gives it hardly any probability (forced-alignment likelihood ratio), it is
wrong in a stretch, and in ways in which this model does not usually misread this hand. How these signs weigh is
learned on the data itself: every label is spoiled once more by swapping it or changing a word, which gives examples
of wrong labels; the labels as they stand are examples of right ones, except for the few that are wrong.
Confident learning (Northcutt et al., JAIR 2021) does the same for classes by cross-validated probabilities.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from ..models.ctc.align import log_likelihood
from ..models.ctc.decode import greedy_text
from ..types import Evidence

Floats = npt.NDArray[np.float64]
Stretch = tuple[int, int, str]
"""Start and end in the reading, and what the label has there."""
SIGNS = 9
FOLDS, TURNS, STEPS, RIDGE = 5, 4, 30, 1e-4
PRIOR = 0.1
"""Share of wrong labels to begin with; the data then says how many there are."""
WORST = 2000.0
"""Likelihood ratios beyond this many nats, and labels that cannot be emitted at all, count as this."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One label: the chance in [0, 1] that it is wrong, the reading, and the likelihood ratio in nats (0 or below)."""

    wrong: float
    reading: str
    ratio: float


def judge(labels: Sequence[str], evidence: Sequence[Evidence], *, seed: int = 0) -> list[Verdict]:
    """The verdict on each label, given what a model that never learned it saw in its line.

    Labels and evidence are in the same order; 40 lines or more are needed to learn what a misreading looks like, with
    fewer the likelihood ratio alone decides.
    """
    if not labels:
        return []
    readings = [greedy_text(one) for one in evidence]
    fit = [log_likelihood(one, reading) for one, reading in zip(evidence, readings, strict=True)]
    rng = np.random.default_rng(seed)
    spoiled = [spoil(labels, at, rng) for at in range(len(labels))]
    fold = rng.permutation(len(labels)) % FOLDS
    typical = [_typical(labels, readings, fold != at) for at in range(FOLDS)]
    rows = {
        kind: np.array(
            [
                signs(label, reading, one, base, typical[part])
                for label, reading, one, base, part in zip(texts, readings, evidence, fit, fold, strict=True)
            ]
        ).reshape(len(labels), -1)
        for kind, texts in (("own", labels), ("spoiled", spoiled))
    }
    chances = _chances(rows["own"], rows["spoiled"], fold) if len(labels) >= 40 else _by_ratio(rows["own"])
    return [
        Verdict(float(chance), reading, -float(np.expm1(row[0])))
        for chance, reading, row in zip(chances, readings, rows["own"], strict=True)
    ]


def spoil(labels: Sequence[str], at: int, rng: np.random.Generator) -> str:
    """A wrong label for line `at`: that of another line, or its own with a word gone, come in, changed or moved."""
    label = labels[at]
    words = label.split()
    kind = int(rng.integers(0, 5))
    other = labels[int(rng.integers(0, len(labels)))]
    theirs = other.split() or ["?"]
    if kind == 0 or not words:
        return other if other != label else label + " " + theirs[0]
    place = int(rng.integers(0, len(words)))
    word = theirs[int(rng.integers(0, len(theirs)))]
    if kind == 1 and len(words) > 1:
        changed = words[:place] + words[place + 1 :]
    elif kind == 2:
        changed = [*words[:place], word, *words[place:]]
    elif kind == 3 and len(words) > 1 and words[place] != words[place - 1]:
        changed = list(words)
        changed[place], changed[place - 1] = changed[place - 1], changed[place]
    else:
        changed = [*words[:place], word if word != words[place] else word[::-1] + "?", *words[place + 1 :]]
    return " ".join(changed)


def signs(label: str, reading: str, evidence: Evidence, fit: float, typical: Counter[tuple[str, str]]) -> list[float]:
    """What tells a wrong label: all 0 when it is what was read, larger the odder it is.

    `fit` is the log-likelihood of the reading; `typical` counts the confusions of this model on other lines.
    """
    if label == reading:
        return [0.0] * SIGNS
    ratio = min(max(0.0, fit - log_likelihood(evidence, label)), WORST)
    length = max(len(label), len(reading), 1)
    edits = list(_edits(label, reading))
    odd = sum(_cost(pair, typical) for pair in edits)
    stretches = _stretches(label, reading)
    gains = [_gain(reading, one, evidence, fit) for one in stretches]
    return [
        math.log1p(ratio),
        math.log1p(ratio / length),
        math.log1p(odd),
        len(edits) / length,
        abs(math.log((len(label) + 1) / (len(reading) + 1))),
        math.log1p(max(max(end - start, len(text)) for start, end, text in stretches)),
        math.log1p(max(gains)),
        math.log1p(max(map(_both, gains, (_oddness(reading, one, typical) for one in stretches)))),
        math.log1p(_lost(label, reading)),
    ]


def _both(gain: float, odd: float) -> float:
    """How far a stretch is unlikely and odd at once: the geometric mean in nats; one of the two alone is little."""
    return math.sqrt(max(gain, 0.0) * max(odd, 0.0))


def _oddness(reading: str, stretch: Stretch, typical: Counter[tuple[str, str]]) -> float:
    start, end, text = stretch
    return sum(_cost(pair, typical) for pair in _edits(text, reading[start:end]))


def _lost(label: str, reading: str) -> int:
    """Characters in words of the label that are like no word of the reading; a misread word is still like itself."""
    there = set(reading.split())
    return sum(len(word) for word in label.split() if not any(_alike(word, other) for other in there))


def _alike(word: str, other: str) -> bool:
    return Levenshtein.normalized_distance(word, other) <= 0.5


def _edits(label: str, reading: str) -> Iterator[tuple[str, str]]:
    for op in Levenshtein.editops(label, reading):
        yield (
            "" if op.tag == "insert" else label[op.src_pos],
            "" if op.tag == "delete" else reading[op.dest_pos],
        )


def _stretches(label: str, reading: str) -> list[Stretch]:
    """Where the two differ; a single right character between two differences does not part them."""
    found: list[tuple[int, int, int, int]] = []
    for op in Levenshtein.opcodes(reading, label):
        if op.tag == "equal":
            continue
        if found and op.src_start - found[-1][1] <= 1 and op.dest_start - found[-1][3] <= 1:
            found[-1] = (found[-1][0], op.src_end, found[-1][2], op.dest_end)
        else:
            found.append((op.src_start, op.src_end, op.dest_start, op.dest_end))
    return [(a, b, label[c:d]) for a, b, c, d in found]


def _gain(reading: str, stretch: Stretch, evidence: Evidence, fit: float) -> float:
    """Nats by which the reading is likelier than with one stretch of it as the label has it."""
    start, end, text = stretch
    return min(max(0.0, fit - log_likelihood(evidence, reading[:start] + text + reading[end:])), WORST)


def _typical(labels: Sequence[str], readings: Sequence[str], use: npt.NDArray[np.bool_]) -> Counter[tuple[str, str]]:
    """How often each character was misread as which; the key (a, a) counts the character itself."""
    found: Counter[tuple[str, str]] = Counter()
    for at in np.flatnonzero(use):
        label, reading = labels[int(at)], readings[int(at)]
        if 3 * Levenshtein.distance(label, reading) <= max(len(label), 1) * 2:
            found.update(_edits(label, reading))
            found.update((char, char) for char in label)
    return found


def _cost(pair: tuple[str, str], typical: Counter[tuple[str, str]]) -> float:
    """Nats that this misreading costs, given how often it happened elsewhere."""
    there = typical[pair[0], pair[0]] if pair[0] else sum(typical[char, char] for char in " e")
    return -math.log((typical[pair] + 0.1) / (there + 10.0))


def _chances(own: Floats, spoiled: Floats, fold: npt.NDArray[np.int64]) -> Floats:
    """Chance of each own row to be a wrong label, by a logistic model learned on the other folds."""
    scale = np.vstack([own, spoiled])
    mean, spread = scale.mean(axis=0), np.maximum(scale.std(axis=0), 1e-6)
    mine, other = _design((own - mean) / spread), _design((spoiled - mean) / spread)
    log_odds, theirs = np.zeros(len(own)), np.zeros(len(own))
    suspect = np.zeros(len(own))
    for turn in range(TURNS):
        for at in range(FOLDS):
            learn = fold != at
            right = 1 - suspect[learn]
            x = np.vstack([mine[learn], other[learn]])
            y = np.concatenate([np.zeros(len(right)), np.ones(len(right))])
            found = _logistic(x, y, np.concatenate([right, np.full(len(right), max(float(right.mean()), 0.1))]))
            log_odds[~learn], theirs[~learn] = mine[~learn] @ found, other[~learn] @ found
        suspect = _posterior(log_odds) if turn else _mixed(log_odds, theirs)
    return suspect


def _mixed(log_odds: Floats, spoiled: Floats) -> Floats:
    """The first chances, when wrong labels are still among the examples of right ones (Elkan & Noto, KDD 2008).

    Where labels are surely wrong, those that stand are rarer than the spoiled ones by the share of wrong labels.
    """
    share = min(math.exp(-float(np.quantile(spoiled, 0.8))), 0.5)
    return np.clip(share * np.exp(np.clip(log_odds, -50, 50)), 0, 1)


def _design(rows: Floats) -> Floats:
    """Rows with a constant."""
    return np.hstack([rows, np.ones((len(rows), 1))])


def _logistic(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Weights of a ridge-regularised logistic regression (Newton's method)."""
    found = np.zeros(x.shape[1])
    for _ in range(STEPS):
        chance = _sigmoid(x @ found)
        slope = x.T @ (weight * (chance - y)) + RIDGE * len(x) * found
        curve = (x * (weight * chance * (1 - chance))[:, None]).T @ x + RIDGE * len(x) * np.eye(x.shape[1])
        step = np.linalg.solve(curve, slope)
        found -= step
        if np.abs(step).max() < 1e-6:
            break
    return found


def _posterior(log_odds: Floats) -> Floats:
    """Chances from log-odds of an even mix, for the share of wrong labels that the data itself shows (EM)."""
    share = PRIOR
    chance = np.zeros(len(log_odds))
    for _ in range(100):
        chance = _sigmoid(log_odds + math.log(share / (1 - share)))
        share = float(np.clip(chance.mean(), 1e-3, 0.5))
    return chance


def _by_ratio(own: Floats) -> Floats:
    """Without enough lines to learn from: even chances at one nat of likelihood ratio a character."""
    return _sigmoid(4 * (np.expm1(own[:, 1]) - 1.0)) if len(own) else np.zeros(0)


def _sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(values, -50, 50)))
