"""A truth is checked against its reading and kept in one form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emendo.errors import BadInput, FormatError
from emendo.monitor import Outcome, Seen, SeenLine
from emendo.monitor.feedback import truth_of

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LINE = Seen(id="a", at=NOW, kind="line", lines=(SeenLine("x", 0.5),))
PAGE = Seen(id="a", at=NOW, kind="page", lines=(SeenLine("x", 0.5), SeenLine("y", 0.5)))
DOCUMENT = Seen(id="a", at=NOW, kind="document", fields={"total": "1.00"})
EMPTY = Seen(id="a", at=NOW, kind="document")


def test_texts_are_normalised_and_a_line_has_no_number_of_its_own() -> None:
    told = truth_of(LINE, text=" e\u0301tait \u200e la\t", line=0, author="ann")
    assert (told.text, told.line, told.author) == ("\u00e9tait la", None, "ann")
    assert truth_of(LINE, text="", author="ann").text == ""
    assert truth_of(PAGE, text="a\r\n b \n", author="ann").text == "a\nb"
    assert truth_of(PAGE, text="b", line=1, author="ann").line == 1


def test_fields_are_kept_in_their_canonical_form() -> None:
    for seen in (DOCUMENT, EMPTY):
        told = truth_of(seen, fields={"total": 9, "currency": "EUR"}, author="ann")
        assert told.fields == {"currency": "EUR", "total": "9.00"} and told.text is None


@pytest.mark.parametrize(
    ("seen", "told", "what"),
    [
        (Seen(id="a", at=NOW, kind="line", outcome=Outcome.FAILED), {"text": "a"}, "was not read"),
        (LINE, {}, "text is to be told"),
        (DOCUMENT, {"text": "a"}, "fields is to be told"),
        (DOCUMENT, {"fields": {"total": "1.00"}, "line": 0}, "has no lines"),
        (DOCUMENT, {"fields": {"total": "much"}}, "total"),
        (DOCUMENT, {"fields": {"seller": "x" * 1_000_001}}, "more than 1,000,000 bytes"),
        (PAGE, {"text": "a\nb", "line": 0}, "2 were sent"),
        (PAGE, {"text": "a", "line": 2}, "no line 2"),
    ],
)
def test_what_cannot_be_is_refused(seen: Seen, told: dict[str, Any], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        truth_of(seen, **told, author="ann")


def test_fields_of_another_schema_are_refused() -> None:
    with pytest.raises(FormatError, match="schema"):
        truth_of(DOCUMENT, fields={"schema": "other/9"}, author="ann")
