"""Documents that come through the page: safe names, checks before decoding, nothing overwritten or left behind."""

from __future__ import annotations

import errno
import os
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.errors import BadInput, Busy, DocumentError, UsageError, WorkspaceError
from emendo.label.names import MOST_BYTES, safe_name
from emendo.label.uploads import FOLDER, MOST_WAITING, State, Upload, Uploads
from emendo.tools.files import PARTIAL
from emendo.workspace.folder import Workspace


def png(shade: int = 255, size: int = 8) -> bytes:
    return cv2.imencode(".png", np.full((size, size, 3), shade, np.uint8))[1].tobytes()


def read_quickly(upload: Upload) -> None:
    upload.text = f"text of {upload.name}\n"


def given_in(uploads: Uploads, content: bytes, name: str, owner: str = "ann", *, keep: bool = False) -> Upload:
    with uploads.arriving(len(content)) as arriving:
        for start in range(0, len(content), 7):
            arriving.take(content[start : start + 7])
        return uploads.accept(arriving, name, owner, keep=keep)


def settled(upload: Upload) -> Upload:
    end = time.monotonic() + 30
    while upload.state in (State.WAITING, State.READING):
        assert time.monotonic() < end
        time.sleep(0.01)
    return upload


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "notes")


@pytest.fixture
def uploads(workspace: Workspace) -> Iterator[Uploads]:
    opened = Uploads(workspace, read_quickly)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("scan 1.PDF", "scan 1.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\Users\\me\\page.jpeg", "page.png"),
        ("...hidden.png", "hidden.png"),
        ("", "document.png"),
        ("/", "document.png"),
        (".pdf", "document.png"),
        ("emendo.toml", "emendo.toml.png"),
        ("a\x00b\nc\u202egnp.exe", "ab cgnp.exe.png"),
        ('<img src=x onerror="alert(1)">.png', "_img src=x onerror=_alert(1)__.png"),
        ("e\u0301te\u0301.tiff", "été.png"),
        ("قال.pdf", "قال.png"),
        ("x" * 500 + ".png", "x" * MOST_BYTES + ".png"),
    ],
)
def test_hostile_names_become_safe_ones(given_name: str, safe: str) -> None:
    assert safe_name(given_name, ".png") == safe


@given(st.text(max_size=300))
def test_any_name_is_one_visible_file_name(given_name: str) -> None:
    name = safe_name(given_name, ".pdf")
    assert name.endswith(".pdf") and len(name) > 4 and len(name.encode()) <= MOST_BYTES + 4
    assert not name.startswith(".") and Path(name).name == name and "\\" not in name
    assert all(unicodedata.category(char)[0] != "C" for char in name)
    assert unicodedata.is_normalized("NFC", name)


def test_read_only_it_is_gone_when_removed(uploads: Uploads, workspace: Workspace) -> None:
    upload = settled(given_in(uploads, png(), "page.pdf"))
    assert (upload.name, upload.state, upload.pages, upload.text) == ("page.png", State.READ, 1, "text of page.png\n")
    assert [one.id for one in uploads.of("ann")] == [upload.id]
    assert uploads.picture(upload, 1)[:2] == b"\xff\xd8"
    assert [path.name for path in workspace.root.iterdir()] == [".emendo"]
    with pytest.raises(BadInput, match="no document of yours"):
        uploads.get(upload.id, "bob")
    with pytest.raises(BadInput, match="no document of yours"):
        uploads.remove(upload.id, "bob")
    uploads.remove(upload.id, "ann")
    assert list((workspace.hidden / FOLDER).iterdir()) == []
    with pytest.raises(BadInput):
        uploads.get(upload.id, "ann")


def test_kept_ones_never_overwrite(uploads: Uploads, workspace: Workspace) -> None:
    first = settled(given_in(uploads, png(10), "page.png", keep=True))
    same = settled(given_in(uploads, png(10), "page.png", keep=True))
    other = settled(given_in(uploads, png(20), "page.png", keep=True))
    assert (first.path, first.notice) == (workspace.root / "page.png", "")
    assert (same.path, same.notice) == (first.path, "page.png was here already, with the same content")
    assert other.path == workspace.root / "page-2.png"
    assert other.notice == "page.png was here already with other content: this one is page-2.png"
    assert first.path.read_bytes() == png(10) and other.path.read_bytes() == png(20)
    uploads.remove(other.id, "ann")
    assert other.path.is_file(), "what is kept belongs to the workspace"
    (workspace.root / "link.png").symlink_to(other.path)
    assert settled(given_in(uploads, png(20), "link.png", keep=True)).path.name == "link-2.png"


