"""References, the real sets, and what is promised of a Dataset.

Covers the manifests and label=manifest:root of M1.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.datasets import open_dataset
from emendo.errors import FormatError, UsageError
from emendo.settings import Limits

REAL = {
    # rows, samples by line, groups: as the README of each set says
    "arabic_print": (2040, 2040),
    "docs_olmocr": (12, 12),
    "hands_en": (501, 501),
    "hands_fr": (1499, 1499),
    "invoices": (35, 35),
    "pages_typed": (33, 1202),
    "peraire": (2100, 2100),
    "plates": (901, 901),
    "receipts": (174, 9335),
}


@pytest.mark.parametrize("name", REAL)
def test_real_sets_are_read_as_they_are(data: Path, name: str) -> None:
    rows, lines = REAL[name]
    dataset = open_dataset(data / name, strict=True)
    assert len(dataset) == rows and not dataset.rejects and dataset.name == name
    assert len({sample.id for sample in dataset}) == rows
    assert all(sample.image.is_file() and sample.group for sample in dataset)
    by_line = open_dataset(data / name, unit="line")
    assert len(by_line) == lines and by_line.hash == dataset.hash
    assert all(sample.polygon for sample in by_line if lines != rows)


def test_the_one_box_without_area_is_named(data: Path) -> None:
    (reject,) = open_dataset(data / "receipts", unit="line").rejects
    assert reject.what == "'boxes[18]' has no area" and str(reject.error()).startswith(str(data / "receipts"))


def test_real_attributes_and_splits(data: Path) -> None:
    peraire = open_dataset(data / "peraire")
    assert [len(peraire.split(part)) for part in ("train", "val", "test")] == [1629, 209, 262]
    assert {sample.attributes["notebook"][0] for sample in peraire} == {"B", "D"}
    assert peraire.place(4).endswith("lines.jsonl:5")
    invoices = open_dataset(data / "invoices")
    assert all(sample.text is None and sample.fields for sample in invoices)
    with pytest.raises(UsageError, match="unknown split 'dev'"):
        peraire.split("dev")


def test_photographs_of_plates_give_their_plates(data: Path) -> None:
    photos = open_dataset(data / "plates" / "photos.jsonl", unit="line")
    assert len(photos) >= 42 and all(sample.polygon and sample.text for sample in photos)


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"png")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "m.jsonl").write_text(json.dumps({"image": "a.png", "text": "x"}) + "\n")
    return tmp_path


def test_label_manifest_root(sets: Path) -> None:
    with pytest.raises(FormatError, match=r"image 'a.png' is not a file"):
        open_dataset(sets / "manifests" / "m.jsonl")
    dataset = open_dataset(f"mine={sets}/manifests/m.jsonl:{sets}/images")
    assert dataset.name == "mine" and dataset.samples[0].image == sets / "images" / "a.png"


def test_the_root_is_a_wall_too(sets: Path) -> None:
    (sets / "manifests" / "m.jsonl").write_text(json.dumps({"image": "../images/a.png", "text": "x"}) + "\n")
    with pytest.raises(FormatError, match="leaves the folder"):
        open_dataset(f"mine={sets}/manifests/m.jsonl:{sets}/manifests")


@pytest.mark.parametrize(
    ("ref", "sentence"),
    [
        ("nowhere", "no data set 'nowhere'; tried it as a file or folder"),
        ("a=nowhere.jsonl:/tmp", "no manifest 'nowhere.jsonl'"),
        ("a={0}/manifests/m.jsonl:{0}/none", "root '.*/none' is not a folder"),
        ("x" * 5000, "no data set"),
        ("a\0b", "no data set"),
    ],
)
def test_a_reference_that_leads_nowhere(sets: Path, ref: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        open_dataset(ref.replace("{0}", str(sets)))


def test_a_folder_with_several_manifests_asks_which(sets: Path) -> None:
    (sets / "manifests" / "n.jsonl").write_text("")
    with pytest.raises(FormatError, match=r"holds several manifests \(m.jsonl, n.jsonl\); name the one you mean"):
        open_dataset(sets / "manifests")


def test_limits_reach_the_reader(sets: Path) -> None:
    with pytest.raises(FormatError, match="longer than 20 bytes"):
        open_dataset(sets / "manifests" / "m.jsonl", limits=Limits(manifest_line_bytes=20))


def test_the_hash_follows_the_content_not_the_place(sets: Path) -> None:
    first = open_dataset(f"a={sets}/manifests/m.jsonl:{sets}/images")
    (sets / "images" / "m.jsonl").write_bytes((sets / "manifests" / "m.jsonl").read_bytes())
    assert open_dataset(sets / "images").hash == first.hash
    (sets / "images" / "m.jsonl").write_text(json.dumps({"image": "a.png", "text": "y"}) + "\n")
    assert open_dataset(sets / "images").hash != first.hash


def test_a_foreign_folder_has_a_hash_of_its_content(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"png")
        (tmp_path / name / "a.gt.txt").write_text("text")
    one, two = open_dataset(tmp_path / "one"), open_dataset(tmp_path / "two")
    assert one.hash == two.hash
    (tmp_path / "two" / "a.gt.txt").write_text("Text")
    assert open_dataset(tmp_path / "two").hash != one.hash
