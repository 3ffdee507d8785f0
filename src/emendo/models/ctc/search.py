"""Prefix beam search (Hannun et al. 2014), with or without a beginning that is already right.

A person who corrects a line from left to right has said what its beginning is; the rest is searched under that
constraint, as in computer-assisted transcription (Toselli, Romero, Vidal & Rodríguez, "Computer assisted transcription
of handwritten text images", ICDAR 2007). What the beginning is worth in each frame follows exactly from the forward
variables of CTC (Graves et al. 2006), so only the rest costs a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from emendo.text.language import LanguageModel
from emendo.text.ngram import END

ANY = -1
"""A class that stands for any character: what the person wrote is no class of the network."""
FAR = 300.0
"""A beginning this many nats ahead of all else becomes the measure of the masses, so that none overflows."""
_LEAST = 1e-300
_Candidates = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Weighing:
    """How evidence and language are weighed: prefixes kept per frame, weight of the model, bonus per character.

    In a frame the `most` probable characters are tried, of those above `least` (natural logarithm); prefixes `pruned`
    nats behind the best are dropped. With `one` only the best text is wanted: prefixes that cannot win any more leave
    their places to others.
    """

    width: int
    model_weight: float
    bonus: float
    least: float = -5.0
    most: int = 8
    pruned: float = 6.0
    one: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A text that the search ends with, and its score (natural logarithm, comparable within one search)."""

    text: str
    score: float


def search(
    log_probs: npt.NDArray[np.float32],
    alphabet: tuple[str, ...],
    model: LanguageModel | None,
    weighing: Weighing,
    *,
    begun: str = "",
    classes: Sequence[int] = (),
    then: str = END,
) -> list[Found]:
    """The best texts in the order of the frames, the best first; all of them begin with `begun`.

    `log_probs` has shape (frames, 1 + len(alphabet)); `classes` are those that emit `begun` in these frames, `ANY`
    where the alphabet does not hold a character. Without them `begun` is what stands before the frames. `then` is what
    stands behind them. Nothing is found where the line has too few frames for the classes.
    """
    beam = _Beam(alphabet, model, weighing, begun, classes[-1] if classes else 0)
    if classes:
        worth = forward(log_probs, classes)
        beam.kept = []
    for frame, (blank, candidates) in enumerate(_candidates(log_probs, weighing.least, weighing.most)):
        if classes and frame:
            beam.hold(*worth[frame - 1])
        if beam.kept:
            beam.step(frame + 1, blank, candidates)
    if classes and worth:
        beam.hold(*worth[-1])
    return beam.found(then)


class _Prefix:
    """A text begun: one node of the tree of all texts that were tried, so that none is counted or scored twice.

    `mass` is the sum over its paths up to `frame`, relative to the measure of the beam and weighed with what the
    language model and the bonus give; `held` the part of the paths that end in its last class, `last`. `factor` is
    what the language model and the bonus give for that class alone, `context` what the language model remembers of
    the text.
    """

    __slots__ = ("children", "context", "factor", "frame", "held", "last", "mass", "text")

    def __init__(self, text: str, last: int, factor: float, context: str) -> None:
        self.text, self.last, self.factor, self.context = text, last, factor, context
        self.children: dict[int, _Prefix] = {}
        self.frame, self.mass, self.held = 0, 1.0, 0.0


_mass = attrgetter("mass")


