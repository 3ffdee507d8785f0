"""Right to left: from a text in logical order to what stands on the page from edge to edge, and back.

Texts are kept in logical order without marks; a network that sweeps a line sees them as they are set. In a line that
runs from right to left, runs of Latin letters and of digits still run from left to right, and brackets outside of such
runs are mirrored. The Unicode algorithm (Annex 9) cannot be undone, because two texts may look the same; the rules
here follow it where both are clear and look at no more than what reversal keeps, so that going there and back gives
the same text for every text that does not begin with a combining mark:

- letters from left to right and digits that touch are a run;
- runs of digits join over one common separator (12.5, 3/4, 10:30);
- runs with letters join over blanks, punctuation and digits, as long as no letter from right to left stands between;
- a line with Latin letters and none from right to left runs from left to right as a whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

Direction = Literal["ltr", "rtl"]
"""Which way the lines of a model run."""

_PAIRS = ("()", "[]", "{}", "<>", "«»", "‹›", "⟦⟧", "⟨⟩", "≤≥")
_MIRRORED = {pair[at]: pair[1 - at] for pair in _PAIRS for at in (0, 1)}
_KINDS = {"R": "R", "AL": "R", "L": "L", "EN": "N", "AN": "N", "CS": "S"}


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """R: letter from right to left, L: from left to right, N: digit, S: separator inside numbers, O: anything else."""
    return _KINDS.get(unicodedata.bidirectional(char), "O")


def right_to_left(text: str) -> bool:
    """Whether a text has letters that run from right to left."""
    return any(_kind(char) == "R" for char in text)


def direction_of(texts: Sequence[str]) -> Direction:
    """`rtl` when more than half of the texts have letters that run from right to left."""
    return "rtl" if 2 * sum(map(right_to_left, texts)) > len(texts) else "ltr"


def placed(text: str) -> list[tuple[int, str]]:
    """Each character as it is set, from the right edge of the line to the left: its index in `text`, and its form."""
    clusters = _clusters(text)
    kinds = [_kind(text[first]) for first, _ in clusters]
    if "L" in kinds and "R" not in kinds:
        return [(at, text[at]) for first, last in reversed(clusters) for at in range(first, last)]
    found: list[tuple[int, str]] = []
    place = 0
    for first, last in _runs(kinds):
        found += [(at, _MIRRORED.get(text[at], text[at])) for one in clusters[place:first] for at in range(*one)]
        found += [(at, text[at]) for one in reversed(clusters[first:last]) for at in range(*one)]
        place = last
    found += [(at, _MIRRORED.get(text[at], text[at])) for one in clusters[place:] for at in range(*one)]
    return found


def from_right(text: str) -> str:
    """The characters of a line from its right edge to its left, from its text in logical order; and the way back."""
    return "".join(char for _, char in placed(text))


def on_page(text: str, direction: Direction) -> str:
    """The characters of a line as they stand on the page from left to right."""
    return text if direction == "ltr" else from_right(text)[::-1]


def swept(text: str, direction: Direction) -> str:
    """The characters in the order in which the lines of a model begin: a language model foresees these."""
    return text if direction == "ltr" else from_right(text)


def _clusters(text: str) -> list[tuple[int, int]]:
    """First and one past the last index of each character with the marks and joiners that follow it."""
    starts = [
        at
        for at, char in enumerate(text)
        if at == 0 or (unicodedata.category(char)[0] != "M" and char not in "\u200c\u200d")
    ]
    return list(pairwise([*starts, len(text)]))


def _runs(kinds: Sequence[str]) -> list[tuple[int, int]]:
    """The runs from left to right in a line that runs from right to left, as ranges of clusters."""
    atoms: list[tuple[int, int, bool]] = []
    for at, kind in enumerate(kinds):
        if kind in "LN":
            if atoms and atoms[-1][1] == at:
                first, _, letters = atoms.pop()
                atoms.append((first, at + 1, letters or kind == "L"))
            else:
                atoms.append((at, at + 1, kind == "L"))
    runs: list[tuple[int, int]] = []
    at = 0
    while at < len(atoms):
        last = at
        for further in range(at + 1, len(atoms)):
            gap = kinds[atoms[further - 1][1] : atoms[further][0]]
            if "R" in gap:
                break
            if atoms[at][2]:
                last = further if atoms[further][2] else last
            elif not atoms[further][2] and list(gap) == ["S"]:
                last = further
            else:
                break
        runs.append((atoms[at][0], atoms[last][1]))
        at = last + 1
    return runs
