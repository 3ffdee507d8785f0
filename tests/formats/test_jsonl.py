"""The manifest: what it reads, and one sentence for each way in which it can be wrong (issue: bad input)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emendo.errors import FormatError
from emendo.formats import ReadOptions, jsonl
from emendo.settings import Limits
from emendo.types import Origin, Split

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "images" / "a.png").write_bytes(PNG)
    (tmp_path / "set" / "images" / "b.png").write_bytes(PNG)
    (tmp_path / "outside.png").write_bytes(PNG)
    return tmp_path / "set"


def manifest(folder: Path, *rows: dict[str, Any] | str | bytes) -> Path:
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    path = folder / "lines.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


GOOD = {"image": "images/b.png", "text": "good"}


def test_every_key_finds_its_place(folder: Path) -> None:
    row = {
        "id": "x", "image": "images/a.png", "frame": 2, "crop": [0, 0, 10, 5], "text": "e\u0301t\u00e9",
        "fields": {"total": "1"}, "split": "val", "page": "p1", "document": "d1", "language": "fr",
        "subset": "hand", "origin": "corrected", "source": "s", "writer": "w",
    }  # fmt: skip
    content = jsonl.read(manifest(folder, row), ReadOptions())
    (sample,) = content.samples
    assert (sample.id, sample.frame, sample.text, sample.split) == ("x", 2, "été", Split.VAL)
    assert sample.polygon == ((0, 0), (10, 0), (10, 5), (0, 5))
    assert (sample.group, sample.language, sample.subset, sample.origin) == ("d1", "fr", "hand", Origin.CORRECTED)
    assert sample.attributes == {"page": "p1", "document": "d1", "writer": "w"}
    assert [note.line for note in content.notes] == [1], "the change to NFC is reported"


def test_group_comes_before_document_before_page(folder: Path) -> None:
    rows = [{**GOOD, "id": "1", "page": "p"}, {**GOOD, "id": "2", "page": "p", "group": "g", "document": "d"}]
    assert [sample.group for sample in jsonl.read(manifest(folder, *rows), ReadOptions()).samples] == ["p", "g"]


def test_lines_of_a_page_become_samples(folder: Path) -> None:
    lines = [{"text": "one", "poly": [[0, 0], [9, 0], [9, 4]], "type": "note"}, {"text": "two", "box": [0, 5, 9, 9]}]
    path = manifest(
        folder, {"image": "images/a.png", "page": "p", "language": "de", "text": "one\ntwo", "lines": lines}
    )
    page = jsonl.read(path, ReadOptions()).samples
    assert len(page) == 1 and page[0].attributes["lines"] == lines
    samples = jsonl.read(path, ReadOptions(unit="line")).samples
    assert [sample.text for sample in samples] == ["one", "two"]
    assert [sample.group for sample in samples] == ["p", "p"]
    assert samples[0].polygon == ((0, 0), (9, 0), (9, 4)) and samples[0].attributes["type"] == "note"
    assert samples[1].language == "de" and samples[1].id == "images/a.png:1"


WRONG = [
    (b'{"image": "images/a.png", "text": "\xff"}', "byte 36 of the line is not UTF-8"),
    ('{"image": "../outside.png", "text": "x"}', "image '../outside.png' leaves the folder"),
    ('{"image": "images/../../outside.png", "text": "x"}', "leaves the folder"),
    ('{"image": "..\\\\outside.png", "text": "x"}', "leaves the folder"),
    ('{"image": "/etc/hostname", "text": "x"}', "is an absolute path"),
    ('{"image": "C:\\\\a.png", "text": "x"}', "is an absolute path"),
    ('{"image": "https://example.org/a.png", "text": "x"}', "is not a file"),
    ('{"image": "images/none.png", "text": "x"}', "image 'images/none.png' is not a file"),
    ('{"image": "images", "text": "x"}', "image 'images' is not a file"),
    ('{"image": "images/a.png\\u0000", "text": "x"}', "'image' holds a control character"),
    ('{"image": 3, "text": "x"}', "'image' is not a path"),
    ('{"image": "", "text": "x"}', "'image' is not a path"),
    ('{"text": "x"}', "neither 'image' nor 'pdf' is given"),
    ('{"image": "images/a.png", "images": ["../outside.png"]}', "leaves the folder"),
    ('{"image": "images/a.png", "text": "x", "score": NaN}', "NaN is not a number in JSON"),
    ('{"image": "images/a.png", "text": "x", "score": -Infinity}', "-Infinity is not a number in JSON"),
    ('{"image": "images/a.png", "text": "x", "score": 1e999}', "the number 1e999 is too large"),
    ('{"image": "images/a.png", "text": "x", "score": ' + "9" * 5000 + "}", "not JSON"),
    ('{"image": "images/a.png", "text": "x", "deep": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ('{"image": "images/a.png", "text": ', "not JSON"),
    ('["images/a.png", "x"]', "the line is JSON but not an object"),
    ('{"image": "images/a.png", "text": 7}', "'text' is a number, not a text"),
    ('{"image": "images/a.png", "text": ["x"]}', "'text' is a list, not a text"),
    ('{"image": "images/a.png", "text": "a\\u0007b"}', "'text' holds the control character U+0007"),
    ('{"image": "images/a.png", "text": "a\\u0085b"}', "'text' holds the control character U+0085"),
    ('{"image": "images/a.png", "text": "\\ud800"}', "'text' holds the control character U+D800"),
    ('{"image": "images/a.png", "split": "dev"}', "split 'dev' is unknown; use train, val, test"),
    ('{"image": "images/a.png", "origin": "stolen"}', "origin 'stolen' is unknown"),
    ('{"image": "images/a.png", "language": {"a": 1}}', "'language' is an object, not a name"),
    ('{"image": "images/a.png", "page": true}', "'page' is true or false, not a name"),
    ('{"image": "images/a.png", "frame": -1}', "'frame' is not a page number"),
    ('{"image": "images/a.png", "fields": "x"}', "'fields' is not an object"),
    ('{"image": "images/a.png", "crop": [1, 2]}', "'crop' is no list of points"),
    ('{"image": "images/a.png", "crop": [[1, 2], [3, 4]]}', "'crop' has 2 points"),
    ('{"image": "images/a.png", "crop": [5, 5, 5, 9]}', "'crop' has no area"),
    ('{"image": "images/a.png", "crop": [[0, 0], [1, "x"], [2, 2]]}', "a point that is not [x, y]"),
    ('{"image": "images/a.png", "crop": [0, 0, 1e7, 9]}', "beyond a million pixels"),
]


@pytest.mark.parametrize(("row", "sentence"), WRONG, ids=[sentence[:40] for _, sentence in WRONG])
def test_a_wrong_row_is_left_out_and_named(folder: Path, row: str | bytes, sentence: str) -> None:
    path = manifest(folder, GOOD, row, {**GOOD, "id": "after"})
    content = jsonl.read(path, ReadOptions())
    assert [sample.text for sample in content.samples] == ["good", "good"], "the other rows go on"
    (reject,) = content.rejects
    error = reject.error()
    assert sentence in str(error)
    assert str(error).startswith(f"{path}:2: ")
    assert "\n" not in str(error) and len(str(error)) < 600 + len(str(path))
    with pytest.raises(FormatError) as raised:
        jsonl.read(path, ReadOptions(strict=True))
    assert str(raised.value) == str(error)


def test_a_link_may_not_leave_the_folder(folder: Path) -> None:
    (folder / "images" / "link.png").symlink_to(folder.parent / "outside.png")
    (folder / "away").symlink_to(folder.parent)
    rows = [GOOD, {"image": "images/link.png", "text": "x"}, {"image": "away/outside.png", "text": "x"}]
    content = jsonl.read(manifest(folder, *rows), ReadOptions())
    assert len(content.samples) == 1
    assert all("link that leaves the folder" in reject.what for reject in content.rejects)


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "images" / "link.png").symlink_to(folder / "images" / "a.png")
    assert len(jsonl.read(manifest(folder, {"image": "images/link.png"}), ReadOptions()).samples) == 1


def test_a_long_line_is_never_held(folder: Path) -> None:
    path = folder / "lines.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"image": "images/a.png", "text": "')
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n' + json.dumps(GOOD).encode() + b"\n")
    import tracemalloc

    tracemalloc.start()
    content = jsonl.read(path, ReadOptions())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [reject.line for reject in content.rejects] == [1]
    assert "longer than 1,000,000 bytes" in content.rejects[0].what
    assert len(content.samples) == 1 and content.lines[0] == 2
    assert peak < 8_000_000


@pytest.mark.parametrize(("extra", "good"), [(0, True), (1, False)])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_limit_counts_the_bytes_of_the_line(folder: Path, extra: int, good: bool, end: bytes) -> None:
    body = json.dumps({**GOOD, "text": "x" * 100}).encode()
    (folder / "lines.jsonl").write_bytes(json.dumps(GOOD | {"id": "0"}).encode() + b"\n" + body + end)
    limits = Limits(manifest_line_bytes=len(body) - extra)
    content = jsonl.read(folder, ReadOptions(limits=limits))
    assert (len(content.samples) == 2) is good


def test_one_id_with_two_texts_keeps_neither(folder: Path) -> None:
    rows = [GOOD, {**GOOD, "text": "other"}, {"image": "images/a.png", "text": "fine"}]
    content = jsonl.read(manifest(folder, *rows), ReadOptions())
    assert [sample.text for sample in content.samples] == ["fine"] and list(content.lines) == [3]
    assert sorted(reject.line or 0 for reject in content.rejects) == [1, 2]
    assert all("another text" in reject.what for reject in content.rejects)


def test_one_id_twice_with_one_text_keeps_the_first(folder: Path) -> None:
    content = jsonl.read(manifest(folder, GOOD, GOOD), ReadOptions())
    assert len(content.samples) == 1 and content.rejects[0].line == 2


def test_nothing_good_is_an_error(folder: Path) -> None:
    path = manifest(folder, '{"image": "none.png"}', "[]")
    with pytest.raises(FormatError, match=r":1: image 'none.png' is not a file .*1 more rows are wrong too"):
        jsonl.read(path, ReadOptions())


def test_a_file_of_noise_is_refused_early(folder: Path) -> None:
    path = folder / "lines.jsonl"
    path.write_bytes(b"\x00\xff\n" * 20_000)
    with pytest.raises(FormatError, match="more than 10,000 rows are wrong"):
        jsonl.read(path, ReadOptions())


def test_empty_lines_byte_order_mark_and_no_last_line_end(folder: Path) -> None:
    (folder / "lines.jsonl").write_bytes(
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n\r\n  \n" + b'{"image":"images/a.png"}'
    )
    content = jsonl.read(folder, ReadOptions())
    assert [sample.text for sample in content.samples] == ["good", None] and list(content.lines) == [1, 4]
