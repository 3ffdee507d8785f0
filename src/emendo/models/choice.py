"""Which of several models reads some lines: the one that is surest of them.

Each reads a few of the lines; the one whose characters are most probable, by the geometric mean, reads all. A model
that does not know a script or a kind of writing is unsure of nearly every character (docs/decisions.md has the
figures).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TypeVar

from emendo.types import Evidence, EvidenceRecognizer, Image, Reading

LOOKED_AT = 8
"""Lines that every model reads before one is chosen, spread evenly."""
LEAST = 1e-6
_Item = TypeVar("_Item")


class ChoosingRecognizer:
    """Reads the lines of each call with the model that is surest of them; may be shared by threads if they may."""

    def __init__(self, recognizers: Sequence[EvidenceRecognizer]) -> None:
        self.recognizers = tuple(recognizers)

    @property
    def model(self) -> str:
        """All that could read, in the order in which they win ties."""
        return "auto(" + ", ".join(one.model for one in self.recognizers) + ")"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per line image (H, W, 3) uint8 RGB, in order, all by one model."""
        chosen, seen = self._looked(images)
        return seen if len(seen) == len(images) else chosen.read(images)

    def evidence(self, images: Sequence[Image]) -> list[Evidence]:
        """The per-frame log-probabilities of each line, in order, all by one model."""
        return self.choose(images).evidence(images)

    def choose(self, images: Sequence[Image]) -> EvidenceRecognizer:
        """The model that is surest of these lines; of equally sure ones, the first."""
        return self._looked(images)[0]

    def _looked(self, images: Sequence[Image]) -> tuple[EvidenceRecognizer, list[Reading]]:
        """The surest model, and what it read of the lines that were looked at."""
        some = spread(images)
        return max(((one, one.read(some)) for one in self.recognizers), key=lambda seen: sureness(seen[1]))


def settled(recognizer: EvidenceRecognizer, images: Sequence[Image]) -> EvidenceRecognizer:
    """The one model that is to see these lines, for work that goes line by line."""
    return recognizer.choose(images) if isinstance(recognizer, ChoosingRecognizer) else recognizer


def spread(images: Sequence[_Item]) -> Sequence[_Item]:
    """At most `LOOKED_AT` of them, evenly."""
    return images[:: max(1, -(-len(images) // LOOKED_AT))]


def sureness(readings: Sequence[Reading]) -> float:
    """Mean log-probability of the characters, at most 0; as if of probability `LEAST` where nothing was read."""
    logs = [log(max(char.probability, LEAST)) for one in readings for char in one.characters]
    return sum(logs) / len(logs) if logs else log(LEAST)
