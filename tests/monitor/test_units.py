"""What was captured becomes units: pages, and lines of one document; those with a truth apart from those without."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from emendo.image.quality import Quality
from emendo.monitor import Outcome, Seen, SeenLine, Truth
from emendo.monitor.units import by, halves, line_doubt, units_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(text: str, doubt: float | None = 0.1) -> SeenLine:
    return SeenLine(text, 0.5, doubt)


def seen(name: str, *lines: SeenLine, **more: object) -> Seen:
    kept = {"at": NOON, "kind": "line", "model": "base@1", **more}
    return Seen(id=name, lines=lines, **kept)  # type: ignore[arg-type]


def truth(name: str, text: str, at: int | None = None) -> Truth:
    return Truth(id=name, at=NOON + timedelta(days=3), author="ann", text=text, line=at)


def test_lines_of_one_document_and_day_are_one_unit() -> None:
    captured = [
        seen("a", line("ein"), document="book"),
        seen("b", line("Wort"), document="book", quality=Quality(9, 9)),
    ]
    (unit,) = units_of([*captured, seen("c", line("x"), outcome=Outcome.FAILED), seen("d", fields={"total": "1"})])
    assert (unit.name, unit.characters, len(unit.qualities), unit.truth) == ("book", 7, 1, None)
    later = seen("e", line("dann"), document="book", at=NOON + timedelta(days=1))
    other = seen("f", line("dort"), document="book", model="base@2")
    assert len(units_of([*captured, later, other])) == 3


def test_lines_of_a_page_that_people_corrected_are_counted_apart_from_the_rest() -> None:
    page = seen("p", line("ein Wort"), line("zwei Worte"), line("drei"), kind="page", document="book")
    known, unknown = halves(units_of([page], [truth("p", "falsch", 1), truth("p", "zwei Worter", 1)]))
    assert known[0].truth is not None and known[0].truth.edits == 1 and known[0].truth.characters == 11
    assert [one.text for one in unknown[0].lines] == ["ein Wort", "drei"]
    assert by(known + unknown, "page") == {"p": known + unknown}


def test_a_truth_of_all_lines_counts_for_the_page() -> None:
    page = seen("p", line("ein"), line("Wort"), kind="page")
    (unit,) = units_of([page], [truth("p", "ein\nWert")])
    assert unit.truth is not None and unit.truth.edits == 1


def test_units_by_day_keep_their_order() -> None:
    days = [NOON + timedelta(days=day) for day in (2, 0, 2)]
    units = units_of([seen(str(at), line("x"), at=day) for at, day in enumerate(days)])
    assert {day: len(held) for day, held in by(units, "day").items()} == {"2026-03-03": 2, "2026-03-01": 1}


def test_the_doubt_of_a_model_that_does_not_say_follows_from_its_confidence() -> None:
    assert line_doubt(SeenLine("ab", 0.25)) == pytest.approx(0.5)
    (unit,) = units_of([seen("a", line("aaaa", 0.1), line("b", 0.6), kind="page")])
    assert unit.doubt == pytest.approx((4 * 0.1 + 0.6) / 5)
