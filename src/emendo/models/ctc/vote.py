"""One text out of several readings of a line: a vote by characters (ROVER; Fiscus 1997).

The readings are aligned one after the other, the surest first, into slots. Each reading gives its character's
probability to that character of the slot, or a fixed weight to leaving the slot empty; the heaviest entry stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from emendo.types import Character

from .decode import loss

ABSENT = 0.45
"""Weight of a reading for 'no character here' (chosen on validation lines: 0.35 to 0.6 differ by 0.1 points)."""


def vote(readings: Sequence[Sequence[Character]]) -> str:
    """The text that the readings of one line agree on best; empty for none."""
    ordered = sorted(readings, key=loss)
    slots: list[dict[str, float]] = [{char.text: char.probability} for char in ordered[0]] if ordered else []
    for count, reading in enumerate(ordered[1:], start=1):
        slots = _joined(slots, reading, count)
    return "".join(_heaviest(slot) for slot in slots)


def _joined(slots: list[dict[str, float]], reading: Sequence[Character], count: int) -> list[dict[str, float]]:
    """The slots of `count` readings with one more reading in them."""
    present = [_heaviest(slot) or "\0" for slot in slots]
    joined: list[dict[str, float]] = []
    for old, new in aligned(present, [char.text for char in reading]):
        if old is None and new is not None:
            joined.append({"": ABSENT * count, reading[new].text: reading[new].probability})
        elif old is not None:
            key, weight = ("", ABSENT) if new is None else (reading[new].text, reading[new].probability)
            joined.append({**slots[old], key: slots[old].get(key, 0.0) + weight})
    return joined


def aligned(source: Sequence[str], target: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pairs of places of a shortest edit (Wagner & Fischer, 1974): equal or replaced, deleted (None second), inserted.

    Where several are as short, rapidfuzz's is taken; it is not used itself, so that a device can do without it.
    """
    lead = 0
    while lead < min(len(source), len(target)) and source[lead] == target[lead]:
        lead += 1
    tail = 0
    while tail < min(len(source), len(target)) - lead and source[-1 - tail] == target[-1 - tail]:
        tail += 1
    one, other = source[lead : len(source) - tail], target[lead : len(target) - tail]
    table = [list(range(len(other) + 1))]
    for i, old in enumerate(one, start=1):
        row, above = [i], table[-1]
        for j, new in enumerate(other, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (old != new)))
        table.append(row)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(one), len(other)
    while i or j:
        if i and (not j or table[i][j] == table[i - 1][j] + 1):
            i -= 1
            pairs.append((lead + i, None))
        elif not i or (j > 1 and table[i][j - 1] == table[i - 1][j - 1] - 1):
            j -= 1
            pairs.append((None, lead + j))
        else:
            i, j = i - 1, j - 1
            pairs.append((lead + i, lead + j))
    ends = ((len(source) - at, len(target) - at) for at in range(tail, 0, -1))
    return [*((at, at) for at in range(lead)), *reversed(pairs), *ends]


def _heaviest(slot: dict[str, float]) -> str:
    return max(slot, key=lambda char: slot[char])
