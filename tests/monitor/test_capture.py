"""Capture keeps what it is asked to keep, never waits, and says what it could not keep."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from emendo.monitor import Captures, Outcome, Seen, SeenLine, Truth
from emendo.monitor.capture import Capture, chosen
from emendo.monitor.seen import character_classes, day_of, new_id
from emendo.settings import CaptureSettings


def png(number: int = 0) -> bytes:
    held = io.BytesIO()
    Pillow.fromarray(np.full((4, 4, 3), number, np.uint8)).save(held, "PNG")
    return held.getvalue()


def read(document: str = "", text: str = "ein Wort 7", at: datetime | None = None, **more: Any) -> Seen:
    line = SeenLine(text, 0.8, 0.05)
    at = at or datetime.now(UTC)
    return Seen(
        id=new_id(), at=at, kind="line", document=document, caller="shop", lines=(line,), confidence=0.8, **more
    )


def refused(outcome: Outcome = Outcome.REJECTED) -> Seen:
    return Seen(id=new_id(), at=datetime.now(UTC), kind="line", outcome=outcome, reason="full")


def kept(folder: Path, told: list[tuple[Seen, bytes]], log: Any = lambda _: None, **values: Any) -> Capture:
    """A capture that was told of these and has ended."""
    capture = Capture(Captures(folder), CaptureSettings(**{"share": 1.0, **values}), log)
    for seen, content in told:
        capture(seen, content)
    capture.start()
    assert capture.close(60)
    return capture


def test_a_share_is_whole_documents_and_a_smaller_one_is_part_of_it(tmp_path: Path) -> None:
    names = [f"document {number}" for number in range(2000)]
    half = {name for name in names if chosen(name, 0.5)}
    assert 900 < len(half) < 1100
    assert {name for name in names if chosen(name, 0.1)} < half
    assert not any(chosen(name, 0.0) for name in names) and all(chosen(name, 1.0) for name in names)
    told = [(read(name), b"") for name in names[:200] for _ in range(2)]
    capture = kept(tmp_path, told, share=0.5, images=0.0)
    rows = list(capture.captures.seen())
    assert {one.document for one in rows} == half & set(names[:200])
    assert len(rows) == 2 * len({one.document for one in rows}) == capture.counts.written
    assert {one.share for one in rows} == {0.5} and {one.weight for one in rows} == {2.0}


def test_what_was_not_read_is_always_kept_and_never_its_picture(tmp_path: Path) -> None:
    told = [(refused(outcome), png()) for outcome in (Outcome.REJECTED, Outcome.FAILED)]
    rows = list(kept(tmp_path, [*told, (read(), png())], share=1e-9).captures.seen())
    assert [one.outcome for one in rows] == [Outcome.REJECTED, Outcome.FAILED]
    assert all(one.weight == 1 and not one.image for one in rows)
    assert not list(tmp_path.rglob("*.png"))


def test_pictures_lie_beside_their_rows_by_what_they_are(tmp_path: Path) -> None:
    capture = kept(tmp_path, [(read(), png(1)), (read(), b"%PDF-1.7 and so on"), (read(), png(1))])
    rows = list(capture.captures.seen())
    assert [Path(one.image).suffix for one in rows] == [".png", ".pdf", ".png"]
    assert rows[0].image == rows[2].image and (tmp_path / rows[0].image).read_bytes() == png(1)
    none = kept(tmp_path / "none", [(read(), png())], images=0.0)
    assert not next(none.captures.seen()).image and not list((tmp_path / "none").rglob("*.png"))


def test_a_full_queue_drops_and_counts_and_does_not_wait(tmp_path: Path) -> None:
    told = [(read(text=f"line {number}"), png()) for number in range(5)]
    capture = kept(tmp_path, told, queue=3, queue_bytes=2 * len(png()))
    rows = list(capture.captures.seen())
    assert [one.text for one in rows] == ["line 0", "line 1", "line 2"]
    assert [bool(one.image) for one in rows] == [True, True, False]
    assert capture.counts.dropped == {"queue": 2, "disk": 0, "space": 0} and capture.counts.pictures_dropped == 1


def test_without_texts_lengths_and_classes_of_characters_stay(tmp_path: Path) -> None:
    document = Seen(
        id=new_id(), at=datetime.now(UTC), kind="document", fields={"total": "9.00"}, certainty={"total": 0.9}
    )
    told = [(read(text="Le train 12!"), b""), (document, b"")]
    capture = kept(tmp_path, told, texts=False, callers=False, images=0.0)
    line, fields = capture.captures.seen()
    assert (line.text, line.caller, line.characters, line.lines[0].doubt) == ("", "", 12, 0.05)
    assert line.class_counts() == {"Latin Lu": 1, "Latin Ll": 6, "Zs": 2, "Nd": 2, "Po": 1}
    assert fields.fields is None and fields.certainty == {"total": 0.9}
    assert b"train" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.jsonl"))
    assert read(text="Le 1").class_counts() == character_classes("Le 1")


def test_a_full_disk_is_told_once_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    add = Captures.add
    full = [True, True]

    def fails(self: Captures, *given: Any) -> int:
        if full:
            full.pop()
            raise OSError(errno.ENOSPC, "No space left on device", "seen.jsonl")
        return add(self, *given)

    monkeypatch.setattr(Captures, "add", fails)
    monkeypatch.setattr("emendo.monitor.capture.BATCH", 1)
    capture = kept(tmp_path, [(read(), b"") for _ in range(4)], said.append)
    assert capture.counts.dropped["disk"] == 2 and len(list(capture.captures.seen())) == 2
    assert said == ["readings cannot be captured: seen.jsonl: No space left on device", "readings are captured again"]


def test_beyond_the_bytes_the_oldest_day_goes_and_today_stays(tmp_path: Path) -> None:
    said: list[str] = []
    now = datetime.now(UTC)
    held = Captures(tmp_path)
    for days in (3, 2, 1):
        held.put_image(bytes([days]) * 400_000, now - timedelta(days))
    capture = kept(tmp_path, [(read(), png())], said.append, bytes=1_000_000)
    assert len(held.days()) == 3 and held.days()[-1] == now.date() and len(said) == 1
    assert said[0].startswith(f"captures of {(now - timedelta(3)).date()} were removed (400,000 bytes)")
    assert capture.held_bytes > 800_000 and next(held.seen(since=now - timedelta(hours=1))).image


def test_where_today_alone_is_too_much_rows_stay_without_pictures_until_there_is_no_room(tmp_path: Path) -> None:
    said: list[str] = []
    Captures(tmp_path).put_image(b"x" * 950_000, datetime.now(UTC))
    capture = kept(tmp_path, [(read(), png())], said.append, bytes=1_000_000)
    assert [one.image for one in capture.captures.seen()] == [""] and capture.counts.pictures_dropped == 1
    assert len(said) == 1 and said[0].endswith("of 1,000,000 bytes: no more pictures are kept")
    Captures(tmp_path).put_image(b"y" * 60_000, datetime.now(UTC))
    full = kept(tmp_path, [(read(), png())], said.append, bytes=1_000_000)
    assert full.counts.dropped["space"] == 1 and len(list(full.captures.seen())) == 1


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from emendo.monitor import Captures, Seen, SeenLine
from emendo.monitor.capture import Capture
from emendo.settings import CaptureSettings

capture = Capture(Captures(Path(sys.argv[1])), CaptureSettings(share=1.0))
capture.start()
for number in range(400):
    line = SeenLine(sys.argv[2] * 50, 0.5)
    capture(Seen(id=f"{sys.argv[2]}{number}", at=datetime.now(UTC), kind="line", lines=(line,)), sys.argv[2].encode())
sys.exit(not capture.close(60))
"""


