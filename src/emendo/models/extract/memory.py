"""What was learnt of a seller's documents from the ones that a person corrected: no training, at work at once.

A seller is recognised by words: the tax number or IBAN, else the name. What never changes (name, address, tax number,
IBAN, currency, kind) is then taken as the person wrote it, where the page has it. What changes (date, number, amounts)
is found beside the words that it stood beside before: wrapper induction from one example, each corrected document
being one (Kushmerick, "Wrapper induction for information extraction", IJCAI 1997).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from rapidfuzz import fuzz

from emendo.fields.schema import Document, Kind, Source, specs
from emendo.fields.values import Order, parse_amount, parse_date
from emendo.types import Box, Word

CONSTANT: Final = ("seller", "seller_address", "seller_tax_id", "iban")
"""Fields that a seller's documents share, as far as the page bears them out."""
TOLD: Final = ("currency", "type")
"""The same, of which the page often says nothing."""
FOUND: Final = (Kind.MONEY, Kind.DATE, Kind.TEXT)
"""Kinds of values that are found beside their key words."""
KINDS: Final = {spec.name: spec.kind for spec in specs(Document)}
MOST_REMEMBERED = 12
"""Documents of a seller that are looked at, the latest."""
SAME_NAME, SAME_PLACE, SAME_KEY = 88.0, 80.0, 85.0
"""Likeness (`fuzz`, 0 to 100) from which a name, an address or a key word counts as the same."""
_FIGURES = re.compile(r"(?<!\d)(\d{1,2})[-/. ](\d{1,2})[-/. ]\d{2,4}")
LEAST_NAME = 5
"""Characters that a name has at least to be searched for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stood: the words to its left in the row, else those above it."""

    key: str
    above: bool


@dataclass(frozen=True, slots=True)
class Recalled:
    """A value that the memory has for a document, where it stands there, and the share of the votes that it got."""

    value: Any
    source: Source | None
    share: float


@dataclass(frozen=True)
class Sheet:
    """The words of a document in rows, as a person sees them: what stands side by side."""

    words: tuple[Word, ...]

    @cached_property
    def rows(self) -> list[list[Word]]:
        """Words by page and height, from left to right."""
        rows: list[list[Word]] = []
        for word in sorted(self.words, key=lambda one: (one.page, (one.box[1] + one.box[3]) / 2)):
            last = rows[-1][-1] if rows else None
            if last is not None and last.page == word.page and _beside(last.box, word.box):
                rows[-1].append(word)
            else:
                rows.append([word])
        return [sorted(row, key=lambda one: one.box[0]) for row in rows]

    @cached_property
    def packed(self) -> str:
        """All letters and figures without anything between."""
        return _packed("".join(word.text for row in self.rows for word in row))


@dataclass(frozen=True, slots=True)
class Remembered:
    """One corrected document: its fields, where each changing value stood, and where other values of its kind did.

    `order` is that of day and month in its date, where the date tells it.
    """

    document: Document
    places: Mapping[str, tuple[Place, ...]]
    others: Mapping[str, tuple[Place, ...]]
    order: Order | None = None


