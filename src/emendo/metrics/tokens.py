"""Tokenizers by name: what a metric counts as one unit of text."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import regex

from ..errors import EngineError, FormatError, UsageError

Tokens = Sequence[str | int]
Tokenize = Callable[[str], Tokens]

_GRAPHEME = regex.compile(r"\X")
_WORD_OR_MARK = regex.compile(r"\p{Han}|[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]")


def _graphemes(text: str) -> Tokens:
    return list(_GRAPHEME.findall(text))


def _words_and_marks(text: str) -> Tokens:
    return list(_WORD_OR_MARK.findall(text))


TOKENIZERS: dict[str, Tokenize] = {
    "words": str.split,
    "characters": list,
    "graphemes": _graphemes,
    "words-marks": _words_and_marks,
}
"""Words between blanks; code points; what a reader sees as one character (Unicode Annex 29); words, punctuation marks
and Han characters each by itself."""

SACREBLEU = ("13a", "intl", "zh", "char")
"""Tokenizers of sacrebleu (Post 2018), for figures that others publish."""


def tokenizer(name: str) -> Tokenize:
    """The tokenizer of a name, or of a `tokenizer.json` file (Hugging Face tokenizers; its tokens are numbers).

    Raises UsageError naming the known ones, EngineError when the library that it needs is missing.
    """
    if name in TOKENIZERS:
        return TOKENIZERS[name]
    if name in SACREBLEU:
        return _sacrebleu(name)
    if name.endswith(".json"):
        return _from_file(name)
    known = [*TOKENIZERS, *SACREBLEU]
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    raise UsageError(f"unknown tokenizer {name!r}{guess}", remedy=f"use {', '.join(known)}, or a tokenizer.json")


def sacrebleu() -> Any:
    """The module sacrebleu. Raises EngineError when it is not installed."""
    try:
        import sacrebleu as module
    except ImportError as error:
        raise EngineError("this metric needs sacrebleu", remedy="pip install 'emendo[metrics]'") from error
    return module


@cache
def _sacrebleu(name: str) -> Tokenize:
    rules = sacrebleu().BLEU(tokenize=name, trg_lang="").tokenizer
    return lambda text: str(rules(text)).split()


@cache
def _from_file(name: str) -> Tokenize:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EngineError("a tokenizer.json needs tokenizers", remedy="pip install 'emendo[train]'") from error
    if not Path(name).is_file():
        raise UsageError(f"no tokenizer {name!r}", remedy="name a tokenizer.json that is there")
    try:
        opened = Tokenizer.from_str(Path(name).read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing narrower
        raise FormatError("is no tokenizer of the tokenizers library", where=name) from error
    return lambda text: list(opened.encode(text, add_special_tokens=False).ids)
