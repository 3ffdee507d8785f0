"""Files appear whole or not at all, also under kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emendo.tools import files

WRITER = """
import sys
from pathlib import Path
from emendo.tools.files import new_folder, write_bytes
target = Path(sys.argv[1])
number = 0
while True:
    number += 1
    write_bytes(target / "file", bytes([number % 256]) * 300_000)
    with new_folder(target / f"folder-{number}") as partial:
        for part in range(5):
            (partial / str(part)).write_bytes(b"x" * 1000)
    print(number, flush=True)
"""


def test_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a" / "file.txt"
    files.write_text(target, "eins")
    files.write_text(target, "zwei\r\n")
    assert target.read_bytes() == b"zwei\r\n"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_a_failed_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), files.new_folder(tmp_path / "out") as partial:
        (partial / "x").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_replaced(tmp_path: Path) -> None:
    with files.new_folder(tmp_path / "out") as partial:
        (partial / "x").write_text("old")
    with pytest.raises(FileExistsError), files.new_folder(tmp_path / "out"):
        pass
    with files.new_folder(tmp_path / "out", replace=True) as partial:
        (partial / "x").write_text("new")
    assert (tmp_path / "out" / "x").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_another_process_made_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), files.new_folder(tmp_path / "out") as partial:
        (partial / "mine").write_text("a")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("b")
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["out", "out/theirs"]


def test_a_folder_is_removed_whole(tmp_path: Path) -> None:
    (tmp_path / "full" / "inner").mkdir(parents=True)
    (tmp_path / "full" / "inner" / "x").write_text("x")
    files.remove_folder(tmp_path / "full")
    files.remove_folder(tmp_path / "full")
    assert list(tmp_path.iterdir()) == []


def test_hashes_agree(tmp_path: Path) -> None:
    data = os.urandom(100_000)
    files.write_bytes(tmp_path / "x", data)
    assert files.sha256_file(tmp_path / "x") == files.sha256_bytes(data)


def test_kill_leaves_whole_files(tmp_path: Path) -> None:
    for delay in (0.05, 0.11, 0.17, 0.23):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = (tmp_path / "file").read_bytes()
        assert len(content) == 300_000
        assert content == content[:1] * 300_000
        for folder in tmp_path.glob("folder-*"):
            assert sorted(path.name for path in folder.iterdir()) == list("01234")
            assert all(path.stat().st_size == 1000 for path in folder.iterdir())
        for folder in tmp_path.glob("folder-*"):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
