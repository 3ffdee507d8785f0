"""Boxes in the YOLO format, and the crops cut out along them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError, UsageError
from emendo.formats.yolo import class_names, read_boxes
from emendo.image.encode import jpeg_bytes
from emendo.image.load import read_image
from emendo.pages.annotated import cut_boxes

from ..plates import plate

share = st.floats(0.05, 0.9)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 90), share, share, share, share)
def test_a_row_says_where_the_box_is(kind: int, x: float, y: float, width: float, height: float) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.txt"
        file.write_text(f"{kind} {x!r} {y!r} {width!r} {height!r}\n", encoding="ascii")
        (box,), rejects = read_boxes(file)
    assert not rejects and (box.kind, box.line) == (kind, 1)
    assert box.left == pytest.approx(x - width / 2) and box.bottom == pytest.approx(y + height / 2)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("0 0.5 0.5 0.2", "has 4 values"),
        ("plate 0.5 0.5 0.2 0.1", "no number"),
        ("0.5 0.5 0.5 0.2 0.1", "no whole number"),
        ("-1 0.5 0.5 0.2 0.1", "no whole number"),
        ("0 nan 0.5 0.2 0.1", "not finite"),
        ("0 320 240 64 32", "64 by 32 of the picture"),
        ("0 0.5 0.5 0 0.1", "0 by 0.1 of the picture"),
        ("0 1.5 0.5 0.2 0.1", "outside of the picture"),
        ("1e400 0.5 0.5 0.2 0.1", "not finite"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_on(tmp_path: Path, row: str, what: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"{row}\n\n1 0.5 0.5 0.2 0.1\n", encoding="utf-8")
    boxes, (reject,) = read_boxes(file)
    assert [box.line for box in boxes] == [3]
    assert what in reject.what and str(reject.error()).startswith(f"{file}:1: ")


def test_confidence_is_left_aside_and_corners_give_the_box_around_them(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("0 0.5 0.5 0.2 0.1 0.93\n2 0.1 0.1 0.4 0.2 0.3 0.5\n", encoding="utf-8")
    (first, second), _ = read_boxes(file)
    assert (first.kind, first.left) == (0, pytest.approx(0.4))
    assert (second.kind, second.left, second.top, second.right, second.bottom) == (2, 0.1, 0.1, 0.4, 0.5)


def annotated(root: Path, rows: str, *, beside: bool = False) -> Path:
    """A picture of a street, 640 x 480, with a plate of 200 x 100 pixels at (100, 200)."""
    street = np.full((480, 640, 3), 120, np.uint8)
    street[200:300, 100:300] = plate("KTR4821", size=(200, 100))
    images = root if beside else root / "images" / "train"
    labels = root if beside else root / "labels" / "train"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    (images / "street.jpg").write_bytes(jpeg_bytes(street))
    (labels / "street.txt").write_text(rows, encoding="utf-8")
    return root


ROW = "1 0.3125 0.520833 0.3125 0.208333\n"


@pytest.mark.parametrize("beside", [False, True])
def test_boxes_are_cut_with_a_margin_and_again_changes_nothing(tmp_path: Path, beside: bool) -> None:
    source = annotated(tmp_path / "yolo", ROW + "0 0.9 0.9 0.02 0.02\n2 0.5 0.5 0.5 0.5\nbad\n", beside=beside)
    cut = cut_boxes(source, tmp_path / "out", classes=("0", "1"))
    file = tmp_path / "out" / ("street_1.jpg" if beside else "train/street_1.jpg")
    assert read_image(file).shape == (120, 240, 3)
    assert (cut.written, cut.small, cut.other, len(cut.failures)) == (1, 1, 1, 1)
    assert "street.txt:4: has 1 values" in cut.failures[0]
    again = cut_boxes(source, tmp_path / "out", classes=("0", "1"))
    assert (again.written, again.unchanged) == (0, 1)
    tight = cut_boxes(source, tmp_path / "tight", padding=0, classes=("1",))
    assert tight.written == 1 and read_image(tmp_path / "tight" / file.relative_to(tmp_path / "out")).shape[1] == 200


def test_classes_have_names(tmp_path: Path) -> None:
    source = annotated(tmp_path / "yolo", ROW)
    (source / "data.yaml").write_text("names:\n  0: car\n  1: plate\n", encoding="utf-8")
    assert class_names(source) == ["car", "plate"]
    assert cut_boxes(source, tmp_path / "out", classes=("plate",)).written == 1
    assert cut_boxes(source, tmp_path / "none", classes=("car",)).written == 0
    with pytest.raises(UsageError, match="knows no class 'truck'"):
        cut_boxes(source, tmp_path / "out", classes=("truck",))
    (source / "data.yaml").write_text("names: [car, plate\n", encoding="utf-8")
    with pytest.raises(FormatError, match="not valid YAML"):
        cut_boxes(source, tmp_path / "out", classes=("plate",))


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        cut_boxes(tmp_path / "none", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no picture with annotations"):
        cut_boxes(tmp_path / "empty", tmp_path / "out")
    source = annotated(tmp_path / "yolo", ROW)
    (source / "images" / "train" / "street.jpg").write_bytes(b"no picture")
    cut = cut_boxes(source, tmp_path / "out")
    assert cut.written == 0 and "street.jpg" in cut.failures[0]


def test_an_edge_box_stays_inside_and_keeps_a_pixel(tmp_path: Path) -> None:
    source = annotated(tmp_path / "yolo", "0 0.0 0.0 0.2 0.2\n0 1.0 1.0 0.2 0.2\n")
    assert cut_boxes(source, tmp_path / "out", padding=2.0, least=(1, 1)).written == 2
