"""Folders, arrivals, conflict copies; one bad file stops no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emendo.errors import UsageError
from emendo.pages.arrivals import is_partial, is_settled, wait_settled
from emendo.pages.inputs import expand_inputs
from emendo.pages.session import read_inputs
from emendo.settings import Settings, WatchSettings
from emendo.workspace.folder import Workspace

from .sheets import CountingReader, save, sheet

NOW = Settings(watch=WatchSettings(settle_seconds=0))
TWO = [(40, 300, 100), (40, 420, 150)]


def names(folder: Path) -> list[str]:
    return [document.path.relative_to(folder).as_posix() for document in expand_inputs([folder]).documents]


def test_documents_are_found_and_everything_else_is_left_alone(tmp_path: Path) -> None:
    wanted = ["a.PDF", "b.jpeg", "my_lines/photo.png", "sub/c.tif", "sub/deep/d.webp"]
    others = [
        ".hidden.png", ".emendo/runs/x.png", ".git/y.png", "a_lines/lines.jsonl", "a_lines/line_001.png",
        "b_lines/.read.json", "b_lines/line_001.png", "c_lines (conflicted copy)/lines.jsonl",
        "c_lines (conflicted copy)/line_002.png", "note.txt", "note.txt.orig", "half.pdf.part", "~$x.pdf",
        ".syncthing.z.png.tmp", "page.xml",
    ]  # fmt: skip
    for name in [*wanted, *others]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(tmp_path) == wanted
    assert expand_inputs([tmp_path]).failures == ()


def test_a_file_named_itself_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = save(tmp_path / ".hidden.png", sheet(TWO)).rename(tmp_path / ".scan")
    assert [d.path for d in expand_inputs([path, path, tmp_path]).documents] == [path]
    with pytest.raises(UsageError, match="is not there"):
        expand_inputs([tmp_path / "nothing.pdf"])


def test_links_and_fifos_in_a_folder_are_failures(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    save(tmp_path / "real.png", sheet(TWO))
    os.mkfifo(tmp_path / "in" / "pipe.png")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "real.png")
    (tmp_path / "in" / "away.pdf").symlink_to(tmp_path)
    found = expand_inputs([tmp_path / "in"])
    assert found.documents == ()
    assert len(found.failures) == 3
    assert any("pipe.png: is a FIFO" in failure for failure in found.failures)
    assert any("link.png: is a link" in failure for failure in found.failures)
    assert [d.path.name for d in expand_inputs([tmp_path / "in" / "link.png"]).documents] == ["link.png"]


@pytest.mark.parametrize(
    "name",
    [
        "a (Anna's conflicted copy 2026-11-20).png",
        "a.sync-conflict-20261120-101500-ABCDEFG.png",
        "a (conflicted copy 2026-11-20 101500).png",
        "a (Konflikt Kopie von Anna).png",
        "a-DESKTOP-4Q2K7AB.png",
    ],
)
def test_conflict_copies_are_told_and_not_read(tmp_path: Path, name: str) -> None:
    save(tmp_path / "a.png", sheet(TWO))
    save(tmp_path / "tmp.png", sheet(TWO)).rename(tmp_path / name)
    result = read_inputs([tmp_path], recognizer=CountingReader(), settings=NOW)
    assert [note.document.name for note in result.notes] == ["a.png"]
    assert len(result.notices) == 1
    assert "is a conflict copy of a.png and was not read" in result.notices[0]
    assert result.failures == ()


def test_one_bad_file_stops_no_other(tmp_path: Path) -> None:
    save(tmp_path / "a.png", sheet(TWO))
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.png").write_text("<!doctype html><html>", encoding="utf-8")
    (tmp_path / "d.pdf").write_bytes(b"%PDF-1.5\ngarbage")
    save(tmp_path / "e.png", sheet(TWO))
    (tmp_path / "e.txt").write_text("own", encoding="utf-8")
    save(tmp_path / "f.png", sheet(TWO))
    (tmp_path / "f_lines").write_text("a file where the folder should be", encoding="utf-8")
    save(tmp_path / "z.png", sheet([*TWO, (40, 200, 260)]))
    result = read_inputs([tmp_path], recognizer=CountingReader(), settings=NOW)
    assert [note.document.name for note in result.notes] == ["a.png", "z.png"]
    assert len(result.failures) == 5
    for failure, (name, what) in zip(
        result.failures,
        [
            ("b.png", "is empty"),
            ("c.png", "web page"),
            ("d.pdf", "damaged"),
            ("e.txt", "not ours"),
            ("f_lines", "cannot be read or written"),
        ],
        strict=True,
    ):
        assert name in failure
        assert what in failure
        assert "\n" not in failure
    summary = result.summary()
    assert (summary["documents"], summary["read"], summary["failed"], summary["lines"]) == (7, 2, 5, 5)
    assert any("a.png: 2 lines on 1 page ->" in sentence for sentence in result.sentences())
    again = read_inputs([tmp_path], recognizer=CountingReader(), settings=NOW)
    assert again.summary()["unchanged"] == 2
    assert any("unchanged" in sentence for sentence in again.sentences())


def test_out_keeps_subfolders_and_refuses_two_of_one_name(tmp_path: Path) -> None:
    for name in ("in/x/a.png", "in/y/a.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        save(tmp_path / name, sheet(TWO))
    out = tmp_path / "out"
    result = read_inputs([tmp_path / "in"], recognizer=CountingReader(), settings=NOW, out=out)
    assert result.failures == ()
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.txt")) == ["x/a.txt", "y/a.txt"]
    files = [tmp_path / "in" / "x" / "a.png", tmp_path / "in" / "y" / "a.png"]
    result = read_inputs(files, recognizer=CountingReader(), settings=NOW, out=tmp_path / "flat")
    assert len(result.notes) == 1
    assert "both would be one note" in result.failures[0]


def test_a_workspace_remembers_what_was_read(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    save(tmp_path / "a.png", sheet(TWO))
    read_inputs([tmp_path], recognizer=CountingReader(), settings=NOW, workspace=workspace)
    read_inputs([tmp_path], recognizer=CountingReader(), settings=NOW, workspace=workspace)
    with workspace.store() as store:
        events = store.events("read")
    assert len(events) == 1
    assert events[0].data["lines"] == 2


def test_files_still_arriving_are_left_for_the_next_time(tmp_path: Path) -> None:
    save(tmp_path / "old.png", sheet(TWO))
    save(tmp_path / "new.png", sheet(TWO))
    os.utime(tmp_path / "new.png", (4e9, 4e9))
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        (tmp_path / "growing.png").write_bytes(b"x" * (len(waits) + 1))

    (tmp_path / "growing.png").write_bytes(b"x")
    clock = (tmp_path / "old.png").stat().st_ctime
    assert is_settled(tmp_path / "old.png", 2, now=clock + 3)
    assert not is_settled(tmp_path / "old.png", 2, now=clock + 1)
    assert is_settled(tmp_path / "new.png", 2, now=clock + 1), "a clock far ahead holds nothing up"
    assert not is_settled(tmp_path / "nothing.png", 2)
    (tmp_path / "empty.png").touch()
    assert not is_settled(tmp_path / "empty.png", 2, now=clock + 3)
    assert is_settled(tmp_path / "empty.png", 2, now=clock + 30)
    settled, arriving = wait_settled([tmp_path / "growing.png", tmp_path / "new.png"], 0.4, patience=1.5, sleep=sleep)
    assert waits
    assert [p.name for p in settled] == ["new.png"]
    assert [p.name for p in arriving] == ["growing.png"]


@pytest.mark.parametrize(
    ("name", "partial"),
    [
        ("scan.pdf", False), ("scan.pdf.part", True), ("scan.pdf.crdownload", True), (".syncthing.scan.pdf.tmp", True),
        ("~syncthing~scan.pdf.tmp", True), ("~$scan.pdf", True), ("scan.pdf~", True), ("partial.pdf", False),
        ("tmp.pdf", False), (".~lock.scan.pdf#", True), ("scan.pdf.!sync", True),
    ],
)  # fmt: skip
def test_names_of_files_on_their_way(name: str, partial: bool) -> None:
    assert is_partial(name) is partial
