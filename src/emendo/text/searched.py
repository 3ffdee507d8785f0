"""The form in which texts are searched: no capitals, no accents, no vowel signs; Arabic letters in their plain form.

Each character folds for itself, so that a place in the folded text leads back to its place in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, pairwise

from .folds import fold_of

_FOLD = fold_of(["arabic", "case"])
_LIKE = {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "’": "'", "‘": "'", "‚": "'", "ʼ": "'"}
_LIKE |= dict.fromkeys("“”„«»‹›", '"') | dict.fromkeys("‐‑‒–—−", "-")
_KEPT_MARKS = frozenset({0, 7, 9})
"""Combining classes of marks that make another letter (vowel signs of Indic scripts, nukta, virama)."""
_PHRASE = re.compile(r'"([^"]+)"|(\S+)')


class _Table(dict[int, str]):
    """What each code point folds to, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = unicodedata.normalize("NFKD", _FOLD(char))
        folded = "".join(one for one in folded if not _is_accent(one)).casefold()
        folded = "".join(_LIKE.get(one, " " if one.isspace() else _digit(one)) for one in folded)
        self[code] = folded
        return folded


def _is_accent(char: str) -> bool:
    return unicodedata.category(char) == "Mn" and unicodedata.combining(char) not in _KEPT_MARKS


def _digit(char: str) -> str:
    value = unicodedata.digit(char, None) if unicodedata.category(char) == "Nd" else None
    return char if value is None else str(value)


_TABLE = _Table()


def folded(text: str) -> str:
    """The text as it is searched. Folding twice changes nothing."""
    return text.translate(_TABLE)


def words_of(query: str) -> tuple[str, ...]:
    """What a query asks for, folded: its words, and what stands in quotes as one."""
    found = (phrase or word for phrase, word in _PHRASE.findall(query.translate(_QUOTES)))
    return tuple(word for word in (" ".join(folded(one).split()) for one in found) if word)


_QUOTES = {ord(mark): '"' for mark in "“”„«»"}


def marked(text: str, words: Sequence[str]) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is a match of one of the folded words."""
    pieces = [char.translate(_TABLE) for char in text]
    ends = [0, *accumulate(map(len, pieces))]
    whole = "".join(pieces)
    hit = [False] * len(text)
    starts = [at for at, (a, b) in enumerate(pairwise(ends)) for _ in range(b - a)]
    for word in words:
        place = whole.find(word)
        while place >= 0:
            for at in range(starts[place], starts[place + len(word) - 1] + 1):
                hit[at] = True
            place = whole.find(word, place + 1)
    for at in range(1, len(text)):  # marks that fold to nothing go with their letter
        hit[at] = hit[at] or (hit[at - 1] and not pieces[at])
    cuts = [0, *(at for at in range(1, len(text)) if hit[at] != hit[at - 1]), len(text)]
    return [(text[a:b], hit[a]) for a, b in pairwise(cuts) if b > a]
