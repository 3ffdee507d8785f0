"""Signs that stand for a whole phrase: honorifics set as one ligature, titles that a scribe abbreviates.

The transcription spells them out, and a network that emits one character per frame has no room for that: the phrase
takes as many characters as a third of a line and as much paper as one letter. Such a phrase is found by the paper:
lines in which it stands hold many more characters on the same width than the others, by nearly the length of the
phrase, and by more than chance. It then becomes one entry of the alphabet (`models.ctc.align.encode`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

LEAST_LINES, LEAST_LENGTH, MOST_LENGTH, MOST_WORDS = 5, 8, 48, 8
"""Lines in which a phrase must stand; its characters, at least and at most; its words at most."""
LEAST_SAVED, MOST_SAVED, LEAST_SURE = 0.55, 1.05, 6.0
"""Share of its characters that a phrase must save, at least and at most (a part of a sign saves more than it has), and
standard errors by which the lines with it differ from the others."""
MOST_SIGNS = 16
_WORD = re.compile(r"[^\W\d_]+")


def find_signs(texts: Sequence[str], widths: Sequence[float]) -> tuple[str, ...]:
    """The phrases of some lines that stand on the page as one sign, the longest first.

    `texts` are NFC, `widths` the columns that each takes at one height of writing.
    """
    lengths = np.array([len(text) for text in texts], np.float64)
    columns = np.asarray(widths, np.float64)
    if len(texts) <= 2 * LEAST_LINES or not columns.all():
        return ()
    held = _phrases(texts)
    found: list[str] = []
    while len(found) < MOST_SIGNS:
        excess = lengths - columns * float(np.median(lengths / columns))
        best = max(((_sure(phrase, lines, excess), phrase) for phrase, lines in held.items()), default=(0.0, ""))
        if best[0] < LEAST_SURE:
            break
        sign = best[1]
        found.append(sign)
        lengths[held[sign]] -= len(sign) - 1
        held = {phrase: lines for phrase, lines in held.items() if phrase not in sign and sign not in phrase}
    return tuple(sorted(found, key=lambda sign: (-len(sign), sign)))


def _sure(phrase: str, lines: npt.NDArray[np.int64], excess: npt.NDArray[np.float64]) -> float:
    """Standard errors by which lines with the phrase hold more than the others; 0 when it is no sign."""
    inside = np.zeros(len(excess), np.bool_)
    inside[lines] = True
    if inside.all():
        return 0.0
    ours, others = excess[inside], excess[~inside]
    saved = float(np.median(ours) - np.median(others))
    if not LEAST_SAVED * len(phrase) <= saved <= MOST_SAVED * len(phrase):
        return 0.0
    spread = float(np.hypot(others.std(), 1.0))
    return saved / (spread / float(np.sqrt(len(ours))))


def _phrases(texts: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Phrases of whole words that stand in enough lines, with those lines; only the longest of those that go together.

    Within a phrase stand letters, marks on them and single blanks.
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        for phrase in set(_stretches(text)):
            found[phrase].append(at)
    often = {phrase: lines for phrase, lines in found.items() if len(lines) >= LEAST_LINES}
    longest = sorted(often, key=len, reverse=True)
    kept: list[str] = []
    for phrase in longest:
        if not any(phrase in longer and len(often[longer]) >= 0.8 * len(often[phrase]) for longer in kept):
            kept.append(phrase)
    return {phrase: np.array(often[phrase], np.int64) for phrase in kept}


def _stretches(text: str) -> Iterator[str]:
    words = list(_WORD.finditer(text))
    for first in range(len(words)):
        for last in range(first, min(first + MOST_WORDS, len(words))):
            if last > first and text[words[last - 1].end() : words[last].start()] != " ":
                break
            phrase = text[words[first].start() : words[last].end()]
            if LEAST_LENGTH <= len(phrase) <= MOST_LENGTH:
                yield phrase
