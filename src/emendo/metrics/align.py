"""One alignment per pair of texts, from which every rate follows.

A pair is compared by Unicode code points after NFC, nothing else is stripped or folded: a space at the edge counts.
The alignment is a minimal one of Levenshtein (1966), unit costs; words are what whitespace separates. Rates are
`edits / reference length` and are not capped: a reading twice as long as the truth can have a CER above 1.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class Counts:
    """Raw counts of one alignment, or the sum of many.

    `characters` and `words` count the reference; `substitutions + insertions + deletions` is the character edit
    distance (an insertion is a character that only the hypothesis has); `word_edits` is the word edit distance;
    `exact` counts the samples whose texts are equal. `Counts()` is zero; counts add with `+` and `total`.
    """

    characters: int = 0
    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    hits: int = 0
    words: int = 0
    word_edits: int = 0
    samples: int = 0
    exact: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def edits(self) -> int:
        """Character edit distance."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def cer(self) -> float:
        """Character error rate, 0 up. With an empty reference the edits count against one character."""
        return self.edits / max(self.characters, 1)

    @property
    def wer(self) -> float:
        """Word error rate, 0 up. With an empty reference the edits count against one word."""
        return self.word_edits / max(self.words, 1)

    @property
    def exact_rate(self) -> float:
        """Share of samples read without any error, 0 to 1."""
        return self.exact / max(self.samples, 1)


@dataclass(frozen=True, slots=True)
class Confusion:
    """`reference` was read as `hypothesis`, `count` times; an empty side means inserted or deleted."""

    reference: str
    hypothesis: str
    count: int


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of an alignment: `kind` is equal, replace, insert or delete; the texts may be empty."""

    kind: str
    reference: str
    hypothesis: str


def nfc(text: str) -> str:
    """The text in Unicode NFC, the form in which everything is compared."""
    return unicodedata.normalize("NFC", text)


def counts(reference: str, hypothesis: str) -> Counts:
    """Align one hypothesis with its reference."""
    return _counts(nfc(reference), nfc(hypothesis))


def corpus_counts(references: Sequence[str], hypotheses: Sequence[str]) -> list[Counts]:
    """Counts of each pair, in order. Raises ValueError when the lengths differ."""
    return [counts(reference, hypothesis) for reference, hypothesis in zip(references, hypotheses, strict=True)]


def total(many: Iterable[Counts]) -> Counts:
    """Sum of counts; zero when there are none."""
    rows = [[getattr(one, name) for name in _NAMES] for one in many]
    return Counts(*map(sum, zip(*rows, strict=True))) if rows else Counts()


def spans(reference: str, hypothesis: str) -> list[Span]:
    """The alignment as stretches in reading order; both sides joined give back the two texts (in NFC)."""
    reference, hypothesis = nfc(reference), nfc(hypothesis)
    return [
        Span(op.tag, reference[op.src_start : op.src_end], hypothesis[op.dest_start : op.dest_end])
        for op in Levenshtein.opcodes(reference, hypothesis)
    ]


def confusions(pairs: Iterable[tuple[str, str]]) -> list[Confusion]:
    """All (reference, hypothesis) character confusions of the pairs, most frequent first, ties by code point."""
    seen: Counter[tuple[str, str]] = Counter()
    for reference, hypothesis in pairs:
        seen.update(_confused(nfc(reference), nfc(hypothesis)))
    order = sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    return [Confusion(reference, hypothesis, count) for (reference, hypothesis), count in order]


def _confused(reference: str, hypothesis: str) -> Iterator[tuple[str, str]]:
    for op in Levenshtein.editops(reference, hypothesis):
        yield (
            "" if op.tag == "insert" else reference[op.src_pos],
            "" if op.tag == "delete" else hypothesis[op.dest_pos],
        )


def _counts(reference: str, hypothesis: str) -> Counts:
    characters = len(reference)
    if reference == hypothesis:
        return Counts(characters, 0, 0, 0, characters, len(reference.split()), 0, 1, 1)
    substitutions = insertions = deletions = 0
    for tag, _, _ in Levenshtein.editops(reference, hypothesis).as_list():
        if tag == "replace":
            substitutions += 1
        elif tag == "insert":
            insertions += 1
        else:
            deletions += 1
    words = reference.split()
    return Counts(
        characters,
        substitutions,
        insertions,
        deletions,
        characters - substitutions - deletions,
        len(words),
        Levenshtein.distance(words, hypothesis.split()),
        1,
        0,
    )


_NAMES = tuple(field.name for field in fields(Counts))
