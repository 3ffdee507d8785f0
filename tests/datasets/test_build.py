"""Data sets of a workspace: immutable, named by content, with a memory of the parts.

Covers the frozen personal test set of X1.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from emendo.datasets import open_dataset
from emendo.datasets.build import build, export, import_samples
from emendo.datasets.synth import synth_lines
from emendo.errors import DataError, FormatError, UsageError
from emendo.types import Sample, Split
from emendo.workspace.folder import Workspace


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, ...]:
    found = synth_lines(12, 5, tmp_path_factory.mktemp("synth") / "set", fonts="builtin").samples
    return tuple(replace(one, group=f"page {index // 3}", split=None) for index, one in enumerate(found))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "notes")


def test_a_built_set_is_read_back_by_id(workspace: Workspace, lines: tuple[Sample, ...]) -> None:
    built = build(lines, workspace, name="mine")
    dataset = open_dataset(built.id[:8], workspace=workspace.root)
    assert dataset.name == "mine" and dataset.hash.startswith(built.id)
    assert {one.id: one.text for one in dataset} == {one.id: one.text for one in lines}
    assert all(
        one.image.read_bytes() == other.image.read_bytes()
        for one, other in zip(dataset, sorted(lines, key=lambda s: s.id), strict=True)
    )
    card = yaml.safe_load((workspace.datasets / built.id / "dataset.yaml").read_text(encoding="utf-8"))
    assert card["format"] == "emendo-dataset/1" and card["normalisation"] == "NFC" and card["samples"] == 12
    assert set(card["alphabet"]) == set("".join(one.text or "" for one in lines))
    assert set(card["splits"]) == {"train", "val", "test"}


def test_the_same_content_is_the_same_set(workspace: Workspace, lines: tuple[Sample, ...], tmp_path: Path) -> None:
    first = build(lines, workspace, name="one")
    moved = []
    for one in lines:
        copy = tmp_path / f"elsewhere-{one.image.name}"
        shutil.copyfile(one.image, copy)
        moved.append(replace(one, image=copy))
    again = build(moved[::-1], workspace, name="two")
    assert again.id == first.id and again.existed and not first.existed
    changed = build([replace(lines[0], text="other"), *lines[1:]], workspace, name="three")
    assert changed.id != first.id


def test_test_groups_stay_test_when_the_set_grows(workspace: Workspace, lines: tuple[Sample, ...]) -> None:
    first = build(lines[:9], workspace, name="first")
    test = {one.group for one in first.dataset.split("test")}
    second = build(lines, workspace, name="second", parents=[first.dataset])
    assert test <= {one.group for one in second.dataset.split("test")} and second.assignment.new == 1
    assert not {one.group for one in second.dataset.split("train")} & test
    stolen = [replace(one, split=Split.TRAIN) for one in lines]
    third = build(stolen, workspace, name="third")
    assert test <= {one.group for one in third.dataset.split("test")}, "not even a manifest can take them back"
    card = yaml.safe_load((workspace.datasets / second.id / "dataset.yaml").read_text(encoding="utf-8"))
    assert card["parents"][0]["hash"] == first.dataset.hash


def test_what_cannot_be_used_is_a_reject(workspace: Workspace, lines: tuple[Sample, ...], tmp_path: Path) -> None:
    bad = [replace(lines[0], id="no text", text=None), replace(lines[1], id="gone", image=tmp_path / "gone.png")]
    built = build([*lines[2:], *bad], workspace, name="mine")
    card = yaml.safe_load((workspace.datasets / built.id / "dataset.yaml").read_text(encoding="utf-8"))
    assert [one["what"] for one in card["rejects"]] == [
        "sample 'no text' has neither text nor fields",
        "the image of sample 'gone' is gone",
    ]
    with pytest.raises(DataError, match="would be empty: 2 samples"):
        build(bad, workspace, name="mine")


def test_a_changed_manifest_is_refused(workspace: Workspace, lines: tuple[Sample, ...]) -> None:
    built = build(lines, workspace, name="mine")
    with (workspace.datasets / built.id / "manifest.jsonl").open("a") as stream:
        stream.write("{}\n")
    with pytest.raises(FormatError, match="changed after it was built; build it again"):
        open_dataset(workspace.datasets / built.id)


@pytest.mark.parametrize("card", ["[", "3", "{}", "hash: [1]", "!!python/object/apply:os.system ['true']"])
def test_a_wrong_card_is_refused(workspace: Workspace, lines: tuple[Sample, ...], card: str) -> None:
    built = build(lines, workspace, name="mine")
    (workspace.datasets / built.id / "dataset.yaml").write_text(card)
    with pytest.raises(FormatError, match=r"dataset.yaml: is (not valid YAML|no data set card)"):
        open_dataset(workspace.datasets / built.id)


def test_an_id_must_be_clear(workspace: Workspace, lines: tuple[Sample, ...]) -> None:
    build(lines, workspace, name="mine")
    with pytest.raises(UsageError, match="no data set 'abcdef012345'"):
        open_dataset("abcdef012345", workspace=workspace.root)


@pytest.mark.parametrize("form", ["jsonl", "labels", "gt.txt", "huggingface", "alto", "page"])
def test_export_and_import(lines: tuple[Sample, ...], tmp_path: Path, form: str) -> None:
    path = export(lines, form, tmp_path / "out")
    source = open_dataset(path, unit="line", strict=True)
    back = import_samples(source, subset="letters", language="fr")
    assert sorted(one.text or "" for one in back) == sorted(one.text or "" for one in lines)
    assert {(one.subset, one.language) for one in back} == {("letters", "fr")}
    with pytest.raises(UsageError, match="exists; name a new folder"):
        export(lines, form, tmp_path / "out")


def test_real_pages_go_from_alto_to_line_crops(data: Path, tmp_path: Path) -> None:
    pages = open_dataset(data / "peraire" / "raw_alto", unit="line")
    path = export(pages.samples[:3], "jsonl", tmp_path / "out")
    back = open_dataset(path, strict=True)
    assert [one.text for one in back] == [one.text for one in pages.samples[:3]]
    assert all(one.polygon is None and one.image.suffix == ".png" for one in back)


def test_an_export_that_fails_leaves_nothing(lines: tuple[Sample, ...], tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has a text of several lines"):
        export([replace(lines[0], text="a\nb")], "gt.txt", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
