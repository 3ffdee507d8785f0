"""Which text belongs to which line image, after a person has edited the text freely.

Lines that stand unchanged and alone in both texts hold the rest in place; between them a lattice of all possible
stretches is searched (`lattice.py`), first by edit costs, then, where these leave doubt, with the recogniser's own
evidence. A line gets a text only when no other stretch comes near and the text fits the line; all others are left out
with a reason.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from .costs import edit_cost
from .lattice import Choice, Lattice
from .tokens import Words, split_words

ANCHOR = 8
"""Fewest characters of an unchanged line that holds the rest in place."""
WHOLE_WORDS, WHOLE_LINES = 120, 30
"""Up to this size a part is searched as a whole; beyond, around a coarse alignment."""
SLACK = 160
"""Characters around the coarse alignment."""
SURE = 4.0
"""Margin from which the evidence is not asked."""
DOUBT = 0.34
"""Edit cost per character from which a text needs the evidence."""
ADDED = 6
"""Characters added in one piece at a cut within a line, from which a text needs the evidence."""
NATS = 0.25
"""Edit costs per natural-log unit of evidence."""
EVIDENCE_SHARE = 0.5
"""Share of the edit cost that still counts beside the evidence."""
LOOSE = 5.0
"""Margin from which a text is taken although words beside it, in the same line of the file, belong to no line."""
CUT_GAIN = 2
"""Edits that a cut within a word must save to be believed."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a text must reach to be taken.

    `margin` is the least cost to the next best way; `strange` the greatest edit cost per character without evidence;
    `fit` with evidence the least log-likelihood per character, relative to the reading's own.
    """

    margin: float
    strange: float
    fit: float


ALONE = Thresholds(margin=1.5, strange=0.55, fit=-2.8)
FRAMED = Thresholds(margin=0.75, strange=0.65, fit=-4.5)
"""For a whole line of the file between the lines of both neighbours: its place speaks for it."""


class Judge(Protocol):
    """The recogniser's evidence on demand."""

    def scores(self, line: int, texts: Sequence[str]) -> list[float] | None:
        """Log-likelihood of each text for the image of `line`, less that of its own reading; None without evidence."""
        ...


@dataclass(frozen=True, slots=True)
class Aligned:
    """The text of one line, or why it has none.

    `first` and `last` are line numbers of the edited file (0: nowhere); `kept` says that the text is one whole line
    of the file; `lost` that the file holds no text for the line; `margin` is in edit costs (about characters).
    """

    text: str | None
    reason: str = ""
    first: int = 0
    last: int = 0
    kept: bool = False
    lost: bool = False
    margin: float = float("inf")


@dataclass(frozen=True, slots=True)
class _Part:
    lines: range
    words: Words


def align(readings: Sequence[str], edited: Sequence[tuple[int, str]], judge: Judge | None = None) -> list[Aligned]:
    """Lay the numbered lines of an edited text (none blank) over the lines whose `readings` are given, in order."""
    found: list[Aligned | None] = [None] * len(readings)
    anchors = _anchors(readings, edited)
    for line, at in anchors:
        number = edited[at][0]
        found[line] = Aligned(" ".join(edited[at][1].split()), first=number, last=number, kept=True)
    corners = [(-1, -1), *anchors, (len(readings), len(edited))]
    for (line, at), (next_line, next_at) in pairwise(corners):
        lines = range(line + 1, next_line)
        if not lines:
            continue
        words = split_words(edited[at + 1 : next_at])
        for i, aligned in zip(lines, _align_part(_Part(lines, words), readings, judge), strict=True):
            found[i] = aligned
    return [aligned for aligned in found if aligned is not None]


def _anchors(readings: Sequence[str], edited: Sequence[tuple[int, str]]) -> list[tuple[int, int]]:
    """(line, index in edited) of lines that are the same and unique in both, the longest rising chain of them."""
    there = Counter(" ".join(text.split()) for _, text in edited)
    here = Counter(readings)
    where = {" ".join(text.split()): at for at, (_, text) in enumerate(edited)}
    pairs = [
        (line, where[reading])
        for line, reading in enumerate(readings)
        if len(reading) >= ANCHOR and here[reading] == 1 and there.get(reading) == 1
    ]
    tails: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for k, (_, at) in enumerate(pairs):
        place = bisect_left(tops, at)
        before.append(tails[place - 1] if place else -1)
        if place == len(tails):
            tails.append(k)
            tops.append(at)
        else:
            tails[place], tops[place] = k, at
    chain = []
    k = tails[-1] if tails else -1
    while k >= 0:
        chain.append(pairs[k])
        k = before[k]
    return chain[::-1]


