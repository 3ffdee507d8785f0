"""A seller or buyer that a person has confirmed before, recognised on the page: its name and address are known.

Most documents of a workspace come from few sellers, and go to few buyers. The printed name and address of one that was
corrected once are looked for in the words of the page (best local alignment of the plain text); found so nearly that
only misread letters can differ, they are taken as they were confirmed. Figures decide between branches of a shop: house
and postal numbers must agree but for one misread figure. Who is known both as seller and as buyer, as a firm is that
reads what it sends and what it gets, is only taken for what the page was read to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from emendo.fields.compare import plain
from emendo.fields.schema import Source
from emendo.types import Word

from .parties import ROLES, Party, Role

ALIKE: Final = 0.88
"""Share of a known text that must be found on the page."""
SHORT: Final = 6
"""Texts with fewer letters and figures could stand anywhere."""
EDGE: Final = 2
"""Letters by which what was found may end short of a word: the alignment leaves out misread ones at its ends."""
LEAST_THREES: Final = 0.5
"""Share of the parts of three letters that are on the page too wherever so much is alike; looked at before the slow."""
FAMILIAR: Final = 6.0
"""Log-odds by which a known name may be less likely than the name that was read."""
SURE: Final = 0.95
"""Chance that what was recognised is right, as counted on receipts of shops that were seen before."""
_LOOKALIKE = str.maketrans("oilzsbg", "0112586")
"""Letters that are taken for figures, and figures for letters."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Known parties on a page: names and addresses as they were confirmed, by field, with where each stands; a party's
    name or address has no place where it does not stand there.
    """

    values: Mapping[str, str]
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Read:
    """A name as the page was read to say it, and the mean log-odds of its words."""

    text: str
    odds: float


Leaning = Callable[[Role, Sequence[int]], float]
"""Takes a role and numbers of words, returns their mean log-odds for a name of that role."""


def recognise(
    words: Sequence[Word],
    parties: Sequence[Party],
    read: Mapping[Role, Read] = MappingProxyType({}),
    leaning: Leaning = lambda role, held: 0.0,
) -> Recognised:
    """The known seller and the known buyer that stand among the words of a document most fully; empty where none does.

    `read` holds the names as they were read: over a known address, a part of a known name stands for the whole, and
    a known name without its address must not be much less likely, by `leaning`, than what was read.
    """
    page = _Page.of(words)
    values: dict[str, str] = {}
    sources: dict[str, Source] = {}
    names = {role: {plain(party.name) for party in parties if party.role == role} for role in ROLES}
    for role, other in zip(ROLES, reversed(ROLES), strict=True):
        said = read.get(role)
        found = [
            match
            for party in parties
            if party.role == role
            if plain(party.name) not in names[other] or _same(said, party)
            if (match := _match(page, party)) is not None
            if match.address or _same(said, party) or _leans(page, match, said, leaning)
        ]
        if not found:
            continue
        best = max(found, key=lambda match: match.score)
        for field, text, span in (
            (role, best.party.name, best.name),
            (f"{role}_address", best.party.address, best.address),
        ):
            if span is not None:
                values[field], sources[field] = text, page.source(span)
        if best.name is None and _same(said, best.party):
            values[role] = best.party.name
    return Recognised(values, sources)


def _leans(page: _Page, match: _Match, said: Read | None, leaning: Leaning) -> bool:
    assert match.name is not None
    return said is None or leaning(match.party.role, page.held(match.name)) + FAMILIAR >= said.odds


def _same(said: Read | None, party: Party) -> bool:
    """Whether what was read is a known name, but for misread letters, or a part of it."""
    return said is not None and _part_of(plain(said.text), plain(party.name))


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

    def held(self, span: Span) -> list[int]:
        """Numbers of the words of a span."""
        each = enumerate(zip((0, *self.ends), self.ends, strict=False))
        return [at for at, (first, last) in each if first < span[1] and last > span[0] and last > first]

    def whole(self, span: Span) -> bool:
        """Whether a span begins and ends with words: no letter or figure runs on beside it."""
        held = self.held(span)
        first, last = self.words[held[0]].text, self.words[held[-1]].text
        before, after = span[0] - (self.ends[held[0] - 1] if held[0] else 0), self.ends[held[-1]] - span[1]
        return not (_runs_on(first, before) or _runs_on(last[::-1], after))

    def source(self, span: Span) -> Source:
        """What encloses the words of a span on the page where it begins."""
        held = [self.words[at] for at in self.held(span)]
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
    """Where a party stands: by its address, its name, or both; a shop's name may stand over another address of it."""
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
    if Levenshtein.normalized_similarity(alike, page.alike[best.dest_start : best.dest_end]) < ALIKE:
        return None  # short of a few letters: another name that begins alike
    if not page.whole((best.dest_start, best.dest_end)):
        return None
    if _other_figures(wanted, part) > (1 if sum(map(str.isdecimal, wanted)) >= SHORT else 0):
        return None
    return (best.dest_start, best.dest_end), best.score / 100


def _part_of(read: str, known: str) -> bool:
    """Whether the shorter of two names stands in the longer one but for misread letters."""
    return min(len(read), len(known)) >= SHORT and fuzz.partial_ratio(read, known) >= 100 * ALIKE


def _runs_on(word: str, left: int) -> bool:
    """Whether the first `left` letters and figures of a word run on without a mark into what follows."""
    if left <= EDGE:
        return False
    seen = 0
    for at, char in enumerate(word):
        seen += len(plain(char))
        if seen >= left:
            return bool(plain(word[at + 1 : at + 2]))
    return False


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
