"""The parts of a document out of its words: texts, days, amounts and the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from math import log
from typing import Any, Final

from emendo.fields.compare import ROW_MARK, plain
from emendo.fields.conventions import conventions
from emendo.fields.schema import MOST_CHARACTERS, Document, Fault, Kind, specs
from emendo.fields.values import Order

from .breakdown import broken_down
from .candidates import LEAST, Candidate, Scene, rank
from .cells import NUMBERS, TEXTS, ReadRow, read_rows, tables
from .certainty import evidence
from .customs import Decoding
from .infer import implied
from .labels import INDEX
from .passages import EXPECTED, Passage, passage, written
from .rows import table_rows
from .sums import AMOUNTS, Amount, Choice, Options, choose, widened
from .tagger import Array
from .till import Till, after_rounding

PASSAGES: Final = tuple(
    spec.name for spec in specs(Document) if spec.kind in (Kind.TEXT, Kind.BLOCK) and spec.name in INDEX
)
"""Fields that are texts."""
DAYS: Final = ("date", "due_date")
_UNSIGNED: Final = frozenset({"discount", "prepaid"})
"""Amounts that are kept without the sign that they are printed with."""
_COUNTED: Final = frozenset({"quantity", "unit_price"})
"""Numbers that make a row of goods even where its amount was not read."""
_USUAL: Final = EXPECTED | {"date", "total"}
_FAINTEST: Final = -7.0
"""Log-odds of what is still taken for a field that nearly every document has."""
_CASH: Final = 3.0
"""What it costs to take what was handed over or given back for another amount."""
_SIGN: Final = 1.0
"""What it costs that the sign of a rounding was lost."""
_LATEST = timedelta(days=150)
"""No bill leaves more time to pay, as a rule."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a document: its path, the words that it stands on, and what its certainty follows from."""

    path: str
    value: Any
    words: tuple[int, ...]
    evidence: tuple[float, ...]


def texts(scene: Scene, known: Decoding, parts: list[Part]) -> None:
    """Names, addresses and numbers."""
    parties = _parties(scene)
    for label in PASSAGES:
        found = parties[label] if label in parties else passage(scene, label)
        if found is None or found.score < least(label, known):
            continue
        shown = evidence(
            _odds(scene, found.words, label), second=found.second, cost=1.5 * found.repaired,
            confidences=_confidences(scene, found.words), text=True,
        )  # fmt: skip
        parts.append(Part(label, found.text[:MOST_CHARACTERS], found.words, shown))


def _parties(scene: Scene) -> dict[str, Passage | None]:
    """Names of seller and buyer; where both say the same, the likelier pair of which one says something else."""
    seller, buyer = passage(scene, "seller"), passage(scene, "buyer")
    if seller is None or buyer is None or plain(seller.text) != plain(buyer.text):
        return {"seller": seller, "buyer": buyer}
    others = passage(scene, "seller", unlike=seller.text), passage(scene, "buyer", unlike=buyer.text)
    pairs = [(one, other) for one, other in ((others[0], buyer), (seller, others[1])) if one and other]
    sold, bought = max(pairs, key=lambda pair: pair[0].score + pair[1].score, default=(seller, buyer))
    return {"seller": sold, "buyer": bought}


def days(scene: Scene, usual: Order | None, known: Decoding, parts: list[Part], faults: list[Fault]) -> None:
    """The date of a document and when it is due: in the order that its other days show, else the usual one."""
    ranked: dict[str, list[Candidate[date]]] = {
        label: rank(scene, label, scene.days, floor=floor(label)) for label in DAYS
    }
    order = _order_told(scene, ranked) or usual
    for label, every in ranked.items():
        found = [one for one in every if one.order in (None, order) or order is None]
        if not found or found[0].score < least(label, known):
            _unread(scene, label, faults)
            continue
        best = found[0]
        if best.order is not None and order is None:
            both = sorted({one.value.isoformat() for one in found if one.words == best.words})
            what = f"{best.text.strip()[:40]!r} on page {_page(scene, best.words)} can be {' or '.join(both)}"
            faults.append(Fault(label, what))
            continue
        parts.append(Part(label, best.value, best.words, _shown(scene, label, best, found)))


