"""All ways to lay a freely edited text over line images, and how sure the cheapest one is.

Lines 1..n and words 1..K both stand in order. Each line takes a stretch of words or none; words between stretches are
the person's own. The cost of a way is the sum of edit costs and of what it says about line ends: in *kept* mode a
stretch should begin and end where lines of the file do, in *reflowed* mode line ends of the file mean nothing and each
line pays a little. Forward and backward sweeps (dynamic programming over the word boundaries) give for each line the
cost of the best way for every stretch it may take; the margin to the second best stretch is its certainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .costs import Floats, span_costs
from .tokens import Words

INFINITE = np.float32(np.inf)
KEPT, REFLOWED = 0, 1

BREAK = 4.0
"""Kept mode: a line end of the file inside a stretch."""
CUT = 2.0
"""Kept mode: a stretch that begins (or ends) within a line of the file."""
REFLOWED_LINE = 0.7
"""Reflowed mode: each line."""
TO_REFLOWED, TO_KEPT = 2.5, 0.5
"""A change of mode between two lines."""
OWN = 0.6
"""Words that belong to no line: for each character."""
OWN_AT_LINE, OWN_WITHIN = 1.0, 3.0
"""Own words: each end of them, at a line end of the file or within a line."""
LOST = 0.6
"""A line without text: for each character of its reading."""
LOST_LINE = 1.5
"""A line without text: at all."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of words [first, last) that one line may take; `cost` is that of the best way with it."""

    first: int
    last: int
    cost: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What the lattice says of one line: stretches, best first, and the cost of the best way that gives it no text."""

    stretches: tuple[Stretch, ...]
    lost: float


class Lattice:
    """The lattice of one part of a note: `readings` in order over `words`, whose both ends are line ends."""

    def __init__(
        self, readings: Sequence[str], words: Words, windows: Sequence[npt.NDArray[np.int64]] | None = None
    ) -> None:
        self.readings = readings
        self.words = words
        count = len(words)
        every = np.arange(count, dtype=np.int64)
        self.starts = list(windows) if windows is not None else [every] * len(readings)
        self.edit = [span_costs(reading, words, starts) for reading, starts in zip(readings, self.starts, strict=True)]
        self.lost = [LOST * len(reading) + LOST_LINE for reading in readings]
        lengths = np.zeros(count + 1, dtype=np.float32)
        np.cumsum(OWN * (words.ends - words.starts + 1), out=lengths[1:])
        self._own = lengths
        self._own_end = np.where(words.line_start, OWN_AT_LINE, OWN_WITHIN).astype(np.float32)
        breaks = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(words.line_start[:-1], out=breaks[1:])
        self._breaks = breaks

    def choices(self, *, near: float = 6.0, most: int = 12) -> list[Choice]:
        """For each line the stretches whose best way costs at most `near` more than the best of all."""
        total = len(self.readings)
        shape = (2, len(self.words) + 1)
        forward = np.full((total + 1, *shape), INFINITE)
        forward[0, :, 0] = 0.0
        for i in range(total):
            forward[i] = self._switch(self._skip(forward[i]))
            forward[i + 1] = self._step(i, forward[i])
        backward = np.full(shape, INFINITE)
        backward[:, -1] = 0.0
        backward = self._skip_back(backward)
        found: list[Choice] = []
        for i in reversed(range(total)):
            found.append(self._choice(i, forward[i], backward, near, most))
            backward = self._skip_back(self._switch_back(self._step_back(i, backward)))
        return found[::-1]

    def restrict(self, line: int, costs: dict[tuple[int, int], float]) -> None:
        """Let `line` take only these stretches (first, last), at these costs instead of the edit costs."""
        edit = np.full_like(self.edit[line], INFINITE)
        for (first, last), cost in costs.items():
            row = int(np.searchsorted(self.starts[line], first))
            if row < len(edit) and self.starts[line][row] == first and last - first <= edit.shape[1]:
                edit[row, last - first - 1] = cost
        self.edit[line] = edit

    def _structure(self, i: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Cost of kept mode for each stretch of line i, and the boundary each ends at (clipped)."""
        starts, width = self.starts[i], self.edit[i].shape[1]
        ends = np.minimum(starts[:, None] + 1 + np.arange(width)[None, :], len(self.words))
        breaks = self._breaks[ends] - self._breaks[np.minimum(starts + 1, len(self.words))][:, None]
        kept = BREAK * breaks.astype(np.float32)
        kept += np.where(self.words.line_start[starts], 0.0, CUT).astype(np.float32)[:, None]
        kept += np.where(self.words.line_start[ends], 0.0, CUT).astype(np.float32)
        return kept, ends

    def _step(self, i: int, before: Floats) -> Floats:
        after = before + np.float32(self.lost[i])
        kept, _ = self._structure(i)
        starts = self.starts[i]
        for mode, extra in ((KEPT, kept), (REFLOWED, np.float32(REFLOWED_LINE))):
            way = before[mode][starts][:, None] + self.edit[i] + extra
            for w in range(way.shape[1]):
                inside = starts < len(self.words) - w
                ends = starts[inside] + 1 + w  # all different, so plain indexing will do
                after[mode][ends] = np.minimum(after[mode][ends], way[inside, w])
        return after

    def _step_back(self, i: int, after: Floats) -> Floats:
        before = after + np.float32(self.lost[i])
        kept, ends = self._structure(i)
        starts = self.starts[i]
        for mode, extra in ((KEPT, kept), (REFLOWED, np.float32(REFLOWED_LINE))):
            way = self.edit[i] + extra + after[mode][ends]
            if way.size:
                before[mode][starts] = np.minimum(before[mode][starts], way.min(axis=1))
        return before

    def _choice(self, i: int, before: Floats, after: Floats, near: float, most: int) -> Choice:
        kept, ends = self._structure(i)
        starts = self.starts[i]
        lost = float((before + after).min()) + self.lost[i]
        if not self.edit[i].size:
            return Choice((), lost)
        way = np.minimum(
            before[KEPT][starts][:, None] + self.edit[i] + kept + after[KEPT][ends],
            before[REFLOWED][starts][:, None] + self.edit[i] + np.float32(REFLOWED_LINE) + after[REFLOWED][ends],
        )
        best = float(way.min())
        if not np.isfinite(best):
            return Choice((), lost)
        rows, columns = np.nonzero(way <= min(best, lost) + near)
        values = way[rows, columns]
        order = np.argsort(values, kind="stable")[:most]
        stretches = tuple(
            Stretch(int(starts[rows[k]]), int(starts[rows[k]] + columns[k] + 1), float(values[k])) for k in order
        )
        return Choice(stretches, lost)

    @staticmethod
    def _switch(before: Floats) -> Floats:
        return np.stack(
            [
                np.minimum(before[KEPT], before[REFLOWED] + np.float32(TO_KEPT)),
                np.minimum(before[REFLOWED], before[KEPT] + np.float32(TO_REFLOWED)),
            ]
        )

    @staticmethod
    def _switch_back(after: Floats) -> Floats:
        return np.stack(
            [
                np.minimum(after[KEPT], after[REFLOWED] + np.float32(TO_REFLOWED)),
                np.minimum(after[REFLOWED], after[KEPT] + np.float32(TO_KEPT)),
            ]
        )

    def _skip(self, before: Floats) -> Floats:
        opened = np.minimum.accumulate(before + self._own_end - self._own, axis=1)
        skipped = opened[:, :-1] + self._own[1:] + self._own_end[1:]
        return np.concatenate([before[:, :1], np.minimum(before[:, 1:], skipped)], axis=1)

    def _skip_back(self, after: Floats) -> Floats:
        closing = (after + self._own_end + self._own)[:, ::-1]
        closed = np.minimum.accumulate(closing, axis=1)[:, ::-1]
        skipped = closed[:, 1:] - self._own[:-1] + self._own_end[:-1]
        return np.concatenate([np.minimum(after[:, :-1], skipped), after[:, -1:]], axis=1)
