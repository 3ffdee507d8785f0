"""Where the values of a document stand among its words, so that a network can learn from values alone.

People and data sets say what a document tells, not where. Amounts and dates are found by what they mean, texts by how
much alike they are, over several lines and with the errors of a reader; where a person said where a value stands
(`sources`), that decides. A value that stands several times may mean any of them: which one, the network finds out
(multiple instance learning; Dietterich et al., 1997). What the truth does not speak of stays open.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from rapidfuzz import fuzz

from emendo.fields.compare import plain
from emendo.fields.schema import MOST_ROWS, ROWS, Document, Kind, Source, specs
from emendo.fields.values import Order, parse_date
from emendo.models.extract.features import lay_out
from emendo.models.extract.labels import INDEX, TYPES, label_of
from emendo.types import Word

LEAST_ALIKE: Final = 72.0
"""Per cent of a text that must be found."""
MOST_PLACES: Final = 8
"""A value that stands more often than this says nothing of where it is meant."""
Span = tuple[int, ...]
"""Numbers of the words of one place."""
_NUMERIC: Final = frozenset({Kind.MONEY, Kind.PRICE, Kind.NUMBER, Kind.RATE})
_MISREAD: Final = str.maketrans("OoQDlIiSsBZ", "00001115582")
_FIGURES: Final = re.compile(r"\d[\d.,' ]*\d|\d")
_DASHED: Final = re.compile(r"(\d+)[-~_](\d\d)(?!\d)")
_DATES: Final = re.compile(
    r"\d{1,4}\s*[-/.]\s*(?:\d{1,2}|[^\W\d]{3,9})\s*[-/.]\s*\d{2,4}|(?<!\d)(?:19|20)\d{6}(?!\d)|\d{1,2}\.?\s*[^\W\d]{3,9}\.?,?\s*\d{2,4}|"
    r"[^\W\d]{3,9}\.?\s*\d{1,2},?\s*\d{4}"
)


@dataclass(frozen=True, slots=True)
class Targets:
    """What is known of the words of a document.

    `allowed` are the labels that each word may have; `rows` the row of a table in which each stands (`row_number`), -1
    where that is not known; `choices` labels with the places of which one at least has it; `kind` the number of the
    kind of document, -1 for not known. `missing` are paths of values that stand nowhere.
    """

    allowed: tuple[tuple[int, ...], ...]
    rows: tuple[int, ...]
    kind: int = -1
    choices: tuple[tuple[int, tuple[Span, ...]], ...] = ()
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class _Page:
    """The words of a document as they are searched."""

    words: Sequence[Word]
    order: Order | None
    y: Sequence[float] = ()
    claims: dict[int, set[int]] = field(default_factory=dict)
    sure: set[int] = field(default_factory=set)
    rows: dict[int, int] = field(default_factory=dict)
    choices: list[tuple[int, tuple[Span, ...]]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def claim(self, label: int, places: Sequence[Span], path: str, row: int = -1) -> None:
        """One of these places tells the label."""
        (self.found if places else self.missing).append(path)
        for place in places:
            for at in place:
                self.claims.setdefault(at, set()).add(label)
                if len(places) == 1:
                    self.sure.add(at)
                if row >= 0:
                    self.rows[at] = row
        if len(places) > 1:
            self.choices.append((label, tuple(places)))


def align(
    words: Sequence[Word], document: Document, *, known: Collection[str] = (), order: Order | None = None
) -> Targets:
    """What `document` says of the `words` of its pages.

    `known` are the labels of which the truth speaks: where such a value is missing, the document does not tell it;
    labels of values that the document has are always among them. `order` tells 05/04/2018 in the print.
    """
    page = _Page(words, order)
    layout = lay_out(words)
    page.y = [float(box[1] + box[3]) / 2 for box in layout.boxes]
    told = set(known)
    for spec in specs(Document):
        value = getattr(document, spec.name)
        if value is None or spec.name not in INDEX:
            continue
        told.add(spec.name)
        source = document.sources.get(spec.name)
        places = _inside(words, source) if source else _places(page, value, spec.kind)
        page.claim(INDEX[spec.name], places, spec.name)
    for table in ROWS:
        _align_table(page, document, table, told)
    return _targets(page, document, told)


def _targets(page: _Page, document: Document, told: Collection[str]) -> Targets:
    lost = {label_of(path)[0] for path in page.missing}
    open_labels = [0, *(at for label, at in INDEX.items() if label and (label not in told or label in lost))]
    allowed: list[tuple[int, ...]] = []
    for at in range(len(page.words)):
        claimed = page.claims.get(at)
        if claimed is None:
            allowed.append(tuple(open_labels))
        else:
            allowed.append(tuple(sorted(claimed if at in page.sure else {*claimed, *open_labels})))
    rows = tuple(page.rows.get(at, -1) for at in range(len(page.words)))
    kind = TYPES.index(document.type) if document.type in TYPES else -1
    return Targets(tuple(allowed), rows, kind, tuple(page.choices), tuple(page.found), tuple(page.missing))


def _inside(words: Sequence[Word], source: Source) -> list[Span]:
    """The words whose middle lies where a person saw the value."""
    x0, y0, x1, y1 = source.box
    found = tuple(
        at
        for at, word in enumerate(words)
        if word.page == source.page
        and x0 <= (word.box[0] + word.box[2]) / 2 <= x1
        and y0 <= (word.box[1] + word.box[3]) / 2 <= y1
    )
    return [found] if found else []


def _places(page: _Page, value: Any, kind: Kind) -> list[Span]:
    """Where a value stands, at most MOST_PLACES times, else none."""
    if kind in _NUMERIC:
        places = numbers_like(page.words, value)
    elif kind is Kind.DATE:
        places = dates_like(page.words, value, page.order)
    else:
        places = texts_like(page.words, str(value))
    return places if len(places) <= MOST_PLACES else []


def numbers_like(words: Sequence[Word], value: Decimal) -> list[Span]:
    """The words that hold a number; a sign is not asked for."""
    return [(at,) for at, word in enumerate(words) if abs(value) in meanings(word.text)]


@lru_cache(maxsize=1 << 16)
def meanings(text: str) -> frozenset[Decimal]:
    """The numbers that a word can mean, with either decimal mark, and with misread figures put right."""
    if not any(char.isdecimal() for char in text):
        return frozenset()
    found: set[Decimal] = set()
    for spelling in {text, text.translate(_MISREAD)}:
        for part in [*_FIGURES.findall(spelling), *(f"{a}.{b}" for a, b in _DASHED.findall(spelling))]:
            digits = re.sub(r"\D", "", part)
            if len(digits) > 15:
                continue
            found.add(Decimal(digits))
            if tail := re.search(r"[.,](\d{1,8})$", part):
                found.add(Decimal(digits).scaleb(-len(tail[1])))
    return frozenset(found)


def dates_like(words: Sequence[Word], value: date, order: Order | None) -> list[Span]:
    """Words, up to four in a line, that mean a date."""
    found: list[Span] = []
    taken: set[int] = set()
    for count in (1, 2, 3, 4):
        for at in range(len(words) - count + 1):
            span = tuple(range(at, at + count))
            if taken.intersection(span) or any(words[one].page != words[at].page for one in span):
                continue
            if _means(" ".join(words[one].text for one in span), value, order):
                found.append(span)
                taken.update(span)
    return found


@lru_cache(maxsize=1 << 16)
def _means(text: str, value: date, order: Order | None) -> bool:
    if not any(char.isdecimal() for char in text):
        return False
    for spelling in {text, re.sub(r"(?<=\d)[OolI]|[OolI](?=\d)", lambda one: one[0].translate(_MISREAD), text)}:
        for part in _DATES.findall(spelling):
            orders: tuple[Order | None, ...] = (order,) if order else (None, "dmy", "mdy")
            for way in orders:
                try:
                    if parse_date(part, order=way) == value:
                        return True
                except ValueError:
                    continue
    return False


def texts_like(words: Sequence[Word], value: str) -> list[Span]:
    """Runs of words that read like a text, those about as good as the best."""
    wanted = plain(value)
    if not wanted:
        return []
    parts = [plain(word.text) for word in words]
    found = _runs(parts, wanted)
    best = max((score for score, _ in found), default=0.0)
    return [span for score, span in found if score >= max(LEAST_ALIKE, best - 6)]


def _runs(parts: Sequence[str], wanted: str) -> list[tuple[float, Span]]:
    """Runs of words like a text, with how much alike in per cent, the best first; no two share a word."""
    owner = [at for at, part in enumerate(parts) for _ in part]
    text = "".join(parts)
    found: list[tuple[float, Span]] = []
    short = len(wanted) <= 4
    taken: set[int] = set()
    for _ in range(MOST_PLACES + 1):
        if short:
            at = next((one for one, part in enumerate(parts) if part == wanted and one not in taken), -1)
            if at < 0:
                break
            taken.add(at)
            span: Span = (at,)
            score = 100.0
        else:
            hit = fuzz.partial_ratio_alignment(wanted, text, score_cutoff=LEAST_ALIKE)
            if hit is None or hit.dest_end <= hit.dest_start:
                break
            span = _trimmed(owner, parts, wanted, hit.dest_start, hit.dest_end)
            score = float(fuzz.ratio(wanted, "".join(parts[one] for one in span)))
        found.append((score, span))
        if score < LEAST_ALIKE:
            break
        if short:
            continue
        first, last = owner.index(span[0]), owner.index(span[-1]) + len(parts[span[-1]])
        text = text[:first] + "\0" * (last - first) + text[last:]
    return found


def _trimmed(owner: Sequence[int], parts: Sequence[str], wanted: str, first: int, last: int) -> Span:
    """The words of a run of characters, without those at its ends that make it less alike."""
    span = list(dict.fromkeys(owner[first:last]))

    def alike(some: Sequence[int]) -> float:
        return float(fuzz.ratio(wanted, "".join(parts[one] for one in some)))

    while len(span) > 1:
        best = max((span[1:], span[:-1]), key=alike)
        if alike(best) < alike(span):
            break
        span = best
    return tuple(range(span[0], span[-1] + 1))  # with words that are punctuation alone


_WEIGHTS: Final[Mapping[str, float]] = {
    "description": 2.0, "amount": 1.5, "unit_price": 1.0, "code": 1.0, "base": 1.0, "rate": 1.0, "quantity": 0.5,
    "discount": 0.4, "tax_rate": 0.3, "unit": 0.2,
}  # fmt: skip
"""What finding a value says of where its row stands."""
_ABOVE, _BELOW = 2.2, 3.2
"""How far from where a row stands its values may stand, in word heights."""


def _align_table(page: _Page, document: Document, table: str, told: set[str]) -> None:
    """Rows in their order from the top, so placed that most of their values are near each other."""
    rows = getattr(document, table)
    kinds = {spec.name: spec.kind for spec in specs(ROWS[table])}
    values: list[dict[str, Any]] = []
    for row in rows:
        own = {name: getattr(row, name) for name in kinds if getattr(row, name) is not None}
        values.append(own)
        told.update(f"{table}[].{name}" for name in own)
    places: list[dict[str, list[Span]]] = []
    for row, own in zip(rows, values, strict=True):
        sources: Mapping[str, Source] = row.sources
        places.append(
            {
                name: _inside(page.words, sources[name])
                if name in sources
                else _row_places(page, value, kinds[name], name)
                for name, value in own.items()
            }
        )
    stands = _stand([_positions(page, own) for own in places])
    for number, (own, y) in enumerate(zip(places, stands, strict=True)):
        for name, spans in own.items():
            near = [] if y is None else [s for s in spans if -_ABOVE <= page.y[s[0]] - y <= _BELOW]
            near.sort(key=lambda span: abs(page.y[span[0]] - (y or 0.0)))
            close = [span for span in near if abs(page.y[span[0]] - page.y[near[0][0]]) < 0.8]
            page.claim(INDEX[f"{table}[].{name}"], close[:3], f"{table}.{number}.{name}", row_number(table, number))


def row_number(table: str, row: int) -> int:
    """One number for each row of each table; -1 stays -1."""
    return row if row < 0 else row + tuple(ROWS).index(table) * MOST_ROWS


def _row_places(page: _Page, value: Any, kind: Kind, name: str) -> list[Span]:
    if kind in _NUMERIC:
        return numbers_like(page.words, value)
    found = texts_like(page.words, str(value))
    if not found and name == "description" and "\n" not in str(value) and len(str(value)) > 20:
        found = texts_like(page.words, str(value)[: len(str(value)) // 2])
    return found


def _positions(page: _Page, own: Mapping[str, Sequence[Span]]) -> list[tuple[float, float]]:
    """Heights at which a row can stand, with how much speaks for each."""
    anchors = {
        round(page.y[span[0]], 1)
        for name, spans in own.items()
        if _WEIGHTS.get(name, 0.0) >= 1 or len(own) == 1
        for span in spans[:40]
    }
    found = []
    for y in sorted(anchors):
        score = 0.0
        for name, spans in own.items():
            off = min((abs(page.y[s[0]] - y) for s in spans if -_ABOVE <= page.y[s[0]] - y <= _BELOW), default=None)
            score += 0.0 if off is None else _WEIGHTS.get(name, 0.2) * (1 - 0.2 * off)
        found.append((y, score))
    return found


def _stand(rows: Sequence[Sequence[tuple[float, float]]]) -> list[float | None]:
    """The height of each row, None where it stands nowhere, so that rows follow each other and most speaks for all."""
    heights = sorted({y for row in rows for y, _ in row})
    gains = [dict(row) for row in rows]
    best = [[0.0] * (len(heights) + 1) for _ in range(len(rows) + 1)]
    for number, own in enumerate(gains):
        for to, y in enumerate(heights):
            pair = best[number][to] + own[y] if y in own else -1.0
            best[number + 1][to + 1] = max(best[number + 1][to], best[number][to + 1], pair)
    found: list[float | None] = [None] * len(rows)
    number, to = len(rows), len(heights)
    while number and to:
        if best[number][to] == best[number][to - 1]:
            to -= 1
        elif best[number][to] == best[number - 1][to]:
            number -= 1
        else:
            number, to = number - 1, to - 1
            found[number] = heights[to]
    return found
