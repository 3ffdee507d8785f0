"""Mixes by final share: how much of the result is of which kind, never how much is added to what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..types import Origin, Sample

CORRECT_SHARE = 0.7
"""Default share of lines that the model read right, against lines that were corrected (REQUIREMENTS N5)."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix; `share` is what the second kind really makes of it, `wanted` what was asked."""

    samples: tuple[Sample, ...]
    share: float
    wanted: float

    def __str__(self) -> str:
        return f"{self.share:.0%} of {len(self.samples)} lines (asked: {self.wanted:.0%})"


def mix(main: Sequence[Sample], other: Sequence[Sample], share: float, seed: int = 0) -> Mix:
    """All of `main`, and so many of `other` that they make `share` (0 <= share < 1) of the whole.

    `other` is drawn without repetition; when it holds too few, all of it is taken and `share` of the result says so.
    The order is `main`, then the drawn ones in their own order. Raises UsageError.
    """
    if not 0 <= share < 1:
        raise UsageError(f"share {share} is not between 0 and 1")
    wanted = round(share / (1 - share) * len(main))
    return _joined(main, draw(other, wanted, seed), share)


def mix_corrected(samples: Sequence[Sample], correct_share: float = CORRECT_SHARE, seed: int = 0) -> Mix:
    """Lines that were read right against corrected ones: at most `correct_share` of the result.

    No correction is ever dropped: when the corrected lines are more than their share, all of both kinds stay. Lines of
    any other origin (gold, synthetic, replay) stay too and count on neither side. `share` is that of the correct lines.
    """
    if not 0 <= correct_share <= 1:
        raise UsageError(f"share {correct_share} is not between 0 and 1")
    right = [sample for sample in samples if sample.origin is Origin.ACCEPTED]
    mended = [sample for sample in samples if sample.origin is Origin.CORRECTED]
    most = len(right) if not mended or correct_share == 1 else round(correct_share / (1 - correct_share) * len(mended))
    kept = {sample.id for sample in draw(right, most, seed)}
    chosen = tuple(sample for sample in samples if sample.origin is not Origin.ACCEPTED or sample.id in kept)
    both = len(kept) + len(mended)
    return Mix(chosen, len(kept) / both if both else 0.0, correct_share)


def draw(samples: Sequence[Sample], count: int, seed: int = 0) -> tuple[Sample, ...]:
    """`count` samples without repetition in their own order (all when there are no more), one choice per seed."""
    if count >= len(samples):
        return tuple(samples)
    chosen = np.random.default_rng(seed).permutation(len(samples))[: max(0, count)]
    return tuple(samples[int(index)] for index in np.sort(chosen))


def _joined(main: Sequence[Sample], drawn: Sequence[Sample], wanted: float) -> Mix:
    whole = (*main, *drawn)
    return Mix(whole, len(drawn) / len(whole) if whole else 0.0, wanted)
