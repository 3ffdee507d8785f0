"""Whether what was read can be a text of its language: its script, and the words that the language knows.

Neither needs the truth. A reader that meets another script, another language or pictures it cannot read goes on giving
letters; fewer of them make words, or they belong to a script that the traffic did not hold before.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..errors import UsageError
from ..text.lexicon import LEAST_WORDS, Lexicon, detect_language, explained
from ..text.wordlists import languages

LEAST_SHARE: Final = 0.05
"""Share of the letters that a script must have to be expected."""
SHORTEST_WORD: Final = 3
"""Shorter words are known in most languages, and say little."""
MOST_DETECTED: Final = 400
"""Lines from which the language is told, spread over all."""
MOST_COMPARED: Final = 60
"""Words of a page, spread over it, by which its language is compared with all others."""
LETTERS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Expected:
    """What traffic is expected to hold: scripts (LATIN, ARABIC, ...; empty: any), and the code of a language that has a
    word list (empty: none, words are then not judged)."""

    scripts: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Validity:
    """Raw counts of one text: its letters by script, its words of at least three letters, and those that are known.

    `lead` is by how much the expected language explains the words better than any other does (mean decimal logarithms
    of frequency; negative: another does), None for fewer words than a language can be told from.
    """

    scripts: Mapping[str, int]
    words: int = 0
    known: int = 0
    lead: float | None = None

    def in_script(self, expected: Expected) -> float | None:
        """Share of the letters that belong to an expected script, None without letters."""
        letters = sum(self.scripts.values())
        if not letters or not expected.scripts:
            return None
        return sum(self.scripts.get(script, 0) for script in expected.scripts) / letters

    @property
    def known_share(self) -> float | None:
        """Share of the words that the language knows, None without words."""
        return self.known / self.words if self.words else None


@lru_cache(maxsize=20_000)
def script_of(char: str) -> str:
    """The script of a letter in capitals (LATIN, ARABIC, CJK, ...); empty for what is no letter.

    It is the first word of the character's name, which for letters is that of its script (UAX #24) nearly always.
    """
    if not char.isalpha():
        return ""
    return unicodedata.name(char, "UNKNOWN").split(" ")[0].split("-")[0]


def scripts_in(text: str) -> Counter[str]:
    """Letters of a text by script."""
    found: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if script := script_of(char):
            found[script] += count
    return found


def expected_of(texts: Sequence[str], language: str = "") -> Expected:
    """What texts hold: scripts with at least a twentieth of the letters, and the language (told from frequent words
    unless `language` names it; empty where none is clear or there is no list of its words).

    Raises UsageError for a language without a word list.
    """
    scripts = scripts_in("\n".join(texts))
    letters = sum(scripts.values())
    usual = tuple(sorted(script for script, count in scripts.items() if count >= LEAST_SHARE * letters))
    step = max(1, len(texts) // MOST_DETECTED)
    return Expected(usual, Lexicon.of(language).language if language else detect_language(texts[::step]))


def validity(texts: Iterable[str], expected: Expected) -> Validity:
    """Count the letters and words of texts; words are counted only where a language is expected that has a list."""
    whole = "\n".join(texts)
    scripts = scripts_in(whole)
    found = LETTERS.findall(whole.lower())
    lexicon = _lexicon(expected.language)
    if lexicon is None:
        return Validity(dict(scripts))
    long = [word for word in found if len(word) >= SHORTEST_WORD]
    known = sum(lexicon.frequency(word) > 0 for word in long)
    return Validity(dict(scripts), len(long), known, _lead(found, lexicon.language))


def _lead(words: Sequence[str], language: str) -> float | None:
    others = [one for one in languages() if one != language]
    if len(words) < LEAST_WORDS or not others:
        return None
    some = words[:: max(1, len(words) // MOST_COMPARED)]
    return explained(language, some) - max(explained(one, some) for one in others)


def _lexicon(language: str) -> Lexicon | None:
    """The words of a language; None where it is empty or this installation has none of it."""
    try:
        return Lexicon.of(language) if language else None
    except UsageError:
        return None
