"""The queue: which lines to correct first, so that each correction teaches the model most.

A line scores high when its reading is about as uncertain as this author's lines usually are (per character, so that
long lines are not preferred for their length; Settles & Craven 2008), when two models disagree on it, when it holds
characters that the corrected lines show seldom, and when its page was not asked for yet. With few corrections the
typical teach more than the hardest (Hacohen, Dekel & Weinshall, "Active learning on a budget", 2022): the hardest are
damaged crops and drawings as often as not. Lines are picked one after another: what a picked line shows counts as seen
for the next, so that the queue does not ask for the same thing twice (a greedy coverage choice, Nemhauser, Wolsey &
Fisher 1978).
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rapidfuzz.distance import Levenshtein

from ..metrics.align import nfc
from ..types import Reading

LEAST_USUAL = 0.1
"""Where lines usually are surer than this expected CER, those of this one are still thought to teach most."""
SATURATION = 0.35
"""Share of characters that two models read differently, beyond which a line is not thought to teach more."""
RARITY = 0.25
"""Weight of seldom seen characters, against an uncertainty of 1."""
DISAGREEMENT = 0.5
"""Weight of the share of characters on which a second model differs."""
SHORT = 6.0
"""Characters added to each length: very short lines teach little whatever their score."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A line nobody has looked at yet: what the model reads there, perhaps what another model does, and its page."""

    id: str
    reading: Reading
    other: str | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """A line in the queue with its score, the CER that the model itself expects, and the rare characters it shows."""

    id: str
    score: float
    expected_cer: float
    rare: str


def expected_cer(reading: Reading) -> float:
    """The share of characters that the model itself thinks wrong, 0 to 1; 1 for an empty reading.

    It is the mean of 1 - probability over the characters: no truth is needed. It ranks lines well, but as a rate it
    is only as honest as the model's probabilities.
    """
    if not reading.characters:
        return 1.0
    return sum(1 - c.probability for c in reading.characters) / len(reading.characters)


def queue(lines: Sequence[Unread], corrected: Iterable[str] = (), *, most: int | None = None) -> list[Queued]:
    """The lines in the order in which to correct them; ties in the order given.

    `corrected` are the texts that are known already. With `most`, only so many are picked.
    """
    seen: Counter[str] = Counter()
    for text in corrected:
        seen.update(nfc(text).replace(" ", ""))
    pages: Counter[str] = Counter()
    usual = max(LEAST_USUAL, median([expected_cer(line.reading) for line in lines if line.reading.characters] or [0]))

    def score_of(line: Unread) -> float:
        return _score(line, seen, usual) / math.sqrt(1 + pages[line.page])

    heap = [(-score_of(line), index) for index, line in enumerate(lines)]
    heapq.heapify(heap)
    picked: list[Queued] = []
    while heap and (most is None or len(picked) < most):
        _, index = heapq.heappop(heap)
        score = score_of(lines[index])
        if heap and (-score, index) > heap[0]:  # what was picked since made it less worth: look at the others first
            heapq.heappush(heap, (-score, index))
            continue
        line = lines[index]
        shown = nfc(line.reading.text).replace(" ", "")
        rare = "".join(dict.fromkeys(c for c in shown if seen[c] < 3))
        picked.append(Queued(line.id, score, expected_cer(line.reading), rare))
        seen.update(shown)
        if line.page:
            pages[line.page] += 1
    return picked


def _score(line: Unread, seen: Counter[str], usual: float) -> float:
    """Worth of one line; falls when more of it has been seen.

    Of uncertainty the usual is worth most, none nothing, and three times as much nothing either.
    """
    text = nfc(line.reading.text)
    shown = text.replace(" ", "")
    length = len(text)
    expected = expected_cer(line.reading)
    uncertain = expected / usual if expected < usual else max(0.0, 1 - (expected - usual) / (2 * usual))
    rarity = sum(1 / math.sqrt(1 + seen[c]) for c in shown) / max(len(shown), 1)
    apart = Levenshtein.normalized_distance(text, nfc(line.other)) if line.other is not None else 0.0
    worth = uncertain + RARITY * rarity + DISAGREEMENT * min(apart, SATURATION) / SATURATION
    return worth * length / (length + SHORT)
