"""What it costs to explain a line's reading by a stretch of the edited text: a weighted edit distance.

Wagner and Fischer (1974) with these weights: a wrong character 1, one that differs only in case, accent or kind of
sign 0.4; a missing or extra letter 1, blank or sign 0.5. All stretches that begin at a word are computed at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .tokens import Words, codes, fold

Floats = npt.NDArray[np.float32]

SIMILAR = 0.4
SIGN = 0.5


def _weights(folded: npt.NDArray[np.int32]) -> Floats:
    light = (folded == ord(" ")) | (folded == ord("."))
    return np.where(light, np.float32(SIGN), np.float32(1.0))


def longest(reading: str) -> int:
    """The most characters of text that a line with this reading can hold."""
    return int(1.6 * len(reading)) + 24


def span_costs(reading: str, words: Words, starts: npt.NDArray[np.int64]) -> Floats:
    """Edit cost of `reading` against every stretch of words that begins at one of `starts`.

    Returns shape (len(starts), W): entry (s, w) is for words `starts[s]` up to and with `starts[s] + w`; infinite
    where the stretch would leave the text or be longer than a line can be.
    """
    count, length = len(words), longest(reading)
    offsets = words.starts[starts]
    last = np.searchsorted(words.starts, offsets + length, side="left")
    width = int(max((last - starts).max(), 1)) if len(starts) else 1
    rows = _distances(reading, words, offsets, length)
    ends = starts[:, None] + np.arange(width)[None, :]
    inside = ends < count
    stop = words.ends[np.minimum(ends, count - 1)] - offsets[:, None]
    inside &= stop <= length
    found = np.take_along_axis(rows, np.clip(stop, 0, length), axis=1)
    return np.where(inside, found, np.float32(np.inf))


def _distances(reading: str, words: Words, offsets: npt.NDArray[np.int64], length: int) -> Floats:
    """(S, length + 1): cost of `reading` against the first j characters of the text from each offset."""
    total = len(words.joined)
    at = offsets[:, None] + np.arange(length)[None, :]
    outside = at >= total
    at = np.minimum(at, max(total - 1, 0))
    exact, folded = words.exact[at], words.folded[at]
    exact = np.where(outside, -1, exact)
    folded = np.where(outside, -1, folded)
    insert = _weights(folded)
    total_insert = np.zeros((len(offsets), length + 1), dtype=np.float32)
    np.cumsum(insert, axis=1, out=total_insert[:, 1:])
    row = total_insert.copy()
    own, own_folded = codes(reading), codes(fold(reading))
    delete = _weights(own_folded)
    change = np.empty_like(insert)
    for k in range(len(own)):
        np.copyto(change, 1.0)
        change[folded == own_folded[k]] = SIMILAR
        change[exact == own[k]] = 0.0
        change += row[:, :-1]
        row += delete[k]
        np.minimum(row[:, 1:], change, out=row[:, 1:])
        row -= total_insert
        np.minimum.accumulate(row, axis=1, out=row)
        row += total_insert
    return row


def edit_cost(reading: str, text: str) -> float:
    """The same cost for one pair."""
    from .tokens import split_words

    words = split_words([(1, text)])
    if not len(words):
        return float(_weights(codes(fold(reading))).sum()) if reading else 0.0
    length = len(words.joined)
    return float(_distances(reading, words, np.zeros(1, dtype=np.int64), length)[0, length])