def least(label: str, known: Decoding) -> float:
    """Log-odds below which a field is rather left out; lower for what nearly every document has."""
    return _logit(known.threshold) + (_FAINTEST if label in _USUAL else 0.0)


def floor(label: str) -> float:
    """Log-odds of the last candidate of a field."""
    return _FAINTEST if label in _USUAL else LEAST


def _order_told(scene: Scene, ranked: Mapping[str, Sequence[Candidate[date]]]) -> Order | None:
    """The order of the days that can be read in one way only; where there is none, the one in which the document is
    due soon after its date."""
    firsts = [found[0] for found in ranked.values() if found and found[0].score > 0]
    orders: set[Order] = set()
    for span in scene.days:
        held = {figure.order for figure in span.figures if figure.cost < 1}
        text = span.text.replace(" ", "")
        if held == {None} and (told := _figures_order(text)):
            orders.add(told)
    if len(orders) == 1:
        return orders.pop()
    if len(firsts) == 2 and all(one.order for one in firsts):
        fitting: list[Order] = []
        ways: tuple[Order, ...] = ("dmy", "mdy")
        for order in ways:
            day, due = (
                next((one.value for one in found if one.order in (None, order)), None) for found in ranked.values()
            )
            if day and due and timedelta(0) <= due - day <= _LATEST:
                fitting.append(order)
        if len(fitting) == 1:
            return fitting[0]
    return None


def _figures_order(text: str) -> Order | None:
    return conventions([text])[1]


def amounts_and_tables(
    scene: Scene, pairs: Array, currency: str | None, known: Decoding, till: Till, parts: list[Part],
    faults: list[Fault], *, sums: bool,
) -> None:  # fmt: skip
    """Amounts, and rows of what was sold and of taxes, chosen together by what adds up."""
    read = {
        table: read_rows(scene, table, table_rows(scene, table, pairs), currency=currency, sums=sums)
        for table in NUMBERS
    }
    ranked: dict[str, Sequence[Amount]] = {}
    for label in AMOUNTS:
        found: list[Amount] = rank(scene, label, scene.amounts, floor=floor(label))
        found = [replace(one, score=one.score - _CASH) if till.cash.intersection(one.words) else one for one in found]
        if label in _UNSIGNED:
            found = [replace(one, value=abs(one.value)) for one in found]
        if label == "rounding":
            found += [
                replace(one, value=-one.value, score=one.score - _SIGN, cost=one.cost + _SIGN, inferred=True)
                for one in found[:2]
            ]
        if label == "total":
            known_values = {one.value for one in found}
            for value, words in till.paid.items():
                if value not in known_values:
                    found.append(Candidate(value, words, LEAST, 0.0))
        ranked[label] = found
    ranked["total"] = after_rounding(scene, ranked["total"], ranked["rounding"])
    ranked |= broken_down(scene, read["taxes"], ranked)
    options = Options(
        ranked,
        tables(read["lines"], "lines"),
        tables(read["taxes"], "taxes"),
        currency,
        paid=frozenset(till.paid),
        least={label: least(label, known) for label in AMOUNTS},
    )
    choice = choose(options, sums=sums)
    if sums and choice.broken:
        options = widened(options, choice, implied(choice, scene, currency))
        choice = choose(options)
    for label in AMOUNTS:
        picked = choice.amounts.get(label)
        if picked is None:
            _unread(scene, label, faults)
            continue
        shown = _shown(
            scene, label, picked, options.amounts[label], confirmed=choice.confirmed.get(label, 0),
            broken=choice.broken.get(label, 0),
        )  # fmt: skip
        parts.append(Part(label, picked.value, picked.words, shown))
    for table, rows in read.items():
        _rows(scene, table, rows, choice, parts)