@dataclass
class SellerMemory:
    """The corrected documents by seller. Not safe for threads: whoever shares it locks it."""

    _known: dict[str, dict[str, Remembered]] = field(default_factory=lambda: defaultdict(dict))

    def learn(self, key: str, document: Document, words: Sequence[Word]) -> None:
        """Take in a corrected document, known by `key`: what was learnt of it before is forgotten."""
        self.forget(key)
        name = _packed(document.seller or "")
        if not name:
            return
        sheet = Sheet(tuple(words))
        places: dict[str, tuple[Place, ...]] = {}
        others: dict[str, tuple[Place, ...]] = {}
        order = _order_of(document, sheet)
        for name_of, kind in KINDS.items():
            value = getattr(document, name_of)
            if value is None or name_of in CONSTANT or kind not in FOUND:
                continue
            right, wrong = _places(sheet, value, kind, order, document.sources.get(name_of))
            if right:
                places[name_of], others[name_of] = right, wrong
        self._known[name][key] = Remembered(document, places, others, order)

    def forget(self, key: str) -> None:
        """What was learnt of this document counts no more."""
        for held in self._known.values():
            held.pop(key, None)

    def recall(self, words: Sequence[Word]) -> dict[str, Recalled]:
        """What is known of a document with these words, by field; nothing where its seller is not."""
        if not self._known or not words:
            return {}
        sheet = Sheet(tuple(words))
        remembered = self._of_seller(sheet)
        if not remembered:
            return {}
        found: dict[str, Recalled] = {}
        for name in CONSTANT:
            best = _constant(name, remembered, sheet)
            if best is not None:
                found[name] = best
        for name in TOLD:
            said = Counter(str(value) for one in remembered if (value := getattr(one.document, name)) is not None)
            if said:
                value, count = said.most_common(1)[0]
                found[name] = Recalled(value, None, count / len(remembered))
        for name in {name for one in remembered for name in one.places}:
            voted = _vote(name, remembered, sheet)
            if voted is not None:
                found[name] = voted
        return found

    def _of_seller(self, sheet: Sheet) -> list[Remembered]:
        """The latest documents of the seller that the page names; of several the one whose name it has best."""
        best: tuple[float, int, str] = (0.0, 0, "")
        for name, held in self._known.items():
            if held:
                best = max(best, (_named(name, next(reversed(held.values())).document, sheet), len(name), name))
        return list(self._known[best[2]].values())[-MOST_REMEMBERED:] if best[0] >= SAME_NAME else []


