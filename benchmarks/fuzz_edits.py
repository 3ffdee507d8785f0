"""Edits that people make to the text of a page, with the truth of which words belong to which line image.

A text is a list of file lines, a file line a list of (owner, words): the owner is the number of the line image that the
words were written on, None for the person's own notes. Every edit keeps this true.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Words = list[str]
Piece = tuple[int | None, Words]

NOTES = (
    "TODO",
    "[illisible]",
    "Note to self: look this up in the atlas",
    "--- 12 ---",
    "Voir aussi la lettre du 3 mars",
    "(continued from the other notebook)",
    "?? à vérifier avec Jeanne avant la fin du mois",
    "p. 47",
)


@dataclass
class Edited:
    """A page under edit. `broken` are owners whose text the file no longer holds as it is on the image."""

    lines: list[list[Piece]]
    broken: set[int] = field(default_factory=set)
    layout: list[str] = field(default_factory=list)

    def expected(self, count: int) -> list[str | None]:
        """For each line image the text that the file holds for it, None when it does not hold it whole."""
        words: list[Words] = [[] for _ in range(count)]
        for line in self.lines:
            for owner, some in line:
                if owner is not None:
                    words[owner] += some
        return [" ".join(some) if some and i not in self.broken else None for i, some in enumerate(words)]

    def text(self) -> str:
        """The file."""
        return "\n".join(" ".join(word for _, words in line for word in words) for line in self.lines) + "\n"


Edit = Callable[[random.Random, Edited, Sequence[str]], None]


def none(_r: random.Random, _e: Edited, _readings: Sequence[str]) -> None:
    """Only the errors are corrected."""


def merge(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """One to four times two lines become one."""
    for _ in range(r.randint(1, 4)):
        if len(e.lines) > 1:
            at = r.randrange(len(e.lines) - 1)
            e.lines[at : at + 2] = [e.lines[at] + e.lines[at + 1]]


def split(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """One to four lines become two."""
    for _ in range(r.randint(1, 4)):
        long = [i for i, line in enumerate(e.lines) if sum(len(words) for _, words in line) > 1]
        if long:
            at = r.choice(long)
            flat = _flat([e.lines[at]])
            cut = r.randrange(1, len(flat))
            e.lines[at : at + 1] = [_gather(flat[:cut]), _gather(flat[cut:])]


def reflow(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """A paragraph, or the whole page, gets another width or becomes one long line."""
    size = len(e.lines)
    first, last = (0, size) if r.random() < 0.4 or size < 6 else sorted(r.sample(range(size + 1), 2))
    width = r.choice((30, 45, 60, 72, 80, 100, 10_000))
    lines: list[list[Piece]] = []
    line: list[tuple[int | None, str]] = []
    for owner, word in _flat(e.lines[first:last]):
        if line and len(" ".join(w for _, w in line)) + 1 + len(word) > width:
            lines.append(_gather(line))
            line = []
        line.append((owner, word))
    e.lines[first:last] = lines + ([_gather(line)] if line else [])


def insert(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """One to three notes of the person's own between lines."""
    for _ in range(r.randint(1, 3)):
        e.lines.insert(r.randint(0, len(e.lines)), [(None, r.choice(NOTES).split())])


