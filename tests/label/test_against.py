"""A document against a given truth: rates, differences and the compression of each mode follow from both texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emendo.errors import UsageError
from emendo.label.against import against
from emendo.label.uploads import State, Upload
from emendo.models.vision import MODES

PAGES = {1: ("The rain fe11", "over the hills"), 2: ("قال الشيخ",)}


def upload(state: State = State.READ) -> Upload:
    def row(text: str) -> dict[str, Any]:
        return {"text": text, "page_width": 1700, "page_height": 2200}

    found = Upload("k", "ann", "letter.pdf", Path("letter.pdf"), False, 2, state=state)
    found.rows = {number: [row(text) for text in lines] for number, lines in PAGES.items()}
    return found


def test_errors_of_a_page_are_counted_with_white_space_folded() -> None:
    found = against(upload(), "The rain fell over\n\n the  hills\n", 1)
    assert (found.counts.edits, found.counts.characters) == (2, 28) and found.counts.word_edits == 1
    assert found.figures["f1"] == pytest.approx(5 / 6) and 0.9 < found.figures["character_f1"] < 1
    assert ("replace", "ll", "11") in found.spans
    assert "".join(truth for _, truth, _ in found.spans) == "The rain fell over the hills"


def test_a_right_document_has_no_error_and_all_pages_count() -> None:
    whole = against(upload(), "\n".join(line for lines in PAGES.values() for line in lines))
    assert whole.counts.cer == 0 and whole.figures["character_f1"] == 1 and [one[0] for one in whole.spans] == ["equal"]
    page = against(upload(), " ".join(PAGES[1]), 1)
    assert whole.text_tokens == page.text_tokens + 2
    assert [one.vision_tokens for one in whole.modes] == [2 * one.vision_tokens for one in page.modes]


def test_compression_is_text_tokens_for_each_vision_token() -> None:
    found = against(upload(), "one two three four", 1)
    assert [one.mode for one in found.modes] == [mode.name for mode in MODES]
    assert found.text_tokens == 4 and found.modes[0].vision_tokens == 64
    assert found.modes[0].compression == pytest.approx(4 / 64)
    padded = found.modes[2]
    assert padded.valid < padded.vision_tokens == 256


@pytest.mark.parametrize(
    ("text", "page", "state", "said"),
    [
        (" \n", 1, State.READ, "the truth is empty"),
        ("x", 3, State.READ, "has 2 pages"),
        ("x", 1, State.READING, "is not read yet"),
        ("x" * 200_001, 1, State.READ, "too long"),
    ],
)
def test_what_cannot_be_compared_is_said(text: str, page: int, state: State, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        against(upload(state), text, page)
