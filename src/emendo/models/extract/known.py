"""A seller that a person has confirmed before, recognised on the page: its name and address are known.

Most documents of a workspace come from few sellers. The printed name and address of one that was corrected once are
looked for in the words of the page (best local alignment of the plain text); found so nearly that only misread letters
can differ, they are taken as they were confirmed. Figures decide between branches of a shop: house and postal numbers
must agree but for one misread figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from emendo.fields.compare import plain
from emendo.fields.schema import Source
from emendo.types import Word

from .parties import Party

ALIKE: Final = 0.88
"""Share of a known text that must be found on the page."""
SHORT: Final = 6
"""Texts with fewer letters and figures could stand anywhere."""
LEAST_THREES: Final = 0.5
"""Share of the parts of three letters that are on the page too wherever so much is alike; looked at before the slow."""
SURE: Final = 0.95
"""Chance that what was recognised is right, as counted on receipts of shops that were seen before."""
_LOOKALIKE = str.maketrans("oilzsbg", "0112586")
"""Letters that are taken for figures, and figures for letters."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A known seller on a page: name and address as they were confirmed, with where each stands; None where it does
    not stand there.
    """

    values: Mapping[str, str]
    sources: Mapping[str, Source]


def recognise(words: Sequence[Word], parties: Sequence[Party], name: str = "") -> Recognised | None:
    """The known seller that stands among the words of a document most fully; None where none does.

    `name` is the seller as it was read: over a known address, a part of a known name stands for the whole.
    """
    page = _Page.of(words)
    found = [match for party in parties if (match := _match(page, party)) is not None]
    if not found:
        return None
    best = max(found, key=lambda match: match.score)
    values: dict[str, str] = {}
    sources: dict[str, Source] = {}
    for field, text, span in (
        ("seller", best.party.name, best.name),
        ("seller_address", best.party.address, best.address),
    ):
        if span is not None:
            values[field], sources[field] = text, page.source(span)
    if best.name is None and _part_of(plain(name), plain(best.party.name)):
        values["seller"] = best.party.name
    return Recognised(values, sources)


Span = tuple[int, int]
"""First and last + 1 character of the plain text of a page."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The letters and figures of a document, and which word each is from; `alike` is the text with figures for the
    letters that are taken for them, `threes` all of its parts of three.
    """

    text: str
    alike: str
    threes: frozenset[str]
    words: tuple[Word, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, words: Sequence[Word]) -> _Page:
        parts = [plain(word.text) for word in words]
        text = "".join(parts)
        alike = text.translate(_LOOKALIKE)
        return cls(text, alike, _threes(alike), tuple(words), tuple(accumulate(map(len, parts))))

    def source(self, span: Span) -> Source:
        """What encloses the words of a span on the page where it begins."""
        begins = (0, *self.ends)
        held = [
            word
            for word, first, last in zip(self.words, begins, self.ends, strict=False)
            if first < span[1] and last > span[0] and last > first
        ]
        boxes = [word.box for word in held if word.page == held[0].page]
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return Source(page=held[0].page, box=(min(lefts), min(tops), max(rights), max(bottoms)))


@dataclass(frozen=True, slots=True)
class _Match:
    party: Party
    score: float
    name: Span | None
    address: Span | None


def _match(page: _Page, party: Party) -> _Match | None:
    """Where a seller stands: by its address, its name, or both; a shop's name may stand over another address of it."""
    name, address = (_find(page, text) for text in (party.name, party.address))
    if address is None and name is None:
        return None
    length = len(plain(party.address)) if address is not None else 0
    score = sum(found[1] * weight for found, weight in ((address, length), (name, len(plain(party.name)))) if found)
    return _Match(party, score, name[0] if name else None, address[0] if address else None)


def _find(page: _Page, text: str) -> tuple[Span, float] | None:
    """Where a text stands on the page and how much of it, 0 to 1; None where it does not."""
    wanted = plain(text)
    if not SHORT <= len(wanted) <= len(page.text):
        return None
    alike = wanted.translate(_LOOKALIKE)
    threes = _threes(alike)
    if len(threes & page.threes) < LEAST_THREES * len(threes):
        return None
    best = fuzz.partial_ratio_alignment(alike, page.alike, score_cutoff=100 * ALIKE)
    if best is None:
        return None
    part = page.text[best.dest_start : best.dest_end]
    if _other_figures(wanted, part) > (1 if sum(map(str.isdecimal, wanted)) >= SHORT else 0):
        return None
    return (best.dest_start, best.dest_end), best.score / 100


def _part_of(read: str, known: str) -> bool:
    """Whether the shorter of two names stands in the longer one but for misread letters."""
    return min(len(read), len(known)) >= SHORT and fuzz.partial_ratio(read, known) >= 100 * ALIKE


def _threes(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))


def _other_figures(wanted: str, part: str) -> int:
    """Figures in which two texts differ, those aside that are taken for a letter."""
    pairs = ((wanted.translate(_LOOKALIKE), wanted), (part.translate(_LOOKALIKE), part))
    (first, plain_first), (second, plain_second) = pairs
    count = 0
    for edit in Levenshtein.editops(first, second):
        lost = plain_first[edit.src_pos] if edit.tag != "insert" else ""
        seen = plain_second[edit.dest_pos] if edit.tag != "delete" else ""
        count += lost.isdecimal() or seen.isdecimal()
    return count
