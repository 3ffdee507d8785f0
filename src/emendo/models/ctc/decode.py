"""From per-frame probabilities to text (connectionist temporal classification, Graves et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf, log, log1p
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from emendo.text.direction import Direction, from_right, placed
from emendo.text.language import LanguageModel
from emendo.text.ngram import END
from emendo.types import Character, Evidence

from .align import forced_alignment, spread_out


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
    best = evidence.log_probs.argmax(axis=1)
    if not len(best):
        return ()
    starts = np.flatnonzero(np.concatenate(([True], best[1:] != best[:-1])))
    ends = np.append(starts[1:], len(best))
    classes = best[starts]
    tops = np.maximum.reduceat(evidence.log_probs[np.arange(len(best)), best], starts)
    width = evidence.frame_width
    turned = evidence.direction == "rtl"
    found: list[Character] = []
    for k, p, a, b in zip(classes.tolist(), tops.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if k:
            entry = evidence.alphabet[k - 1]
            found += spread_out(entry[::-1] if turned else entry, min(1.0, exp(p)), float(a * width), float(b * width))
    return _logical(found[::-1]) if turned else tuple(found)


def _logical(characters: Sequence[Character]) -> tuple[Character, ...]:
    """The characters of a line, given from its right edge to its left, in logical order."""
    return tuple(replace(characters[at], text=char) for at, char in placed(text_of(characters)))


PRUNED = 12.0
"""Prefixes this many nats behind the best are dropped."""


class _Prefix:
    """A text begun: one node of the tree of all texts that were tried, so that nothing is counted or scored twice.

    `language` is what the language model and the bonus give for it.
    """

    __slots__ = ("children", "language", "last", "text")

    def __init__(self, text: str, last: int, language: float) -> None:
        self.text, self.last, self.language = text, last, language
        self.children: dict[int, _Prefix] = {}


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
    if evidence.direction == "ltr":
        return _best_text(evidence, model, decoding)
    turned = replace(evidence, log_probs=evidence.log_probs[::-1], direction="ltr")
    return from_right(_best_text(turned, model, decoding))


def _best_text(evidence: Evidence, model: LanguageModel | None, decoding: Decoding) -> str:
    """The best text in the order of the frames."""
    weight = decoding.model_weight if model is not None else 0.0

    def longer(prefix: _Prefix, k: int) -> _Prefix:
        entry, text, foreseen = evidence.alphabet[k - 1], prefix.text, 0.0
        for char in entry:
            if weight and model is not None:
                foreseen += weight * model.log_prob(text, char)
            text += char
        made = prefix.children[k] = _Prefix(text, k, prefix.language + decoding.bonus + foreseen / len(entry))
        return made

    # per prefix the log-probability of all its paths that end in a blank, and of those that end in its last character
    kept: list[tuple[_Prefix, float, float]] = [(_Prefix("", 0, 0.0), 0.0, -inf)]
    for blank, candidates in _candidates(evidence.log_probs):
        if not candidates:
            kept = [(prefix, _add(ends, last) + blank, -inf) for prefix, ends, last in kept]
            continue
        grown: dict[_Prefix, list[float]] = {}
        for prefix, ends, last in kept:
            total = _add(ends, last)
            same = grown.setdefault(prefix, [-inf, -inf])
            same[0] = _add(same[0], total + blank)
            for k, score in candidates:
                before = total
                if k == prefix.last:
                    same[1] = _add(same[1], last + score)
                    before = ends
                next_ = prefix.children.get(k) or longer(prefix, k)
                entry = grown.setdefault(next_, [-inf, -inf])
                entry[1] = _add(entry[1], before + score)
        ranked = [(_add(ends, last) + prefix.language, prefix, ends, last) for prefix, (ends, last) in grown.items()]
        ranked.sort(key=_first, reverse=True)
        least = ranked[0][0] - PRUNED
        kept = [(prefix, ends, last) for score, prefix, ends, last in ranked[: decoding.width] if score >= least]

    def final(one: tuple[_Prefix, float, float]) -> float:
        prefix, ends, last = one
        closing = weight * model.log_prob(prefix.text, END) if weight and model is not None else 0.0
        return _add(ends, last) + prefix.language + closing

    return max(kept, key=final)[0].text


def _candidates(log_probs: Any, *, least: float = -5.0, most: int = 8) -> list[tuple[float, list[tuple[int, float]]]]:
    """Per frame the blank's score and the characters worth a look: above `least` nats and among the `most` best."""
    found = []
    letters = log_probs[:, 1:]
    if letters.shape[1] > most:
        order = np.argpartition(-letters, most, axis=1)[:, :most]
    else:
        order = np.broadcast_to(np.arange(letters.shape[1]), letters.shape)
    scores = np.take_along_axis(letters, order, axis=1)
    for frame, (row, values) in enumerate(zip(order.tolist(), scores.tolist(), strict=True)):
        near = [(k + 1, value) for k, value in zip(row, values, strict=True) if value > least]
        found.append((float(log_probs[frame, 0]), near))
    return found


def _first(row: tuple[float, _Prefix, float, float]) -> float:
    return row[0]


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -inf else a + log1p(exp(b - a))


def loss(characters: Sequence[Character]) -> float:
    """Mean negative log-probability of the characters; infinite for none."""
    if not characters:
        return inf
    return -sum(log(max(character.probability, 1e-6)) for character in characters) / len(characters)


def text_of(characters: Sequence[Character]) -> str:
    """The characters joined."""
    return "".join(character.text for character in characters)
