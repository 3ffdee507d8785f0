"""One text out of several readings of a line: a vote by characters (ROVER; Fiscus 1997).

The readings are aligned one after the other, the surest first, into slots. Each reading gives its character's
probability to that character of the slot, or a fixed weight to leaving the slot empty; the heaviest entry stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

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
    for step in Levenshtein.opcodes(present, [char.text for char in reading]):
        new = reading[step.dest_start : step.dest_end]
        if step.tag == "insert":
            joined.extend({"": ABSENT * count, char.text: char.probability} for char in new)
            continue
        for place, slot in enumerate(slots[step.src_start : step.src_end]):
            key, weight = ("", ABSENT) if step.tag == "delete" else (new[place].text, new[place].probability)
            joined.append({**slot, key: slot.get(key, 0.0) + weight})
    return joined


def _heaviest(slot: dict[str, float]) -> str:
    return max(slot, key=lambda char: slot[char])
