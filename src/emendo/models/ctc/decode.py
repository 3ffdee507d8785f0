"""From per-frame probabilities to text (connectionist temporal classification, Graves et al. 2006)."""

from __future__ import annotations

import numpy as np

from emendo.types import Character, Evidence


def greedy(evidence: Evidence) -> tuple[Character, ...]:
    """The best class of each frame, repeats joined, blanks dropped.

    Each character's span is the frames in which it won, in image columns; its probability the greatest among them.
    """
    best = evidence.log_probs.argmax(axis=1)
    if not len(best):
        return ()
    starts = np.flatnonzero(np.concatenate(([True], best[1:] != best[:-1])))
    ends = np.append(starts[1:], len(best))
    classes = best[starts]
    tops = np.maximum.reduceat(evidence.log_probs[np.arange(len(best)), best], starts)
    width = evidence.frame_width
    return tuple(
        Character(evidence.alphabet[k - 1], float(np.exp(p)), float(a * width), float(b * width))
        for k, p, a, b in zip(classes, tops, starts, ends, strict=True)
        if k
    )


def text_of(characters: tuple[Character, ...]) -> str:
    """The characters joined."""
    return "".join(character.text for character in characters)
