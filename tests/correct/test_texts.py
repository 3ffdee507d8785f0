"""Text files as editors and systems leave them."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.correct.texts import State, clean, decode, numbered, read_file
from emendo.errors import BadInput

LIMIT = 1000


@pytest.mark.parametrize(
    "content",
    [
        "été à Paris\nligne deux\n".encode(),
        b"\xef\xbb\xbf" + "été à Paris\r\nligne deux\r\n".encode(),
        "été à Paris\rligne deux\r".encode(),
        unicodedata.normalize("NFD", "été à Paris\nligne deux\n").encode(),
        "\tété  à\tParis \n  ligne\u00a0deux".encode(),
        "été à Paris\nligne deux".encode("utf-16"),
        "\u200eété à\u200b Paris\n\n\n\u202bligne deux\u202c\n".encode(),
    ],
    ids=["plain", "windows", "old mac", "nfd", "tabs", "utf-16", "marks"],
)
def test_every_way_to_save_the_same_text(content: bytes) -> None:
    assert [line for _, line in numbered(decode(content, Path("note.txt")))] == ["été à Paris", "ligne deux"]


def test_numbers_count_blank_lines() -> None:
    assert numbered("\na\n\n \nb\n") == [(2, "a"), (5, "b")]


def test_latin_1_is_named_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"note\.txt:2: is not UTF-8 \(byte 0xe9\); save it as UTF-8"):
        decode("un\nété".encode("latin-1"), Path("note.txt"))


@pytest.mark.parametrize("content", [b"a\0b", b"\xff\xfe\x00", b"\xff\xfe\x00\xd8"])
def test_bytes_that_are_no_text(content: bytes) -> None:
    with pytest.raises(BadInput, match=r"NUL|is not UTF-8"):
        decode(content, Path("note.txt"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "note.txt")
    with pytest.raises(BadInput, match="is a special file, not a plain file"):
        read_file(tmp_path / "note.txt", LIMIT)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "note.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInput, match="is a link"):
        read_file(tmp_path / "note.txt", LIMIT)


def test_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "note.txt").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(BadInput, match=r"1,073,741,824 bytes, more than the 1,000 of the setting limits\.note_bytes"):
        read_file(tmp_path / "note.txt", LIMIT)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        read_file(tmp_path / "note.txt", LIMIT)
    assert State.of(tmp_path / "note.txt") is None
    (tmp_path / "note.txt").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        read_file(tmp_path / "note.txt", LIMIT)


@given(st.text())
def test_clean_is_stable_and_nfc(line: str) -> None:
    once = clean(line)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip() and "  " not in once


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_a_sentence(content: bytes) -> None:
    try:
        text = decode(content, Path("note.txt"))
    except BadInput as error:
        assert str(error).startswith("note.txt:")
    else:
        assert "\0" not in text and "\r" not in text