def delete(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """One to five lines are taken out."""
    for _ in range(min(r.randint(1, 5), len(e.lines) - 1)):
        gone = e.lines.pop(r.randrange(len(e.lines)))
        e.broken |= {owner for owner, _ in gone if owner is not None}


def typos(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """Two of a hundred characters are mistyped: the label is what the person typed."""
    for line in e.lines:
        for _, words in line:
            words[:] = [_mistype(r, word) for word in words]


def hyphens(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """Words that were hyphenated at a line's end are written together, on the first or the second line."""
    for at in range(len(e.lines) - 1):
        (owner, words), (next_owner, next_words) = e.lines[at][-1], e.lines[at + 1][0]
        if owner is None or next_owner is None or not words or not next_words:
            continue
        if words[-1].endswith(("-", "=", "¬")) and len(words[-1]) > 1 and r.random() < 0.8:
            whole = words[-1][:-1] + next_words[0].lstrip("-=¬")
            if r.random() < 0.7:
                words[-1] = whole
                next_words.pop(0)
            else:
                words.pop()
                next_words[0] = whole
            e.broken |= {owner, next_owner}


def partial(r: random.Random, e: Edited, readings: Sequence[str]) -> None:
    """Only the first lines are corrected, the rest stays as it was read."""
    upto = r.randrange(len(e.lines))
    for line in e.lines[upto:]:
        for owner, words in line:
            if owner is not None:
                words[:] = readings[owner].split()


def layout(r: random.Random, e: Edited, _readings: Sequence[str]) -> None:
    """Windows line ends, byte order mark, NFD, tabs, blanks at the ends, blank lines."""
    e.layout = r.sample(["crlf", "bom", "nfd", "tabs", "blanks", "blank lines"], r.randint(1, 4))


EDITS: dict[str, Edit] = {
    edit.__name__: edit for edit in (none, merge, split, reflow, insert, delete, typos, hyphens, partial, layout)
}
ORDER = ("partial", "typos", "hyphens", "delete", "insert", "merge", "split", "reflow", "layout")


def fuzz(seed: int, kind: str, truth: Sequence[str], readings: Sequence[str]) -> tuple[bytes, list[str | None]]:
    """The bytes of the edited file and, per line image, the text it holds for it (None: not whole).

    `kind` is a name of EDITS, or `mixed` for two to four of them.
    """
    r = random.Random(f"{seed} {kind}")
    e = Edited([[(i, text.split())] for i, text in enumerate(truth) if text.strip()])
    kinds = [kind]
    if kind == "mixed":
        kinds = r.sample(ORDER, r.randint(2, 4))
        kinds.sort(key=ORDER.index)
        if r.random() < 0.5 and "insert" in kinds and "reflow" in kinds:
            kinds.remove("insert")
            kinds.append("insert")
    for name in kinds:
        EDITS[name](r, e, readings)
    e.lines = [[(owner, words) for owner, words in line if words] for line in e.lines]
    e.lines = [line for line in e.lines if line]
    return _bytes(r, e), e.expected(len(truth))


def corrupt(r: random.Random, text: str, rate: float, alphabet: str) -> str:
    """`text` as a model with this CER might read it."""
    out = []
    for character in text:
        if r.random() >= rate:
            out.append(character)
        else:
            out.append(r.choice(("", r.choice(alphabet), r.choice(alphabet), character + r.choice(alphabet))))
    return " ".join("".join(out).split())


def _flat(lines: Sequence[Sequence[Piece]]) -> list[tuple[int | None, str]]:
    return [(owner, word) for line in lines for owner, words in line for word in words]


def _gather(flat: Sequence[tuple[int | None, str]]) -> list[Piece]:
    pieces: list[Piece] = []
    for owner, word in flat:
        if pieces and pieces[-1][0] == owner:
            pieces[-1][1].append(word)
        else:
            pieces.append((owner, [word]))
    return pieces


def _mistype(r: random.Random, word: str) -> str:
    letters = list(word)
    for i, letter in enumerate(word):
        if r.random() < 0.02 and len(word) > 1:
            letters[i] = r.choice(("", r.choice("aeinrstu"), letter * 2))
    return "".join(letters) or word


def _bytes(r: random.Random, e: Edited) -> bytes:
    text = e.text()
    if "nfd" in e.layout:
        text = unicodedata.normalize("NFD", text)
    if "tabs" in e.layout:
        text = "".join("\t" if c == " " and r.random() < 0.1 else c for c in text)
    if "blanks" in e.layout:
        text = "\n".join(" " * r.randint(0, 3) + line + " " * r.randint(0, 3) for line in text.split("\n"))
    if "blank lines" in e.layout:
        text = "".join(c * r.choice((1, 1, 2, 3)) if c == "\n" else c for c in text)
    if "crlf" in e.layout:
        text = text.replace("\n", "\r\n")
    return (b"\xef\xbb\xbf" if "bom" in e.layout else b"") + text.encode()
