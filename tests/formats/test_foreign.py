"""Annotation layouts that others publish, as their makers lay them out, in miniature."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from emendo.datasets import Dataset, open_dataset
from emendo.errors import FormatError
from emendo.formats import LAYOUTS, detect
from emendo.settings import Limits
from emendo.types import Split

from .documents import invoices, receipts
from .test_fields import TOTALS, annotate, invoice


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def talk(image: str, question: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"image": image, "len": len(answer), "conversations": turns}


def fox(root: Path) -> None:
    touch(root, "en_pdf_png/en_1.png", "en_pdf_png/page_2.png", "cn_pdf_png/page_2.png", "en_pdf_png_onbox/en_1.png")
    dump(
        root / "en_page_ocr.json",
        [talk("en_1.png", "OCR this image: ", "One\ntwo"), talk("page_2.png", "OCR", "three")],
    )
    dump(
        root / "cn_page_ocr.json",
        [talk("page_2.png", "OCR", "三"), {"image": "page_2.png"}, talk("cn_9.png", "OCR", "九")],
    )
    dump(root / "en_box_ocr.json", [talk("en_1.png", "OCR this box: [[1, 2, 3, 4]]", "two")])


def omnidoc(root: Path) -> None:
    touch(root, "images/page_1.jpg")
    box = [0, 0, 90, 0, 90, 20, 0, 20]
    elements = [
        {"category_type": "text_block", "poly": box, "ignore": False, "order": 2, "anno_id": 3, "text": "second"},
        {"category_type": "title", "poly": box, "ignore": False, "order": 1, "anno_id": 1, "text": "First"},
        {"category_type": "header", "poly": box, "ignore": False, "order": None, "anno_id": 2, "text": "running head"},
        {"category_type": "text_mask", "poly": box, "ignore": True, "order": 5, "anno_id": 6, "text": "hidden"},
        {
            "category_type": "equation_isolated",
            "poly": box,
            "ignore": False,
            "order": 3,
            "anno_id": 4,
            "latex": "$x^2$",
        },
        {"category_type": "table", "poly": box, "ignore": False, "order": 4, "html": "<table></table>", "anno_id": 5},
    ]
    about = {"data_source": "book", "language": "english", "layout": "single_column", "special_issue": []}
    info = {"page_no": 0, "height": 100, "width": 90, "image_path": "page_1.jpg", "page_attribute": about}
    dump(
        root / "OmniDocBench.json", [{"layout_dets": elements, "page_info": info, "extra": {"relation": []}}, {"x": 1}]
    )


def docvqa(root: Path) -> None:
    touch(root, "documents/a_1.png")
    row = {"questionId": 7, "question": "Who?", "image": "documents/a_1.png", "docId": 3, "ucsf_document_id": "a"}
    data = [{**row, "answers": ["Ann", "ann"], "data_split": "train"}, {**row, "questionId": 8, "data_split": "test"}]
    dump(
        root / "train_v1.0.json", {"dataset_name": "docvqa", "dataset_split": "train", "data": [*data, {"question": 4}]}
    )


def publaynet(root: Path) -> None:
    touch(root, "train/PMC1_0.jpg", "train/PMC2_0.jpg")
    images = [{"file_name": f"PMC{n}_0.jpg", "width": 600, "height": 800, "id": n} for n in (1, 2, 3)]
    kind = {"iscrowd": 0, "area": 1.0}
    regions = [
        {
            **kind,
            "segmentation": [[1, 2, 31, 2, 31, 12, 1, 12]],
            "image_id": 1,
            "bbox": [1, 2, 30, 10],
            "category_id": 1,
        },
        {**kind, "segmentation": [], "image_id": 1, "bbox": [1, 2, 30, 10], "category_id": 4},
        {**kind, "iscrowd": 1, "image_id": 1, "bbox": [1, 2, 30, 10], "category_id": 4},
    ]
    names = [{"supercategory": "", "id": 1, "name": "text"}, {"supercategory": "", "id": 4, "name": "table"}]
    dump(root / "train.json", {"images": images, "annotations": regions, "categories": names})


def icdar(root: Path) -> None:
    touch(root, "ch4_images/img_1.jpg", "ch4_images/img_2.JPG", "ch4_gt/gt_img_3.txt")
    lines = "\ufeff10,10,50,10,50,20,10,20,Genaxis, Theatre\n1,1,9,1,9,9,1,9,###\n\n5,5,9,5,9,9,5,9,[06]\n"
    (root / "ch4_gt" / "gt_img_1.txt").write_text(lines, encoding="utf-8")
    (root / "ch4_gt" / "gt_img_2.txt").write_text('38, 43, 920, 215, "Tiredness"\n', encoding="utf-8")


MADE: dict[str, Callable[[Path], object]] = {
    "fox": fox,
    "omnidoc": omnidoc,
    "docvqa": docvqa,
    "publaynet": publaynet,
    "sroie": receipts,
    "factur-x": invoices,
    "regions": lambda root: annotate(root, "a_totals_section", TOTALS),
    "invoices": lambda root: invoice(root, "F1", {"total": "5.00"}),
    "icdar": icdar,
}


def made(name: str, root: Path, unit: Any = "row") -> Dataset:
    MADE[name](root)
    assert detect(root).name == name
    return open_dataset(root, unit=unit)


def what(dataset: Dataset) -> list[str]:
    return [one.what for one in dataset.rejects]


def texts(dataset: Dataset) -> Sequence[str | None]:
    return [sample.text for sample in dataset.samples]


def test_every_layout_has_a_fixture() -> None:
    assert [row.name for row in LAYOUTS] == list(MADE)


def test_fox(tmp_path: Path) -> None:
    dataset = made("fox", tmp_path)
    found = {(one.subset, one.image.parent.name, one.image.name): one for one in dataset.samples}
    assert found["en_page_ocr", "en_pdf_png", "en_1.png"].text == "One\ntwo"
    assert found["en_page_ocr", "en_pdf_png", "en_1.png"].attributes["prompt"] == "OCR this image:"
    assert found["cn_page_ocr", "cn_pdf_png", "page_2.png"].text == "三"
    assert {one.language for one in dataset.samples} == {"en", "zh"}
    assert len(found) == 3, "questions about a part of the page are no pages"
    assert [one.split(":")[0] for one in what(dataset)] == ["entry 2", "entry 3"]
    assert "no 'conversations'" in what(dataset)[0]
    assert "image 'cn_9.png': no file of that name" in what(dataset)[1]


def test_a_fox_file_by_itself_keeps_its_question(tmp_path: Path) -> None:
    fox(tmp_path)
    sample = open_dataset(tmp_path / "en_box_ocr.json").samples[0]
    assert (sample.text, sample.attributes["prompt"]) == ("two", "OCR this box: [[1, 2, 3, 4]]")


def test_omnidoc(tmp_path: Path) -> None:
    dataset = made("omnidoc", tmp_path)
    page = dataset.samples[0]
    assert page.text == "First\n\nsecond\n\n$x^2$\n\n<table></table>"
    assert (page.language, page.subset, page.attributes["layout"]) == ("en", "book", "single_column")
    assert what(dataset) == ["entry 2: has no 'page_info'"]
    regions = open_dataset(tmp_path, unit="line").samples
    assert [one.attributes["type"] for one in regions] == [
        "text_block",
        "title",
        "header",
        "equation_isolated",
        "table",
    ]
    assert regions[0].polygon == ((0, 0), (90, 0), (90, 20), (0, 20))


def test_docvqa(tmp_path: Path) -> None:
    dataset = made("docvqa", tmp_path)
    assert [(one.id, one.text, one.split) for one in dataset.samples] == [
        ("7", "Ann", Split.TRAIN),
        ("8", None, Split.TEST),
    ]
    assert dataset.samples[0].attributes["answers"] == ["Ann", "ann"]
    assert {one.group for one in dataset.samples} == {"a"}
    assert what(dataset) == ["entry 3: the entry names no image"]


def test_publaynet(tmp_path: Path) -> None:
    dataset = made("publaynet", tmp_path, unit="line")
    assert [one.attributes.get("type") for one in dataset.samples] == ["text", "table"]
    assert dataset.samples[0].polygon == dataset.samples[1].polygon == ((1, 2), (31, 2), (31, 12), (1, 12))
    assert dataset.samples[0].split is Split.TRAIN
    assert "PMC3_0.jpg" in what(dataset)[0]
    assert len(open_dataset(tmp_path).samples) == 2


def test_receipts_and_invoices_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    for name in ("sroie", "factur-x"):
        (tmp_path / name).mkdir()
        assert made(name, tmp_path / name).samples[0].fields


def test_icdar(tmp_path: Path) -> None:
    dataset = made("icdar", tmp_path, unit="line")
    assert texts(dataset) == ["Genaxis, Theatre", "[06]", "Tiredness"]
    assert dataset.samples[2].polygon == ((38, 43), (920, 43), (920, 215), (38, 215))
    assert what(dataset) == [f"entry 3: no image 'img_3' below {tmp_path}"]


def test_an_icdar_line_without_coordinates_is_named(tmp_path: Path) -> None:
    icdar(tmp_path)
    (tmp_path / "ch4_gt" / "gt_img_1.txt").write_text("1,2,3,4,5,6,7,8,good\nhello\n")
    assert "gt_img_1.txt, line 2: no coordinates" in what(open_dataset(tmp_path))[0]


WRONG = {
    "cut off": '[{"image": "a.png", "conversations": [',
    "another kind": '{"conversations": [], "questionId": 3, "data": 4}',
    "empty": '[{"conversations": 5, "image": 4}]',
}


@pytest.mark.parametrize("name", WRONG)
def test_broken_files_are_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.json").write_text(WRONG[name])
    with pytest.raises(FormatError, match=r"x\.json"):
        open_dataset(tmp_path / "x.json")


def test_large_files_and_paths_that_leave_are_refused(tmp_path: Path) -> None:
    dump(tmp_path / "x.json", [talk("../../etc/passwd", "OCR", "x")])
    with pytest.raises(FormatError, match=r"entry 1: .*(no file|leaves the folder)"):
        open_dataset(tmp_path / "x.json")
    with pytest.raises(FormatError, match=r"the limit is 10; raise limits\.json_bytes"):
        open_dataset(tmp_path / "x.json", limits=Limits(json_bytes=10))
