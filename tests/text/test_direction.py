"""From logical order to the page and back."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emendo.text.direction import direction_of, from_right, on_page, placed, right_to_left, swept

ARABIC = "اللهموعدةىؤئ"
MIXED = st.lists(
    st.sampled_from(
        [*ARABIC, *"abcXYZ", *"0123456789", *"١٢٣", *" .,:/-%!()[]{}<>«»،؛؟ـ", "َ", "ّ", "e\u0301", "\u200c"]
    ),
    max_size=24,
).map("".join)


def begins_with_mark(text: str) -> bool:
    return bool(text) and (unicodedata.category(text[0])[0] == "M" or text[0] in "\u200c\u200d")


@given(MIXED)
@example("و« الشراد » (12) ص 3/4 abc (1) 10:30,5")
@example("1 abc 2 def.، 5")
@example("1a.2 b3,4")
@settings(max_examples=400, deadline=None)
def test_there_and_back_is_the_same_text(text: str) -> None:
    if begins_with_mark(text):
        return
    assert from_right(from_right(text)) == text
    assert sorted(at for at, _ in placed(text)) == list(range(len(text)))
    assert on_page(text, "rtl") == swept(text, "rtl")[::-1]
    assert on_page(text, "ltr") == swept(text, "ltr") == text


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("سلام", "مالس"),
        ("سنة 1923 م", "م 1923 ةنس"),
        ("(12)", "(12)"),
        ("قال (نعم)", "(معن) لاق"),
        ("« لا »", "« ال »"),
        ("ص 3/4، 12.5", "12.5 ،3/4 ص"),
        ("باب ١٢-١٥", "١٥-١٢ باب"),
        ("كتاب Vol. 2, p. 7 هنا", "انه 7 .Vol. 2, p باتك"),
        ("Hello, (world).", "Hello, (world)."),
        ("12.", ".12"),
    ],
)
def test_lines_as_they_stand_on_the_page(text: str, page: str) -> None:
    assert on_page(text, "rtl") == page


def test_marks_stay_behind_their_letter_seen_from_the_right() -> None:
    assert swept("مَدّ 12", "rtl") == "مَدّ 21"


def test_the_lines_decide_which_way_a_model_runs() -> None:
    assert right_to_left("café سلام") and not right_to_left("café 12 ١٢")
    assert direction_of(["سلام", "سلام (1)", "abc"]) == "rtl"
    assert direction_of(["سلام", "abc", "12"]) == "ltr"
    assert direction_of([]) == "ltr"


def test_every_printed_line_comes_back(data: Path) -> None:
    rows = [json.loads(row) for row in (data / "arabic_print/lines.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if row["split"] == "train"]
    assert len(texts) > 1000
    assert [from_right(from_right(text)) for text in texts] == texts
    assert any(on_page(text, "rtl") != text[::-1] for text in texts)
