"""The words of a language and how often they are used: what a reader expects before having seen the author's hand.

Frequencies come from `wordfreq` (see `wordlists`), a merge of web pages, subtitles, news, books and Wikipedia in some
forty languages. A lexicon gives the probability of the next character from the share of the words that begin with what
has been written so far: unlike an n-gram it never forgets the beginning of a word, and it needs no text.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise

from emendo.errors import FormatError, UsageError

from .ngram import END
from .wordlists import RAREST, frequent_words, languages, listed_words

HEADER = "emendo-words/1"
MOST_SPANS = 100_000
RAREST_CLASS = 2000
LAST = "\U0010ffff"
LEAST_WORDS, LEAST_EXPLAINED, LEAST_LEAD = 15, 0.6, 0.1
"""Detection: words needed, gain and lead (decimal logarithms) needed; words that are not frequent are unknown."""
_WORD = re.compile(r"[^\W\d_]+")
CENTIBELS = 100
"""A word's class is minus a hundred times the decimal logarithm of its share of all words (the unit of wordfreq)."""

_AFTER_WORD = {
    " ": 0.72, END: 0.084, ",": 0.075, ".": 0.044, "'": 0.05, "-": 0.011, '"': 0.006, ")": 0.002,
    ":": 0.0013, ";": 0.0007, "?": 0.0005, "!": 0.0005, "°": 0.001,
}  # fmt: skip
_OUTSIDE = {
    " ": 0.1, END: 0.036, ".": 0.01, "-": 0.01, '"': 0.007, "?": 0.003, ",": 0.003, ":": 0.0027, "(": 0.0025,
    "!": 0.0017, ";": 0.0015, "/": 0.001, ")": 0.001,
}  # fmt: skip
_LETTER, _DIGIT, _DIGIT_AFTER_DIGIT = 0.8, 0.042, 0.5
"""What follows a word, and what stands outside words: shares counted on the training transcriptions of some 2,700 lines
of French and English letters and notebooks. Anything else shares `_OTHER`."""
_OTHER = 0.0002
_OPENING = " \"'("
"""What may stand between the end of a sentence and the capital of the next."""
_CAPITAL_FIRST, _CAPITAL_LINE, _CAPITAL_INSIDE = 0.89, 0.4, 0.08
"""Shares of capitals among first letters: after a full stop, at the beginning of a line, elsewhere (same lines)."""
_CAPITALS_GO_ON = 0.45
"""Share of words with a capital in front whose second letter is one too (same lines)."""
_ELIDED = 0.93
"""Share of apostrophes after a word that only stands in front of one (l', qu')."""
_SAME = {"’": "'", "ʼ": "'", "–": "-", "—": "-", "”": '"', "“": '"', "«": '"', "»": '"', "،": ",", "؛": ";", "؟": "?"}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Sorted lower-case words of one language and the class of each in centibels.

    `language` is its code in `languages()`: ISO 639-1 where there is one.
    """

    language: str
    words: tuple[str, ...]
    classes: tuple[int, ...]
    _totals: array[float] = field(default_factory=lambda: array("d"), repr=False, compare=False)
    _spans: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        powers = [10 ** (-centibels / CENTIBELS) for centibels in range(max(self.classes, default=0) + 1)]
        self._totals.extend(accumulate((powers[c] for c in self.classes), initial=0.0))

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, language: str) -> Lexicon:
        """The lexicon of a language; raises UsageError when there is none."""
        code = language_code(language)
        if not code:
            known = ", ".join(languages()) or "no language: this installation holds no word lists (pip install emendo)"
            raise UsageError(f"there are no words of the language {language!r}", remedy=f"use one of {known}")
        return cls.build(code, listed_words(code))

    @classmethod
    def build(cls, language: str, entries: Iterable[tuple[str, int]]) -> Lexicon:
        """From pairs of a word and its class; of a word that comes twice the first class holds."""
        found: dict[str, int] = {}
        for word, centibels in entries:
            found.setdefault(word, centibels)
        words = tuple(sorted(found))
        same = {centibels: centibels for centibels in set(found.values())}  # one number for all words of a class
        return cls(language, words, tuple(same[found[word]] for word in words))

    def share(self, prefix: str) -> float:
        """Share of all words (0 to 1, by use) that begin with `prefix`; the prefix itself counts."""
        low, high = self._span(prefix)
        return (self._totals[high] - self._totals[low]) / self._totals[-1] if self._totals[-1] else 0.0

    def _span(self, prefix: str) -> tuple[int, int]:
        """First and one past the last of the words that begin with `prefix`: a part of those that begin with less."""
        found = self._spans.get(prefix)
        if found is None:
            low, high = self._span(prefix[:-1]) if prefix else (0, len(self.words))
            low = bisect_left(self.words, prefix, low, high)
            high = bisect_left(self.words, prefix + LAST, low, high)
            if len(self._spans) > MOST_SPANS:
                self._spans.clear()
            found = self._spans[prefix] = (low, high)
        return found

    def frequency(self, word: str) -> float:
        """Share of `word` among all words, 0 when it is unknown."""
        at, end = self._span(word)
        if at == end or self.words[at] != word:
            return 0.0
        return (self._totals[at + 1] - self._totals[at]) / self._totals[-1]

    def probability(self, context: str, character: str) -> float:
        """Probability of `character` (or `END`) after `context`, the line so far; 0 where no word goes on so."""
        at = word_start(context)
        word = context[at:].lower()
        character = _SAME.get(character, character)
        if not word:
            return self._outside(context, character)
        held = self.share(word)
        if not held:
            return 0.0
        if character.isalpha():
            share = self.share(word + character.lower()) / held
            return share * _case_goes_on(context[at:], character)
        ends = self.frequency(word) / held
        if _is_elided(word):
            return ends * (_ELIDED if character == "'" else (1 - _ELIDED) * _AFTER_WORD.get(character, _OTHER))
        return ends * _AFTER_WORD.get(character, _OTHER)

    def _outside(self, context: str, character: str) -> float:
        number = context[-1:].isdecimal()
        if character.isdecimal():
            return (_DIGIT_AFTER_DIGIT if number else _DIGIT) / 10
        return self._no_digit(context.rstrip(_OPENING), character) * (
            (1 - _DIGIT_AFTER_DIGIT) if number else 1 - _DIGIT
        )

    def _no_digit(self, before: str, character: str) -> float:
        if character.isalpha():
            capital = _CAPITAL_LINE if not before else _CAPITAL_FIRST if before[-1] in ".!?" else _CAPITAL_INSIDE
            return _LETTER * self.share(character.lower()) * (capital if character.isupper() else 1 - capital)
        return _OUTSIDE.get(character, _OTHER)

    def to_text(self) -> str:
        """The lexicon as text, a word and its class a line, which `from_text` reads."""
        rows = (f"{word} {centibels}" for word, centibels in zip(self.words, self.classes, strict=True))
        return "\n".join((f"{HEADER} {self.language}", *rows)) + "\n"

    @classmethod
    def from_text(cls, text: str, *, where: str = "") -> Lexicon:
        """Read what `to_text` wrote; raises FormatError when it is something else."""
        head, _, body = text.partition("\n")
        form, _, language = head.partition(" ")
        entries = body.split()
        words = tuple(entries[::2])
        try:
            classes = tuple(map(int, entries[1::2]))
        except ValueError:
            classes = ()
        if form != HEADER or not words or len(words) != len(classes) or not _in_order(words, classes):
            raise FormatError(f"is no {HEADER}", where=where, remedy="train the model again")
        return cls(language, words, classes)


def detect_language(texts: Sequence[str]) -> str:
    """The language whose frequent words explain the words of some lines best; empty when none clearly does.

    A cheap naive Bayes over words: the lines may be read with many errors, but need `LEAST_WORDS` words.
    """
    words = [word for text in texts for word in _WORD.findall(text.lower())]
    if len(words) < LEAST_WORDS:
        return ""
    scores = sorted(((explained(language, words), language) for language in languages()), reverse=True)
    if len(scores) < 2:
        return ""
    (best, language), (second, _) = scores[:2]
    return language if best >= LEAST_EXPLAINED and best - second >= LEAST_LEAD else ""


def explained(language: str, words: Sequence[str]) -> float:
    """Mean gain of at least one word (lower case) over unknown ones, in decimal logarithms; `language` is one of
    `languages()`."""
    frequent = frequent_words(language)
    return sum((RAREST - frequent.get(word, RAREST)) / CENTIBELS for word in words) / len(words)


def language_code(name: str) -> str:
    """The code in `languages()` for a language tag (fr, fra, fr-CA; BCP 47); empty when there are no words of it."""
    try:
        from langcodes import Language, LanguageTagError
    except ImportError:  # a device without it reads with the models' own words
        return name if name in languages() else ""
    try:
        code = Language.get(name).language or ""
    except LanguageTagError:
        return ""
    return code if code in languages() else ""


def remembered(context: str) -> int:
    """How many characters at the end of `context` decide what a lexicon foresees: its word, or what is before."""
    begun = len(context) - word_start(context)
    return begun or min(len(context), len(context) - len(context.rstrip(_OPENING)) + 1)


def word_start(context: str) -> int:
    """Where the word at the end of `context` begins; its length when none does. An apostrophe ends a word."""
    if context.isalpha():
        return 0
    at = len(context)
    while at and context[at - 1].isalpha():
        at -= 1
    return at


def _case_goes_on(written: str, character: str) -> float:
    upper = character.isupper()
    if len(written) == 1 and written.isupper():
        return _CAPITALS_GO_ON if upper else 1 - _CAPITALS_GO_ON
    return 0.97 if upper == written[-1].isupper() else 0.03


def _is_elided(word: str) -> bool:
    """Whether a French or Italian word stands only in front of an apostrophe: one consonant, or ending in qu."""
    return word.endswith("qu") or (len(word) == 1 and word in "cdjlmnst")


def _in_order(words: Sequence[str], classes: Sequence[int]) -> bool:
    return all(a < b for a, b in pairwise(words)) and min(classes) >= 0 and max(classes) <= RAREST_CLASS