def _places(
    sheet: Sheet, value: Any, kind: Kind, order: Order | None, source: Source | None
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Where a value stands (in the box that the person chose, else wherever the page has it), and the others."""
    right: dict[Place, None] = {}
    wrong: dict[Place, None] = {}
    wanted = value if kind is not Kind.TEXT else _packed(str(value))
    for row, at, _, said in _values(sheet, kind, order):
        if said != wanted:
            wrong[_place(sheet, row, at)] = None
        elif source is None or _inside(row[at], source):
            right[_place(sheet, row, at)] = None
    return tuple(right), tuple(place for place in wrong if place not in right)


def _vote(name: str, remembered: Sequence[Remembered], sheet: Sheet) -> Recalled | None:
    """The value beside the words that it stood beside before, and beside which nothing else of its kind stood."""
    kind = KINDS[name]
    told = Counter(one.order for one in remembered if one.order)
    order = told.most_common(1)[0][0] if told else None
    known = [(one.places[name], one.others[name]) for one in remembered if name in one.places]
    best: dict[Any, tuple[float, Source, int]] = {}
    for row, at, until, value in _values(sheet, kind, order):
        place = _place(sheet, row, at)
        votes = sum(_vote_of(place, right, wrong) for right, wrong in known) / len(known)
        share, source, count = best.get(value, (0.0, _source(row[at:until]), 0))
        if votes > share:
            share, source = votes, _source(row[at:until])
        best[value] = share, source, count + (votes > 0)
    if not best:
        return None
    value, (share, source, _) = max(best.items(), key=lambda item: (item[1][0], item[1][2], item[1][1].box[3]))
    if share <= 0:
        return None
    return Recalled(_said(source, sheet) if kind is Kind.TEXT else value, source, share)


def _values(sheet: Sheet, kind: Kind, order: Order | None) -> Iterator[tuple[list[Word], int, int, Any]]:
    """Each stretch of words of a row that can be a value of a kind, with the value."""
    if kind is Kind.TEXT:
        for row in sheet.rows:
            for at, word in enumerate(row):
                if any(char.isdecimal() for char in word.text):
                    yield row, at, at + 1, _packed(word.text)
        return
    read: Callable[[str], Any] = (lambda text: parse_date(text, order=order)) if kind is Kind.DATE else parse_amount
    longest = 3 if kind is Kind.DATE else 1
    for row in sheet.rows:
        for at in range(len(row)):
            for until in range(min(len(row), at + longest), at, -1):
                text = " ".join(word.text for word in row[at:until])
                if not any(char.isdecimal() for char in text):
                    continue
                try:
                    yield row, at, until, read(text.strip(" :"))
                except ValueError:
                    continue
                break


def _vote_of(place: Place, right: Sequence[Place], wrong: Sequence[Place]) -> float:
    """For, against, or neither: whichever of a document's places the words are more like."""
    good = max((_alike(place, one) for one in right), default=0.0)
    bad = max((_alike(place, one) for one in wrong), default=0.0)
    if max(good, bad) < SAME_KEY:
        return 0.0
    return 0.0 if good == bad else 1.0 if good > bad else -1.0


def _said(source: Source, sheet: Sheet) -> str:
    """The words of a place as they stand on the page."""
    return " ".join(word.text for row in sheet.rows for word in row if _inside(word, source)).strip(" :#")


def _order_of(document: Document, sheet: Sheet) -> Order | None:
    """What stands first in the date of a document, day or month; None where the date does not tell."""
    day = document.date
    if day is None or day.day == day.month:
        return None
    for word in sheet.words:
        found = _FIGURES.search(word.text)
        if found and (int(found[1]), int(found[2])) == (day.day, day.month):
            return "dmy"
        if found and (int(found[1]), int(found[2])) == (day.month, day.day):
            return "mdy"
    return None


def _place(sheet: Sheet, row: list[Word], at: int) -> Place:
    left = _key(word.text for word in row[:at])
    if left:
        return Place(left, False)
    number = next(place for place, one in enumerate(sheet.rows) if one is row)
    x0, _, x1, _ = row[at].box
    for above in reversed(sheet.rows[max(0, number - 2) : number]):
        over = _key(word.text for word in above if word.box[0] < x1 and word.box[2] > x0)
        if over:
            return Place(over, True)
    return Place("", True)


def _alike(one: Place, known: Place) -> float:
    if one.above != known.above or not one.key or not known.key:
        return 0.0
    return float(fuzz.ratio(one.key, known.key))


def _constant(name: str, remembered: Sequence[Remembered], sheet: Sheet) -> Recalled | None:
    """The value of the latest documents that the page bears out best."""
    best: tuple[float, int, str] | None = None
    for at, one in enumerate(remembered):
        value = getattr(one.document, name)
        if value is not None:
            best = max(best or (0.0, 0, ""), (_borne_out(str(value), sheet), at, str(value)))
    if best is None or best[0] < SAME_PLACE:
        return None
    return Recalled(best[2], _where(best[2], sheet), best[0] / 100)


def _borne_out(value: str, sheet: Sheet) -> float:
    return float(fuzz.partial_ratio(_packed(value), sheet.packed)) if len(sheet.packed) >= len(_packed(value)) else 0.0


def _where(value: str, sheet: Sheet) -> Source | None:
    """The box around the words that say a text; None where they do not stand together."""
    parts = [_packed(part) for part in value.split()]
    parts = [part for part in parts if part]
    words = [word for row in sheet.rows for word in row]
    packed = [_packed(word.text) for word in words]
    length = len(parts)
    best = (0.0, 0)
    for at in range(max(1, len(words) - length + 1)):
        best = max(best, (float(fuzz.ratio("".join(packed[at : at + length]), "".join(parts))), -at))
    if best[0] < SAME_PLACE:
        return None
    return _source(words[-best[1] : -best[1] + length])


def _source(words: Sequence[Word]) -> Source:
    page = words[0].page
    boxes = [word.box for word in words if word.page == page]
    x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
    x1, y1 = max(box[2] for box in boxes), max(box[3] for box in boxes)
    return Source(page=page, box=(round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)))


def _named(name: str, document: Document, sheet: Sheet) -> float:
    """How surely a page is of a seller (0 to 100)."""
    for number in (document.seller_tax_id, document.iban):
        plain = _packed(number or "")
        if len(plain) >= LEAST_NAME and plain in sheet.packed:
            return 100.0
    return float(fuzz.partial_ratio(name, sheet.packed)) if LEAST_NAME <= len(name) <= len(sheet.packed) else 0.0


def _beside(one: Box, other: Box) -> bool:
    """Whether two words stand in one row: the middle of the lower one is within the upper."""
    middle = (other[1] + other[3]) / 2
    return one[1] + 0.15 * (one[3] - one[1]) <= middle <= one[3] - 0.15 * (one[3] - one[1])


def _inside(word: Word, source: Source) -> bool:
    x, y = (word.box[0] + word.box[2]) / 2, (word.box[1] + word.box[3]) / 2
    return word.page == source.page and source.box[0] <= x <= source.box[2] and source.box[1] <= y <= source.box[3]


def _packed(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _key(texts: Iterator[str]) -> str:
    """Key words without figures, which change."""
    return " ".join(part for part in (re.sub(r"[\W\d_]+", "", text.casefold()) for text in texts) if part)
