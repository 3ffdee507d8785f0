"""How the words of a document lie: which stand side by side on one printed line, and how far apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from emendo.types import Box, Word

_OVERLAP = 0.5
"""Share of the lower piece's height that two pieces of one printed line have in common."""
_UNLIKE = 2.6
"""Pieces whose heights differ more than this are not of one line."""
_NONE: Box = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Words of a document with their printed lines.

    `lines` holds the words' numbers from left to right, printed lines page by page from the top; `line_of` and
    `place_in` tell for each word its printed line and its place there.
    """

    words: tuple[Word, ...]
    boxes: tuple[Box, ...]
    lines: tuple[tuple[int, ...], ...]
    line_of: tuple[int, ...]
    place_in: tuple[int, ...]

    def height(self, word: int) -> float:
        """In pixels, at least one."""
        box = self.boxes[word]
        return max(1.0, box[3] - box[1])

    def gap(self, left: int, right: int) -> float:
        """From the end of one word to the beginning of another, in heights of the lower one."""
        room = self.boxes[right][0] - self.boxes[left][2]
        return room / min(self.height(left), self.height(right))

    def beside(self, word: int, step: int) -> int | None:
        """The next word of the printed line to the right (`step` 1) or to the left (-1)."""
        line, at = self.lines[self.line_of[word]], self.place_in[word] + step
        return line[at] if 0 <= at < len(line) else None

    def outline(self, some: Sequence[int]) -> tuple[int, Box]:
        """The page on which the first of some words stands, and the box around those on it."""
        page = self.words[some[0]].page
        boxes = [self.boxes[at] for at in some if self.words[at].page == page]
        x0, y0, x1, y1 = zip(*boxes, strict=True)
        return page, (min(x0), min(y0), max(x1), max(y1))

    def in_order(self, some: Sequence[int]) -> list[int]:
        """Words by printed line from the top, and from left to right."""
        return sorted(some, key=lambda at: (self.line_of[at], self.place_in[at]))


def lay_out(words: Sequence[Word]) -> Layout:
    """Find the printed lines: pieces of the line detector that stand beside each other, also where a page is turned.

    Each piece is joined to the nearest one at its right end, if that has none nearer at its left.
    """
    boxes = tuple(word.box if all(map(isfinite, word.box)) else _NONE for word in words)
    pieces: dict[tuple[int, int], list[int]] = {}
    for at, word in enumerate(words):
        pieces.setdefault((word.page, word.line), []).append(at)
    lines: list[tuple[int, ...]] = []
    for page in sorted({page for page, _ in pieces}):
        held = [sorted(some, key=lambda at: boxes[at][0]) for (other, _), some in pieces.items() if other == page]
        lines += _joined(held, boxes)
    line_of, place_in = [0] * len(words), [0] * len(words)
    for number, line in enumerate(lines):
        for place, at in enumerate(line):
            line_of[at], place_in[at] = number, place
    return Layout(tuple(words), boxes, tuple(lines), tuple(line_of), tuple(place_in))


def _joined(pieces: list[list[int]], boxes: Sequence[Box]) -> list[tuple[int, ...]]:
    """The printed lines of a page, by the height of their first word."""
    first = np.array([boxes[piece[0]] for piece in pieces])
    last = np.array([boxes[piece[-1]] for piece in pieces])
    after = _nearest(first, last)
    chained: list[tuple[int, ...]] = []
    begins = set(range(len(pieces))) - set(after.values())
    for at in sorted(begins):
        chain, now = list(pieces[at]), after.get(at)
        while now is not None:
            chain += pieces[now]
            now = after.get(now)
        chained.append(tuple(chain))
    return sorted(chained, key=lambda chain: (_middle(boxes[chain[0]]), boxes[chain[0]][0]))


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _nearest(first: npt.NDArray[np.float64], last: npt.NDArray[np.float64]) -> dict[int, int]:
    """For each piece the one that follows on its printed line; none follows two."""
    left, right = last[:, None, :], first[None, :, :]
    tall, other = np.maximum(1, left[..., 3] - left[..., 1]), np.maximum(1, right[..., 3] - right[..., 1])
    low, high = np.minimum(tall, other), np.maximum(tall, other)
    common = np.minimum(left[..., 3], right[..., 3]) - np.maximum(left[..., 1], right[..., 1])
    room = right[..., 0] - left[..., 2]
    far = np.where((common >= _OVERLAP * low) & (high <= _UNLIKE * low) & (room >= -0.5 * low), room, np.inf)
    np.fill_diagonal(far, np.inf)
    after: dict[int, int] = {}
    taken: set[int] = set()
    for flat in np.argsort(far, axis=None, kind="stable"):
        at, to = divmod(int(flat), far.shape[1])
        if not np.isfinite(far[at, to]):
            break
        if at in after or to in taken or _leads(after, to, at):
            continue
        after[at] = to
        taken.add(to)
    return after


def _leads(after: dict[int, int], start: int, goal: int) -> bool:
    """Whether a chain comes back to its own beginning."""
    now: int | None = start
    while now is not None:
        if now == goal:
            return True
        now = after.get(now)
    return False
