"""A person's text goes with its lines when these are split, joined, moved, taken out or added."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.correct.carry import NoteText, carried
from emendo.errors import BadInput

WHERE = Path("note.txt")
READ = ["the rain fel", "over the hils", "and we walkd", "home in silence"]
ROWS = [(f"r{i}", i + 1, text) for i, text in enumerate(READ)]
ORIGINAL = [*READ, ""]
IDS = [row[0] for row in ROWS]


def parsed(text: str, original: list[str] = ORIGINAL) -> NoteText:
    return NoteText.parse(text.encode(), original, ROWS, WHERE)


def test_a_place_is_carried_to_the_same_letter() -> None:
    assert carried(8, "over the hills", "over the hils") == 8
    assert carried(4, "over the hills", "ovver the hills") == 5
    assert carried(0, "abc", "xabc") in (0, 1) and carried(3, "abc", "abcd") in (3, 4)
    assert carried(2, "ab", "") == 0 and carried(0, "", "abc") == 0


@given(st.text(alphabet="abc ", max_size=12), st.text(alphabet="abc ", max_size=12), st.integers(0, 12))
def test_a_carried_place_lies_in_the_text_and_places_keep_their_order(one: str, other: str, place: int) -> None:
    places = [carried(at, one, other) for at in range(len(one) + 1)]
    assert all(0 <= at <= len(other) for at in places) and places == sorted(places)
    assert carried(min(place, len(one)), one, one) == min(place, len(one))


def test_corrected_lines_stay_split_lines_change_and_the_rest_is_untouched() -> None:
    text = parsed("the rain fell\n  over the hills \nand we walked\r\nhome in silence\n")
    assert text.said()["r1"] == "over the hills"
    after = ["r0", "a", "b", "r3", "r2"]
    changed = text.rewritten(IDS, after, {"a": "over", "b": "the hills"})
    assert changed.decode() == "the rain fell\r\nover\r\nthe hills\r\nhome in silence\r\nand we walked\r\n"


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le")])
def test_encoding_mark_and_line_ends_are_kept(mark: bytes, encoding: str) -> None:
    content = mark + "the rain fell é\r\nover\r\nand\r\nhome\r\n".encode(encoding)
    changed = NoteText.parse(content, ORIGINAL, ROWS, WHERE).rewritten(IDS, ["r0", "r2", "r3"], {})
    assert changed == mark + "the rain fell é\r\nand\r\nhome\r\n".encode(encoding)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(BadInput, match="not UTF-8"):
        NoteText.parse(b"caf\xe9\n", ORIGINAL, ROWS, WHERE)


def test_lines_that_a_person_broke_otherwise_are_found_by_their_text() -> None:
    text = parsed("A title of mine\n\nthe rain fel\nover the hils\nand we walkd home in silence\n")
    assert text.said() == {"r0": "the rain fel", "r1": "over the hils"}
    changed = text.rewritten(IDS, ["r1", "r0", "new", "r2", "r3"], {"new": "between"}).decode()
    lines = changed.split("\n")
    assert lines[0] == "A title of mine" and lines[-2] == "and we walkd home in silence"
    assert lines.index("over the hils") < lines.index("the rain fel") < lines.index("between")


@given(st.permutations(IDS), st.sets(st.sampled_from(IDS)), st.lists(st.sampled_from(["x", "y", "z"]), unique=True))
def test_every_line_is_there_once_in_its_order(order: list[str], gone: set[str], new: list[str]) -> None:
    after = [id for id in order if id not in gone]
    for at, id in enumerate(new):
        after.insert(2 * at, id)
    text = parsed("my own heading\n" + "".join(f"said of {id}\n" for id in IDS), ["", *ORIGINAL])
    text.owner = {at + 1: id for at, id in enumerate(IDS)}
    lines = text.rewritten(IDS, after, {id: f"said of {id}" for id in new}).decode().split("\n")
    assert [line for line in lines if line.startswith("said")] == [f"said of {id}" for id in after]
    assert "my own heading" in lines and lines[-1] == ""
