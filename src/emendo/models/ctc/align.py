"""How well a text fits the evidence of a line, and where each of its characters lies (CTC, Graves et al. 2006).

Characters that the alphabet does not hold (U+22CE in a notebook, say) can be emitted by no class. They are kept out
of the lattice, and each costs `unknown_log_prob` natural-log units, so that a text with one foreign sign stays
comparable with one without; in an alignment they lie between their neighbours, with probability 0.

Texts come and go in logical order; the lattice holds them as they stand on the page from left to right.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from emendo.text.direction import on_page, placed
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
    classes, unknown = encode(evidence.alphabet, shown)
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
    by_place = {at: replace(char, text=text[at]) for (at, _), char in zip(order, found, strict=True)}
    return [by_place[at] for at in range(len(text))]


def _aligned(evidence: Evidence, text: str) -> list[Character]:
    """As `forced_alignment`, of the characters from left to right."""
    classes, _ = encode(evidence.alphabet, text)
    frames = len(evidence.log_probs)
    width = evidence.frame_width
    if not text:
        return []
    if not len(classes) or len(classes) + int((classes[1:] == classes[:-1]).sum()) > frames:
        share = frames * width / len(text)
        return [Character(char, 0.0, i * share, (i + 1) * share) for i, char in enumerate(text)]
    path = _viterbi(*_lattice(evidence.log_probs, classes))
    spans = {}
    for place in range(len(classes)):
        held = np.flatnonzero(path == 2 * place + 1)
        top = float(evidence.log_probs[held, classes[place]].max())
        spans[place] = (float(np.exp(top)), float(held[0] * width), float((held[-1] + 1) * width))
    return _with_unknown(text, evidence.alphabet, spans, frames * width)


def encode(alphabet: tuple[str, ...], text: str) -> tuple[npt.NDArray[np.int64], int]:
    """Class numbers of the characters of `text` that the alphabet holds, and how many it does not hold."""
    index = _index(alphabet)
    classes = [index[char] for char in text if char in index]
    return np.array(classes, np.int64), len(text) - len(classes)


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
    back = np.zeros((frames, states), np.int8)
    padded = np.full(states + 2, _NEVER, np.float32)
    padded[2:4] = emit[0, :2]
    barred = np.where(skip, np.float32(0), _NEVER)
    choices = np.empty((3, states), np.float32)
    for t in range(1, frames):
        choices[0] = padded[2:]
        choices[1] = padded[1:-1]
        np.add(padded[:-2], barred, out=choices[2])
        back[t] = choices.argmax(axis=0)
        padded[2:] = choices.max(axis=0) + emit[t]
    path = np.empty(frames, np.int64)
    path[-1] = states - 1 if padded[-1] >= padded[-2] else states - 2
    for t in range(frames - 1, 0, -1):
        path[t - 1] = path[t] - back[t, path[t]]
    return path


def _with_unknown(
    text: str, alphabet: tuple[str, ...], spans: dict[int, tuple[float, float, float]], end: float
) -> list[Character]:
    """The spans of known characters in text order, unknown ones laid evenly into the gap they stand in."""
    index = _index(alphabet)
    found: list[Character] = []
    waiting: list[str] = []
    place, at = 0, 0.0
    for char in text:
        if char not in index:
            waiting.append(char)
            continue
        probability, start, stop = spans[place]
        found.extend(_spread(waiting, at, start))
        found.append(Character(char, probability, start, stop))
        waiting, at, place = [], stop, place + 1
    found.extend(_spread(waiting, at, end))
    return found


def _spread(characters: list[str], start: float, end: float) -> list[Character]:
    share = (end - start) / len(characters) if characters else 0.0
    return [Character(char, 0.0, start + i * share, start + (i + 1) * share) for i, char in enumerate(characters)]


@lru_cache(maxsize=16)
def _index(alphabet: tuple[str, ...]) -> dict[str, int]:
    return {char: i + 1 for i, char in enumerate(alphabet)}