class _Beam:
    """The prefixes that are still in a search, the best first.

    All is reckoned in probabilities relative to a measure, `log_measure`, that moves with the best prefix: nothing
    underflows, and hardly a logarithm is taken.
    """

    def __init__(
        self, alphabet: tuple[str, ...], model: LanguageModel | None, weighing: Weighing, begun: str, last: int
    ) -> None:
        self.alphabet, self.weighing = alphabet, weighing
        self.model = model if weighing.model_weight else None
        self.worths = {} if self.model is None else self.model.worths(weighing.model_weight, weighing.bonus)
        self.most = exp(weighing.bonus)  # no class is worth more, for no probability is above one
        self.cut = exp(-weighing.pruned)
        self.begun = _Prefix(begun, last, 1.0, self._context(begun))
        self.kept = [self.begun]
        self.log_measure = 0.0

    def hold(self, ends: float, last: float) -> None:
        """Put the beginning in, with the log-probability of its paths that end in a blank and in its last class."""
        begun, self.kept = self.begun, [prefix for prefix in self.kept if prefix is not self.begun]
        total = float(np.logaddexp(ends, last))
        if total == -inf:
            return
        ahead = total - self.log_measure
        if not self.kept or ahead > FAR:
            for prefix in self.kept:
                prefix.mass *= exp(-ahead)
                prefix.held *= exp(-ahead)
            self.log_measure, ahead = total, 0.0
        begun.mass, begun.held = exp(ahead), exp(last - self.log_measure)
        if begun.mass:
            self.kept.append(begun)
            self.kept.sort(key=_mass, reverse=True)

    def step(self, frame: int, blank: float, candidates: _Candidates) -> None:
        """Go on by one frame, counted from 1."""
        kept, width, cut, most, alphabet = self.kept, self.weighing.width, self.cut, self.most, self.alphabet
        if not candidates:  # the blank alone: all prefixes fare alike
            self.log_measure += log(max(blank, _LEAST))
            for prefix in kept:
                prefix.held = 0.0
            return
        self.log_measure += log(kept[0].mass)
        scale = 1 / kept[0].mass
        before = [(prefix, prefix.mass * scale, prefix.held * scale) for prefix in kept]
        for prefix, total, _ in before:
            prefix.frame, prefix.mass, prefix.held = frame, total * blank, 0.0
        # what is below the floor would not be among the kept, whatever else comes
        floor = max(kept[0].mass * cut, kept[width - 1].mass if len(kept) >= width else 0.0)
        grown = kept.copy()
        for prefix, total, held in before:
            children, last = prefix.children, prefix.last
            for k, score in candidates:
                gained = total * score
                if k == last:
                    prefix.held += held * score
                    prefix.mass += held * score
                    gained -= held * score
                child = children.get(k)
                if child is None:
                    if gained * most < floor:
                        continue
                    factor, context = self._worth(prefix.context, k)
                    gained *= factor
                    if gained >= floor:
                        child = children[k] = _Prefix(prefix.text + alphabet[k - 1], k, factor, context)
                        child.frame, child.mass, child.held = frame, gained, gained
                        grown.append(child)
                        floor = max(floor, gained * cut)
                    continue
                gained *= child.factor
                if child.frame == frame:
                    child.mass += gained
                    child.held += gained
                elif gained >= floor:
                    child.frame, child.mass, child.held = frame, gained, gained
                    grown.append(child)
                    floor = max(floor, gained * cut)
        self.kept = self._best(grown)

    def found(self, then: str) -> list[Found]:
        """The texts of the prefixes, each as it goes on with `then`."""
        weight = self.weighing.model_weight
        scored = [
            Found(prefix.text, log(prefix.mass) + self.log_measure + weight * self._foreseen(prefix.context, then)[0])
            for prefix in self.kept
            if prefix.mass
        ]
        return sorted(scored, key=attrgetter("score"), reverse=True)

    def _worth(self, context: str, k: int) -> tuple[float, str]:
        """What the language model and the bonus give for class `k` in a context, and the context after it."""
        entry = self.alphabet[k - 1]
        known = self.worths.get(context + entry)
        if known is not None:
            return known
        foreseen, after = self._foreseen(context, entry)
        worth = exp(self.weighing.bonus + self.weighing.model_weight * foreseen / len(entry)), after
        if len(entry) == 1:  # a sign would be taken for its last character in a longer context
            self.worths[context + entry] = worth
        return worth

    def _foreseen(self, context: str, text: str) -> tuple[float, str]:
        """Log-probability of a text in a context, and the context after it."""
        total = 0.0
        if self.model is not None:
            for char in text:
                log_prob, context = self.model.follow(context, char)
                total += log_prob
        return total, context

    def _context(self, begun: str) -> str:
        return self._foreseen("", begun)[1]

    def _best(self, prefixes: list[_Prefix]) -> list[_Prefix]:
        """The best `width` prefixes, the best first; where one text is wanted, without those that cannot win any more.

        Two prefixes with one last class that the language model goes on from alike will gain alike. So the one behind
        in both parts of its mass stays behind, as long as none is there that it goes on from, which may add to it, or
        that goes on from it, to which it adds. It would only take the place of one that differs.
        """
        prefixes.sort(key=_mass, reverse=True)
        least = max(prefixes[0].mass * self.cut, _LEAST)
        near = [prefix for prefix in prefixes if prefix.mass >= least]
        if not self.weighing.one:
            return near[: self.weighing.width]
        first: dict[tuple[int, str], _Prefix] = {}
        found: list[_Prefix] = []
        for prefix in near:
            other = first.setdefault((prefix.last, prefix.context), prefix)
            behind = prefix.held <= other.held and prefix.mass - prefix.held <= other.mass - other.held
            if behind and other is not prefix and _alone(prefix, near):
                continue
            found.append(prefix)
            if len(found) == self.weighing.width:
                break
        return found


