"""Layout files beside an image: followed, scaled, checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from emendo.errors import FormatError
from emendo.formats.alto import alto_bytes
from emendo.formats.layout import LayoutLine, LayoutRegion, PageLayout
from emendo.formats.page import page_bytes
from emendo.image.load import read_image
from emendo.pages.given import given_lines, layout_beside, layout_file
from emendo.pages.segment import segment

from .sheets import sheet


def line(y: int, text: str = "", x0: int = 60, x1: int = 560) -> LayoutLine:
    return LayoutLine(
        polygon=((x0, y - 20), (x1, y - 20), (x1, y + 6), (x0, y + 6)), baseline=((x0, y), (x1, y)), text=text or None
    )


def layout(*regions: LayoutRegion, size: tuple[int, int] = (640, 480), image: str = "scan.png") -> PageLayout:
    return PageLayout(image=image, width=size[0], height=size[1], regions=regions)


LOWER = LayoutRegion(lines=(line(300), line(345), line(390)), polygon=((0, 270), (640, 270), (640, 480), (0, 480)))
UPPER = LayoutRegion(lines=(line(60), line(105)), polygon=((0, 0), (640, 0), (640, 150), (0, 150)))


@pytest.mark.parametrize("write", [alto_bytes, page_bytes])
@pytest.mark.parametrize("name", ["scan.xml", "page.xml", "page/scan.xml"])
def test_the_files_order_and_lines_are_followed(tmp_path: Path, name: str, write: object) -> None:
    target = tmp_path / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(write(layout(LOWER, UPPER), target))
    placed = segment(sheet([]), None, image=tmp_path / "scan.png")
    assert [round(p.line.baseline[0][1]) for p in placed] == [300, 345, 390, 60, 105]
    assert [p.region for p in placed] == [0, 0, 0, 1, 1]
    assert [p.blank for p in placed] == [False, False, False, True, False]


def test_a_layout_of_another_size_is_scaled_and_of_another_shape_refused(tmp_path: Path) -> None:
    target = tmp_path / "scan.xml"
    target.write_bytes(alto_bytes(layout(UPPER, size=(640, 480)), target))
    found = layout_beside(tmp_path / "scan.png", (1280, 960))
    assert found is not None
    assert next(found.lines()).baseline == ((120, 120), (1120, 120))
    with pytest.raises(FormatError, match=r"describes a page of 640 x 480 pixels, scan\.png has 900 x 900"):
        layout_beside(tmp_path / "scan.png", (900, 900))


def test_files_that_belong_to_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "page.xml").write_bytes(alto_bytes(layout(UPPER, image="other.png"), tmp_path))
    (tmp_path / "scan.xml").write_text("<invoice><total>9</total></invoice>", encoding="utf-8")
    assert layout_file(tmp_path / "scan.png") is None
    (tmp_path / "scan.xml").write_text("no xml at all", encoding="utf-8")
    assert layout_file(tmp_path / "scan.png") is None


def test_a_damaged_layout_is_a_sentence(tmp_path: Path) -> None:
    whole = alto_bytes(layout(UPPER), tmp_path)
    (tmp_path / "scan.xml").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"scan\.xml"):
        segment(sheet([]), None, image=tmp_path / "scan.png")


def test_regions_without_lines_take_in_the_lines_that_are_found(tmp_path: Path) -> None:
    right = LayoutRegion(lines=(), polygon=((330, 0), (640, 0), (640, 480), (330, 480)))
    left = LayoutRegion(lines=(), polygon=((0, 0), (320, 0), (320, 400), (0, 400)))
    (tmp_path / "scan.xml").write_bytes(page_bytes(layout(right, left), tmp_path))
    page = sheet([(40, 220, y) for y in (60, 110, 160, 460)] + [(360, 600, y) for y in (60, 110, 160)])
    placed = segment(page, None, image=tmp_path / "scan.png")
    assert [p.line.box[0] > 320 for p in placed] == [True] * 3 + [False] * 4
    assert [p.region for p in placed] == [0, 0, 0, 1, 1, 1, 2]


def test_a_line_without_baseline_gets_one_in_its_outline() -> None:
    bare = LayoutLine(polygon=((10, 100), (200, 100), (200, 140), (10, 140)))
    (placed,) = given_lines(layout(LayoutRegion(lines=(bare,))))
    assert placed.line.baseline[0][0] == 10
    assert 120 < placed.line.baseline[0][1] < 140


def test_the_raw_alto_page(tmp_path: Path, data: Path) -> None:
    for suffix in (".jpg", ".xml"):
        shutil.copy(data / "peraire" / "raw_alto" / f"B.14.japon4_0005{suffix}", tmp_path / f"a{suffix}")
    placed = segment(read_image(tmp_path / "a.jpg"), None, image=tmp_path / "a.jpg")
    assert len(placed) == 29
