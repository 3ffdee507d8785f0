"""The customs of a document: its currency and the order of day and month, told by it or usual where it is from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from emendo.fields.conventions import conventions
from emendo.fields.currencies import DECIMALS, SIGNS, UNTOLD, WORDS
from emendo.fields.values import Order

from .certainty import Certainty
from .layout import Layout
from .parties import MOST_PARTIES, Party

_MONEY_SIDE = re.compile(r"^(?P<before>[^\d\s.,()-]{0,4})[\s(-]*\d[\d.,' ]*\)?\s*(?P<after>[^\d\s.,()*-]{0,4})$")
_DOLLARS: Final = {
    "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "FR.": "CHF", "EURO": "EUR",
    "EUROS": "EUR",
}  # fmt: skip
"""More ways in which a currency is printed beside an amount."""


class Usage(BaseModel):
    """How the documents of one currency are written: decimal mark, and order of day and month."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mark: str = Field("", max_length=1)
    order: Order | None = None


class Decoding(Usage):
    """What `decode` needs to know of the documents that a network was trained on; lies in its bundle as `decoding`.

    `mark` and `order` hold where a document does not show its own, `by_currency` before them where its currency is
    known. `currency` is that of a document that shows none (empty: then it is not told); `signs` says which currencies
    a sign stands for, the most frequent first. `threshold` is the chance below which a field is rather left out.
    """

    currency: str = ""
    signs: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    by_currency: Mapping[str, Usage] = Field(default_factory=dict)
    threshold: float = Field(0.5, gt=0, lt=1)
    calibration: Certainty = Certainty()
    parties: tuple[Party, ...] = Field((), max_length=MOST_PARTIES)
    """Sellers and buyers that are known (see `parties`)."""

    def usage(self, currency: str | None) -> Usage:
        """Mark and order that are usual for documents of a currency."""
        own = self.by_currency.get(currency or "", Usage())
        return Usage(mark=own.mark or self.mark, order=own.order or self.order)


def currency_told(layout: Layout, amounts: Iterable[int], decoding: Decoding) -> tuple[str | None, float]:
    """The currency that signs and codes beside the amounts tell, else those elsewhere, else the usual one.

    With it the share of the signs that agree, 0 where none was seen.
    """
    signs = _fitting(layout, decoding)
    votes: Counter[str] = Counter()
    for at in amounts:
        for code in _beside(layout, at, signs):
            votes[code] += 1
    if not votes:
        named = (word.text.strip(".,:;()") for word in layout.words)
        votes.update(code for code in named if code in decoding.by_currency)
    if votes:
        code, count = votes.most_common(1)[0]
        return code, count / votes.total()
    return decoding.currency or None, 0.0


def _fitting(layout: Layout, decoding: Decoding) -> dict[str, str]:
    """The currency that each sign stands for in a document: the most frequent one whose days are written in the order
    of those of the document, as far as they show it."""
    orders = {order for word in layout.words if (order := conventions([word.text])[1])}
    own = orders.pop() if len(orders) == 1 else None
    fitting = {}
    for sign, codes in decoding.signs.items():
        agreeing = [code for code in codes if own is None or decoding.usage(code).order in (None, own)]
        if agreeing or codes:
            fitting[sign] = (agreeing or list(codes))[0]
    return fitting


def _beside(layout: Layout, at: int, signs: Mapping[str, str]) -> Iterable[str]:
    """Currencies in a word and in those next to it."""
    words = layout.words
    for side in _sides(words[at].text):
        if code := _code(side, signs):
            yield code
    for step in (-1, 1):
        other = layout.beside(at, step)
        if other is not None and (code := _code(words[other].text.strip(".,:;()"), signs)):
            gap = layout.gap(other, at) if step < 0 else layout.gap(at, other)
            if gap < 3:
                yield code


def _sides(text: str) -> tuple[str, ...]:
    """What stands before and after the figures of a word; the word itself where it has none."""
    if found := _MONEY_SIDE.match(text.strip()):
        return found["before"], found["after"]
    return (text.strip(),)


def _signs(text: str) -> tuple[str, ...]:
    """The same, but not from words in capitals that may be part of a number."""
    return _sides(text) if conventions([text])[0] or not text.isupper() else ()


def _code(text: str, signs: Mapping[str, str]) -> str:
    """The currency that a text stands for; empty when it is none or may be several."""
    plain = text.strip().upper()
    if plain in SIGNS:
        return SIGNS[plain]
    for known in (WORDS, _DOLLARS, signs):
        if plain in known:
            return known[plain]
    if plain in DECIMALS and text.isupper():
        return plain
    return ""


def learn_customs(documents: Sequence[tuple[Sequence[str], Mapping[str, Any]]]) -> dict[str, Any]:
    """The customs of training documents, each given by the texts of its words and its fields as JSON values.

    Mark and order are those that most documents show without doubt; the same by currency; and for each sign that stands
    for several currencies the one that most documents with it have.
    """
    marks: dict[str, Counter[str]] = {}
    orders: dict[str, Counter[str]] = {}
    signs: dict[str, Counter[str]] = {}
    for texts, fields in documents:
        currency = str(fields.get("currency") or "")
        for text in texts:
            mark, order = conventions([text])
            for key in {"", currency}:
                if mark:
                    marks.setdefault(key, Counter())[mark] += 1
                if order:
                    orders.setdefault(key, Counter())[order] += 1
        for sign in UNTOLD.intersection(side.upper() for text in texts for side in _signs(text)):
            if currency:
                signs.setdefault(sign, Counter())[currency] += 1

    def usage(key: str) -> dict[str, str]:
        told = {"mark": marks.get(key), "order": orders.get(key)}
        return {name: counts.most_common(1)[0][0] for name, counts in told.items() if counts}

    by_currency = {key: usage(key) for key in sorted({*marks, *orders} - {""})}
    return {
        **usage(""),
        "signs": {sign: [code for code, _ in counts.most_common(5)] for sign, counts in sorted(signs.items())},
        "by_currency": {key: held for key, held in by_currency.items() if held},
    }
