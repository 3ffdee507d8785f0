"""What is captured comes back as it was, by day, beside a line that a crash tore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emendo.errors import FormatError
from emendo.image.quality import Quality
from emendo.monitor import Captures, Outcome, Seen, SeenLine, Truth, captures
from emendo.monitor.captures import Dropped

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seen(name: str, at: datetime = NOON, **more: object) -> Seen:
    return Seen(id=name, at=at, kind="line", **more)  # type: ignore[arg-type]


READ = seen(
    "a",
    document="book",
    model="base@1",
    lines=(SeenLine("ein Wort", 0.8, 0.05), SeenLine("", 0.0)),
    confidence=0.8,
    quality=Quality(640, 48, 210.5, 180.0, 240.0, 0.1),
    certainty={"total": 0.9},
    fields={"total": "1.00"},
    seconds=0.02,
)
REFUSED = seen("b", NOON + timedelta(days=1), outcome=Outcome.REJECTED, reason="full")


def test_readings_come_back_as_they_were_by_day(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    held.add([READ, REFUSED])
    assert list(held.seen()) == [READ, REFUSED]
    assert [day.isoformat() for day in held.days()] == ["2026-03-01", "2026-03-02"]
    assert list(held.seen(since=NOON + timedelta(hours=1))) == [REFUSED]
    assert list(held.seen(until=NOON + timedelta(days=1))) == [READ]


def test_truths_come_back_as_they_were(tmp_path: Path) -> None:
    told = Truth(id="a", at=NOON, author="ann", text="ein Wort", line=0)
    Captures(tmp_path).add_truths([told])
    assert list(Captures(tmp_path).truths()) == [told]


def test_a_torn_line_is_counted_and_loses_nothing_else(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    held.add([READ])
    with (tmp_path / "2026-03-01" / "seen.jsonl").open("ab") as file:
        file.write(b'{"id": "x", "at": "2026')
    held.add([seen("c")])
    assert [one.id for one in held.seen()] == ["a", "c"]
    assert held.torn == 1


def test_a_picture_is_kept_once_by_its_content(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    name = held.put_image(b"picture", NOON)
    assert held.put_image(b"picture", NOON) == name
    assert (tmp_path / name).read_bytes() == b"picture"


@pytest.mark.parametrize("row", [{}, {"id": "a", "at": "yesterday", "kind": "line"}, {"id": "a", "at": 3, "kind": "x"}])
def test_what_is_no_reading_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(FormatError, match="no reading"):
        Seen.from_dict(row)


def test_what_a_caller_sent_or_a_document_holds_goes_with_its_pictures_and_truths(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    later = NOON + timedelta(days=1)
    own, shared = held.put_image(b"own", NOON), held.put_image(b"shared", NOON)
    held.add(
        [
            seen("a", document="book", image=own),
            seen("b", caller="ann", image=shared),
            seen("c", image=shared),
            seen("d", later, document="book"),
        ]
    )
    held.add_truths([Truth(id=name, at=later, author="ben", text="x") for name in "abcd"])
    held.add_truths([Truth(id="c", at=later, author="cleo", text="y")])
    assert held.drop(documents={"book"}) == Dropped(2, 2, 1)
    assert [one.id for one in held.seen()] == ["b", "c"]
    assert not (tmp_path / own).exists()
    assert held.drop(callers={"ann"}, authors={"cleo"}) == Dropped(1, 2, 0)
    assert (tmp_path / shared).is_file(), "another reading shows it"
    assert [(one.id, one.author) for one in held.truths()] == [("c", "ben")]
    assert held.drop(documents={"book"}) == Dropped() == Captures(tmp_path / "none").drop(callers={"ann"})


def test_a_cut_off_drop_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Captures(tmp_path)
    held.add([seen("a", document="book"), seen("b")])
    held.add_truths([Truth(id="a", at=NOON, author="ben", text="x")])
    write, times = captures.write_bytes, iter(range(10))

    def cut_off(path: Path, content: bytes) -> None:
        if next(times) == 1:
            raise OSError("cut off")
        write(path, content)

    monkeypatch.setattr(captures, "write_bytes", cut_off)
    with pytest.raises(OSError, match="cut off"):
        held.drop(documents={"book"})
    held.drop(documents={"book"})
    assert [one.id for one in held.seen()] == ["b"] and list(held.truths()) == []
