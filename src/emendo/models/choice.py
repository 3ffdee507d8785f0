"""Which of several models reads some lines: the general one where it is sure, else the special one that is surest.

The general model reads a few of the lines. Print it is sure of, and reads; the special models are not even opened.
Otherwise each of them looks at the same lines, and the one whose characters are most probable, by the geometric mean,
reads all, unless the general one is clearly surer: a model that does not know a script or a kind of writing is unsure
of nearly every character (docs/decisions.md has the figures).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from threading import Lock
from typing import TypeVar

from emendo.types import Evidence, EvidenceRecognizer, Image, Reading

LOOKED_AT = 8
"""Lines that a model reads before one is chosen, spread evenly."""
SURE = -0.15
"""Mean log-probability of the characters from which the general model reads without asking others."""
LEAD = 0.2
"""By how much it must be surer than the surest special one, where it is not that sure."""
LEAST = 1e-6
_Item = TypeVar("_Item")


class ChoosingRecognizer:
    """Reads the lines of each call with one of its models; may be shared by threads if they may.

    `specialists` are opened by name when they are first asked.
    """

    def __init__(
        self, general: EvidenceRecognizer, specialists: Mapping[str, Callable[[], EvidenceRecognizer]]
    ) -> None:
        self.general = general
        self._openers = dict(specialists)
        self._opened: dict[str, EvidenceRecognizer] = {}
        self._opening = Lock()

    @property
    def model(self) -> str:
        """All that could read, the general one first."""
        return f"auto({', '.join((self.general.model, *self._openers))})"

    @property
    def recognizers(self) -> tuple[EvidenceRecognizer, ...]:
        """All of them, opened, the general one first."""
        return (self.general, *self._specialists())

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per line image (H, W, 3) uint8 RGB, in order, all by one model."""
        chosen, seen = self._looked(images)
        return seen if len(seen) == len(images) else chosen.read(images)

    def evidence(self, images: Sequence[Image]) -> list[Evidence]:
        """The per-frame log-probabilities of each line, in order, all by one model."""
        return self.choose(images).evidence(images)

    def choose(self, images: Sequence[Image]) -> EvidenceRecognizer:
        """The model that is to read these lines; of equally sure special ones the first."""
        return self._looked(images)[0]

    def named(self, model: str) -> EvidenceRecognizer | None:
        """The one that calls itself `model` in its readings; None when none of them does."""
        if self.general.model == model:
            return self.general
        found = self._specialist(model.partition("@")[0])
        return found if found is not None and found.model == model else None

    def _looked(self, images: Sequence[Image]) -> tuple[EvidenceRecognizer, list[Reading]]:
        """The chosen model, and what it read of the lines that were looked at."""
        some = spread(images)
        general = self.general.read(some)
        sure = sureness(general)
        if not len(some) or sure >= SURE:
            return self.general, general
        looks = [(one, one.read(some)) for one in self._specialists()]
        best = max(looks, key=lambda seen: sureness(seen[1]), default=(self.general, general))
        return best if sureness(best[1]) > sure - LEAD else (self.general, general)

    def _specialists(self) -> list[EvidenceRecognizer]:
        opened = [self._specialist(name) for name in self._openers]
        return [one for one in opened if one is not None]

    def _specialist(self, name: str) -> EvidenceRecognizer | None:
        with self._opening:
            if name not in self._opened and name in self._openers:
                self._opened[name] = self._openers[name]()
            return self._opened.get(name)


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
