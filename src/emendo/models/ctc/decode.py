"""From per-frame probabilities to text (connectionist temporal classification, Graves et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf, log

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from emendo.text.direction import Direction, from_right, placed
from emendo.text.language import LanguageModel
from emendo.text.ngram import END
from emendo.types import Character, Evidence

from .align import entries, forced_alignment, runs, spread_out
from .search import ANY, Found, Weighing, search


class Decoding(BaseModel):
    """How a bundle's probabilities become text; stored in `bundle.yaml` as `decoding`.

    `model_weight` multiplies the log-probability of the language model (character model and word list together),
    `bonus` is added per character or sign; both are chosen on validation data, and zero where they do not help.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    direction: Direction = Field("ltr", description="Which way the lines run.")
    blank_cost: float = Field(0.0, ge=0, le=10, description="Natural-log units taken from the blank of each frame.")
    doubt: float = Field(0.05, ge=0, description="Mean loss per character above which a line is doubtful.")
    width: int = Field(16, ge=1, le=256, description="Prefixes kept per frame by beam search.")
    model: str = Field("", max_length=120, description="File of the character model in the bundle; empty: none.")
    words: str = Field("", max_length=120, description="File of the word list in the bundle; empty: none.")
    words_share: float = Field(0.0, ge=0, le=1, description="Share of the words in the language model.")
    language: str = Field("", max_length=16, description="Language of the word list; auto: told from what is read.")
    model_weight: float = Field(0.0, ge=0, le=10, description="Weight of the language model.")
    bonus: float = Field(
        0.0, ge=-10, le=10, description="Natural-log units added per character, or sign, by beam search."
    )


WORDS_WEIGHT, BONUS_PER_WEIGHT = 0.5, 2.0
"""Weight of a language model where no validation lines choose one; it costs about two nats a character, which the bonus
gives back."""


class Look(BaseModel):
    """One more way to look at a doubtful line; stored in `bundle.yaml` among `looks`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stretch: float = Field(gt=0.1, le=4, description="Horizontal scale, in place of that of the line geometry.")
    blur: float = Field(0.0, ge=0, le=5, description="Standard deviation of a Gaussian over the crop, in its pixels.")


def greedy(evidence: Evidence) -> tuple[Character, ...]:
    """The best class of each frame, repeats joined, blanks dropped.

    Each character's span is the frames in which it won, in image columns; its probability the greatest among them.
    """
    turned, width = evidence.direction == "rtl", evidence.frame_width
    found: list[Character] = []
    for k, top, start, end in runs(evidence.log_probs):
        if k:
            entry = evidence.alphabet[k - 1]
            found += spread_out(entry[::-1] if turned else entry, exp(top), start * width, end * width)
    return _logical(found[::-1]) if turned else tuple(found)


def greedy_text(evidence: Evidence) -> str:
    """The text that `greedy` finds, without places and probabilities."""
    best = evidence.log_probs.argmax(axis=1)
    begins = best[np.concatenate(([True], best[1:] != best[:-1]))[: len(best)]].tolist()
    if evidence.direction == "ltr":
        return "".join(evidence.alphabet[k - 1] for k in begins if k)
    return from_right("".join(evidence.alphabet[k - 1] for k in reversed(begins) if k))


def _logical(characters: Sequence[Character]) -> tuple[Character, ...]:
    """The characters of a line, given from its right edge to its left, in logical order."""
    found = [(characters[at], char) for at, char in placed(text_of(characters))]
    return tuple(Character(char, old.probability, old.start, old.end) for old, char in found)


def beam(
    evidence: Evidence, model: LanguageModel | None = None, decoding: Decoding | None = None
) -> tuple[Character, ...]:
    """The most probable text over all its paths, by prefix beam search (Hannun et al. 2014), and where it lies.

    With a language model the score of a text is log P(text | image) + weight * log P(text) + bonus * length, where a
    sign that stands for a phrase counts as one character, as well foreseen as its characters are on average.
    """
    text = beam_text(evidence, model, decoding or Decoding())
    return tuple(forced_alignment(evidence, text))


def beam_text(evidence: Evidence, model: LanguageModel | None, decoding: Decoding) -> str:
    """The text that `beam` finds."""
    return completions(evidence, model, decoding)[0].text


def completions(
    evidence: Evidence,
    model: LanguageModel | None,
    decoding: Decoding,
    begun: str = "",
    *,
    then: str = END,
    deep: bool = False,
) -> list[Found]:
    """The most probable texts that begin with `begun` (NFC, logical order), the best first.

    Without `begun` the first is what `beam` finds. `then` is what stands behind the evidence; `deep`
    tries characters that are far less probable, at twice the time. Nothing is found where
    the line is too short for `begun`, or where in a line from right to left it ends among characters from left to
    right, so that it is no beginning on the page.
    """
    turned = evidence.direction == "rtl"
    log_probs = evidence.log_probs[::-1] if turned else evidence.log_probs
    shown = from_right(begun) if turned else begun
    classes = [k or ANY for _, k in entries(evidence.alphabet, shown, "ltr")]
    weighing = weighing_of(decoding, deep=deep)
    found = search(log_probs, evidence.alphabet, model, weighing, begun=shown, classes=classes, then=then)
    if not turned:
        return found
    read = [Found(from_right(one.text), one.score) for one in found]
    return [one for one in read if one.text.startswith(begun)]


def weighing_of(decoding: Decoding, *, deep: bool = False) -> Weighing:
    """What the search needs of a decoding."""
    plain = Weighing(decoding.width, decoding.model_weight, decoding.bonus)
    return replace(plain, least=-7.0, most=12, pruned=12.0, one=False) if deep else plain


def loss(characters: Sequence[Character]) -> float:
    """Mean negative log-probability of the characters; infinite for none."""
    if not characters:
        return inf
    return -sum(log(max(character.probability, 1e-6)) for character in characters) / len(characters)


def text_of(characters: Sequence[Character]) -> str:
    """The characters joined."""
    return "".join(character.text for character in characters)
