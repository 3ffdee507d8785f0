"""Texts for set lines in some forty languages: words by use, with the punctuation and numbers of printed books.

The words come from `wordfreq` (R. Speer, 2022; data CC BY-SA 4.0); no sentence comes from anywhere. What a script
needs beyond words is a row of `SCRIPTS`: its marks, its digits, and how what is printed differs from what is
transcribed. Arabic is printed with vowel marks, lengthened strokes and a final ya without dots, and transcribed
without them; its numbers are transcribed with the digits of the Latin script, whichever are printed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..text.direction import Direction, right_to_left
from .typeset import Word

Rng = np.random.Generator
_WORDS, _LEAST_WORDS = 60_000, 12
"""Words taken from a list, and how many of them must have a letter for it to be one of the language."""
_FLATTER = 0.6
"""Power of a word's use by which it is drawn: rare words come more often than in running text."""

FATHA, DAMMA, KASRA, SHADDA, SUKUN, TATWEEL = "\u064e", "\u064f", "\u0650", "\u0651", "\u0652", "\u0640"
_TANWIN = "\u064b\u064c\u064d"
_NO_MARK = "اىآ"
_JOIN = "بتثجحخسشصضطظعغفقكلمنهيئ"
_EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_BEFORE = ("و", "ف", "ال", "ب", "ل", "وال", "بال", "ك", "فال")
_AFTER = ("ه", "ها", "هم", "نا", "كم", "ك", "ي", "هما")


