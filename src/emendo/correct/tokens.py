"""A freely edited text as words with places where a line may be cut.

Words are what whitespace separates; characters of scripts without spaces (Chinese, Japanese) are words of their own.
Each word remembers in which line of the file it stands, for a kept line end is evidence of where a line image ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\s{_ALONE}]+")


def fold(text: str) -> str:
    """One character per character of `text`, equal for those that readers mix up: case, accents, kinds of sign."""
    return "".join(_fold(character) for character in text)


def _fold(character: str) -> str:
    if character.isspace():
        return " "
    base = unicodedata.normalize("NFD", character)[0].casefold()[:1]
    return base if base.isalnum() else "."


def codes(text: str) -> npt.NDArray[np.int32]:
    """Code points, shape (len(text),)."""
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text; boundary `b` in 0..len lies before word `b`.

    `starts[b]` and `ends[b]` are offsets in `joined` (all words with one blank where there was white space);
    `line_start[b]` says that word `b` begins a line of the file (true at both ends of the text); `lines[b]` is the
    number of its line, from 1.
    """

    joined: str
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    line_start: npt.NDArray[np.bool_]
    lines: tuple[int, ...]
    exact: npt.NDArray[np.int32] = field(repr=False)
    folded: npt.NDArray[np.int32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, first: int, last: int) -> str:
        """Words `first` up to and without `last`."""
        return self.joined[self.starts[first] : self.ends[last - 1]] if last > first else ""

    def breaks(self, first: int, last: int) -> int:
        """Line ends inside words `first` up to and without `last`."""
        return int(self.line_start[first + 1 : last].sum())


def split_words(lines: Sequence[tuple[int, str]]) -> Words:
    """The words of numbered lines."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    line_start: list[bool] = []
    numbers: list[int] = []
    length = 0
    for number, line in lines:
        previous_end = None
        for match in _WORD.finditer(line):
            if length and (previous_end is None or match.start() > previous_end):
                parts.append(" ")
                length += 1
            starts.append(length)
            line_start.append(previous_end is None)
            numbers.append(number)
            parts.append(match.group())
            length += len(match.group())
            ends.append(length)
            previous_end = match.end()
    joined = "".join(parts)
    return Words(
        joined,
        np.array(starts, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array([*line_start, True], dtype=np.bool_),
        tuple(numbers),
        codes(joined),
        codes(fold(joined)),
    )
