"""Lines cut at their word gaps and put together anew."""

from __future__ import annotations

import numpy as np
import pytest

from emendo.datasets.dataset import open_dataset
from emendo.image.line import LineGeometry
from emendo.models.references import load_recognizer
from emendo.train.selection import usable_lines
from emendo.train.splice import HEIGHT, pieces_of, splice


@pytest.fixture(scope="module")
def lines(data):
    samples = open_dataset(data / "peraire").split("train")[40:52]
    return usable_lines(samples, LineGeometry(), columns_per_frame=8)[0]


def test_most_gaps_are_cut_and_no_text_is_lost(lines):
    recognizer = load_recognizer("base")
    words = sum(len(line.text.split()) for line in lines)
    cut = [pieces_of([line], recognizer) for line in lines]
    assert sum(len(pieces) for pieces in cut) > 0.7 * words
    for line, pieces in zip(lines, cut, strict=True):
        joined = " ".join(piece.text for piece in pieces).split()
        assert [word for word in line.text.split() if word in joined] == joined
        assert sum(piece.image.shape[1] for piece in pieces) <= line.image.shape[1]


def test_a_spliced_line_shows_the_words_it_names(lines):
    recognizer = load_recognizer("base")
    pieces = pieces_of(lines, recognizer)
    known = {piece.text for piece in pieces}
    first, text = splice(pieces, 500, np.random.default_rng(7))
    again, same = splice(pieces, 500, np.random.default_rng(7))
    assert first.shape[0] == HEIGHT
    assert 500 <= first.shape[1] < 1500
    assert text == same
    np.testing.assert_array_equal(first, again)
    assert all(any(word in entry.split() for entry in known) for word in text.split())
    assert len(text) > 5