def test_several_processes_write_into_one_folder(tmp_path: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "abc"]
    assert [one.wait(120) for one in started] == [0, 0, 0]
    held = Captures(tmp_path)
    rows = list(held.seen())
    assert held.torn == 0 and {one.id for one in rows} == {f"{name}{number}" for name in "abc" for number in range(400)}
    assert all(one.text == one.id[0] * 50 and (tmp_path / one.image).read_bytes() == one.id[0].encode() for one in rows)


def test_an_id_tells_its_day_and_finds_its_reading(tmp_path: Path) -> None:
    one, other = read(text="one"), read(text="other")
    held = Captures(tmp_path)
    held.add([one, other, read(text="with\nbreak")])
    assert day_of(one.id) == datetime.now(UTC).date() and held.find(other.id) == other
    after_midnight = read(at=datetime.now(UTC) + timedelta(days=1))
    held.add([after_midnight])
    assert held.find(after_midnight.id) == after_midnight
    for name in (new_id(), "nothing", "f" * 32, "00000000000000000000000000000000", "../../etc/passwd"):
        assert held.find(name) is None and held.truths_of(name) == []


def test_a_truth_is_kept_once_and_a_later_one_holds(tmp_path: Path) -> None:
    one = read()
    capture = kept(tmp_path, [(one, b"")])
    told = Truth(id=one.id, at=datetime.now(UTC), author="ann", text="ein Wort")
    again = Truth(id=one.id, at=datetime.now(UTC), author="ann", text="ein Wort")
    other = Truth(id=one.id, at=datetime.now(UTC), author="ann", text="kein Wort")
    assert [capture.tell(one, truth) for truth in (told, again, other, other, told)] == [True, False, True, False, True]
    assert [truth.text for truth in capture.captures.truths_of(one.id)] == ["ein Wort", "kein Wort", "ein Wort"]
    anew = Capture(Captures(tmp_path), CaptureSettings(share=1.0))
    assert anew.find(one.id) == one and not anew.tell(one, again)


def test_a_reading_that_was_not_captured_is_kept_with_its_truth(tmp_path: Path) -> None:
    one = read()
    capture = kept(tmp_path, [(one, b"")], share=1e-9)
    assert list(capture.captures.seen()) == [] and capture.find(one.id) == one
    for line in ("a", "b"):
        assert capture.tell(one, Truth(id=one.id, at=datetime.now(UTC), author="ann", text=line))
    (row,) = capture.captures.seen()
    assert (row.id, row.text, row.share, row.weight) == (one.id, one.text, 0.0, 0.0)
