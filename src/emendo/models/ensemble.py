"""Several recognisers as one: all of them vote, or the next is asked only where the one before is unsure or fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from emendo.errors import EngineError, UsageError
from emendo.types import Image, Reading, Recognizer

ENSEMBLE, FALLBACK = "ensemble:", "fallback:"
"""How their references begin; the names of the members follow, with commas: `ensemble:base,rapidocr`."""
SURE: Final = 0.8
"""Confidence from which nobody else is asked."""


class EnsembleRecognizer:
    """All members read each picture, and the text with the greatest sum of their confidences stands.

    Its confidence is that sum by the number of members: two that agree are surer than one alone.
    """

    def __init__(self, members: Sequence[Recognizer]) -> None:
        self.members = tuple(members)

    @property
    def model(self) -> str:
        """The models of all members."""
        return f"ensemble({', '.join(one.model for one in self.members)})"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per picture, in order."""
        every = [one.read(images) for one in self.members]
        return [self._voted(said) for said in zip(*every, strict=True)]

    def _voted(self, said: Sequence[Reading]) -> Reading:
        weights: dict[str, float] = defaultdict(float)
        for one in said:
            weights[one.text] += one.confidence
        text = max(weights, key=lambda each: weights[each])
        first = max((one for one in said if one.text == text), key=lambda one: bool(one.characters))
        return Reading(text, min(1.0, weights[text] / len(said)), first.characters, self.model)


class FallbackRecognizer:
    """The first member reads; a picture of which it is less sure than `sure` goes to the next, and so on.

    The surest reading stands. A member whose engine fails is passed over; when all fail the last EngineError is raised.
    """

    def __init__(self, members: Sequence[Recognizer], sure: float = SURE) -> None:
        self.members = tuple(members)
        self.sure = sure

    @property
    def model(self) -> str:
        """The models of all members, in order."""
        return f"fallback({', '.join(one.model for one in self.members)})"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per picture, in order; each says which member it is of."""
        best: dict[int, Reading] = {}
        failed: EngineError | None = None
        for member in self.members:
            asked = [at for at in range(len(images)) if at not in best or best[at].confidence < self.sure]
            if not asked:
                break
            try:
                said = member.read([images[at] for at in asked])
            except EngineError as error:
                failed = error
                continue
            for at, reading in zip(asked, said, strict=True):
                if at not in best or reading.confidence > best[at].confidence:
                    best[at] = reading
        if failed is not None and len(best) < len(images):
            raise failed
        return [best[at] for at in range(len(images))]


def combined(ref: str, load: Callable[[str], Recognizer]) -> Recognizer | None:
    """The ensemble or fallback that a reference names, its members opened by `load`; None for another reference.

    Raises UsageError for fewer than two members.
    """
    prefix = next((one for one in (ENSEMBLE, FALLBACK) if ref.startswith(one)), None)
    if prefix is None:
        return None
    names = [name.strip() for name in ref.removeprefix(prefix).split(",")]
    if len(names) < 2 or not all(names) or any(":" in name for name in names):
        raise UsageError(f"{ref!r} does not name several models", remedy=f"write {prefix}base,rapidocr")
    members = [load(name) for name in names]
    return EnsembleRecognizer(members) if prefix == ENSEMBLE else FallbackRecognizer(members)
