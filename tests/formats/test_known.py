"""What emendo knows of a line travels in every layout format and comes back, whatever the texts are."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.formats.alto import alto_bytes, read_alto
from emendo.formats.base import Refusal, closed
from emendo.formats.known import custom_of, known_row, page_row, split_custom, with_known, with_page
from emendo.formats.labelstudio import is_tasks, read_tasks, tasks_of
from emendo.formats.layout import LayoutLine, LayoutRegion, PageLayout
from emendo.formats.page import page_bytes, read_page
from emendo.formats.pagefiles import to_entries, to_layout
from emendo.types import Correction, Reading, Sample, Verdict


def by_file(
    make: Callable[[PageLayout], bytes], read: Callable[[Path], PageLayout], name: str
) -> Callable[..., PageLayout]:
    def there_and_back(layout: PageLayout) -> PageLayout:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(make(layout))
            assert make(layout) == path.read_bytes()
            return read(path)

    return there_and_back


def by_manifest(layout: PageLayout) -> PageLayout:
    entries = json.loads(json.dumps(to_entries(layout)))
    sample = Sample(id="p", image=Path("p.png"), attributes={"lines": entries, "document": layout.document})
    back = to_layout([sample], layout.image, (layout.width, layout.height))
    return with_page(back, page_row(layout))


WAYS = {
    "page": by_file(lambda layout: page_bytes(layout, Path("x")), read_page, "p.xml"),
    "alto": by_file(lambda layout: alto_bytes(layout, Path("x")), read_alto, "p.xml"),
    "label-studio": by_file(
        lambda layout: json.dumps(tasks_of([layout])).encode(), lambda path: read_tasks(path)[0][0], "p.json"
    ),
    "jsonl": by_manifest,
}

words = (
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
    .map(lambda text: " ".join(unicodedata.normalize("NFC", text).split()))
    .filter(lambda text: bool(text.strip()))
)
arabic = st.text("ابتثجحخدرسعقلمنهوي (12)،؟Paris", min_size=1, max_size=20).map(lambda text: " ".join(text.split()))
texts = words | arabic.filter(bool)
moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))
polygons = st.tuples(
    st.integers(0, 400), st.integers(0, 300), st.integers(5, 300), st.integers(5, 200), st.integers(-3, 3)
).map(
    lambda box: (
        (box[0] / 10, box[1] / 10),
        ((box[0] + box[2]) / 10, box[1] / 10),
        ((box[0] + box[2]) / 10, (box[1] + box[3]) / 10),
        ((box[0] + box[4] / 10) / 10, (box[1] + box[3]) / 10),
    )
)
verdicts = st.tuples(
    st.sampled_from(Verdict), texts, texts, st.sampled_from(["ann", "Œuvre {1}; x:y", "بشير"]), moments
)


def correction(version: int, one: tuple[Verdict, str, str, str, datetime]) -> Correction:
    verdict, text, reading, author, at = one
    kept = text if verdict in (Verdict.ACCEPTED, Verdict.EDITED) else None
    return Correction(
        line="u",
        reading=reading,
        text=kept,
        verdict=verdict,
        author=author,
        at=at,
        version=version,
        source="page:\\u003b",
    )


@st.composite
def lines(draw: st.DrawFn) -> LayoutLine:
    history = tuple(correction(at + 1, one) for at, one in enumerate(draw(st.lists(verdicts, max_size=3))))
    reading = draw(st.none() | st.builds(Reading, texts, st.sampled_from([0.0, 0.25, 1.0]), st.just(()), st.just("m")))
    waiting = not history and reading is not None
    text = reading.text if waiting and reading else history[-1].text if history else draw(st.none() | texts)
    polygon = draw(polygons)
    return LayoutLine(
        polygon=polygon,
        baseline=draw(st.sampled_from([(), (polygon[3], polygon[2])])),
        text=text,
        type=draw(st.sampled_from(["", "DefaultLine"])),
        custom=draw(st.sampled_from(["", "readingOrder {index:0;} textStyle {offset:0; bold:true;}"])),
        confidence=reading.confidence if waiting and reading else None,
        unit="u",
        reading=reading,
        history=history,
    )


def shown(line: LayoutLine) -> tuple[object, ...]:
    """All of a line but the id that the format needs; what XML cannot carry in the plain text is in the history."""
    text = (line.text or "").replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    polygon = tuple((round(x, 6), round(y, 6)) for x, y in line.polygon)
    about = (polygon, line.baseline, text, line.type, line.custom, line.confidence)
    return (*about, line.unit, line.reading, line.history, line.verdict)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=15, deadline=None)
@given(found=st.lists(lines(), min_size=1, max_size=3))
def test_everything_known_of_a_page_comes_back(way: str, found: list[LayoutLine]) -> None:
    named = [
        LayoutLine(**{name: getattr(one, name) for name in one.__slots__} | {"id": f"l{at}"})
        for at, one in enumerate(found)
    ]
    for at, one in enumerate(named):
        object.__setattr__(one, "unit", f"u{at}")
        object.__setattr__(one, "history", tuple(correction_for(c, f"u{at}") for c in one.history))
    region = LayoutRegion(lines=tuple(named))
    layout = PageLayout(image="p.png", width=80, height=60, regions=(region,), document="trips/journal", page=3)
    back = WAYS[way](layout)
    assert [shown(one) for one in back.lines()] == [shown(one) for one in named]
    assert (back.document, back.page, back.width, back.height) == ("trips/journal", 3, 80, 60)


def correction_for(one: Correction, unit: str) -> Correction:
    return Correction(**{name: getattr(one, name) for name in one.__slots__} | {"line": unit})


@given(st.dictionaries(st.sampled_from(["reading", "model", "unit"]), st.text(max_size=30), min_size=1), texts)
def test_any_text_survives_the_notation_of_custom(row: dict[str, str], other: str) -> None:
    others = "structure {type:heading;}"
    back, found = split_custom(custom_of(others, {**row, "history": [{"text": other, "version": "1"}]}))
    assert back == others and found == {**row, "history": [{"text": other, "version": "1"}]}


@given(st.text(max_size=80))
def test_any_custom_is_read_without_a_fault(custom: str) -> None:
    others, row = split_custom(custom)
    assert (others == custom.strip()) or row


PLAIN = LayoutLine(polygon=((0, 0), (9, 0), (9, 9)))


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"history": 3}, "no list of verdicts"),
        ({"history": [3]}, "not an object"),
        ({"history": [{}] * 1001}, "no list of verdicts"),
        ({"reading": "x", "confidence": "much"}, "'much' is not a number"),
        ({"reading": "x", "confidence": "1e99"}, "out of range"),
        ({"reading": ["x"]}, "is a list, not a text"),
        ({"reading": "a\u0000b"}, "control character"),
        ({"history": [{"verdict": "skipped", "at": "2026-01-01", "text": "x"}]}, "does not fit"),
        ({"history": [{"verdict": "skipped", "at": "yesterday"}]}, "cannot be understood"),
    ],
)
def test_what_we_cannot_have_written_is_refused(row: dict[str, object], what: str) -> None:
    with pytest.raises(Refusal, match=what):
        with_known(PLAIN, row)


def test_a_row_of_something_else_is_no_row() -> None:
    assert with_known(PLAIN, "other") == PLAIN and known_row(PLAIN) == {}
    layout = PageLayout(image="", width=9, height=9, regions=())
    assert with_page(layout, {"page": 3}) == layout


@pytest.mark.parametrize(
    ("content", "may_be"), [(b'\xef\xbb\xbf [ {"id": 1}]', True), (b'{"a": 1}', False), (b"", False)]
)
def test_tasks_are_told_by_their_beginning(tmp_path: Path, content: bytes, may_be: bool) -> None:
    (tmp_path / "x.json").write_bytes(content)
    assert is_tasks(tmp_path / "x.json") is may_be


def test_a_turned_rectangle_is_turned_around_its_corner(tmp_path: Path) -> None:
    value = {"x": 50, "y": 50, "width": 10, "height": 20, "rotation": 90, "text": ["x"]}
    result = {"id": "a", "original_width": 200, "original_height": 100, "value": value, "type": "textarea"}
    task = {"data": {"image": "s3://bucket/scan.jpg?v=3"}, "annotations": [{"result": [result]}]}
    (tmp_path / "x.json").write_text(json.dumps([task]))
    ((page,), rejects) = read_tasks(tmp_path / "x.json")
    assert page.image == "scan.jpg" and not rejects
    assert next(page.lines()).polygon == ((100, 50), (100, 70), (80, 70), (80, 50))


def test_an_outline_that_is_closed_twice_comes_back_the_same() -> None:
    corners = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0)]
    assert closed([*corners, (0.0, 0.0), (0.0, 0.0)], "x") == closed(corners, "x") == tuple(corners)
