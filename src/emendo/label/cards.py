"""A line as a person is shown it: where it stands, what a model read, and what has been said of it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from ..correct.notes import DRAFT
from ..text.direction import right_to_left
from ..types import Correction, Reading
from ..workspace.doubts import Doubt, doubts_in
from ..workspace.leases import holders_in
from ..workspace.store import Line, Store, Transaction

NOTHING = Reading("", 0.0)
"""What is shown of a line that no model has read."""


@dataclass(frozen=True, slots=True)
class Card:
    """One line as it is shown: where it stands, what a model read, and the verdict that holds, if any."""

    line: Line
    reading: Reading
    verdict: Correction | None
    holder: str = ""
    """Who has it in work."""
    doubt: Doubt | None = None
    """Why the text that holds is likely wrong."""
    second: bool = False
    """Whether it is to be read a second time, without the text that holds (then `verdict` is None)."""

    @property
    def text(self) -> str:
        """What stands in the field: the corrected text, else what was said before a new cut, else the reading."""
        if self.verdict and self.verdict.text is not None:
            return self.verdict.text
        return str(self.line.attributes.get(DRAFT) or self.reading.text)

    @property
    def version(self) -> int:
        """Number of verdicts so far."""
        return self.verdict.version if self.verdict else 0

    def to_dict(self) -> dict[str, Any]:
        """For the page; the outline is in pixels of the page's picture at `page_size`."""
        line = self.line
        known = self.reading.characters if self.text == self.reading.text else ()
        return {
            "id": line.id,
            "document": line.document,
            "page": line.page,
            "number": line.number,
            "text": self.text,
            "reading": self.reading.text,
            "confidence": round(self.reading.confidence, 4),
            "model": self.reading.model,
            "characters": [[one.text, round(one.probability, 4)] for one in known],
            "version": self.version,
            "verdict": self.verdict.verdict.value if self.verdict else "",
            "author": self.verdict.author if self.verdict else "",
            "direction": "rtl" if right_to_left(self.text) else "ltr",
            "polygon": [[round(x, 1), round(y, 1)] for x, y in line.polygon],
            "page_size": [line.page_width, line.page_height],
            "holder": self.holder,
            "doubt": _doubt_row(self.doubt, self.text) if self.doubt else None,
            "second": self.second,
        }


def cards_of(store: Store, lines: Sequence[str]) -> list[Card]:
    """Cards of lines by their ids, in this order, all from one moment; without those that are unknown. A doubt about
    an earlier text than the one that holds is not shown."""
    with store.database.read() as connection:
        view = Transaction(connection)
        known, readings, verdicts = view.lines(lines), view.readings(lines), view.latest(lines)
        holders, doubts = holders_in(connection, lines), doubts_in(connection, verdicts)
    cards = []
    for one in (one for one in lines if one in known):
        holder = holders[one].author if one in holders else ""
        verdict, doubt = verdicts.get(one), doubts.get(one)
        if doubt is not None and (verdict is None or verdict.version != doubt.version):
            doubt = None
        cards.append(Card(known[one], readings.get(one, NOTHING), verdict, holder, doubt))
    return cards


def _doubt_row(doubt: Doubt, text: str) -> dict[str, Any]:
    """For the page: the chance, who doubts, and what is read instead, in pieces with whether the text has them not."""
    pieces = [
        [doubt.reading[one.dest_start : one.dest_end], one.tag != "equal"]
        for one in Levenshtein.opcodes(text, doubt.reading)
        if one.dest_end > one.dest_start
    ]
    return {"wrong": round(doubt.wrong, 2), "model": doubt.model, "reading": pieces}
