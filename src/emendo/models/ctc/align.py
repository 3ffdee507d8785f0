"""How well a text fits the evidence of a line, and where each of its characters lies (CTC, Graves et al. 2006).

Characters that the alphabet does not hold (U+22CE in a notebook, say) can be emitted by no class. They are kept out
of the lattice, and each costs `unknown_log_prob` natural-log units, so that a text with one foreign sign stays
comparable with one without; in an alignment they lie between their neighbours, with probability 0.

Texts come and go in logical order; the lattice holds them as they stand on the page from left to right. An entry of
the alphabet with several characters is one sign that stands for a phrase: wherever a text holds the phrase, the lattice
has one state for it, and in an alignment its characters share its place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from math import exp
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emendo.text.direction import Direction, on_page, placed
from emendo.types import Character, Evidence

UNKNOWN_LOG_PROB = -6.0
"""Natural-log cost of one character outside the alphabet: about what a badly written known character costs."""
_NEVER = np.float32(-1e30)


def log_likelihood(evidence: Evidence, text: str, *, unknown_log_prob: float = UNKNOWN_LOG_PROB) -> float:
    """Natural logarithm of the probability that the network emits `text`, summed over all its alignments.

    `-inf` when the line has too few frames for the text (one per character, one more between equal neighbours).
    O(frames * characters), vectorised over the characters.
    """
    shown = on_page(unicodedata.normalize("NFC", text), evidence.direction)
    classes, unknown = encode(evidence.alphabet, shown, evidence.direction)
    penalty = unknown_log_prob * unknown
    log_probs = evidence.log_probs
    if len(classes) + int((classes[1:] == classes[:-1]).sum()) > len(log_probs):
        return float("-inf")
    if not len(classes):
        return float(log_probs[:, 0].sum(dtype=np.float64)) + penalty
    emit, skip = _lattice(log_probs, classes)
    emit = emit.astype(np.float64)
    barred = np.where(skip, 0.0, -np.inf)
    padded = np.full(emit.shape[1] + 2, -np.inf)
    padded[2:4] = emit[0, :2]
    now, before, two_before = padded[2:], padded[1:-1], padded[:-2]
    for frame in emit[1:]:
        step = np.logaddexp(now, before)
        np.logaddexp(step, two_before + barred, out=step)
        np.add(step, frame, out=now)
    return float(np.logaddexp(now[-1], now[-2])) + penalty


def forced_alignment(evidence: Evidence, text: str) -> list[Character]:
    """Where each character of `text` (NFC) lies, by the most probable alignment (Viterbi).

    One Character per code point of the text, in order: `probability` is the greatest that its class reaches inside
    its span, spans are image columns. A text that the line has too few frames for is laid out evenly, each character
    with probability 0.
    """
    text = unicodedata.normalize("NFC", text)
    if evidence.direction == "ltr":
        return _aligned(evidence, text)
    order = placed(text)[::-1]
    found = _aligned(evidence, "".join(char for _, char in order))
    by_place = {at: char for (at, _), char in zip(order, found, strict=True)}
    return [
        Character(char, by_place[at].probability, by_place[at].start, by_place[at].end) for at, char in enumerate(text)
    ]


def _aligned(evidence: Evidence, text: str) -> list[Character]:
    """As `forced_alignment`, of the characters from left to right."""
    parts = entries(evidence.alphabet, text, evidence.direction)
    classes = np.array([k for _, k in parts if k], np.int64)
    frames = len(evidence.log_probs)
    width = evidence.frame_width
    if not text:
        return []
    if not len(classes) or len(classes) + int((classes[1:] == classes[:-1]).sum()) > frames:
        share = frames * width / len(text)
        return [Character(char, 0.0, i * share, (i + 1) * share) for i, char in enumerate(text)]
    found = runs(evidence.log_probs)
    if [run.entry for run in found if run.entry] != classes.tolist():
        found = runs(evidence.log_probs, _viterbi(*_lattice(evidence.log_probs, classes)), classes)
    spans = [(exp(run.top), run.start * width, run.end * width) for run in found if run.entry]
    return _with_unknown(parts, spans, frames * width)


class Run(NamedTuple):
    """Frames from `start` up to `end` that emit one entry (its class, 0 for a blank), at most as probably as `top`."""

    entry: int
    top: float
    start: int
    end: int


def runs(
    log_probs: npt.NDArray[np.float32],
    path: npt.NDArray[np.int64] | None = None,
    classes: npt.NDArray[np.int64] | None = None,
) -> list[Run]:
    """The runs of equal states of a `path` through the lattice of `classes`; without one of the best class per frame.

    `top` is a natural logarithm, at most 0.
    """
    if path is None or classes is None:
        path = emitted = log_probs.argmax(axis=1)
    else:
        emitted = np.where(path % 2, classes[np.minimum(path // 2, len(classes) - 1)], 0)
    if not len(path):
        return []
    starts = np.flatnonzero(np.concatenate(([True], path[1:] != path[:-1])))
    tops = np.maximum.reduceat(log_probs[np.arange(len(path)), emitted], starts)
    ends = [*starts[1:].tolist(), len(path)]
    rows = zip(emitted[starts].tolist(), np.minimum(tops, 0).tolist(), starts.tolist(), ends, strict=True)
    return [Run(*row) for row in rows]


def encode(alphabet: tuple[str, ...], text: str, direction: Direction = "ltr") -> tuple[npt.NDArray[np.int64], int]:
    """Class numbers of what the alphabet holds of `text`, and how many characters it does not hold.

    `text` is as it stands on the page from left to right; `direction` is that of the alphabet's longer entries.
    """
    classes = [k for _, k in entries(alphabet, text, direction)]
    known = [k for k in classes if k]
    return np.array(known, np.int64), len(classes) - len(known)


def entries(alphabet: tuple[str, ...], text: str, direction: Direction) -> list[tuple[str, int]]:
    """The text as entries of the alphabet with their classes, and characters that it does not hold with 0.

    Text, direction and order as for `encode`.
    """
    index, signs = _index(alphabet, direction)
    if not any(sign in text for sign in signs):
        return [(char, index.get(char, 0)) for char in text]
    found: list[tuple[str, int]] = []
    at = 0
    while at < len(text):
        part = next((sign for sign in signs if text.startswith(sign, at)), text[at])
        found.append((part, index.get(part, 0)))
        at += len(part)
    return found


def _lattice(
    log_probs: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Emission (frames, 2 n + 1) of blank, c1, blank, ..., cn, blank, and which states may be reached from two back."""
    states = np.zeros(2 * len(classes) + 1, np.int64)
    states[1::2] = classes
    skip = np.zeros(len(states), np.bool_)
    skip[3::2] = classes[1:] != classes[:-1]
    return log_probs[:, states], skip


