"""Texts of a document: which words make up a name, an address or a number, and how they are written out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from emendo.fields.compare import plain
from emendo.fields.validate import iban_holds

from .candidates import Scene
from .labels import INDEX

BLOCKS: Final = frozenset({"seller_address", "buyer_address"})
"""Fields that keep their lines."""
NUMBERS: Final = frozenset({"number", "order_number", "seller_tax_id", "buyer_tax_id", "iban"})
"""Fields that stand on one line and have figures."""
_AT_END = -0.7
"""Log-odds above which a word at the end of a passage belongs to it."""
_SHORTEST: Final = {"iban": 15, "seller_tax_id": 5, "buyer_tax_id": 5}
"""Letters and figures that such a number has at least (an IBAN: ISO 13616)."""
EXPECTED: Final = frozenset({"seller", "seller_address"})
"""Fields that nearly every document has."""
_CERTAIN: Final = (0.0, -1.0, -2.0)
"""Log-odds above which a word begins a passage; where none does, the next for what is expected."""
_WITHIN = -1.4
"""Log-odds above which a word between two of a field belongs to it."""
_APART, _BELOW = 4.0, 1.6
"""Gaps on a line and between lines, in heights, that part two passages."""
_KEY = re.compile(r"^[^\d]*?[^\W\d_][^\d]*?[:#](?=.*\d)")
_SHORT_KEY = re.compile(r"^(?:[^\W\d]{1,9}[.°º#]+\s?)+(?=[^.]*\d)")
_MARKS = " :;,.*=#-_|/\\~'\"`·•"
_MIXED = re.compile(r"[\dOolI]*\d[\dOolI]*[.,;]?")
_ROUND: Final = str.maketrans("OolI", "0011")
_FIGURES: Final = 2
_NAMES: Final = frozenset({"seller", "buyer"})
_REGISTERED = re.compile(r"^(?:[#*]?[A-Z]?\d{4,}\s+)+(?=.*[^\W\d]{3})|\s*\([^()]*\d{4,}[^()]*\)?$|\s+au capital\b.*$")
"""Numbers before a name, that of a register behind it, and what the owners paid in."""
_LEGAL = re.compile(
    r"[^\W_][\s.,]+(?:GmbH|m\.?b\.?H|AG|KG|OHG|e\.\s?[KVG]|eG|UG|SE|SARL|S\.?A\.?R\.?L|SASU?|S\.?A\.?S?|EURL|SNC|Ltd|Limited|LLP|LLC"
    r"|Inc|Corp|PLC|SDN\.?\s?BHD|BERHAD|S/B|B\.?V|N\.?V|V\.?O\.?F|S\.?[rR]\.?[lL]|S\.?p\.?A|S\.?L\.?U?|S\.?A\.?U)\.?$",
    re.IGNORECASE,
)
"""The legal form at the end of a firm's name."""
_WHOLE: Final = 4
"""Words of a name with its legal form that is no end of a longer one."""
_AGAIN: Final = 80.0
"""Per cent in which two texts agree that are one name."""
_BRAND: Final = 3
"""Letters that a brand has at least."""
_COUNT = re.compile(r"^\d+(?:[.,]\d+)?\s*(?=[^\W\d_])")
"""A count in one word with its unit."""
_SWAPS: Final = {
    "O": "0", "D": "0", "Q": "0", "I": "1", "L": "1", "S": "5", "B": "8", "Z": "2", "G": "6",
    "0": "O", "1": "I7", "2": "Z", "3": "8", "4": "9", "5": "S6", "6": "G85", "7": "1", "8": "B36", "9": "4",
}  # fmt: skip
"""Characters of an IBAN, and what they may be instead."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a field: its words, its log-odds, that of the next best passage, and whether it was repaired."""

    text: str
    words: tuple[int, ...]
    score: float
    second: float
    repaired: bool = False


def passage(scene: Scene, label: str, *, unlike: str = "") -> Passage | None:
    """The likeliest passage for a field that does not say `unlike`; None where no word is tagged with it."""
    for certain in _CERTAIN if label in EXPECTED or unlike else _CERTAIN[:1]:
        found = _likeliest(scene, label, _passages(scene, label, certain), unlike)
        if found is not None:
            return found
    return None


