"""Every format of the table: what is written is read back the same; and the quirks of each.

Covers the append-safe label file of P3.
"""

# ruff: noqa: E501 (XML in one piece)

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError, UsageError
from emendo.formats import FORMATS, ReadOptions, by_name, detect, labels
from emendo.formats.alto import read_alto
from emendo.formats.page import read_page
from emendo.types import Sample, Split

NAMES = [row.name for row in FORMATS]
IMAGE = cv2.imencode(".png", np.full((40, 60, 3), 255, np.uint8))[1].tobytes()

line_texts = (
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff\ufeff"), min_size=1, max_size=30
    )
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: text != labels.SKIP and "\ufffe" not in text and "\uffff" not in text and bool(text.strip()))
)
points = st.tuples(st.integers(0, 5900).map(lambda n: n / 100), st.integers(0, 3900).map(lambda n: n / 100))
polygons = st.lists(points, min_size=3, max_size=8).filter(
    lambda p: p[0] != p[-1] and len({x for x, _ in p}) > 1 and len({y for _, y in p}) > 1
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(texts=st.lists(line_texts, min_size=1, max_size=4), splits=st.data())
def test_line_samples_come_back(name: str, texts: list[str], splits: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        samples = []
        for index, text in enumerate(texts):
            image = Path(folder) / f"{index}.png"
            image.write_bytes(IMAGE)
            split = splits.draw(st.sampled_from([None, *Split]))
            samples.append(Sample(id=f"s{index}", image=image, text=text, split=split))
        target = Path(folder) / "out"
        written = by_name(name).write(samples, target)
        assert detect(target).name == name and detect(written).name == name
        back = by_name(name).read(target, ReadOptions(unit="line", strict=True)).samples
        assert sorted(sample.text or "" for sample in back) == sorted(texts)
        assert all(sample.image.read_bytes() == IMAGE and sample.image.is_relative_to(target) for sample in back)
        if name == "jsonl":
            assert [(s.id, s.text, s.split) for s in back] == [(s.id, s.text, s.split) for s in samples]
        if name == "huggingface":
            assert sorted((s.id, s.split or "") for s in back) == sorted((s.id, s.split or "train") for s in samples)


@pytest.mark.parametrize("name", ["alto", "page"])
@settings(max_examples=25, deadline=None)
@given(lines=st.lists(st.tuples(line_texts, polygons, st.sampled_from(["", "DefaultLine"])), min_size=1, max_size=5))
def test_pages_come_back(name: str, lines: list[tuple[str, list[tuple[float, float]], str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "page one.png"
        image.write_bytes(IMAGE)
        entries = [
            {"text": text, "poly": [list(point) for point in polygon], "region": 0, **({"type": kind} if kind else {})}
            for text, polygon, kind in lines
        ]
        page = Sample(id="p", image=image, text="", attributes={"lines": entries})
        target = by_name(name).write([page], Path(folder) / "out")
        (back,) = by_name(name).read(target, ReadOptions(strict=True)).samples
        read = [{key: value for key, value in line.items() if key != "line_id"} for line in back.attributes["lines"]]
        assert read == entries
        assert back.text == "\n".join(text for text, _, _ in lines)
        samples = by_name(name).read(target, ReadOptions(unit="line", strict=True)).samples
        again = by_name(name).write(samples, Path(folder) / "again")
        first, second = next(target.glob("*.xml")), next(again.glob("*.xml"))
        assert first.read_bytes() == second.read_bytes(), "lines and pages give the same file"


def test_unknown_format_names_the_known() -> None:
    with pytest.raises(UsageError, match="jsonl, huggingface, labels, alto, page"):
        by_name("yolo")


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no format that emendo knows"):
        detect(tmp_path)


@pytest.mark.parametrize("file", ["B.14.japon4_0005", "D.2.eurasie-3-4_0016"])
def test_real_alto_of_escriptorium(data: Path, file: str) -> None:
    layout = read_alto(data / "peraire" / "raw_alto" / f"{file}.xml")
    lines = list(layout.lines())
    assert layout.image == f"{file}.jpg" and layout.width > 3000
    assert len(lines) in (29, 31) and {region.type for region in layout.regions} == {"MainZone", "NumberingZone"}
    assert {line.type for line in lines} <= {"DefaultLine", "InterlinearLine"}
    assert all(len(line.polygon) >= 3 and len(line.baseline) >= 2 and line.text for line in lines)


def test_real_alto_equals_the_manifest_cut_from_it(data: Path) -> None:
    """The lines of the developers' manifest came from this page: same texts, in the same order."""
    from emendo.formats import jsonl

    layout = read_alto(data / "peraire" / "raw_alto" / "D.2.eurasie-3-4_0016.xml")
    rows = jsonl.read(data / "peraire", ReadOptions()).samples
    page = [" ".join((s.text or "").split()) for s in rows if s.group.endswith("D.2.eurasie-3-4_0016")]
    texts = {" ".join(unicodedata.normalize("NFC", line.text or "").split()) for line in layout.lines()}
    assert len(page) >= 25 and set(page) <= texts


def test_alto_in_tenths_of_millimetres_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(
        '<alto><Description><MeasurementUnit>mm10</MeasurementUnit></Description><Layout><Page WIDTH="600" HEIGHT="400">'
        '<PrintSpace><TextBlock ID="b"><TextLine ID="l" HPOS="100" VPOS="100" WIDTH="200" HEIGHT="50">'
        '<String CONTENT="Ein"/><SP/><String CONTENT="Satz"/><HYP CONTENT="-"/></TextLine></TextBlock></PrintSpace></Page>'
        "</Layout></alto>"
    )
    with pytest.raises(FormatError, match="measures in mm10"):
        read_alto(path)
    (line,) = read_alto(path, image_size=(60, 40)).lines()
    assert line.polygon == ((10, 10), (30, 10), (30, 15), (10, 15)) and line.text == "Ein Satz-"
    (tmp_path / "x.png").write_bytes(IMAGE)
    (sample,) = by_name("alto").read(path, ReadOptions(unit="line")).samples
    assert sample.polygon == line.polygon


def test_page_order_words_and_readings(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(
        '<PcGts><Page imageFilename="x.png" imageWidth="60" imageHeight="40"><ReadingOrder><OrderedGroup>'
        '<RegionRefIndexed index="0" regionRef="r2"/><RegionRefIndexed index="1" regionRef="r1"/></OrderedGroup></ReadingOrder>'
        '<TextRegion id="r1"><TextLine id="a"><Coords points="0,0 9,0 9,5"/><TextEquiv index="1"><Unicode>no</Unicode></TextEquiv>'
        '<TextEquiv index="0"><Unicode>last</Unicode></TextEquiv></TextLine></TextRegion>'
        '<TextRegion id="r2" type="heading"><TextLine id="b"><Coords points="0,0 9,0 9,5"/><Word><TextEquiv><Unicode>two</Unicode>'
        "</TextEquiv></Word><Word><TextEquiv><Unicode>words</Unicode></TextEquiv></Word></TextLine></TextRegion></Page></PcGts>"
    )
    layout = read_page(path)
    assert [line.text for line in layout.lines()] == ["two words", "last"]
    assert layout.regions[0].type == "heading"


BAD_LAYOUTS = [
    ("<alto><Layout/></alto>", "holds 0 ALTO pages"),
    ('<alto><Layout><Page WIDTH="x" HEIGHT="1"/></Layout></alto>', "WIDTH='x', not a number"),
    ('<alto><Layout><Page WIDTH="inf" HEIGHT="1"/></Layout></alto>', "out of range"),
    (
        '<alto><Layout><Page WIDTH="9" HEIGHT="9"><TextBlock><TextLine ID="l"><Shape><Polygon POINTS="1 2 3"/></Shape></TextLine>'
        "</TextBlock></Page></Layout></alto>",
        "odd count",
    ),
    ("<PcGts/>", "holds no PAGE page"),
    (
        '<PcGts><Page imageWidth="9" imageHeight="9"><TextRegion><TextLine id="l"/></TextRegion></Page></PcGts>',
        "outline of 'l' is missing",
    ),
]


@pytest.mark.parametrize(("content", "sentence"), BAD_LAYOUTS, ids=[sentence for _, sentence in BAD_LAYOUTS])
def test_a_wrong_page_is_left_out_and_named(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "bad.xml").write_text(content)
    (tmp_path / "bad.png").write_bytes(IMAGE)
    with pytest.raises(FormatError, match=sentence):
        detect(tmp_path).read(tmp_path, ReadOptions())


def test_a_page_file_cannot_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(IMAGE)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "x.xml").write_text(
        '<PcGts><Page imageFilename="../secret.png" imageWidth="60" imageHeight="40"></Page></PcGts>'
    )
    with pytest.raises(FormatError, match="has no image beside it"):
        by_name("page").read(folder, ReadOptions())


def test_labels_last_line_holds_skips_and_torn_ends(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(IMAGE)
    file = tmp_path / "labels.txt"
    for name, text in [("a.png", "one"), ("b.png", labels.SKIP), ("c.png", "three"), ("a.png", "uno")]:
        labels.append(file, name, text)
    content = labels.read(tmp_path, ReadOptions())
    assert [(sample.id, sample.text) for sample in content.samples] == [("c.png", "three"), ("a.png", "uno")]
    assert list(content.lines) == [3, 4] and any("skipped" in note.what for note in content.notes)
    with file.open("ab") as stream:
        stream.write(b"b.pn")
    labels.append(file, "b.png", "two")
    content = labels.read(tmp_path, ReadOptions())
    assert content.samples[-1].text == "two", "a torn line does not swallow the next"
    assert [(reject.line, reject.what) for reject in content.rejects] == [(5, "the line has no tab")]


@pytest.mark.parametrize(("name", "text"), [("a\tb.png", "x"), ("a.png", "x\ny"), ("a\n.png", "x")])
def test_a_label_that_cannot_be_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(FormatError, match="cannot hold"):
        labels.append(tmp_path / "labels.txt", name, text)
    assert not (tmp_path / "labels.txt").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"../a.png\tx\n", "leaves the folder"),
        (b"none.png\tx\n", "not a file"),
        (b"a.png\t\xff\n", "not UTF-8"),
        (b"a.png\ta\x07\n", "control character U"),
    ],
)
def test_wrong_labels(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    (tmp_path / "a.png").write_bytes(IMAGE)
    with pytest.raises(FormatError, match=f"labels.txt:1: .*{sentence}"):
        labels.read(tmp_path, ReadOptions())


def test_gt_txt_folders_are_groups(tmp_path: Path) -> None:
    for name in ("book/1", "book/2", "3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.bin.png").write_bytes(IMAGE)
        (tmp_path / f"{name}.gt.txt").write_bytes("e\u0301\r\n".encode())
    (tmp_path / "4.gt.txt").write_text("no image")
    (tmp_path / "5.png").write_bytes(IMAGE)
    (tmp_path / "5.gt.txt").write_text("two\nlines\n")
    (tmp_path / "6.gt.txt").symlink_to("/etc/hostname")
    content = by_name("gt.txt").read(tmp_path, ReadOptions())
    assert [(s.id, s.text, s.group) for s in content.samples] == [
        ("3", "é", ""),
        ("book/1", "é", "book"),
        ("book/2", "é", "book"),
    ]
    reasons = [reject.what for reject in content.rejects]
    assert reasons == [
        "4.gt.txt: has no image beside it",
        "5.gt.txt: holds several lines",
        "6.gt.txt: is a link or no file",
    ]


def test_imagefolder_with_csv_and_splits(tmp_path: Path) -> None:
    for part in ("train", "validation", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.png").write_bytes(IMAGE)
        (tmp_path / part / "metadata.csv").write_text(f'file_name,text,writer\na.png,"{part}, line",w1\nb.png,x,w2\n')
    content = detect(tmp_path).read(tmp_path, ReadOptions())
    assert [(s.text, s.split, s.attributes["writer"]) for s in content.samples] == [
        ("train, line", "train", "w1"),
        ("validation, line", "val", "w1"),
        ("test, line", "test", "w1"),
    ]
    assert [reject.line for reject in content.rejects] == [3, 3, 3]


def test_parquet_is_refused_with_the_way_round(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(FormatError, match="parquet file; save it once as imagefolder"):
        detect(tmp_path).read(tmp_path, ReadOptions())
