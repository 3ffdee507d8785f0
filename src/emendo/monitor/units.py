"""What an error rate is estimated of: a page's worth of lines that were read and, where it is known, their truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ..image.quality import Quality
from ..metrics.align import Counts, counts, total
from .seen import Outcome, Seen, SeenLine, Truth


@dataclass(frozen=True, slots=True)
class Unit:
    """Lines that belong together and were read by one model.

    `group` is what is alike beyond the page: the writer, the book, else the document. `qualities` are those of the
    pictures that the lines were on, one each or fewer. `truth` counts the errors of `lines` against what people said,
    None where nobody did.
    """

    name: str
    lines: tuple[SeenLine, ...]
    group: str = ""
    document: str = ""
    model: str = ""
    at: datetime | None = None
    qualities: tuple[Quality, ...] = ()
    truth: Counts | None = None

    @property
    def characters(self) -> int:
        """Characters that were read."""
        return sum(len(line.text) for line in self.lines)

    @property
    def doubt(self) -> float:
        """The share of the characters that the model itself thinks wrong, 0 to 1 (see `line_doubt`)."""
        return _weighted([(line_doubt(line), len(line.text)) for line in self.lines])

    @property
    def confidence(self) -> float:
        """The mean confidence of the lines, by their characters."""
        return _weighted([(line.confidence, len(line.text)) for line in self.lines])


def line_doubt(line: SeenLine) -> float:
    """The doubt of a line; where the model does not say, what its confidence c that n characters are all right means
    for each of them: 1 - c ** (1 / n)."""
    if line.doubt is not None:
        return line.doubt
    right: float = min(max(line.confidence, 1e-6), 1.0) ** (1 / max(1, len(line.text)))
    return 1 - right


def units_of(seen: Iterable[Seen], truths: Iterable[Truth] = ()) -> list[Unit]:
    """Pages and lines that were read, as units: a page is one, single lines of one document and day by one model are
    one together. Where people said something of some lines only, these are a unit of their own: an error rate belongs
    to the lines that it was counted on. Documents of fields, and images that were not read, have no error rate of
    characters.
    """
    told = _latest(truths)
    pages: list[Unit] = []
    joined: dict[tuple[str, str, str, bool], list[Unit]] = {}
    for one in seen:
        if one.outcome is not Outcome.READ or one.fields is not None or not one.lines:
            continue
        for unit in _split(one, told.get(one.id, {})):
            if one.kind == "page" or not one.document:
                pages.append(unit)
            else:
                day = one.at.date().isoformat()
                joined.setdefault((one.document, day, one.model, unit.truth is None), []).append(unit)
    return pages + [_together(document, held) for (document, *_), held in joined.items()]


def halves(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """The units with a truth, and those without."""
    return [one for one in units if one.truth is not None], [one for one in units if one.truth is None]


def by(units: Iterable[Unit], key: str) -> dict[str, list[Unit]]:
    """Units by `page` (each alone), `document` or `day`, in order of their first appearance."""
    found: dict[str, list[Unit]] = {}
    for one in units:
        day = one.at.date().isoformat() if one.at else ""
        name = {"page": one.name, "document": one.document or one.name, "day": day}[key]
        found.setdefault(name, []).append(one)
    return found


def _split(seen: Seen, told: Mapping[int | None, Truth]) -> Iterator[Unit]:
    """What was read at once: the lines of which people said something, and those of which nobody did."""
    plain = Unit(
        name=seen.id,
        lines=seen.lines,
        group=seen.group,
        document=seen.group,
        model=seen.model,
        at=seen.at,
        qualities=(seen.quality,) if seen.quality else (),
    )
    whole = told.get(None)
    if whole is not None and whole.text is not None:
        yield replace(plain, truth=counts(whole.text, seen.text))
        return
    texts = [(line, told[at].text if at in told else None) for at, line in enumerate(seen.lines)]
    known = [(line, text) for line, text in texts if text is not None]
    if known:
        lines = tuple(line for line, _ in known)
        yield replace(plain, lines=lines, truth=total(counts(text, line.text) for line, text in known))
    if len(known) < len(texts):
        yield replace(plain, lines=tuple(line for line, text in texts if text is None))


def _together(document: str, units: Sequence[Unit]) -> Unit:
    """Lines of one document that came one by one."""
    truths = [one.truth for one in units if one.truth is not None]
    return replace(
        units[0],
        name=document,
        lines=tuple(line for one in units for line in one.lines),
        qualities=tuple(quality for one in units for quality in one.qualities),
        truth=total(truths) if truths else None,
    )


def _latest(truths: Iterable[Truth]) -> dict[str, dict[int | None, Truth]]:
    found: dict[str, dict[int | None, Truth]] = {}
    for one in truths:
        found.setdefault(one.id, {})[one.line] = one
    return found


def _weighted(pairs: Iterable[tuple[float, int]]) -> float:
    rows: Iterator[tuple[float, int]] = ((value, max(1, weight)) for value, weight in pairs)
    table = np.array(list(rows), dtype=np.float64).reshape(-1, 2)
    return float((table[:, 0] * table[:, 1]).sum() / table[:, 1].sum()) if len(table) else 0.0