def _likeliest(scene: Scene, label: str, found: Sequence[list[int]], unlike: str) -> Passage | None:
    weighed = sorted(((_weight(scene, label, some), some) for some in found), key=lambda pair: -pair[0])
    for at, (_, some) in enumerate(weighed):
        text = written(scene, label, some)
        if not _can_be(label, text) or (unlike and plain(text) == plain(unlike)):
            continue
        rest = [other for other in weighed[at + 1 :] if plain(written(scene, label, other[1])) != plain(text)]
        second = scene.odd(rest[0][1], label) if rest else -9.0
        made = Passage(text, tuple(some), scene.odd(some, label), second)
        return mended_iban(made) if label == "iban" else made
    return None


def written(scene: Scene, label: str, some: Sequence[int]) -> str:
    """The words of a passage as its field has them: with line breaks in an address, without the key of a number."""
    lines: list[list[str]] = []
    last: int | None = None
    for at in scene.layout.in_order(some):
        if last is None or not _runs_on(scene, last, at):
            lines.append([])
        lines[-1].append(_figures_mended(scene.layout.words[at].text.replace("_", " ")))
        last = at
    text = ("\n" if label in BLOCKS else " ").join(" ".join(line) for line in lines)
    if label in NUMBERS:
        return _SHORT_KEY.sub("", _KEY.sub("", text)).strip(_MARKS)
    if label in _NAMES:
        text = _REGISTERED.sub("", text)
    elif label.endswith(".unit"):
        text = _COUNT.sub("", text)
    elif label.endswith(".code"):
        text = " ".join(dict.fromkeys(text.strip("[]").split(" ")))  # in its column and in the name once more
    return text.strip(" :;*=_|~`·•")


def _figures_mended(text: str) -> str:
    """A word of figures among which letters stand that look like 0 and 1."""
    if _MIXED.fullmatch(text) and sum(map(str.isdecimal, text)) >= _FIGURES:
        return text.translate(_ROUND)
    return text


def _runs_on(scene: Scene, last: int, at: int) -> bool:
    """Whether two words follow each other on a printed line, with no other word than marks between them."""
    layout = scene.layout
    if layout.line_of[last] != layout.line_of[at]:
        return False
    return layout.place_in[at] == layout.place_in[last] + 1


def _passages(scene: Scene, label: str, certain: float) -> list[list[int]]:
    """Runs of words on printed lines, joined over lines where these follow each other closely."""
    runs = _runs(scene, label, certain)
    if label in NUMBERS:
        return runs
    passages: list[list[int]] = []
    ends: list[list[int]] = []
    for run in runs:
        home = next((at for at in reversed(range(len(passages))) if _follows(scene, ends[at], run)), None)
        if home is not None and (
            _again(scene, label, run, (passages[home], ends[home])) or _complete(scene, label, ends[home], run)
        ):
            home = None
        if home is None:
            passages.append(list(run))
            ends.append(run)
        else:
            passages[home] += run
            ends[home] = run
    return passages


def _can_be(label: str, text: str) -> bool:
    """Whether a text can be a value of a field at all."""
    said = plain(text)
    if label == "iban":
        return len(said) >= _SHORTEST["iban"] and sum(map(str.isdecimal, said)) >= len(said) / 2
    if label in NUMBERS:
        return len(said) >= _SHORTEST.get(label, 1) and any(map(str.isdecimal, said))
    return any(map(str.isalpha, said))


def _again(scene: Scene, label: str, run: Sequence[int], before: Sequence[Sequence[int]]) -> bool:
    """Whether a run says once more what stands before it; a name also with misread letters, or after its first words
    as a brand.
    """
    said, earlier = _said(scene, run), [_said(scene, some) for some in before]
    if said in earlier or label not in _NAMES:
        return said in earlier
    return any(len(one) >= _BRAND and fuzz.ratio(said[: len(one)], one) >= _AGAIN for one in earlier)


def _complete(scene: Scene, label: str, above: Sequence[int], below: Sequence[int]) -> bool:
    """Whether one of two lines is a firm's whole name with its legal form: what stands below it is somebody else, what
    stands above it a brand.
    """
    layout = scene.layout
    if label not in _NAMES or layout.line_of[above[-1]] == layout.line_of[below[0]]:
        return False
    high, low = (" ".join(layout.words[at].text for at in some) for some in (above, below))
    if _LEGAL.search(high):
        return not low.startswith(("&", "+", "("))
    return bool(_LEGAL.search(low)) and len(below) >= _WHOLE


def _said(scene: Scene, some: Sequence[int]) -> str:
    return plain("".join(scene.layout.words[at].text for at in some))


