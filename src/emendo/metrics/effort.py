"""Author effort: what it costs a person to make a reading right, against typing the text anew.

The simulated author follows the keystroke-level model (Card, Moran & Newell, "The keystroke-level model for user
performance time with interactive systems", Comm. ACM 23(7), 1980), with its published operator times:

    K  0.28 s   one keystroke, average non-secretary typist (40 words a minute)
    M  1.35 s   mental preparation: check a line against its image, or decide on one fix

H (0.40 s, hand between keyboard and mouse) and P (1.10 s, pointing) do not occur: correcting is keyboard only.

*Correcting* a line costs one M to check it and one K (Enter) to go on. Each run of adjacent edits (fewer than
`JOIN` right characters between) is one fix: one M, the keys that move the cursor there (arrow = 1 key a character,
word jump = 1 key a word, the quicker mix, from the start of the line onwards), one key for each character deleted,
one for each typed; a substitution is a delete and a type. When typing the line anew is quicker, the author selects
the whole line (1 key) and does that.
*Typing anew* costs one M, one K a character, and Enter.
Reading the image is needed in both and counted in neither; shift, dead keys and slips are not counted.
Keystrokes are exact given the model; seconds are estimates by it, to be compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from .align import nfc

KEY_SECONDS = 0.28
MENTAL_SECONDS = 1.35
JOIN = 2
Fix = tuple[int, int, int, int]
"""(start, end) in the reading, keys to delete, keys to type."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Summed effort over lines; `characters` counts the reference, `anew_*` is typing it all."""

    characters: int = 0
    keystrokes: int = 0
    seconds: float = 0.0
    anew_keystrokes: int = 0
    anew_seconds: float = 0.0

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            self.characters + other.characters,
            self.keystrokes + other.keystrokes,
            self.seconds + other.seconds,
            self.anew_keystrokes + other.anew_keystrokes,
            self.anew_seconds + other.anew_seconds,
        )

    def per_thousand(self) -> dict[str, float]:
        """Keystrokes and seconds per 1,000 characters of correct text, and the share of typing that is saved."""
        scale = 1000 / max(self.characters, 1)
        return {
            "keystrokes": self.keystrokes * scale,
            "seconds": self.seconds * scale,
            "anew_keystrokes": self.anew_keystrokes * scale,
            "anew_seconds": self.anew_seconds * scale,
            "seconds_saved": 1 - self.seconds / self.anew_seconds if self.anew_seconds else 0.0,
        }


def line_effort(reference: str, hypothesis: str) -> Effort:
    """What the author does to turn the reading `hypothesis` of one line into `reference`."""
    reference, hypothesis = nfc(reference), nfc(hypothesis)
    anew_keys = len(reference) + 1
    anew_seconds = MENTAL_SECONDS + anew_keys * KEY_SECONDS
    keys, mental = 1, 1
    cursor = 0
    for start, end, deleted, typed in _fixes(reference, hypothesis):
        keys += _moves(hypothesis[cursor:start]) + deleted + typed
        mental += 1
        cursor = end
    seconds = mental * MENTAL_SECONDS + keys * KEY_SECONDS
    retype_seconds = MENTAL_SECONDS + anew_seconds + KEY_SECONDS
    if hypothesis and retype_seconds < seconds:
        keys, seconds = anew_keys + 1, retype_seconds
    elif not hypothesis:
        keys, seconds = anew_keys, anew_seconds
    return Effort(len(reference), keys, seconds, anew_keys, anew_seconds)


def effort(pairs: Iterable[tuple[str, str]]) -> Effort:
    """Summed effort of (reference, hypothesis) lines."""
    summed = Effort()
    for reference, hypothesis in pairs:
        summed += line_effort(reference, hypothesis)
    return summed


def _fixes(reference: str, hypothesis: str) -> Sequence[Fix]:
    """Runs of edits from left to right; right characters inside a run are arrowed over (counted as typed keys)."""
    runs: list[Fix] = []
    for op in Levenshtein.opcodes(hypothesis, reference):
        if op.tag == "equal":
            continue
        deleted, typed = op.src_end - op.src_start, op.dest_end - op.dest_start
        if runs and op.src_start - runs[-1][1] < JOIN:
            start, end, before_deleted, before_typed = runs[-1]
            runs[-1] = (start, op.src_end, before_deleted + deleted, before_typed + typed + op.src_start - end)
        else:
            runs.append((op.src_start, op.src_end, deleted, typed))
    return runs


def _moves(passed: str) -> int:
    """Keys to move over the text `passed`: word jumps to the last word start, then arrows."""
    last_space = passed.rfind(" ")
    if last_space < 0:
        return len(passed)
    jumps = len(passed[: last_space + 1].split()) or 1
    return min(len(passed), jumps + len(passed) - last_space - 1)
