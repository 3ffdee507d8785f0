"""What an author is likely to write: the characters of their own lines mixed with the words of their language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log

from .lexicon import Lexicon, remembered
from .ngram import END, CharacterModel, count_line
from .normalize import normalize_text

FLOOR = 1e-3
"""Probability of any character that neither part foresees."""
SHARE_STEPS, FOLDS, MOST_LINES = 8, 4, 400
MOST_FORESEEN = 100_000
"""Answers that are remembered, some fifteen megabytes; past that they are found anew."""
PRIOR = 50


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Probability of a character after those before it, as `share` of the lexicon's and the rest of the n-grams'."""

    characters: CharacterModel | None = None
    lexicon: Lexicon | None = None
    share: float = 0.5
    _foreseen: dict[str, tuple[float, str]] = field(default_factory=dict, repr=False, compare=False)
    _worths: dict[tuple[float, float], dict[str, tuple[float, str]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def follow(self, context: str, character: str) -> tuple[float, str]:
        """`log_prob` of `character` after `context`, and all of the new context that matters for what comes next.

        Contexts that go on alike become one, so that each answer is found once for all lines.
        """
        longer = context + character
        found = self._foreseen.get(longer)
        if found is None:
            if len(self._foreseen) >= MOST_FORESEEN:
                self.forget()
            found = self._foreseen[longer] = (self.log_prob(context, character), self._remembered(longer))
        return found

    def forget(self) -> None:
        """Drop the answers that `follow` remembers."""
        self._foreseen.clear()
        self._worths.clear()

    def worths(self, weight: float, bonus: float) -> dict[str, tuple[float, str]]:
        """Where a search that weighs the answers so keeps what it made of them, for all lines; `forget` drops it."""
        return self._worths.setdefault((weight, bonus), {})

    def _remembered(self, context: str) -> str:
        """The end of a context after which everything is as probable as after the whole of it."""
        most = remembered(context) if self.lexicon is not None else 0
        if self.characters is not None:
            most = max(most, self.characters.order - 1)
        return context[-most:] if most else ""

    def log_prob(self, context: str, character: str) -> float:
        """Natural logarithm of the probability of `character` (or `END`) after `context`, the line so far."""
        if self.lexicon is None:
            return self.characters.log_prob(context, character) if self.characters is not None else 0.0
        own = self.characters.probability(context, character) if self.characters is not None else FLOOR
        return log(self.share * self.lexicon.probability(context, character) + (1 - self.share) * own)

    def perplexity(self, lines: Sequence[str]) -> float:
        """Per character, ends of lines counted; 1 means that all was foreseen."""
        total, characters = 0.0, 0
        for line in lines:
            text = normalize_text(line) + END
            total += sum(self.log_prob(text[:at], char) for at, char in enumerate(text))
            characters += len(text)
        return exp(-total / max(1, characters))


def learn_language(own: Sequence[str], further: Sequence[str], lexicon: Lexicon | None, *, order: int) -> LanguageModel:
    """The model of an author's lines: n-grams of `own` and `further` lines, mixed with the lexicon.

    The lexicon's share is what foresees lines best that the n-grams have not seen: expectation maximisation over
    `own`, cut into four parts of which each is foreseen from the others (deleted interpolation; Jelinek & Mercer,
    1980).
    """
    characters = CharacterModel.learn([*own, *further], order=order)
    if lexicon is None:
        return LanguageModel(characters)
    step = max(1, len(own) // MOST_LINES)
    pairs: list[tuple[float, float]] = []
    for fold in range(min(FOLDS, len(own))):
        rest = CharacterModel.learn([*(own[i] for i in range(len(own)) if i % FOLDS != fold), *further], order=order)
        for line in own[fold :: FOLDS * step]:
            text = normalize_text(line) + END
            pairs += [
                (lexicon.probability(text[:at], char), rest.probability(text[:at], char))
                for at, char in enumerate(text)
            ]
    share = 0.5
    for _ in range(SHARE_STEPS if pairs else 0):
        share = sum(share * a / (share * a + (1 - share) * b) for a, b in pairs) / len(pairs)
    return LanguageModel(characters, lexicon, share)


class Learner:
    """Learns an author line by line, as they are corrected; each line costs what it is long.

    The share of the words follows from how well words and n-grams foresaw each line before it was learnt (expectation
    maximisation in one pass), beginning at `share` as if that had been found on `PRIOR` characters.
    """

    def __init__(self, lexicon: Lexicon | None, *, order: int = 6, share: float = 0.9) -> None:
        self._lexicon, self._order = lexicon, order
        self._counts: dict[str, Counter[str]] = {}
        self._words, self._all = share * PRIOR, float(PRIOR)

    @property
    def model(self) -> LanguageModel | None:
        """What is expected now, None for nothing yet; to be used only until the next line is learnt."""
        if not self._counts:
            return LanguageModel(None, self._lexicon, self._words / self._all) if self._lexicon is not None else None
        kinds = len(self._counts[""]) + 1
        characters = CharacterModel(self._order, self._counts, kinds)
        return LanguageModel(characters, self._lexicon, self._words / self._all)

    def learn(self, line: str) -> None:
        """Take in one line that is right."""
        now = self.model
        if now is not None and now.lexicon is not None and now.characters is not None:
            text = normalize_text(line) + END
            for at, char in enumerate(text):
                words = now.share * now.lexicon.probability(text[:at], char)
                own = (1 - now.share) * exp(now.characters.log_prob(text[:at], char))
                self._words += words / (words + own)
            self._all += len(text)
        count_line(self._counts, line, self._order)
