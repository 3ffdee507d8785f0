from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.metrics import Confusion, Counts, confusions, corpus_counts, counts, spans, total

texts = st.text(alphabet="abc é\u0301\u064eش \n", max_size=25)


def reference_distance(a: str, b: str) -> int:
    """Wagner & Fischer 1974, by the book."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("", "", Counts(samples=1, exact=1)),
        ("", "ab", Counts(insertions=2, word_edits=1, samples=1)),
        ("ab c", "", Counts(characters=4, deletions=4, words=2, word_edits=2, samples=1)),
        ("kitten", "sitting", Counts(6, 2, 1, 0, 4, 1, 1, 1, 0)),
        ("a b", " a b", Counts(3, 0, 1, 0, 3, 2, 0, 1, 0)),
        ("e\u0301", "é", Counts(1, 0, 0, 0, 1, 1, 0, 1, 1)),
    ],
)
def test_known_pairs(reference: str, hypothesis: str, expected: Counts) -> None:
    assert counts(reference, hypothesis) == expected


def test_rates_follow_from_counts_and_are_not_capped() -> None:
    one = counts("ab", "xyzxyz")
    assert (one.cer, one.wer, one.exact_rate) == (3.0, 1.0, 0.0)
    assert counts("", "abc").cer == 3.0
    assert counts("", "").cer == 0.0
    assert Counts().cer == Counts().wer == Counts().exact_rate == 0.0


@given(texts, texts)
def test_counts_hold_together(reference: str, hypothesis: str) -> None:
    one = counts(reference, hypothesis)
    a, b = unicodedata.normalize("NFC", reference), unicodedata.normalize("NFC", hypothesis)
    assert one.edits == reference_distance(a, b)
    assert one.characters == len(a) == one.hits + one.substitutions + one.deletions
    assert len(b) == one.hits + one.substitutions + one.insertions
    assert one.word_edits == reference_distance(a.split(), b.split())  # type: ignore[arg-type]
    assert one.exact == (a == b)
    swapped = counts(hypothesis, reference)
    assert swapped.edits == one.edits


@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_corpus_is_the_sum_of_its_lines(pairs: list[tuple[str, str]]) -> None:
    many = corpus_counts([a for a, _ in pairs], [b for _, b in pairs])
    assert many == [counts(a, b) for a, b in pairs]
    assert total(many) == sum(many, Counts())
    assert sum(c.count for c in confusions(pairs)) == total(many).edits


@given(texts, texts)
def test_spans_join_to_both_texts(reference: str, hypothesis: str) -> None:
    parts = spans(reference, hypothesis)
    assert "".join(p.reference for p in parts) == unicodedata.normalize("NFC", reference)
    assert "".join(p.hypothesis for p in parts) == unicodedata.normalize("NFC", hypothesis)
    assert all((p.reference == p.hypothesis) == (p.kind == "equal") for p in parts)


def test_confusions_most_frequent_first() -> None:
    assert confusions([("an a", "am a"), ("nn", "mm"), ("x", "xy"), ("rx", "x")]) == [
        Confusion("n", "m", 3),
        Confusion("", "y", 1),
        Confusion("r", "", 1),
    ]


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        corpus_counts(["a"], [])


def test_a_hundred_thousand_lines_are_counted() -> None:
    references = [f"Le {i}e jour du mois de mai, à Lyon, nous étions {i * 7}" for i in range(100_000)]
    hypotheses = [text.replace("mai", "mal").replace("L", "l").replace("7", "1") for text in references]
    summed = total(corpus_counts(references, hypotheses))
    differing = sum(a != b for pair in zip(references, hypotheses, strict=True) for a, b in zip(*pair, strict=True))
    assert (summed.samples, summed.substitutions) == (100_000, differing)
    assert (summed.insertions, summed.deletions) == (0, 0)
    assert summed.edits >= 300_000
