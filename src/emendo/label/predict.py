"""What the rest of a line is, once a person has said how it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..models.ctc.align import forced_alignment
from ..models.ctc.decode import Decoding, completions
from ..models.ctc.words import LOOKED_BEHIND, Word, words
from ..text.language import LanguageModel
from ..types import Evidence

DOUBTFUL = 0.8
"""A word whose share among its alternatives is smaller is stopped at."""
OFFERED = 4
"""Words that are offered at a stop at most."""


@dataclass(frozen=True, slots=True)
class Option:
    """What could stand in place of the characters [start, end)."""

    start: int
    end: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Stop:
    """The place of a doubtful word at which it most probably begins to be wrong, and what it could be instead."""

    at: int
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A line with the probability of each character; places are counted in it. What a person wrote has 1."""

    text: str
    probabilities: tuple[float, ...]
    stops: tuple[Stop, ...]


def predict(
    evidence: Evidence,
    model: LanguageModel | None,
    decoding: Decoding,
    before: str = "",
    between: str = "",
    kept: str = "",
) -> Prediction | None:
    """The line that begins with `before`, which is right, and ends with `kept`, which was typed earlier.

    What stands between, so far `between`, is decoded anew; what was typed is never changed. Without any of them it is
    what the model reads. None where the line has no room for what was typed.
    """
    if kept:
        found = completions(_left_of(evidence, before + between, kept), model, decoding, before, then=kept[:LOOKED_BEHIND])
    else:
        found = completions(evidence, model, decoding, before)
    if not found:
        return None
    first, last = len(before), len(found[0].text)
    text = found[0].text + kept
    probabilities = [1.0] * len(text)
    stops = []
    for word in words(evidence, text, model, decoding, first=first, last=last):
        probabilities[word.start : word.end] = word.characters
        if word.sure < DOUBTFUL:
            stops.append(_stop(text, word))
    return Prediction(text, tuple(probabilities), tuple(stops))


def _left_of(evidence: Evidence, before: str, kept: str) -> Evidence:
    """The columns in front of what is kept, in reading direction."""
    behind = forced_alignment(evidence, before + kept)[len(before) :]
    if evidence.direction == "ltr":
        end = round(min(one.start for one in behind) / evidence.frame_width)
        return replace(evidence, log_probs=evidence.log_probs[:end])
    start = round(max(one.end for one in behind) / evidence.frame_width)
    return replace(evidence, log_probs=evidence.log_probs[start:])


def _stop(text: str, word: Word) -> Stop:
    """What both have in common at their ends is left out of the options, but not letters."""
    options: dict[str, Option] = {}
    for option, share in word.options:
        start, end, shown = word.start, word.end, option
        while end > start and shown and text[end - 1] == shown[-1] == " ":
            end, shown = end - 1, shown[:-1]
        while start < end and shown and text[start] == shown[0] == " ":
            start, shown = start + 1, shown[1:]
        options.setdefault(f"{shown} {end}", Option(start, end, shown, round(share, 4)))
    return Stop(word.at, tuple(options.values())[:OFFERED])