def test_a_disk_without_links_serves_too(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    first, other = (given_in(uploads, png(shade), "page.png", keep=True) for shade in (1, 2))
    assert (first.path.read_bytes(), other.path.name, other.path.read_bytes()) == (png(1), "page-2.png", png(2))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"<html><script>1</script>", "holds a web page"),
        (b"PK\x03\x04 a zip", "is no image or PDF"),
        (png()[:20], "damaged or cut short"),
        (b"%PDF-1.7 nothing", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0", "megapixels"),
    ],
)
def test_what_cannot_be_read_is_refused_before_it_is_decoded(
    uploads: Uploads, workspace: Workspace, content: bytes, what: str
) -> None:
    with pytest.raises(UsageError, match=what) as refused:
        given_in(uploads, content, "secret/place.png", keep=True)
    assert str(refused.value).startswith("place: ")
    assert [path for path in workspace.root.rglob("*") if path.is_file() and path.name != "workspace.json"] == []


def test_too_large_is_told_at_once_and_as_it_comes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMENDO_LIMITS__UPLOAD_BYTES", "100")
    uploads = Uploads(workspace, read_quickly)
    with pytest.raises(UsageError, match="larger than 0 MB"), uploads.arriving(101):
        pass
    with pytest.raises(UsageError, match="larger than"), uploads.arriving(None) as arriving:
        arriving.take(b"x" * 60)
        arriving.take(b"x" * 60)
    assert list(uploads.folder.iterdir()) == []


def test_a_full_disk_is_one_sentence(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match=r"cannot be stored \(no space left on device\); make room"):
        given_in(uploads, png(), "page.png")
    assert uploads.of("ann") == [] and list(uploads.folder.iterdir()) == []


def test_one_that_fails_stops_no_other_and_too_many_wait_outside(workspace: Workspace) -> None:
    go_on: list[Callable[[Upload], None]] = []

    def read(upload: Upload) -> None:
        while not go_on:
            time.sleep(0.01)
        if upload.name.startswith("bad"):
            raise DocumentError("is damaged", where=upload.name)
        if upload.name.startswith("odd"):
            raise ValueError("unforeseen")

    uploads = Uploads(workspace, read)
    names = ["bad.png", "odd.png", *(f"{number}.png" for number in range(MOST_WAITING - 2))]
    taken = [given_in(uploads, png(), name) for name in names]
    with pytest.raises(Busy, match="8 documents wait"):
        given_in(uploads, png(), "more.png")
    uploads.remove(taken[-1].id, "ann")
    while taken[0].state is State.WAITING:
        time.sleep(0.01)
    with pytest.raises(UsageError, match="is being read"):
        uploads.remove(taken[0].id, "ann")
    go_on.append(read_quickly)
    for one in taken[:-1]:
        settled(one)
    assert [one.state for one in taken[:4]] == [State.FAILED, State.FAILED, State.READ, State.READ]
    assert (taken[0].fault, "unforeseen" in taken[1].fault) == ("bad.png: is damaged", True)
    assert taken[-1].state is State.WAITING
    uploads.close()
    assert list(uploads.folder.iterdir()) == []


def test_leftovers_of_a_killed_server_go_after_a_day(uploads: Uploads, workspace: Workspace) -> None:
    uploads.folder.mkdir(exist_ok=True)
    old, new = uploads.folder / f"{PARTIAL}old", uploads.folder / f"{PARTIAL}new"
    for path in (old, new):
        path.write_bytes(b"x")
    (uploads.folder / "oldfolder").mkdir()
    for path in (old, uploads.folder / "oldfolder"):
        os.utime(path, (time.time() - 90_000,) * 2)
    Uploads(workspace, read_quickly)
    assert list(uploads.folder.iterdir()) == [new]
