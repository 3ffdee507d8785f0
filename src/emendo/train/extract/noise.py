"""Exact words made as a reader would give them: misread, run together, torn apart, lost, in the reader's order.

A made-up document knows each of its words and what it tells. A network that only ever saw such words would be lost on
those of a reader, so each time that a document is seen, errors are drawn anew: look-alike characters, lost blanks above
all where a table leaves gaps, boxes as wide as the line's, and lines cut and ordered as `pages.order` orders them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.models.extract.features import by_row, lay_out
from emendo.pages.lines import TextLine
from emendo.pages.order import arrange
from emendo.types import Box, Word

_ALIKE: Final[dict[str, str]] = {
    "0": "OoDQ", "O": "0DQ", "o": "0ec", "1": "lI7i", "l": "1I", "I": "1lJ", "i": "lj1", "5": "S6", "S": "5$8",
    "8": "B36", "B": "8R", "6": "GB8", "G": "6C", "2": "Z7", "Z": "2", "3": "8", "4": "A1", "9": "g", "7": "1",
    "e": "ca", "a": "eo", "c": "eo", "n": "uhr", "u": "nv", "h": "nb", "m": "nw", "t": "fl", "f": "t", "r": "n",
    "E": "FB", "F": "PE", "P": "F", "R": "KB", "K": "RX", "M": "NH", "N": "MH", "H": "NM", "T": "1IY", "U": "V",
    "V": "U", "C": "GO", "D": "O0", "A": "4", ".": ",", ",": ".", ":": ".;", ";": ":", "-": "~_", "€": "E6",
    "ä": "a", "ö": "o", "ü": "u", "é": "e", "è": "e", "à": "a", "ß": "B", "ç": "c", "ñ": "n", "í": "i",
    "ó": "o", "á": "a", "Ä": "A", "Ö": "O", "Ü": "U", "É": "E",
}  # fmt: skip
_LEVELS: Final = ((0.35, 0.001), (0.35, 0.012), (0.2, 0.035), (0.1, 0.08))
"""Shares of documents, and of their characters that are misread."""
LABELLED: Final = 4.0
"""So much oftener is the blank lost between a label's colon and its value."""
_BY_ORDER: Final = 0.4
"""Share of documents that are put in order as a page is, which costs as much as all other faults together."""


@dataclass(frozen=True, slots=True)
class Made:
    """A word with what it may tell (numbers of labels, any of them) and the row of a table it stands in, -1 for none.

    `at` is its number in the document, -1 where nobody asks.
    """

    word: Word
    labels: tuple[int, ...]
    row: int = -1
    at: int = -1


@dataclass(frozen=True, slots=True)
class _Grade:
    """How bad the reading of one document is: chances of each fault."""

    misread: float
    lost_blank: float
    wide_blank: float
    split: float
    lost: float
    gap: float
    upper: bool


def noisy(document: Sequence[Made], rng: np.random.Generator, strength: float = 1.0) -> list[Made]:
    """The words of a document as a reader might give them, in its order; with strength 0 in order and unharmed."""
    if not document:
        return []
    grade = _grade(rng, strength)
    lines = [line for piece in _pieces(document, grade.gap) for line in [_misread(piece, grade, rng)] if line]
    return _ordered(lines or [list(document)], plainly=bool(rng.random() > _BY_ORDER))


def _grade(rng: np.random.Generator, strength: float) -> _Grade:
    shares, rates = zip(*_LEVELS, strict=True)
    misread = float(rng.choice(rates, p=shares)) * strength
    bad = misread > 0.005 or rng.random() < 0.3
    return _Grade(
        misread=misread,
        lost_blank=strength * (rng.choice([0.0, 0.01, 0.05, 0.15], p=[0.3, 0.35, 0.25, 0.1]) if bad else 0.003),
        wide_blank=strength * (rng.choice([0.02, 0.15, 0.6], p=[0.3, 0.4, 0.3]) if bad else 0.02),
        split=strength * (0.01 if bad else 0.002),
        lost=strength * (rng.choice([0.0, 0.01, 0.04]) if bad else 0.002),
        gap=float(rng.choice([0.8, 1.3, 2.0, 3.5])),
        upper=bool(rng.random() < 0.12 * strength),
    )


def _pieces(document: Sequence[Made], gap: float) -> list[list[Made]]:
    """Words that stand together in a row, none further than `gap` heights from the next."""
    words = [one.word for one in document]
    layout = lay_out(words)
    found: list[list[Made]] = []
    for row in by_row(layout.rows):
        members = row[np.argsort(layout.boxes[row, 0], kind="stable")]
        last = None
        for at in members:
            if last is None or layout.boxes[at, 0] - layout.boxes[last, 2] > gap:
                found.append([])
            found[-1].append(document[at])
            last = at
    return found


