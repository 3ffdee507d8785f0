"""The one road for a text: composed, single blanks, no marks that only steer the display."""

from __future__ import annotations

import re
import unicodedata

DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that tell a display which way to write (Unicode Annex 9); texts are in logical order and need none."""
_DROPPED = {ord(mark): None for mark in DIRECTION_MARKS + "\u200b\u2060\ufeff\u00ad"}
_BLANKS = re.compile(r"[\s\u0085\u00a0]+")


def normalize_text(text: str) -> str:
    """A line's text in NFC: runs of blanks folded to one space, ends stripped, direction and zero-width marks dropped.

    Joiners (U+200C, U+200D) stay, for they change letters. Control characters are dropped; they are no writing.
    """
    written = (char for char in text.translate(_DROPPED) if char.isspace() or unicodedata.category(char) != "Cc")
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", "".join(written))).strip(" ")


def alphabet_of(texts: list[str]) -> tuple[str, ...]:
    """The characters of normalised texts, each once, by code point."""
    return tuple(sorted({char for text in texts for char in normalize_text(text)}))