def _align_part(part: _Part, readings: Sequence[str], judge: Judge | None) -> list[Aligned]:
    own = [readings[i] for i in part.lines]
    if not len(part.words):
        return [Aligned(None, "no text for it in the edited file", lost=True)] * len(own)
    lattice = Lattice(own, part.words, _windows(own, part.words))
    choices = lattice.choices()
    fits: dict[int, float] = {}
    if judge is not None:
        choices, fits = _ask(judge, part, own, lattice, choices)
    framed = _framed(part.words, choices)
    aligned = [
        _decide(own[k], part.words, choice, fits.get(k), FRAMED if framed[k] else ALONE)
        for k, choice in enumerate(choices)
    ]
    aligned = _without_loose_ends(part.words, choices, aligned)
    return _without_cut_words(own, part.words, choices, aligned)


def _windows(readings: Sequence[str], words: Words) -> list[npt.NDArray[np.int64]] | None:
    """For a large part the word starts near where a coarse alignment puts each line; None when all are searched."""
    if len(words) <= WHOLE_WORDS and len(readings) <= WHOLE_LINES:
        return None
    joined = " ".join(readings)
    blocks = Levenshtein.opcodes(joined, words.joined)
    ours = np.array([0, *(block.src_end for block in blocks)])
    theirs = np.array([0, *(block.dest_end for block in blocks)])
    windows = []
    start = 0
    for reading in readings:
        low = np.interp(max(start - SLACK, 0), ours, theirs) - SLACK / 2
        high = np.interp(min(start + SLACK, len(joined)), ours, theirs) + SLACK / 2
        first, last = np.searchsorted(words.starts, [low, high])
        windows.append(np.arange(first, last, dtype=np.int64))
        start += len(reading) + 1
    return windows


def _ask(
    judge: Judge, part: _Part, readings: Sequence[str], lattice: Lattice, choices: list[Choice]
) -> tuple[list[Choice], dict[int, float]]:
    """Weigh the doubtful lines again with the evidence; also how well the best text of each fits, per character."""
    asked: dict[int, dict[str, float]] = {}
    for k, choice in enumerate(choices):
        if not choice.stretches or not _doubtful(readings[k], part.words, choice):
            continue
        spans = _candidates(part.words, choice)
        texts = list(dict.fromkeys(part.words.text(first, last) for first, last in spans))
        scores = judge.scores(part.lines[k], texts)
        if scores is None:
            continue
        asked[k] = dict(zip(texts, scores, strict=True))
        costs = {}
        for first, last in spans:
            text = part.words.text(first, last)
            costs[first, last] = EVIDENCE_SHARE * edit_cost(readings[k], text) + NATS * max(-asked[k][text], 0.0)
        lattice.restrict(k, costs)
    if not asked:
        return choices, {}
    again = lattice.choices()
    fits = {}
    for k, scores_of in asked.items():
        if again[k].stretches:
            best = part.words.text(again[k].stretches[0].first, again[k].stretches[0].last)
            fits[k] = scores_of[best] / max(len(best), 1)
    return again, fits


def _candidates(words: Words, choice: Choice) -> list[tuple[int, int]]:
    """The stretches to weigh: those near the best, and the best grown to whole lines of the file."""
    best = choice.stretches[0]
    begins = np.flatnonzero(words.line_start)
    first = int(begins[np.searchsorted(begins, best.first, side="right") - 1])
    last = int(begins[np.searchsorted(begins, best.last, side="left")])
    grown = [(first, last), (first, best.last), (best.first, last)]
    return list(dict.fromkeys([(s.first, s.last) for s in choice.stretches] + grown))


def _margin(choice: Choice, words: Words) -> float:
    """Cost between the best text and the next different one (or none)."""
    best = choice.stretches[0]
    text = words.text(best.first, best.last)
    others = [s.cost for s in choice.stretches[1:] if words.text(s.first, s.last) != text]
    return min([*others[:1], choice.lost, best.cost + 6.0]) - best.cost


def _doubtful(reading: str, words: Words, choice: Choice) -> bool:
    best = choice.stretches[0]
    text = words.text(best.first, best.last)
    kept = _kept(words, best.first, best.last)
    return (
        _margin(choice, words) < SURE
        or edit_cost(reading, text) > DOUBT * max(len(reading), len(text))
        or (not kept and _added(reading, text) >= ADDED)
    )


def _kept(words: Words, first: int, last: int) -> bool:
    return bool(words.line_start[first] and words.line_start[last] and words.breaks(first, last) == 0)


