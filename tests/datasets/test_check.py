"""The preflight: each row of the table finds its fault, names the line, and is silent on good data.

Covers A8 (but for wrong-script text), and the duplicates and conflicting labels of P5.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emendo.datasets import general_set, open_dataset
from emendo.datasets.check import CHECKS, check, ctc_frames
from emendo.datasets.faces import BUILT_IN
from emendo.datasets.render import PLAIN, render

Change = Callable[[Path, list[dict[str, Any]]], None]
TEXT = "Quick brown foxes jump"


def picture(text: str, seed: int = 0) -> np.ndarray[Any, Any]:
    return render(BUILT_IN.draw(text, 40), np.random.default_rng(seed), PLAIN)


def save(path: Path, image: np.ndarray[Any, Any]) -> None:
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = []
    for index in range(24):
        text = f"{TEXT} {index}"
        save(tmp_path / f"{index}.png", picture(text, index))
        rows.append({"image": f"{index}.png", "text": text, "page": f"p{index // 4}", "split": "train"})
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    return tmp_path


def changed(folder: Path, change: Change) -> Path:
    rows = json.loads((folder / "rows.json").read_text())
    change(folder, rows)
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "lines.jsonl"


def setting(index: int, **values: object) -> Change:
    return lambda _, rows: rows[index].update(values)


def drawing(index: int, make: Callable[[], np.ndarray[Any, Any]]) -> Change:
    return lambda folder, _: save(folder / f"{index}.png", make())


def copying(source: int, target: int, text: str | None) -> Change:
    def change(folder: Path, rows: list[dict[str, Any]]) -> None:
        (folder / f"{target}.png").write_bytes((folder / f"{source}.png").read_bytes())
        rows[target]["text"] = rows[source]["text"] if text is None else text

    return change


def breaking(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "3.png").write_bytes((folder / "3.png").read_bytes()[:100])


def repeating(_: Path, rows: list[dict[str, Any]]) -> None:
    rows[0]["text"] = rows[23]["text"]
    for row in rows[20:]:
        row["split"] = "test"


CASES: dict[str, tuple[Change, int | None, str]] = {
    "image": (breaking, 4, "the image 3.png"),
    "empty": (setting(2, text="  "), 3, "the text is empty"),
    "conflict": (copying(0, 5, "Another text for it"), 6, "another text ('Quick brown foxes jump 0')"),
    "leak": (setting(1, split="test"), 1, "group 'p0' is in test, train"),
    "ctc": (setting(4, text="ab" * 200), 5, "the text needs 400 CTC frames"),
    "strange": (setting(4, text=TEXT + " \ue000 x"), 5, "U+E000"),
    "marks": (setting(4, text=TEXT + "\u200f x"), 5, "invisible mark U+200F"),
    "blanks": (setting(4, text=TEXT + "  x "), 5, "blanks at its ends"),
    "duplicate": (copying(0, 1, None), 2, "the same picture and text as"),
    "repeated": (repeating, None, "is in test and elsewhere (groups p0, p5)"),
    "length": (setting(4, text="ab" * 300), 5, "600 characters in one line"),
    "outlier": (setting(4, text="Oh, yes"), 5, "very few characters"),
    "size": (drawing(4, lambda: np.tile(np.uint8([[[0] * 3, [255] * 3]]), (6, 90, 1))), 5, "only 180 x 6 pixels"),
    "blur": (drawing(4, lambda: cv2.GaussianBlur(picture(TEXT + " 4"), (0, 0), 9)), 5, "the image is blurred"),
    "contrast": (drawing(4, lambda: np.full((50, 400, 3), 200, np.uint8)), 5, "hardly any contrast"),
}


def test_good_data_is_silent(folder: Path) -> None:
    report = check(open_dataset(changed(folder, lambda _, rows: None)))
    assert report.ok and not report.findings and report.samples == 24


def test_every_row_of_the_table_has_a_case() -> None:
    assert {row.name for row in CHECKS} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found_and_named(folder: Path, name: str) -> None:
    change, line, sentence = CASES[name]
    path = changed(folder, change)
    report = check(open_dataset(path))
    found = [finding for finding in report.findings if finding.check == name]
    assert any(sentence in finding.what for finding in found), report.findings
    assert f"{path}:{line}" in {finding.where for finding in found} if line else {str(path)}
    severity = next(row.severity for row in CHECKS if row.name == name)
    assert report.ok is (severity == "warning") or name in ("length",)
    listed = report.to_dict()
    assert listed["checks"][name] == len(found) and listed["ok"] is report.ok
    json.dumps(listed)


def test_rows_that_could_not_be_read_are_errors_too(folder: Path) -> None:
    path = changed(folder, setting(6, image="../x.png"))
    report = check(open_dataset(path))
    assert not report.ok and report.findings[0].where == f"{path}:7" and report.findings[0].check == "format"


def test_without_pictures(folder: Path) -> None:
    assert check(open_dataset(changed(folder, breaking)), images=False).ok


def test_ctc_frames_of_equal_neighbours() -> None:
    assert [ctc_frames(text) for text in ("", "a", "ab", "aa", "balloon")] == [0, 1, 2, 3, 9]


def test_the_general_set_passes_its_own_check(tmp_path_factory: pytest.TempPathFactory) -> None:
    report = check(general_set(tmp_path_factory.mktemp("general")))
    assert report.ok, report.findings


def test_real_plates_pass(data: Path) -> None:
    from emendo.datasets.summary import narrowed

    plates = open_dataset(data / "plates")
    assert check(narrowed(plates, plates.split("val"))).ok


def test_a_real_leak_is_found(data: Path) -> None:
    """Three documents of pages_typed have pages in test and in train, whatever the README says."""
    report = check(open_dataset(data / "pages_typed"), images=False)
    assert [finding.check for finding in report.findings] == ["leak"] * 3
