"""What else could stand in a field: the other amounts and dates of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..fields import Document
from ..fields.schema import Kind, Source, specs
from ..fields.values import amount_text, parse_amount, parse_date
from ..types import Word

OFFERED = 3
"""Values that are offered for a field at most."""
MOST_WORDS_OF_DATE = 3


def candidates(document: Document, words: Sequence[Word]) -> dict[str, list[list[Any]]]:
    """For each amount and date of the document the values nearest to where it stands, each with its place.

    A value is written as it is kept: `[value, page, x0, y0, x1, y1]`.
    """
    found: dict[str, list[list[Any]]] = {}
    amounts = list(_amounts(words))
    dates = list(_dates(words))
    for spec in specs(Document):
        pool = {Kind.MONEY: amounts, Kind.DATE: dates}.get(spec.kind, [])
        value = getattr(document, spec.name)
        if not pool or value is None:
            continue
        said = amount_text(value, least=2) if spec.kind is Kind.MONEY else value.isoformat()
        offered = _nearest(pool, said, document.sources.get(spec.name))
        if offered:
            found[spec.name] = offered
    return found


def _nearest(pool: Sequence[list[Any]], said: str, source: Source | None) -> list[list[Any]]:
    def far(one: Sequence[Any]) -> tuple[float, float]:
        if source is None:
            return 0.0, -float(one[5])
        down = abs((one[3] + one[5]) - (source.box[1] + source.box[3]))
        return (1.0 if one[1] != source.page else 0.0), down

    offered: dict[str, list[Any]] = {}
    for one in sorted(pool, key=far):
        if one[0] != said:
            offered.setdefault(one[0], one)
    return list(offered.values())[:OFFERED]


def _amounts(words: Sequence[Word]) -> Iterator[list[Any]]:
    """Amounts with a fraction: a bare number is more often a count or part of a name."""
    for word in words:
        if any(mark in word.text for mark in ".,"):
            yield from _read(lambda text: amount_text(parse_amount(text), least=2), [word])


def _dates(words: Sequence[Word]) -> Iterator[list[Any]]:
    for at, word in enumerate(words):
        if not any(char.isdecimal() for char in word.text):
            continue
        for until in range(at + MOST_WORDS_OF_DATE, at, -1):
            some = [one for one in words[at:until] if (one.page, one.line) == (word.page, word.line)]
            row = list(_read(lambda text: parse_date(text).isoformat(), some))
            if row:
                yield from row
                break


def _read(read: Callable[[str], str], words: Sequence[Word]) -> Iterator[list[Any]]:
    try:
        value = read(" ".join(word.text for word in words).strip(" :"))
    except ValueError:
        return
    boxes = [word.box for word in words]
    box = [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]
    yield [value, words[0].page, *(round(side, 1) for side in box)]
