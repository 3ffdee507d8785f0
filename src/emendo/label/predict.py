"""What the rest of a line is, once a person has said how it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..models.ctc.align import forced_alignment
from ..models.ctc.decode import Decoding, completions
from ..models.ctc.words import LOOKED_BEHIND, Word, folded, words
from ..text.language import LanguageModel
from ..types import Evidence

DOUBTFUL = 0.9
"""A word whose share among its alternatives is smaller is stopped at; of 0.8, 0.9 and 0.95 the one with the fewest keys
on Peraire validation lines."""
OFFERED = 4
"""Words that are offered at a stop at most."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A doubtful word: the place at which it most probably begins to be wrong, and what could stand in its place.

    `options` are texts for the characters [start, end), with their shares, the most probable first.
    """

    at: int
    start: int
    end: int
    options: tuple[tuple[str, float], ...]


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
        left, then = _left_of(evidence, before + between, kept), kept[:LOOKED_BEHIND]
        found = completions(left, model, decoding, before, then=then, deep=True)
    else:
        found = completions(evidence, model, decoding, before, deep=True)
    if not found:
        return None
    between = folded(before, found[0].text[len(before) :], kept)
    first, last = len(before), len(before) + len(between)
    text = before + between + kept
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
    """The blanks around a word belong to what is offered only where they differ."""
    start, end = word.start, word.end
    options = list(word.options[:OFFERED])
    while end > start + 1 and text[end - 1] == " " and all(option.endswith(" ") for option, _ in options):
        end, options = end - 1, [(option[:-1], share) for option, share in options]
    while start < end - 1 and text[start] == " " and all(option.startswith(" ") for option, _ in options):
        start, options = start + 1, [(option[1:], share) for option, share in options]
    return Stop(word.at, start, end, tuple((option, round(share, 4)) for option, share in options))
