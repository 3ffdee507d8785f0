"""Words of a language by how often they are used: packed by the build of the wheel, else those of `wordfreq`.

The frequencies are those of `wordfreq` 3 (R. Speer, 2022; https://doi.org/10.5281/zenodo.7199437; the data under CC
BY-SA 4.0, which also holds for the packed lists). A packed list holds the words that a line can contain and is a third
as large as wordfreq's own, which also needs Chinese and Japanese dictionaries and four more packages.
"""

from __future__ import annotations

import json
import lzma
import unicodedata
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

MOST_WORDS: Final = 400_000
RAREST: Final = 450
"""Class (minus a hundred times the decimal logarithm of a word's share) below which a word is frequent."""
FREQUENT: Final = "frequent.json.xz"
FOLDER: Final = Path(str(resources.files("emendo.text"))) / "words"
"""Where the build of the wheel puts the packed lists: `words/fr.xz`, and `words/NOTICE` with credits and licence."""
NOTICE: Final = (
    "Word frequencies of wordfreq 3 (Robyn Speer, 2022, https://doi.org/10.5281/zenodo.7199437), licensed under\n"
    "CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/). Changed: words that are not letters with\n"
    "apostrophes are left out, as are all but the 400,000 most frequent words of a language; packed by class.\n"
    "The lists stay under that licence. Sources and further credits: https://github.com/rspeer/wordfreq.\n"
)


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages with words between blanks that there are lists of; none where no list is installed."""
    if FOLDER.is_dir():
        return tuple(sorted(path.stem for path in FOLDER.glob("*.xz") if path.name != FREQUENT))
    try:
        from wordfreq import available_languages
    except ImportError:
        return ()
    return tuple(sorted(set(available_languages("best")) - {"ja", "ko", "zh"}))


def word_groups(language: str) -> list[list[str]]:
    """The words (lower case, NFC, letters and apostrophes) of each class in centibels, the most frequent first.

    `language` is one of `languages()`.
    """
    if FOLDER.is_dir():
        text = lzma.decompress((FOLDER / f"{language}.xz").read_bytes()).decode()
        return [line.split(" ") if line else [] for line in text.split("\n")]
    from wordfreq import get_frequency_list

    groups: list[list[str]] = []
    known: set[str] = set()
    for group in get_frequency_list(language, wordlist="best"):
        kept = (unicodedata.normalize("NFC", word) for word in group if word.replace("'", "").isalpha())
        groups.append([word for word in dict.fromkeys(kept) if word not in known][: MOST_WORDS - len(known)])
        known.update(groups[-1])
    return groups


@cache
def frequent_words(language: str) -> dict[str, int]:
    """The frequent words of a language with their classes, all below `RAREST`."""
    if FOLDER.is_dir():
        found: dict[str, int] = _frequent_of_all()[language]
        return found
    from wordfreq import get_frequency_list

    groups = get_frequency_list(language, wordlist="small")[:RAREST]
    return {word: centibels for centibels, group in enumerate(groups) for word in group if word.isalpha()}


@cache
def _frequent_of_all() -> dict[str, dict[str, int]]:
    return dict(json.loads(lzma.decompress((FOLDER / FREQUENT).read_bytes())))


def packed_frequent() -> bytes:
    """The frequent words of all languages as the build stores them."""
    return lzma.compress(json.dumps({code: frequent_words(code) for code in languages()}).encode(), preset=9)


def packed(language: str) -> bytes:
    """The list of a language as the build stores it: a line of words for each class, compressed by LZMA."""
    return lzma.compress("\n".join(" ".join(group) for group in word_groups(language)).encode(), preset=9)
