"""Words of pages that were read before, so that training, evaluation and mining read each page once.

    words/3f/3f9a...e1.json   the words of one page, by the hash of its pixels, the reader and the line finder

Files are written whole; one that is damaged is read anew. The words of a page are as private as the page: the cache is
for the work on data sets, not for what a service is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..models.base import cache_folder
from ..tools.files import remove_folder, write_text
from ..types import Image, Recognizer, Word
from .segment import Finder
from .words import ROAD, read_words

FORMAT: Final = "emendo.words/1"
FOLDER: Final = "words"
PageWords = Callable[[Image, int], list[Word]]
"""The words of a page (H, W, 3) uint8 RGB, and its number from 1."""


def cached_words(
    recognizer: Recognizer,
    finder: Finder | None = None,
    *,
    threads: int = 1,
    engine: str = "onnxruntime",
    folder: Path | None = None,
) -> PageWords:
    """`read_words` on `threads` threads that remembers. `engine` is the run time, for that changes what is read.

    The cache lies in `folder`, else beside the converted models. A finder that does not say its `version` is not known
    well enough: its pages are read each time.
    """
    version = "" if finder is None else getattr(finder, "version", None)
    kept = (folder or cache_folder()) / FOLDER

    def words(page: Image, number: int) -> list[Word]:
        if version is None:
            return read_words(page, recognizer, finder, number=number, threads=threads)
        name = _key(page, recognizer.model, engine, version)
        place = kept / name[:2] / f"{name}.json"
        known = _held(place)
        if known is None:
            known = read_words(page, recognizer, finder, number=number, threads=threads)
            write_text(place, _text(known))
        return [replace(word, page=number) for word in known]

    return words


def clear_words(folder: Path | None = None) -> None:
    """Remove all words that are kept: which page they are of cannot be told from them."""
    remove_folder((folder or cache_folder()) / FOLDER)


def _key(page: Image, *told: str) -> str:
    """SHA-256 of the page's pixels and of how they are read."""
    digest = hashlib.sha256(json.dumps([FORMAT, ROAD, page.shape, *told]).encode())
    digest.update(np.ascontiguousarray(page).data)
    return digest.hexdigest()


def _text(words: list[Word]) -> str:
    rows = [[word.text, word.box, word.line, word.confidence] for word in words]
    return json.dumps({"format": FORMAT, "words": rows}, ensure_ascii=False, separators=(",", ":"))


def _held(place: Path) -> list[Word] | None:
    """The words of a file; None when it is not there or damaged."""
    try:
        content = json.loads(place.read_bytes())
        return [_word(row) for row in content["words"]] if content["format"] == FORMAT else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _word(row: Any) -> Word:
    text, (left, top, right, bottom), line, confidence = row
    if not isinstance(text, str) or not isinstance(line, int):
        raise TypeError
    return Word(text, (float(left), float(top), float(right), float(bottom)), line, confidence=float(confidence))