def _added(reading: str, text: str) -> int:
    """The longest piece of `text` that has no counterpart in the reading."""
    return max(
        (op.dest_end - op.dest_start for op in Levenshtein.opcodes(reading, text) if op.tag == "insert"), default=0
    )


def _framed(words: Words, choices: Sequence[Choice]) -> list[bool]:
    """Which lines take one whole line of the file, between neighbours that take the lines before and after it."""
    spans = [(c.stretches[0].first, c.stretches[0].last) if c.stretches else (-1, -1) for c in choices]
    whole = [first >= 0 and _kept(words, first, last) for first, last in spans]
    befores = [0, *(last if ok else -1 for (_, last), ok in zip(spans, whole, strict=True))]
    afters = [*(first if ok else -1 for (first, _), ok in zip(spans, whole, strict=True)), len(words)]
    return [whole[k] and befores[k] == first and afters[k + 1] == last for k, (first, last) in enumerate(spans)]


def _decide(reading: str, words: Words, choice: Choice, fit: float | None, least: Thresholds) -> Aligned:
    if not choice.stretches or choice.lost <= choice.stretches[0].cost:
        return Aligned(None, "no text for it in the edited file", lost=True)
    best = choice.stretches[0]
    text = words.text(best.first, best.last)
    margin = _margin(choice, words)
    place = (words.lines[best.first], words.lines[best.last - 1])
    kept = _kept(words, best.first, best.last)
    share = edit_cost(reading, text) / max(len(reading), len(text))

    def left_out(reason: str) -> Aligned:
        return Aligned(None, reason, *place, kept=kept, margin=margin)

    if margin < least.margin:
        return left_out("where its text begins or ends is not certain")
    if fit is not None and fit < least.fit:
        return left_out("the text does not fit the image of the line")
    if fit is None and share > least.strange:
        return left_out("the text is too different from the reading to be sure")
    if fit is None and not kept and _added(reading, text) >= ADDED:
        return left_out("words were added that may not belong to the line")
    return Aligned(text, "", *place, kept=kept, margin=margin)


def _without_loose_ends(words: Words, choices: Sequence[Choice], aligned: Sequence[Aligned]) -> list[Aligned]:
    """Leave out lines beside which, in the same line of the file, words stand that no line has taken."""
    spans = {k: (c.stretches[0].first, c.stretches[0].last) for k, c in enumerate(choices) if not aligned[k].lost}
    kept = list(aligned)
    before = 0
    rising = sorted(spans)
    for place, k in enumerate(rising):
        first, last = spans[k]
        until = spans[rising[place + 1]][0] if place + 1 < len(rising) else len(words)
        loose = (before < first and not words.line_start[first]) or (last < until and not words.line_start[last])
        if loose and kept[k].text is not None and kept[k].margin < LOOSE:
            kept[k] = replace(kept[k], text=None, reason="words beside its text belong to no line")
        before = last
    return kept


def _without_cut_words(
    readings: Sequence[str], words: Words, choices: list[Choice], aligned: list[Aligned]
) -> list[Aligned]:
    """Leave out two neighbours whose common end lies within a word (a hyphenated word written together)."""
    kept = list(aligned)
    for k in range(len(aligned) - 1):
        if not choices[k].stretches or not choices[k + 1].stretches:
            continue
        here, there = choices[k].stretches[0], choices[k + 1].stretches[0]
        if here.last != there.first:
            continue
        left, right = words.text(here.first, here.last), words.text(there.first, there.last)
        reason = "a word at its end was written together with the next line's"
        ends = words.text(here.last - 1, here.last), words.text(there.first, there.first + 1)
        if _word_is_cut(readings[k], readings[k + 1], left, right, ends):
            for i in (k, k + 1):
                if kept[i].text is not None:
                    kept[i] = replace(kept[i], text=None, reason=reason)
    return kept


def _word_is_cut(reading: str, next_reading: str, left: str, right: str, ends: tuple[str, str]) -> bool:
    """Whether a cut inside the last word of `left` or the first of `right` (`ends`) explains the readings better."""
    now = Levenshtein.distance(reading, left) + Levenshtein.distance(next_reading, right)
    if now < CUT_GAIN:
        return False
    last, first = ends
    ways = [(left[:-c], f"{left[-c:]} {right}") for c in range(1, len(last))]
    ways += [(f"{left} {right[:c]}", right[c:]) for c in range(1, len(first))]
    return any(
        Levenshtein.distance(reading, a) + Levenshtein.distance(next_reading, b) <= now - CUT_GAIN for a, b in ways
    )
