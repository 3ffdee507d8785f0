"""Archives: strangers' ones cannot escape or burst, our own are the same for the same files."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from emendo.errors import BadInput
from emendo.settings import Limits
from emendo.tools.archives import pack, unpack


def test_the_same_files_make_the_same_zip_and_come_back(tmp_path: Path) -> None:
    for name, moment in (("a", 1_000_000_000), ("b", 1_500_000_000)):
        for inside, content in (("x/z.txt", "last " * 100), ("x/é.txt", "eins"), ("a.png", "picture")):
            path = tmp_path / name / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            os.utime(path, (moment, moment))
        pack(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    unpack(tmp_path / "a.zip", tmp_path / "back", Limits())
    assert (tmp_path / "back" / "x" / "é.txt").read_text(encoding="utf-8") == "eins"
    assert len(list((tmp_path / "back").rglob("*.*"))) == 3


def tar_with(change: Callable[[tarfile.TarInfo], None], data: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in ("ok.txt", "bad"):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if name == "bad":
                change(info)
            tar.addfile(info, io.BytesIO(data) if info.isfile() else None)
    return out.getvalue()


def naming(name: str) -> Callable[[tarfile.TarInfo], None]:
    return lambda info: setattr(info, "name", name)


def kind(value: bytes, link: str = "") -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = value, link, 0

    return change


ESCAPES = {
    "parent": naming("../evil.txt"),
    "hidden parent": naming("a/../../evil.txt"),
    "absolute": naming("/evil.txt"),
    "backslash": naming("..\\evil.txt"),
    "drive": naming("C:evil.txt"),
    "control": naming("a\nb"),
    "symlink": kind(tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": kind(tarfile.LNKTYPE, "ok.txt"),
    "fifo": kind(tarfile.FIFOTYPE),
    "device": kind(tarfile.CHRTYPE),
    "twice": naming("ok.txt"),
}


@pytest.mark.parametrize("case", ESCAPES)
def test_an_archive_cannot_escape(tmp_path: Path, case: str) -> None:
    (tmp_path / "a.tar.gz").write_bytes(tar_with(ESCAPES[case]))
    (tmp_path / "in" / "deep").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"leads outside|a link or device|two files of one name"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "in" / "deep", Limits())
    assert not list(tmp_path.rglob("*evil*"))


def test_zip_slip_and_zip_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    for name in ("../evil.txt", "/evil.txt", link):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
            out.writestr(name, "x")
        (tmp_path / "in").mkdir(exist_ok=True)
        with pytest.raises(BadInput, match=r"leads outside|a link or device"):
            unpack(tmp_path / "a.zip", tmp_path / "in", Limits())
    assert not list(tmp_path.rglob("*evil*"))


def test_a_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros", b"\0" * 20_000_000)
    (tmp_path / "in").mkdir()
    with pytest.raises(BadInput, match="unpacks to more than 3,000,000 bytes"):
        unpack(tmp_path / "a.zip", tmp_path / "in", Limits(archive_bytes=3_000_000))
    assert sum(path.stat().st_size for path in (tmp_path / "in").iterdir()) <= 3_000_000


@pytest.mark.parametrize("damage", [b"", b"not an archive", None])
def test_a_damaged_archive(tmp_path: Path, damage: bytes | None) -> None:
    data = tar_with(lambda info: None, b"x" * 50_000)
    (tmp_path / "a.tar.gz").write_bytes(data[: len(data) // 2] if damage is None else damage)
    (tmp_path / "in").mkdir()
    with pytest.raises(BadInput, match="is a damaged archive"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "in", Limits())


def test_a_stored_archive_compresses_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("last " * 1000)
    pack(tmp_path / "in", tmp_path / "a.zip", stored=True)
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        (entry,) = opened.infolist()
    assert (entry.compress_type, entry.compress_size) == (zipfile.ZIP_STORED, 5000)
