"""Crops with annotations and manifests of invoices: what is read, what is told, and what contradicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.check import check
from emendo.datasets.documents import build_dataset, build_dataset_from_manifest
from emendo.errors import FormatError, UsageError
from emendo.formats import detect
from emendo.image.encode import png_bytes
from emendo.types import Split


def paint(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(np.random.default_rng(seed).integers(0, 255, (30, 40, 3), dtype=np.uint8)))


def annotate(root: Path, name: str, content: Any, *, seed: int | None = 0) -> None:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (root / "annotations" / f"{name}.json").write_text(text, encoding="utf-8")
    if seed is not None:
        paint(root / "crops" / f"{name}.png", seed)


def invoice(root: Path, name: str, truth: Any, **row: Any) -> None:
    paint(root / "images" / f"{name}.png", len(name))
    (root / "truth").mkdir(exist_ok=True)
    text = truth if isinstance(truth, str) else json.dumps(truth)
    (root / "truth" / f"{name}.json").write_text(text, encoding="utf-8")
    whole = {"invoice_id": name, "image_path": f"images/{name}.png", "ground_truth_path": f"truth/{name}.json", **row}
    with (root / "manifest.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(whole) + "\n")


TOTALS = {"region": "totals_section", "fields": {"grand_total": "1.234,50", "net": "1.000,00"}}


def test_crops_are_samples_of_their_region(tmp_path: Path) -> None:
    annotate(tmp_path, "a_totals_section", {**TOTALS, "split": "val", "language": "de"})
    annotate(tmp_path, "a_vendor_block", {"region": "vendor_block", "fields": {"company": "Ann"}}, seed=1)
    assert detect(tmp_path).name == detect(tmp_path / "annotations").name == "regions"
    for dataset in (
        open_dataset(tmp_path),
        open_dataset(tmp_path / "annotations"),
        build_dataset(tmp_path / "crops", tmp_path / "annotations"),
    ):
        first, second = dataset.samples
        assert first.fields == {"net": "1000.00", "total": "1234.50"} and second.fields == {"seller": "Ann"}
        assert (first.attributes["region"], first.group, first.split, first.language) == (
            "totals_section",
            "a",
            Split.VAL,
            "de",
        )
        assert first.image == tmp_path / "crops" / "a_totals_section.png" and not dataset.rejects
        assert [note.what for note in dataset.notes] == [
            "a_totals_section: field 'grand_total' was taken for 'total'",
            "a_vendor_block: field 'company' was taken for 'seller'",
        ]


def test_crops_and_annotations_may_lie_anywhere(tmp_path: Path) -> None:
    annotate(tmp_path / "x", "a_totals_section", {**TOTALS, "image": "one.png"}, seed=None)
    paint(tmp_path / "pictures" / "one.png")
    (one,) = build_dataset(tmp_path / "pictures", tmp_path / "x" / "annotations").samples
    assert one.image == tmp_path / "pictures" / "one.png" and one.id == "a_totals_section"
    with pytest.raises(UsageError, match="is no folder; name the folders"):
        build_dataset(tmp_path / "none", tmp_path / "x" / "annotations")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"region": "total_section", "fields": {"total": "1"}}, "is unknown; did you mean 'totals_section'"),
        ({"region": "", "fields": {"total": "1"}}, "bad.json: names no region; use vendor_block"),
        ({"region": "totals_section", "fields": {"seller": "Ann"}}, "'seller' is a field of vendor_block, not of tot"),
        ({"region": "totals_section", "fields": {"totl": "1"}}, "that the schema does not know; did you mean 'total'"),
        ({"region": "totals_section", "fields": {"total": "1.2.3,4"}}, "bad: field total: '1.2.3,4' is no amount"),
        ({"region": "totals_section", "fields": {}}, "bad: has no fields"),
        ({"region": "totals_section"}, "bad.json: has no 'fields'"),
        ({"region": "totals_section", "fields": ["total"]}, "bad.json: 'fields' is of another kind"),
        ({"fields": {"total": "1"}}, "bad.json: has no 'region'"),
        ('{"region": "totals_section", "fields": {"total"', "bad.json: is not JSON"),
        ('["region", "fields"]', "bad.json: holds no JSON object"),
        ({**TOTALS, "image": "other.png"}, "bad.json: has no crop 'other.png'"),
        ({**TOTALS, "split": "both"}, "split 'both' is unknown"),
    ],
)
def test_what_contradicts_is_left_out_by_name_and_the_rest_goes_on(tmp_path: Path, content: Any, told: str) -> None:
    annotate(tmp_path, "a_totals_section", TOTALS)
    annotate(tmp_path, "bad", content, seed=1)
    dataset = open_dataset(tmp_path)
    assert [one.id for one in dataset.samples] == ["a_totals_section"]
    (reject,) = dataset.rejects
    assert told in str(reject.error())
    with pytest.raises(FormatError):
        build_dataset(tmp_path / "crops", tmp_path / "annotations", strict=True)


def test_a_crop_that_is_missing_or_there_twice_is_told(tmp_path: Path) -> None:
    annotate(tmp_path, "a", TOTALS)
    annotate(tmp_path, "b", TOTALS, seed=None)
    annotate(tmp_path, "c", TOTALS)
    paint(tmp_path / "crops" / "c.jpg", 3)
    dataset = open_dataset(tmp_path)
    assert [one.id for one in dataset.samples] == ["a"]
    assert "b.json: has no crop 'b.jpg'" in dataset.rejects[0].what
    assert "c.json: has 2 crops: c.jpg, c.png" in dataset.rejects[1].what


def test_one_crop_with_two_truths_is_left_out_with_all_of_them(tmp_path: Path) -> None:
    other = {"region": "totals_section", "fields": {"total": "9.00"}}
    annotate(tmp_path, "a", TOTALS)
    annotate(tmp_path, "b", {**other, "image": "a.png"}, seed=None)
    annotate(tmp_path, "c", {**TOTALS, "image": "d.png"}, seed=None)
    annotate(tmp_path, "d", TOTALS, seed=4)
    annotate(tmp_path, "e", {"region": "vendor_block", "fields": {"seller": "Ann"}, "image": "a.png"}, seed=None)
    dataset = open_dataset(tmp_path)
    assert [one.id for one in dataset.samples] == ["c", "e"]
    told = [reject.what for reject in dataset.rejects]
    assert told == [
        "b: the picture 'crops/a.png' is annotated before, by a (1), with other fields",
        "a: the picture 'crops/a.png' is annotated again, with other fields",
        "d: the picture 'crops/d.png' is annotated before, by c (3), with the same fields",
    ]


def test_the_same_picture_under_another_name_is_found_by_check(tmp_path: Path) -> None:
    annotate(tmp_path, "a_totals_section", TOTALS, seed=1)
    annotate(tmp_path, "b_totals_section", {"region": "totals_section", "fields": {"total": "9.00"}}, seed=1)
    annotate(tmp_path, "c_totals_section", TOTALS, seed=2)
    annotate(tmp_path, "d_totals_section", TOTALS, seed=2)
    annotate(tmp_path, "c_vendor_block", {"region": "vendor_block", "fields": {"seller": "Ann"}}, seed=2)
    found = {(one.check, one.sample): one.what for one in check(open_dataset(tmp_path)).findings}
    conflicts = {name for kind, name in found if kind == "conflict"}
    assert conflicts == {"a_totals_section", "b_totals_section"}
    assert found["conflict", "a_totals_section"].endswith("with other fields")
    assert {name for kind, name in found if kind == "duplicate"} == {"d_totals_section"}


def test_a_manifest_of_invoices_is_told_from_our_own(tmp_path: Path) -> None:
    invoice(tmp_path, "F1", {"company": "Ann", "date": "25/12/2018", "total": 5}, split="train", country="FR")
    invoice(tmp_path, "F22", [{"total": "7.00", "date": "05/04/2018"}])
    assert detect(tmp_path).name == detect(tmp_path / "manifest.jsonl").name == "invoices"
    for dataset in (open_dataset(tmp_path), build_dataset_from_manifest(tmp_path / "manifest.jsonl")):
        first, second = dataset.samples
        assert first.fields == {"seller": "Ann", "date": "2018-12-25", "total": "5.00"}
        assert second.fields == {"date": "2018-04-05", "total": "7.00"}, "the others tell that the day stands first"
        assert (first.id, first.group, first.split, first.attributes["country"]) == ("F1", "F1", Split.TRAIN, "FR")
        assert "region" not in first.attributes and not dataset.rejects
        assert [note.what for note in dataset.notes] == ["F1: field 'company' was taken for 'seller'"]
    with pytest.raises(UsageError, match="is no manifest of invoices"):
        build_dataset_from_manifest(tmp_path / "truth" / "F1.json")


@pytest.mark.parametrize(
    ("truth", "row", "told"),
    [
        ({"total": "1.2.3,4"}, {}, "bad: field total: '1.2.3,4' is no amount"),
        ({"x": "1"}, {}, "bad: none of x is a field that the schema knows"),
        ("[]", {}, "the ground truth 'truth/bad.json' is no JSON object"),
        ('{"total"', {}, "the ground truth 'truth/bad.json' is not JSON"),
        ({"schema": "other/9", "total": "1"}, {}, "the fields are of schema 'other/9'"),
        ({"total": "1"}, {"ground_truth_path": "truth/none.json"}, "'truth/none.json' is not a file"),
        ({"total": "1"}, {"ground_truth_path": None}, "'ground_truth_path' is not a path"),
        ({"total": "1"}, {"ground_truth_path": "../x.json"}, "leaves the folder"),
        ({"total": "1"}, {"image_path": "images/none.png"}, "'images/none.png' is not a file"),
    ],
)
def test_an_invoice_without_sound_truth_is_left_out_by_name(tmp_path: Path, truth: Any, row: Any, told: str) -> None:
    invoice(tmp_path, "good", {"total": "1.00"})
    invoice(tmp_path, "bad", truth, **row)
    dataset = open_dataset(tmp_path)
    assert [one.id for one in dataset.samples] == ["good"]
    (reject,) = dataset.rejects
    assert told in reject.what and reject.line == 2


def test_one_invoice_with_two_truths_is_left_out(tmp_path: Path) -> None:
    invoice(tmp_path, "F1", {"total": "1.00"})
    invoice(tmp_path, "F22", {"total": "2.00"}, invoice_id="F1")
    invoice(tmp_path, "F333", {"total": "3.00"}, image_path="images/F22.png")
    invoice(tmp_path, "F4444", {"total": "4.00"})
    dataset = open_dataset(tmp_path)
    assert [one.id for one in dataset.samples] == ["F4444"]
    assert {reject.line for reject in dataset.rejects} == {1, 2, 3}
    assert all("with other fields" in reject.what for reject in dataset.rejects)


def test_both_come_in_through_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotate(tmp_path / "c", "a_totals_section", TOTALS)
    annotate(tmp_path / "c", "b_totals_section", TOTALS, seed=3)
    (tmp_path / "m").mkdir()
    invoice(tmp_path / "m", "F1", {"company": "Ann", "total": "5.00"})
    for name, count in (("c", 2), ("m", 1)):
        assert main(["dataset", "import", str(tmp_path / name), "--out", str(tmp_path / f"{name}-in"), "--json"]) == 0
        capsys.readouterr()
        again = open_dataset(tmp_path / f"{name}-in")
        assert [one.fields for one in again.samples] == [one.fields for one in open_dataset(tmp_path / name).samples]
        assert len(again.samples) == count
    assert again.samples[0].fields == {"seller": "Ann", "total": "5.00"}
    assert open_dataset(tmp_path / "c-in").samples[0].attributes["region"] == "totals_section"
    assert main(["init", str(tmp_path / "ws")]) == 0
    build = ["dataset", "build", str(tmp_path / "c" / "annotations"), str(tmp_path / "m"), "--name", "both"]
    assert main([*build, "--workspace", str(tmp_path / "ws")]) == 0
