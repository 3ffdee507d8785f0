"""labels.txt: comments, the line that holds, and appending that never loses or mixes lines."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError
from emendo.formats.labels import SKIP, append, detect, read_labels

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(NAMES.filter(lambda name: name.strip() and name[0] not in "#\ufeff"), TEXTS), max_size=8))
def test_the_last_line_of_a_path_holds(rows: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.txt"
        file.write_text("# comment\n#another\n", encoding="utf-8")
        for name, text in rows:
            append(file, name, text)
        held, rejects = read_labels(file)
    assert held == dict(rows) and not rejects


def test_comments_are_left_aside_and_do_not_hide_the_format(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("# plates of\tNovember\n#1.jpg\tABC1\nno tab\na.jpg\t__SKIP__\n", encoding="utf-8")
    held, (reject,) = read_labels(file)
    assert held == {"#1.jpg": "ABC1", "a.jpg": SKIP} and reject.line == 3
    assert detect(file)
    with pytest.raises(FormatError, match="'# ' at its start"):
        append(file, "# x.jpg", "ABC")


def test_a_torn_last_line_never_swallows_the_next(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("a.jpg\tABC1\nb.jpg\tTO", encoding="utf-8")
    append(file, "c.jpg", "XYZ2")
    assert read_labels(file)[0] == {"a.jpg": "ABC1", "b.jpg": "TO", "c.jpg": "XYZ2"}


def test_lines_of_many_writers_never_mix(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda at: append(file, f"{at}.jpg", f"T{at}"), range(60)))
    assert read_labels(file)[0] == {f"{at}.jpg": f"T{at}" for at in range(60)}


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(OSError, match="No space") as refused:
        append(Path("/dev/full"), "a.jpg", "ABC")
    assert refused.value.errno == errno.ENOSPC