def credited(parts: Sequence[Part]) -> list[Part]:
    """The parts of a credit note, whose amounts are kept without the sign that some print (as EN 16931 has it).

    Only where the total is less than nothing: a credit note can have single rows that take back a part.
    """
    total = next((part.value for part in parts if part.path == "total"), None)
    if total is None or total >= 0:
        return list(parts)
    return [
        replace(part, value=abs(part.value)) if isinstance(part.value, Decimal) and part.value < 0 else part
        for part in parts
    ]


def _rows(scene: Scene, table: str, read: Sequence[ReadRow], choice: Choice, parts: list[Part]) -> None:
    chosen = choice.lines if table == "lines" else choice.taxes
    full = any("amount" in way.numbers for way in chosen.ways)
    at = -1
    for place, (number, way) in enumerate(zip(chosen.kept, chosen.ways, strict=True)):
        if full and "amount" not in way.numbers and not set(way.numbers) >= _COUNTED:
            continue  # a line that only explains the one above it
        at += 1
        one = read[number]
        for name in TEXTS if table == "lines" else ():
            some = one.row.words(name)
            text = written(scene, f"{table}{ROW_MARK}.{name}", some) if some else ""
            if text:
                odds = _odds(scene, some, f"{table}{ROW_MARK}.{name}")
                shown = evidence(odds, second=-4.0, cost=0.0, confidences=_confidences(scene, some), text=True,
                                 cell=True)  # fmt: skip
                parts.append(Part(f"{table}.{at}.{name}", text[:MOST_CHARACTERS], tuple(some), shown))
        for name, value in way.numbers.items():
            path = f"{table}.{at}.{name}"
            times = name in ("quantity", "unit_price", "discount", "amount") and way.holds is not None
            shown = _shown(
                scene, f"{table}{ROW_MARK}.{name}", value, one.ranked[name], cell=True,
                confirmed=choice.confirmed.get(f"{table}.{place}.{name}", 0) + bool(times and way.holds),
                broken=choice.broken.get(f"{table}.{place}.{name}", 0) + bool(times and not way.holds),
            )  # fmt: skip
            parts.append(Part(path, value.value, value.words, shown))


def _unread(scene: Scene, label: str, faults: list[Fault]) -> None:
    """A fault where a word is surely tagged with a field and cannot be read as its value."""
    column = scene.odds[:, INDEX[label]]
    at = int(column.argmax())
    word = scene.layout.words[at]
    read = any(at in span.words for span in (scene.days if label in DAYS else scene.amounts))
    if column[at] > 0 and not read and any(char.isdecimal() for char in word.text):
        kind = "date" if label in DAYS else "amount"
        faults.append(Fault(label, f"{word.text[:40]!r} on page {word.page} cannot be read as {_article(kind)}"))


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _shown(
    scene: Scene, label: str, picked: Candidate[Any], ranked: Sequence[Candidate[Any]], *, confirmed: int = 0,
    broken: int = 0, cell: bool = False,
) -> tuple[float, ...]:  # fmt: skip
    second = max((one.score for one in ranked if one.value != picked.value), default=LEAST - 1)
    telling = [at for at in picked.words if any(map(str.isdecimal, scene.layout.words[at].text))] or picked.words
    return evidence(
        _odds(scene, telling, label), second=second, cost=picked.cost + picked.inferred,
        confidences=_confidences(scene, picked.words), confirmed=confirmed, broken=broken, cell=cell,
    )  # fmt: skip


def _odds(scene: Scene, some: Sequence[int], label: str) -> list[float]:
    return [float(scene.odds[at, INDEX[label]]) for at in some]


def _confidences(scene: Scene, some: Sequence[int]) -> list[float]:
    return [scene.layout.words[at].confidence for at in some]


def _page(scene: Scene, some: Sequence[int]) -> int:
    return scene.layout.words[some[0]].page


def _logit(chance: float) -> float:
    return log(chance / (1 - chance))