def _runs(scene: Scene, label: str, least: float) -> list[list[int]]:
    column = scene.odds[:, INDEX[label]]
    others = scene.odds.argmax(axis=1)
    runs: list[list[int]] = []
    edge: set[int] = set()
    for line in scene.layout.lines:
        run: list[int] = []
        waiting: list[int] = []
        for at in line:
            certain = column[at] > least or others[at] == INDEX[label]
            if run and scene.layout.gap((waiting or run)[-1], at) > _APART:
                runs.append(run)
                run, waiting = [], []
            if certain:
                run += [*waiting, at] if run else [at]
                waiting = []
            elif run and (column[at] > _WITHIN or _same_piece(scene, run[-1], at)) and len(waiting) < 2:
                waiting.append(at)
            elif run and not _bare(scene, at):
                runs.append(run)
                run, waiting = [], []
            if (
                column[at] > _AT_END
                and not _mostly_figures(scene, at)
                and _same_piece(scene, (waiting or run or [at])[-1], at)
            ):
                edge.add(at)
        if run:
            runs.append(run)
    return [_reaching(scene, run, edge) for run in runs]


def _reaching(scene: Scene, run: list[int], edge: set[int]) -> list[int]:
    """A run with the words next to its ends that hang together with it and are hardly less likely."""
    for end, step in ((0, -1), (-1, 1)):
        other = scene.layout.beside(run[end], step)
        if other is not None and other in edge and other not in run and _same_piece(scene, run[end], other):
            run = [other, *run] if step < 0 else [*run, other]
    return run


def _mostly_figures(scene: Scene, at: int) -> bool:
    text = scene.layout.words[at].text
    return sum(map(str.isdecimal, text)) > sum(map(str.isalpha, text))


def _same_piece(scene: Scene, one: int, other: int) -> bool:
    """Whether the line detector saw two words as one piece, close to each other."""
    words, layout = scene.layout.words, scene.layout
    if (words[one].page, words[one].line) != (words[other].page, words[other].line):
        return False
    left, right = sorted((one, other), key=lambda at: layout.place_in[at])
    return layout.gap(left, right) < 1.0


def _bare(scene: Scene, at: int) -> bool:
    """Whether a word is a mark between two parts of a passage."""
    return not any(char.isalnum() for char in scene.layout.words[at].text)


def _follows(scene: Scene, above: Sequence[int], below: Sequence[int]) -> bool:
    """Whether a run stands right below another, or on its line."""
    layout = scene.layout
    if layout.line_of[above[-1]] == layout.line_of[below[0]]:
        return layout.gap(above[-1], below[0]) < _APART
    page, one = layout.outline(above)
    other_page, other = layout.outline(below)
    if page != other_page:
        return False
    height = max(layout.height(above[0]), layout.height(below[0]))
    room = other[1] - one[3]
    beside = min(one[2], other[2]) - max(one[0], other[0])
    return -0.8 * height < room < _BELOW * height and beside > -2 * height


def _weight(scene: Scene, label: str, some: Sequence[int]) -> float:
    """How much speaks for a passage: the chances of its words, more words more."""
    column = scene.odds[list(some), INDEX[label]]
    return float((1 / (1 + 2.718281828**-column)).sum() - 0.3 * len(some))


def mended_iban(found: Passage) -> Passage:
    """An IBAN whose check digits fit, if one does that differs by a look-alike; else as it was read (ISO 13616)."""
    text = found.text.upper()
    if iban_holds(text):
        return found
    start = re.search(r"[A-Z]{2}[\dOIlSBZ]{2}", text.replace(" ", ""))
    tight = text.replace(" ", "")[start.start() :] if start else text.replace(" ", "")
    tight = "".join(char for char in tight if char.isalnum())
    bases = [tight, tight[:2] + "".join(_figure(char) for char in tight[2:])]
    for base in bases:
        if iban_holds(base):
            return Passage(_grouped(base), found.words, found.score - 1, found.second, repaired=True)
    fits = {
        base[:at] + other + base[at + 1 :]
        for base in bases
        for at, char in enumerate(base)
        for other in _SWAPS.get(char, "")
        if iban_holds(base[:at] + other + base[at + 1 :])
    }
    if len(fits) != 1:
        return found
    return Passage(_grouped(fits.pop()), found.words, found.score - 2, found.second, repaired=True)


def _figure(char: str) -> str:
    swaps = _SWAPS.get(char, "")
    return swaps[0] if char.isalpha() and swaps and swaps[0].isdecimal() else char


def _grouped(tight: str) -> str:
    return " ".join(tight[at : at + 4] for at in range(0, len(tight), 4))
