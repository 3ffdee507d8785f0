"""Foldings: differences between two texts that a comparison may overlook, each one switchable by name.

Nothing is folded unless it is asked for, and whatever is folded is named beside the figure: folding hides errors. The
Arabic ones are those of information retrieval (Larkey, Ballesteros & Connell, SIGIR 2002; Darwish & Magdy 2014).
Code points are those of the Unicode Standard 16, chapter 9.2.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from ..errors import FormatError, UsageError

_BLANKS = re.compile(r"\s+")
_ARABIC_BLOCKS = ((0x0600, 0x0700), (0x0750, 0x0780), (0x0870, 0x0900))
_LETTER_MARKS = frozenset(range(0x0653, 0x0656))
"""Maddah and hamza above and below: parts of a letter, not vowels."""
_FORMS = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")


@dataclass(frozen=True, slots=True)
class Folding:
    """One row: what it overlooks, which characters it drops, and which it turns into another."""

    name: str
    title: str
    drops: frozenset[int] = frozenset()
    turns: Mapping[int, str] | None = None


def _marks() -> frozenset[int]:
    every = (code for low, high in _ARABIC_BLOCKS for code in range(low, high))
    return frozenset(c for c in every if unicodedata.category(chr(c)) == "Mn" and c not in _LETTER_MARKS)


def _punctuation() -> frozenset[int]:
    return frozenset(code for code in range(0x10000) if unicodedata.category(chr(code)).startswith("P"))


FOLDINGS: tuple[Folding, ...] = (
    Folding("alef", "أ إ آ ٱ as ا", turns=dict.fromkeys((0x622, 0x623, 0x625, 0x671, 0x672, 0x673), "\u0627")),
    Folding("ya", "ى and ی as ي", turns=dict.fromkeys((0x649, 0x6CC), "\u064a")),
    Folding("ta-marbuta", "ة as ه", turns={0x629: "\u0647"}),
    Folding("tatweel", "no stretching stroke", drops=frozenset({0x640})),
    Folding("harakat", "no vowel and reading marks", drops=_marks()),
    Folding("forms", "presentation forms as their letters"),
    Folding("case", "capital letters as small ones"),
    Folding("blanks", "runs of blanks as one, none at the ends"),
    Folding("o0", "the letter O as the digit 0", turns={ord("O"): "0", ord("o"): "0"}),
    Folding("punctuation", "no punctuation", drops=_punctuation()),
)
"""Every folding by name."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "arabic": ("alef", "ya", "ta-marbuta", "tatweel", "harakat", "forms"),
    "loose": ("case", "blanks", "punctuation"),
    "plates": ("o0",),
}
"""Names that stand for several foldings."""

_NAMES = tuple(row.name for row in FOLDINGS)


@dataclass(frozen=True)
class Fold:
    """Some foldings, applied together. `Fold()` only brings a text into NFC.

    `phrases` are pairs of a phrase and the one character that it counts as, wherever it stands; they are looked for
    when all else is folded, in phrase and text alike.
    """

    names: tuple[str, ...] = ()
    phrases: tuple[tuple[str, str], ...] = ()

    def __call__(self, text: str) -> str:
        """The folded text, in NFC. Folding twice changes nothing."""
        text = self._folded(text)
        if not self._signs:
            return text
        return self._anywhere.sub(lambda found: self._signs[found[0]], text)

    def _folded(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)
        if not self.names:
            return text
        if "forms" in self.names:
            text = _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
        drops, turns = _tables(self.names)
        if drops:
            text = unicodedata.normalize("NFC", text.translate(drops))
        if turns:
            text = text.translate(turns)
        if "case" in self.names:
            text = unicodedata.normalize("NFD", text).casefold()
        if "blanks" in self.names:
            text = _BLANKS.sub(" ", text).strip()
        return unicodedata.normalize("NFC", text)

    @cached_property
    def _signs(self) -> dict[str, str]:
        """The sign of each phrase as it stands in a folded text; a phrase that is folded away is in none."""
        folded = ((self._folded(phrase).strip(), sign) for phrase, sign in self.phrases)
        return {phrase: sign for phrase, sign in folded if phrase}

    @cached_property
    def _anywhere(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self._signs, key=len, reverse=True))))


def read_phrases(path: Path) -> tuple[tuple[str, str], ...]:
    """The phrases of a file, a phrase, a tab and its sign a line; empty lines and those that begin with # do not count.

    Raises FormatError, naming the line, for anything else, for a sign that is not one character which all foldings
    leave as it is, and for one that stands in a phrase.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot be read ({error})", where=path, remedy="give a UTF-8 text file") from error
    found: dict[str, str] = {}
    everything = Fold(_NAMES)
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        phrase, _, sign = (part.strip() for part in unicodedata.normalize("NFC", line).partition("\t"))
        if not phrase or not sign:
            remedy = "write a phrase, a tab, and the character that it counts as"
            raise FormatError("is no phrase with a sign", where=path, line=number, remedy=remedy)
        if len(sign) != 1 or everything(sign) != sign:
            what = f"the sign {sign!r} is not one character that every folding leaves as it is"
            raise FormatError(what, where=path, line=number, remedy="use a symbol such as ◆")
        found[phrase] = sign
    inside = next((sign for sign in found.values() for phrase in found if sign in everything(phrase)), None)
    if inside is not None:
        raise FormatError(f"the sign {inside!r} stands in a phrase", where=path, remedy="use another symbol")
    if not found:
        raise FormatError("holds no phrases", where=path, remedy="write a phrase, a tab, and its sign a line")
    return tuple(found.items())


@cache
def _tables(names: tuple[str, ...]) -> tuple[dict[int, None], dict[int, str]]:
    rows = [row for row in FOLDINGS if row.name in names]
    drops: dict[int, None] = dict.fromkeys(code for row in rows for code in row.drops)
    return drops, {code: into for row in rows for code, into in (row.turns or {}).items()}


def fold_of(names: Iterable[str], phrases: tuple[tuple[str, str], ...] = ()) -> Fold:
    """The fold of these foldings and groups, in the order of the table, and of phrases (as in `Fold`).

    Raises UsageError naming the known ones.
    """
    wanted: set[str] = set()
    for name in names:
        members = GROUPS.get(name, (name,))
        if members[0] not in _NAMES:
            known = [*_NAMES, *GROUPS]
            close = difflib.get_close_matches(name, known, n=1)
            guess = f" (did you mean {close[0]!r}?)" if close else ""
            raise UsageError(f"unknown folding {name!r}{guess}", remedy=f"use {', '.join(known)}")
        wanted.update(members)
    return Fold(tuple(name for name in _NAMES if name in wanted), phrases)
