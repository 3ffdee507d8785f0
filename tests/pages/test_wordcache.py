"""Words of pages are read once, and only what was read the same way comes from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emendo.image.load import read_image
from emendo.models.pieces import Piece
from emendo.pages.wordcache import cached_words
from emendo.types import Image, Reading

from ..receipts import SHOPS, draw


class Counting:
    """Reads each line as `text` and counts the lines."""

    def __init__(self, model: str = "counting", text: str = "Summe 9,00") -> None:
        self.model, self.text, self.lines = model, text, 0

    def read(self, images: Sequence[Image]) -> list[Reading]:
        self.lines += len(images)
        return [Reading(self.text, 0.5) for _ in images]


class Unversioned:
    """A finder that finds nothing and does not say what it is."""

    def __call__(self, page: Image) -> list[Piece]:
        return []


@pytest.fixture
def page(tmp_path: Path) -> Image:
    draw(SHOPS[2][1], tmp_path / "page.png")
    return read_image(tmp_path / "page.png")


def test_a_page_is_read_once_by_each_reader(tmp_path: Path, page: Image) -> None:
    reader = Counting()
    first = cached_words(reader, folder=tmp_path)(page, 1)
    lines = reader.lines
    assert lines > 0 and {word.text for word in first} == {"Summe", "9,00"}
    again = cached_words(reader, folder=tmp_path)(page.copy(), 3)
    assert again == [replace(word, page=3) for word in first] and reader.lines == lines
    other = Counting("other", "x")
    assert {word.text for word in cached_words(other, folder=tmp_path)(page, 1)} == {"x"}
    cached_words(reader, engine="openvino", folder=tmp_path)(page, 1)
    assert reader.lines == 2 * lines


def test_another_page_is_not_taken_for_it(tmp_path: Path, page: Image) -> None:
    reader = Counting()
    words = cached_words(reader, folder=tmp_path)
    words(page, 1)
    seen = reader.lines
    touched = page.copy()
    touched[0, 0] = 0
    words(touched, 1)
    assert reader.lines == 2 * seen
    blank = np.full((40, 60, 3), 255, np.uint8)
    assert words(blank, 1) == [] == words(np.full((60, 40, 3), 255, np.uint8), 1)
    assert len(list((tmp_path / "words").rglob("*.json"))) == 4


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"format": "emendo.words/0", "words": []}',
        '{"format": "emendo.words/1"}',
        '{"format": "emendo.words/1", "words": [["a", [1, 2, 3], 0, 1]]}',
        '{"format": "emendo.words/1", "words": [[7, [1, 2, 3, 4], 0, 1]]}',
    ],
)
def test_a_damaged_entry_is_read_anew(tmp_path: Path, page: Image, content: str) -> None:
    reader = Counting()
    words = cached_words(reader, folder=tmp_path)
    first, lines = words(page, 1), reader.lines
    (entry,) = (tmp_path / "words").rglob("*.json")
    whole = entry.read_text()
    entry.write_text(content)
    assert words(page, 1) == first and reader.lines == 2 * lines and entry.read_text() == whole


def test_a_finder_that_is_not_known_is_asked_each_time(tmp_path: Path, page: Image) -> None:
    reader = Counting()
    words = cached_words(reader, Unversioned(), folder=tmp_path)
    words(page, 1)
    lines = reader.lines
    words(page, 1)
    assert reader.lines == 2 * lines and not (tmp_path / "words").exists()
