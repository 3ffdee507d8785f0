"""How far two readers of the same lines agree, by pair of people and over all.

Given are the share of lines on which both wrote the same (Wilson interval), and the character error rate of one text
against the other (edits per character of the first, percentile bootstrap over lines). A chance-corrected coefficient
(kappa, alpha) is left out: with some hundred characters to choose from, agreement by chance is near nothing, and the
figure would only look more learned than the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..metrics.align import counts
from ..metrics.bootstrap import ratio_interval, wilson
from ..workspace.seconds import Second


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts over lines that two people read; `readers` is empty over all pairs. Rates are 0 to 1.

    `lines` have a text from both; `refused` are those that one of them skipped or found unreadable, which count in
    `exact` only.
    """

    readers: tuple[str, str] | tuple[()]
    lines: int
    refused: int
    same: int
    characters: int
    edits: int
    exact: float
    exact_low: float
    exact_high: float
    cer: float
    cer_low: float
    cer_high: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"readers": list(self.readers)}


def agreement(found: Sequence[Second]) -> list[Agreement]:
    """Over all lines first, then by pair of people (in either order), those with the most lines first."""
    pairs: dict[tuple[str, str], list[Second]] = {}
    for one in found:
        first, second = sorted((one.first.author, one.author))
        pairs.setdefault((first, second), []).append(one)
    by_pair = [_agreement(readers, some) for readers, some in pairs.items()]
    by_pair.sort(key=lambda one: (-one.lines - one.refused, one.readers))
    return [_agreement((), found), *by_pair]


def _agreement(readers: tuple[str, str] | tuple[()], found: Sequence[Second]) -> Agreement:
    both = [(one.first.text, one.text) for one in found if one.first.text is not None and one.text is not None]
    counted = [counts(first, second) for first, second in both]
    edits, characters = [one.edits for one in counted], [one.characters for one in counted]
    same = sum(one.agrees for one in found)
    low, high = wilson(same, len(found))
    rate = ratio_interval(edits, characters)
    return Agreement(
        readers=readers,
        lines=len(both),
        refused=len(found) - len(both),
        same=same,
        characters=sum(characters),
        edits=sum(edits),
        exact=same / len(found) if found else 0.0,
        exact_low=low,
        exact_high=high,
        cer=rate.value,
        cer_low=rate.low,
        cer_high=rate.high,
    )