def _alone(prefix: _Prefix, prefixes: Sequence[_Prefix]) -> bool:
    """Whether no other prefix begins its text or goes on from it."""
    text = prefix.text
    return not any(one is not prefix and (one.text.startswith(text) or text.startswith(one.text)) for one in prefixes)


def forward(log_probs: npt.NDArray[np.float32], classes: Sequence[int]) -> list[tuple[float, float]]:
    """After each frame the log-probability of all paths that have emitted just `classes`: ending in blank, in the last.

    O(frames * classes), vectorised over the classes.
    """
    wanted = np.asarray(classes, np.int64)
    states = np.zeros(2 * len(wanted) + 1, np.int64)
    states[1::2] = np.maximum(wanted, 0)
    emit = log_probs[:, states].astype(np.float64)
    anything = np.flatnonzero(wanted == ANY)
    if len(anything):
        blank = np.minimum(log_probs[:, 0].astype(np.float64), -1e-9)
        emit[:, 2 * anything + 1] = np.maximum(np.log1p(-np.exp(blank)), -20.0)[:, None]
    barred = np.full(len(states), -np.inf)
    barred[3::2] = np.where((wanted[1:] != wanted[:-1]) | (wanted[1:] == ANY), 0.0, -np.inf)
    padded = np.full(len(states) + 2, -np.inf)
    found: list[tuple[float, float]] = []
    now, before, two_before = padded[2:], padded[1:-1], padded[:-2]
    for at, frame in enumerate(emit):
        if at:
            step = np.logaddexp(now, before)
            np.logaddexp(step, two_before + barred, out=step)
        else:
            step = np.full(len(states), -np.inf)
            step[:2] = 0.0
        np.add(step, frame, out=now)
        found.append((float(now[-1]), float(now[-2])))
    return found


def _candidates(log_probs: Any, least: float, most: int) -> Iterator[tuple[float, _Candidates]]:
    """Per frame the blank's probability and those of the classes worth a look: above e^least, and the `most` best."""
    frames, classes = np.nonzero(log_probs[:, 1:] > least)
    classes += 1
    scores = np.exp(log_probs[frames, classes], dtype=np.float64).tolist()
    found: list[_Candidates] = [[] for _ in log_probs]
    for frame, k, score in zip(frames.tolist(), classes.tolist(), scores, strict=True):
        found[frame].append((k, score))
    for near in found:
        if len(near) > 1:
            near.sort(key=itemgetter(1), reverse=True)
            del near[most:]
    return zip(np.exp(log_probs[:, 0], dtype=np.float64).tolist(), found, strict=True)