def _misread(piece: Sequence[Made], grade: _Grade, rng: np.random.Generator) -> list[Made]:
    """One line as it is read, with boxes as high as the line; nothing where the line was not found."""
    if rng.random() < grade.lost * (2 if len(piece) == 1 else 0.5):
        return []
    left = min(one.word.box[0] for one in piece)
    top, bottom = min(one.word.box[1] for one in piece), max(one.word.box[3] for one in piece)
    height = max(1.0, bottom - top)
    up, down = rng.uniform(-0.12, 0.15, 2) * height
    found: list[Made] = []
    for one in piece:
        if len(one.word.text) < 3 and rng.random() < grade.lost:
            continue
        text, sure = _text(one.word.text, grade, rng)
        if not text:
            continue
        x0, x1 = one.word.box[0] + rng.normal(0, 0.1) * height, one.word.box[2] + rng.normal(0, 0.1) * height
        word = Word(text, (x0, top - up, max(x1, x0 + 1), bottom + down), 0, one.word.page, sure)
        made = replace(one, word=word)
        told = bool(found) and found[-1].word.text.endswith(":")
        space = (one.word.box[0] - (found[-1].word.box[2] if found else left)) / height
        blank = grade.wide_blank if space > 1.0 else grade.lost_blank
        if found and rng.random() < blank * (LABELLED if told else 1.0):
            found[-1] = joined(found[-1], made)
        elif len(text) > 3 and rng.random() < grade.split:
            found += _torn(made, int(rng.integers(1, len(text))))
        else:
            found.append(made)
    return found


def _text(text: str, grade: _Grade, rng: np.random.Generator) -> tuple[str, float]:
    """The text as it is read, and how sure the reader is."""
    seen = misread(text.upper() if grade.upper else text, grade.misread, rng)
    if seen is None:
        return text.upper() if grade.upper else text, 1 - 0.25 * float(rng.random()) ** 3
    return seen, float(rng.uniform(0.15, 0.95))


def misread(text: str, rate: float, rng: np.random.Generator) -> str | None:
    """A word in which about so many characters are taken for others or lost; None where it is read right."""
    if rate == 0 or rng.random() > len(text) * rate * 1.5:
        return None
    characters: list[str] = []
    for char in text:
        chance = rng.random()
        if chance < rate * 0.6 + 0.15:
            near = _ALIKE.get(char, "")
            characters.append(near[int(rng.integers(len(near)))] if near and rng.random() < 0.8 else char)
        elif chance <= 1 - (0.1 if char in ".,:-" else 0.03):
            characters.append(char)
    return "".join(characters)


def joined(one: Made, other: Made) -> Made:
    """Two words as one; what the one tells is what the whole tells, and either where both tell something."""
    box: Box = (
        min(one.word.box[0], other.word.box[0]),
        min(one.word.box[1], other.word.box[1]),
        max(one.word.box[2], other.word.box[2]),
        max(one.word.box[3], other.word.box[3]),
    )
    text = one.word.text + other.word.text
    word = replace(one.word, text=text, box=box, confidence=min(one.word.confidence, other.word.confidence))
    labels = tuple(dict.fromkeys(label for label in (*one.labels, *other.labels) if label)) or (0,)
    return Made(word, labels, one.row if one.row >= 0 else other.row, one.at)


def _torn(made: Made, at: int) -> list[Made]:
    x0, y0, x1, y1 = made.word.box
    middle = x0 + (x1 - x0) * at / len(made.word.text)
    first = replace(made.word, text=made.word.text[:at], box=(x0, y0, middle, y1))
    return [
        replace(made, word=first),
        replace(made, word=replace(made.word, text=made.word.text[at:], box=(middle, y0, x1, y1))),
    ]


def _ordered(lines: Sequence[Sequence[Made]], *, plainly: bool) -> list[Made]:
    """Lines in reading order, page by page, numbered; `plainly` from the top."""
    found: list[Made] = []
    pages = sorted({line[0].word.page for line in lines})
    for page in pages:
        own = [line for line in lines if line[0].word.page == page]
        for number, line in enumerate(own if plainly else _arranged(own)):
            found += [replace(one, word=replace(one.word, line=number)) for one in line]
    return found


def _arranged(lines: Sequence[Sequence[Made]]) -> list[Sequence[Made]]:
    outlines: dict[int, Sequence[Made]] = {}
    texts: list[TextLine] = []
    for line in lines:
        boxes: npt.NDArray[np.float64] = np.asarray([one.word.box for one in line])
        x0, y0 = map(float, boxes[:, :2].min(axis=0))
        x1, y1 = map(float, boxes[:, 2:].max(axis=0))
        outline = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        base = y1 - 0.2 * (y1 - y0)
        texts.append(TextLine(outline, outline, ((x0, base), (max(x1, x0 + (y1 - y0)), base)), y1 - y0))
        outlines[id(texts[-1])] = line
    return [outlines[id(placed.line)] for placed in arrange(texts)]