@dataclass(frozen=True, slots=True)
class Script:
    """The marks of a script: what ends a stretch of words, pairs of quotation marks and brackets, and its letters.

    `print` turns words as transcribed into words as printed.
    """

    ends: tuple[tuple[str, float], ...]
    pairs: tuple[str, ...]
    print: Callable[[list[Word], Rng], list[Word]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a language, their chances summed up to each, its letters, and whether affixes are written on."""

    words: tuple[str, ...]
    summed: npt.NDArray[np.float64]
    letters: str
    affixes: bool
    script: Script


@lru_cache(maxsize=8)
def vocabulary(language: str) -> Vocabulary:
    """The words of a language that are letters alone; raises UsageError for one that has no list."""
    from ..text.lexicon import Lexicon

    lexicon = Lexicon.of(language)
    ranked = sorted(zip(lexicon.classes, lexicon.words, strict=True))[: 3 * _WORDS]
    script = _main_script([word for _, word in ranked[:500]])
    kept = [(c, word) for c, word in ranked if len(word) <= 14 and all(_script(char) == script for char in word)]
    counts = Counter(char for _, word in kept[:_WORDS] for char in set(_with_final(word)))
    letters = "".join(sorted(char for char, count in counts.items() if count >= _LEAST_WORDS))
    kept = [(c, word) for c, word in kept[:_WORDS] if set(word) <= set(letters)]
    weights = np.array([10 ** (-_FLATTER * c / 100) for c, _ in kept])
    words = tuple(_with_final(word) for _, word in kept)
    marks = SCRIPTS.get(script.lower(), SCRIPTS["other"])
    return Vocabulary(words, np.cumsum(weights / weights.sum()), letters, language == "ar", marks)


def _with_final(word: str) -> str:
    """The word with the final form of sigma, which the lists have folded away."""
    return word[:-1] + "ς" if word.endswith("σ") else word


def direction(language: str) -> Direction:
    """Which way the lines of a language run."""
    return "rtl" if right_to_left(vocabulary(language).letters) else "ltr"


def line_words(rng: Rng, language: str, *, longest: int = 84) -> list[Word]:
    """One line of a language as words to set; its text is at most `longest` characters."""
    words = vocabulary(language)
    script = words.script
    shortest = min(12, longest)
    goal = int(
        rng.integers(shortest, longest // 2 + 1) if rng.random() < 0.2 else rng.integers(longest // 2, longest + 1)
    )
    habits = _Habits(loose=rng.random() < 0.4, odd=0.05 if rng.random() < 0.8 else 0.5, script=script)
    line: list[Word] = []
    length, open_pair = 0, ""
    while True:
        group, open_pair = _group(rng, words, habits, open_pair)
        more = sum(len(word.label) + (not word.tight) for word in group)
        if length + more > goal and line:
            return script.print(line, rng)
        line += group
        length += more
        if length >= goal:
            return script.print(line, rng)


@dataclass(frozen=True, slots=True)
class _Habits:
    """What stays the same in one line: gaps around marks, share of odd words, script."""

    loose: bool
    odd: float
    script: Script


def _group(rng: Rng, words: Vocabulary, habits: _Habits, open_pair: str) -> tuple[list[Word], str]:
    """A word with the marks around it, and the pair that is open after it."""
    found: list[Word] = []
    tight = not habits.loose
    word = _word(rng, words, habits)
    if not open_pair and rng.random() < 0.06:
        open_pair = habits.script.pairs[int(rng.integers(len(habits.script.pairs)))]
        found.append(Word(open_pair[0], open_pair[0]))
        found.append(Word(word, word, tight=tight or rng.random() < 0.3))
    else:
        found.append(Word(word, word))
    if open_pair and rng.random() < 0.3:
        found.append(Word(open_pair[1], open_pair[1], tight=tight or rng.random() < 0.3))
        open_pair = ""
    kind = rng.random()
    if kind < 0.025:
        number = f"({rng.integers(1, 10 if rng.random() < 0.7 else 100)})"
        found.append(Word(number, number, tight=rng.random() < 0.75, raised=rng.random() < 0.7))
    elif kind < 0.04:
        number = _number(rng)
        found.append(Word(number, number))
    if rng.random() < 0.2:
        marks, chances = zip(*habits.script.ends, strict=True)
        mark = str(rng.choice(marks, p=np.array(chances) / sum(chances)))
        found.append(Word(mark, mark, tight=tight))
    return found, open_pair


def _number(rng: Rng) -> str:
    forms = (str(rng.integers(1, 2000)), f"{rng.integers(1, 20)}/{rng.integers(1, 700)}", str(rng.integers(1, 100)))
    return forms[int(rng.integers(len(forms)))]


def _word(rng: Rng, words: Vocabulary, habits: _Habits) -> str:
    """A word by its use, any word of the list, or (some lines: often) letters at random, so that all are seen."""
    if rng.random() < habits.odd:
        return "".join(rng.choice(list(words.letters), int(rng.integers(2, 8))))
    if rng.random() < 0.3:
        found = words.words[int(rng.integers(len(words.words)))]
    else:
        found = words.words[min(int(np.searchsorted(words.summed, rng.random())), len(words.words) - 1)]
    if words.affixes:
        return _affixed(found, rng)
    return found.capitalize() if rng.random() < 0.12 else found.upper() if rng.random() < 0.02 else found


def _affixed(word: str, rng: Rng) -> str:
    """An Arabic word with what is written together with it: and, so, the, by, his, her, our."""
    if rng.random() < 0.18 and not word.startswith("ال"):
        word = _BEFORE[int(rng.integers(len(_BEFORE)))] + word
    if rng.random() < 0.1 and len(word) > 2 and word[-1] in _JOIN:
        word += _AFTER[int(rng.integers(len(_AFTER)))]
    return word


def _arabic_print(words: list[Word], rng: Rng) -> list[Word]:
    """Vowel marks, lengthened strokes, either kind of digits, a final ya without dots, ornate brackets."""
    style = rng.random()
    vowels = 0.0 if style < 0.3 else rng.uniform(0.02, 0.2) if style < 0.75 else rng.uniform(0.4, 0.95)
    long = rng.uniform(0.05, 0.25) if rng.random() < 0.35 else 0.0
    plain_ya, eastern, ornate = rng.random() < 0.25, rng.random() < 0.8, rng.random() < 0.1
    found = []
    for word in words:
        drawn = word.drawn
        if plain_ya and drawn.endswith("ي"):
            drawn = drawn[:-1] + "ى"
        if eastern:
            drawn = drawn.translate(_EASTERN)
        if ornate and drawn in "()":
            drawn = "\ufd3f" if drawn == "(" else "\ufd3e"
        if vowels or long:
            drawn = _marked(drawn, vowels, long, rng)
        found.append(Word(drawn, word.label, word.tight, word.raised))
    return found


def _marked(word: str, vowels: float, long: float, rng: Rng) -> str:
    """A word with vowel marks on a share of its letters, and perhaps one stroke lengthened."""
    places = [at for at in range(len(word) - 1) if word[at] in _JOIN and unicodedata.category(word[at + 1]) == "Lo"]
    stretched = places[int(rng.integers(len(places)))] if places and rng.random() < long else -1
    out = ""
    for at, char in enumerate(word):
        out += char
        if unicodedata.category(char) == "Lo" and rng.random() < vowels:
            out += _mark(char, rng, last=at == len(word) - 1)
        if at == stretched:
            out += TATWEEL * int(rng.integers(1, 4))
    return out


def _mark(char: str, rng: Rng, *, last: bool) -> str:
    if char in _NO_MARK:
        return "\u064b" if char == "ا" and last and rng.random() < 0.4 else ""
    if last and rng.random() < 0.2:
        return _TANWIN[int(rng.integers(3))]
    doubled = SHADDA if rng.random() < 0.15 else ""
    return doubled + str(rng.choice([FATHA, DAMMA, KASRA, SUKUN], p=[0.4, 0.2, 0.22, 0.18]))


def _as_written(words: list[Word], _: Rng) -> list[Word]:
    return words


SCRIPTS = {
    "arabic": Script(
        (
            ("،", 0.55),
            (":", 0.14),
            (".", 0.14),
            ("؛", 0.04),
            ("؟", 0.03),
            ("!", 0.03),
            ("-", 0.03),
            ("...", 0.02),
            ("/", 0.02),
        ),
        ("«»", "«»", "()", "()", "[]", "«»", '""', "{}", "<>"),
        _arabic_print,
    ),
    "other": Script(
        ((",", 0.5), (".", 0.3), (";", 0.05), (":", 0.05), ("?", 0.04), ("!", 0.03), ("—", 0.02), ("-", 0.01)),
        ("«»", "„“", "()", "()", "[]", '""'),
        _as_written,
    ),
}
"""The scripts that are printed in a way of their own, and all others."""


def known(language: str) -> str:
    """The language itself when lines can be set in it; raises UsageError naming the remedy otherwise."""
    from ..text.lexicon import language_code
    from ..text.wordlists import languages

    if language_code(language) != language:
        raise UsageError(f"unknown language {language!r}", remedy=f"use {', '.join(languages())}")
    return language


def _script(char: str) -> str:
    return unicodedata.name(char, "?").split()[0]


def _main_script(words: list[str]) -> str:
    counts: dict[str, int] = {}
    for word in words:
        for char in word:
            counts[_script(char)] = counts.get(_script(char), 0) + 1
    return max(counts, key=lambda name: counts[name])
