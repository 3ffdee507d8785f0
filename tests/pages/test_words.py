"""Words of a page with their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emendo.image.load import read_image
from emendo.models.detector import Detector
from emendo.models.references import load_recognizer
from emendo.pages.words import given_words, read_words, split_words
from emendo.types import Character, Image, Reading

from ..receipts import SHOPS, draw

SQUARE = ((10.0, 20.0), (110.0, 20.0), (110.0, 40.0), (10.0, 40.0))
LEANING = ((0.0, 0.0), (100.0, 50.0), (100.0, 70.0), (0.0, 20.0))


@given(st.text("ab1. mWאב", max_size=20))
def test_words_share_the_width_of_their_region(text: str) -> None:
    words = split_words(text, SQUARE, 3)
    assert [one.text for one in words] == text.split()
    assert all(10 <= one.box[0] < one.box[2] <= 110.001 and one.line == 3 for one in words)


def test_a_leaning_region_has_leaning_words_and_hebrew_begins_at_the_right() -> None:
    first, last = split_words("aaaa bbbb", LEANING, 0)
    assert first.box[1] < 1 and last.box[3] > 69 and first.box[3] < 50 < last.box[1] + 30
    begins, ends = split_words("אבג דה", SQUARE, 0)
    assert begins.box[0] > ends.box[2]


def test_what_is_no_region_is_left_out() -> None:
    rows = [
        None,
        {"text": "x"},
        {"text": 3, "box": [0, 0, 9, 9]},
        {"text": "x", "box": [0, 0]},
        {"text": " ", "box": [0, 0, 9, 9]},
    ]
    assert given_words(rows) == [] and given_words("no list") == []
    assert [one.text for one in given_words([{"text": "a b", "box": [0, 0, 9, 9], "frame": 1}], 1)] == ["a", "b"]


class _Seen:
    """Reads two words, the second in the last fifth of the line."""

    model = "seen"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return [self._one(image.shape[1]) for image in images]

    def _one(self, width: int) -> Reading:
        places = [("T", 0.0, 0.1), ("o", 0.1, 0.2), (" ", 0.2, 0.8), ("9", 0.8, 1.0)]
        return Reading("To 9", 0.9, tuple(Character(char, 0.9, a * width, b * width) for char, a, b in places))


def test_words_are_where_their_characters_were_seen(tmp_path: Path) -> None:
    draw([("Total Total", ""), ("Total Total", "")], tmp_path / "page.png")
    words = read_words(read_image(tmp_path / "page.png"), _Seen())
    assert [(one.text, one.line) for one in words] == [("To", 0), ("9", 0), ("To", 1), ("9", 1)]
    (left, _, right, _), (start, _, end, _) = words[0].box, words[1].box
    assert right - left < 0.5 * (start - left) and end > start


def test_a_receipt_is_read_to_words(tmp_path: Path) -> None:
    boxes = draw(SHOPS[0][1], tmp_path / "page.png")
    words = read_words(read_image(tmp_path / "page.png"), load_recognizer("base"), Detector())
    found = {one.text: one for one in words}
    assert {"HARBOUR", "HB-2041", "25/12/2018", "10.00", "12.30"} <= set(found)
    x0, y0, x1, y1 = next(one["box"] for one in boxes if one["text"] == "12.30")
    left, top, right, bottom = found["12.30"].box
    assert abs(left - x0) < 20 and abs(right - x1) < 20 and abs(top - y0) < 20 and abs(bottom - y1) < 20


def test_parts_of_a_page_can_be_read_at_the_same_time(tmp_path: Path) -> None:
    rows = [(f"Line {at} of many", f"{at}.00") for at in range(11)]
    draw(rows, tmp_path / "page.png")
    page, reader = read_image(tmp_path / "page.png"), load_recognizer("base")
    alone = read_words(page, reader, Detector(), number=2)
    assert read_words(page, reader, Detector(), number=2, threads=2) == alone
    assert len(alone) > 44 and {word.line for word in alone} == set(range(max(word.line for word in alone) + 1))
