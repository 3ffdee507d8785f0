"""Features of words: the same for the same paper, whatever its resolution; sums and products seen; padding unseen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.models.extract.features import (
    ACROSS,
    BINS,
    BUCKETS,
    FEATURES,
    PIECES,
    SHAPES,
    SIDES,
    encode,
    folded,
    lay_out,
    padded,
    pieces_of,
    shape_of,
)
from emendo.models.extract.numbers import number_features, value_of
from emendo.types import Word


def row(*texts: str, y: float = 0.0, page: int = 1) -> list[Word]:
    return [Word(text, (100.0 * at, y, 100.0 * at + 60, y + 20), 0, page) for at, text in enumerate(texts)]


def test_resolution_does_not_matter() -> None:
    words = [*row("Net", "100.00"), *row("Tax", "20.00", y=40), *row("Total", "120.00", y=80)]
    larger = [Word(one.text, tuple(3.0 * x + 50 for x in one.box), 0) for one in words]  # type: ignore[arg-type]
    one, other = encode(words), encode(larger)
    assert np.allclose(one.features, other.features, atol=1e-5)
    for name in ("pieces", "across", "down", "sides"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_rows_are_what_stands_beside_each_other_on_a_page() -> None:
    words = [*row("a", "b", y=0), *row("c", "d", y=30), *row("e", y=0, page=2)]
    rows = lay_out(words).rows
    assert rows[0] == rows[1] != rows[2] == rows[3] and rows[4] not in rows[:4]
    leaning = [Word("x", (100.0 * at, 6.0 * at, 100.0 * at + 60, 6.0 * at + 20), 0) for at in range(8)]
    assert len(set(lay_out(leaning).rows.tolist())) == 1


def test_pages_lie_below_each_other_and_are_told_apart() -> None:
    encoded = encode([*row("a"), *row("b", page=2)])
    assert encoded.sides[0, 1] == SIDES - 1 and encoded.down[0, 1] > BINS > encoded.down[1, 0]
    assert encoded.across[0, 0] == encoded.down[0, 0] == BINS


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.234,50", 1234.5), ("1,234.50", 1234.5), ("RM30.90", 30.9), ("(5.00)", -5.0), ("1.234", 1234.0), ("12-", -12.0),
     ("0.125", 0.125), ("18/11/2018", None), ("abc", None), ("9555916500133", None), ("1.2.3.4", None), ("", None)],
)  # fmt: skip
def test_a_word_is_a_number_or_none(text: str, value: float | None) -> None:
    assert value_of(text) == value


def test_sums_products_and_columns_are_seen() -> None:
    texts = ["2", "5.00", "10.00", "3", "7.00", "21.00", "31.00", "6.20", "37.20"]
    rows = np.asarray([0, 0, 0, 1, 1, 1, 2, 3, 4])
    boxes = np.asarray(
        [[x, 2.0 * y, x + 4, 2.0 * y + 1] for x, y in zip([0, 9, 20, 0, 9, 20, 20, 20, 20], rows, strict=True)]
    )
    found = number_features([value_of(text) for text in texts], boxes, rows)
    assert found[2, 11] == found[5, 11] == 1 and found[0, 12] == found[1, 13] == 1
    assert found[6, 14] == 1 and found[2, 15] == found[5, 15] == 1 and not found[8, 11]
    assert found[8, 8] == 1 and found[6, 9] == 1 and found[7, 10] == 1 and found[8, 3] == 1 and found[:8, 3].max() == 0


def test_a_misread_word_keeps_most_of_its_pieces() -> None:
    right, wrong, other = (set(pieces_of(text)) for text in ("Gesamtbetrag", "Gesamtbetrao", "Lieferschein"))
    assert len(right & wrong) > 0.6 * len(right) > 2 * len(right & other)
    assert pieces_of("Übertrag")[1:] == pieces_of("UBERTRAG")[1:] and folded("Éé") == "EE"
    assert set(pieces_of("12.50")) != set(pieces_of("99.50")) and pieces_of("12.50")[1:] == pieces_of("99.50")[1:]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_any_text_has_finite_features_in_range(texts: list[str], page: int) -> None:
    encoded = encode(row(*texts, page=page))
    assert encoded.features.shape == (len(texts), FEATURES) and np.isfinite(encoded.features).all()
    assert encoded.pieces.shape == (len(texts), PIECES) and 0 <= encoded.pieces.min() <= encoded.pieces.max() < BUCKETS
    assert len(shape_of(texts[0])) == SHAPES
    for array, most in ((encoded.across, ACROSS), (encoded.down, ACROSS), (encoded.sides, SIDES)):
        assert 0 <= array.min() <= array.max() < most


def test_boxes_without_height_and_no_words_at_all_are_no_fault() -> None:
    flat = encode([Word("a", (5.0, 5.0, 5.0, 5.0), 0), Word("b", (5.0, 5.0, 5.0, 5.0), 0)])
    assert np.isfinite(flat.features).all()
    assert encode([]).features.shape == (0, FEATURES)


def test_padding_says_that_it_is_none() -> None:
    encoded = padded(encode(row("a", "b")), 5)
    assert encoded.features[:, -1].tolist() == [1, 1, 0, 0, 0]
    assert (encoded.sides[:, 2:] == SIDES).all() and (encoded.sides[2:] == SIDES).all()