def _viterbi(emit: npt.NDArray[np.float32], skip: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The best state of each frame; shape (frames,)."""
    frames, states = emit.shape
    scores = np.full((frames, states + 2), _NEVER, np.float32)  # two columns in front that nothing comes from
    scores[0, 2:4] = emit[0, :2]
    barred = np.where(skip, np.float32(0), _NEVER)
    now, before, two_before = scores[:, 2:], scores[:, 1:-1], scores[:, :-2]
    for best, same, one, two, frame in zip(now[1:], now, before, two_before, emit[1:], strict=False):
        np.add(two, barred, out=best)
        np.maximum(best, one, out=best)
        np.maximum(best, same, out=best)
        np.add(best, frame, out=best)
    path = np.empty(frames, np.int64)
    state = path[-1] = states - 1 if scores[-1, -1] >= scores[-1, -2] else states - 2
    for t in range(frames - 2, -1, -1):
        two, one, same = scores[t, state : state + 3]
        two += barred[state]
        state -= 0 if same >= one and same >= two else 1 if one >= two else 2
        path[t] = state
    return path


def _with_unknown(
    parts: Sequence[tuple[str, int]], spans: Sequence[tuple[float, float, float]], end: float
) -> list[Character]:
    """The spans of known characters in text order, unknown ones laid evenly into the gap they stand in."""
    found: list[Character] = []
    waiting = ""
    place, at = 0, 0.0
    for part, number in parts:
        if not number:
            waiting += part
            continue
        probability, start, stop = spans[place]
        found += spread_out(waiting, 0.0, at, start)
        found += spread_out(part, probability, start, stop)
        waiting, at, place = "", stop, place + 1
    return found + spread_out(waiting, 0.0, at, end)


def spread_out(text: str, probability: float, start: float, end: float) -> list[Character]:
    """The characters of a text laid evenly from one column to another."""
    share = (end - start) / len(text) if text else 0.0
    return [Character(char, probability, start + i * share, start + (i + 1) * share) for i, char in enumerate(text)]


@lru_cache(maxsize=16)
def _index(alphabet: tuple[str, ...], direction: Direction) -> tuple[dict[str, int], tuple[str, ...]]:
    """Class of each entry as it stands on the page from left to right, and the longer entries, the longest first."""
    turned = direction == "rtl"
    index = {(entry[::-1] if turned else entry): i + 1 for i, entry in enumerate(alphabet)}
    return index, tuple(sorted((entry for entry in index if len(entry) > 1), key=len, reverse=True))
