"""Words of a language by how often they are used: packed by the build of the wheel, else those of `wordfreq`.

The frequencies are those of `wordfreq` 3 (R. Speer, 2022; https://doi.org/10.5281/zenodo.7199437; the data under CC
BY-SA 4.0, which also holds for the packed lists). A packed list holds the words that a line can contain and is a
quarter of wordfreq's own, which also needs Chinese and Japanese dictionaries and four more packages.
"""

from __future__ import annotations

import bz2
import json
import sys
import unicodedata
from array import array
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

MOST_WORDS: Final = 400_000
RAREST: Final = 450
"""Class (minus a hundred times the decimal logarithm of a word's share) below which a word is frequent."""
_NONE_SHARED, _MOST_SHARED = 33, 60
FREQUENT: Final = "frequent.json.bz2"
FOLDER: Final = Path(str(resources.files("emendo.text"))) / "words"
"""Where the build of the wheel puts the packed lists: `words/fr.bz2`, and `words/NOTICE` with credits and licence."""
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
        return tuple(sorted(path.stem for path in FOLDER.glob("*.bz2") if path.name != FREQUENT))
    try:
        from wordfreq import available_languages
    except ImportError:
        return ()
    return tuple(sorted(set(available_languages("best")) - {"ja", "ko", "zh"}))


def listed_words(language: str) -> list[tuple[str, int]]:
    """The words (lower case, NFC, letters and apostrophes) of a language in order, each with its class in centibels.

    `language` is one of `languages()`.
    """
    if FOLDER.is_dir():
        return unpacked((FOLDER / f"{language}.bz2").read_bytes())
    from wordfreq import get_frequency_list

    found: dict[str, int] = {}
    for centibels, group in enumerate(get_frequency_list(language, wordlist="best")):
        for word in group:
            if word.replace("'", "").isalpha():
                found.setdefault(unicodedata.normalize("NFC", word), centibels)
    return sorted(list(found.items())[:MOST_WORDS])


def packed(words: Sequence[tuple[str, int]]) -> bytes:
    """A list as the build stores it, compressed: the classes, two bytes each, and the words.

    Of a word stand one character for how many it shares with the word before, and the rest (front coding).
    """
    rows, before = [], ""
    for word, _ in words:
        shared = _shared(before, word)
        rows.append(chr(_NONE_SHARED + shared) + word[shared:])
        before = word
    classes = array("H", (centibels for _, centibels in words))
    if sys.byteorder == "big":
        classes.byteswap()
    return bz2.compress(len(words).to_bytes(4, "little") + classes.tobytes() + "\n".join(rows).encode())


def _shared(before: str, word: str) -> int:
    same = 0
    for one, other in zip(before[:_MOST_SHARED], word, strict=False):
        if one != other:
            break
        same += 1
    return same


def unpacked(data: bytes) -> list[tuple[str, int]]:
    """The list that `packed` stored."""
    held = bz2.decompress(data)
    count = int.from_bytes(held[:4], "little")
    classes = array("H", held[4 : 4 + 2 * count])
    if sys.byteorder == "big":
        classes.byteswap()
    words, before = [], ""
    for row in held[4 + 2 * count :].decode().split("\n"):
        before = before[: ord(row[0]) - _NONE_SHARED] + row[1:]
        words.append(before)
    return list(zip(words, classes, strict=True))


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
    return dict(json.loads(bz2.decompress((FOLDER / FREQUENT).read_bytes())))


def packed_frequent() -> bytes:
    """The frequent words of all languages as the build stores them."""
    return bz2.compress(json.dumps({code: frequent_words(code) for code in languages()}).encode())
