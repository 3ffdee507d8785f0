"""Doubtful labels of plates: as rows of the check, and as faults with fixes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.check import check
from emendo.datasets.plates import contradict, plate_checks, text_fault
from emendo.image.encode import jpeg_bytes
from emendo.image.likeness import ALIKE, alike, distance, likeness_hash
from emendo.label.crops import plate_workspace
from emendo.label.desk import Desk
from emendo.label.faults import find_faults, keep
from emendo.label.plates import PlateBook
from emendo.settings import PlateSettings
from emendo.types import Verdict

from ..plates import TEXTS, draw_crops, plate


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("KTR4821", ""),
        ("0O0O1", ""),
        ("TOW123", ""),
        ("TOW", "sign"),
        ("EXIT", "sign"),
        ("EXIT12", "sign"),
        ("RESERVED1", "sign"),
        ("SUITE200", "sign"),
        ("GUTSY", "no-digit"),
        ("ABC123456", "long"),
        ("AB-123", "alphabet"),
        ("abc123", "alphabet"),
        ("ÄB123", "alphabet"),
    ],
)
def test_what_makes_a_label_doubtful(text: str, fault: str) -> None:
    found = text_fault(text, PlateSettings())
    assert (found[0].name if found else "") == fault


def test_sign_words_and_length_are_settings() -> None:
    settings = PlateSettings(sign_words=("ausgang",), longest=5)
    assert text_fault("EXIT1", settings) is None
    assert text_fault("AUSGANG2", settings)[0].name == "sign"  # type: ignore[index]
    assert text_fault("ABC123", settings)[0].name == "long"  # type: ignore[index]


@settings(deadline=None, max_examples=50)
@given(st.text("AO0B", max_size=8), st.text("AO0B", max_size=8))
def test_o_and_zero_are_no_contradiction(one: str, other: str) -> None:
    assert not contradict(one, one.replace("O", "0"))
    assert contradict(one, other) == contradict(other, one)


def test_another_size_quality_and_light_is_the_same_picture_and_another_plate_is_not() -> None:
    picture = plate("KTR4821", 2)
    small = np.asarray(cv2.resize(picture, (160, 80), interpolation=cv2.INTER_AREA), np.uint8)
    dim = np.asarray(picture * 0.8 + 20, np.uint8)
    for other in (small, dim, plate("KTR4821", 2, blur=0.8)):
        assert distance(likeness_hash(picture), likeness_hash(other)) <= ALIKE
    assert distance(likeness_hash(picture), likeness_hash(plate("8BXC907", 2))) > ALIKE


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**256 - 1), max_size=8), st.integers(0, 255), st.integers(0, 40))
def test_all_pairs_that_are_close_are_found(values: list[int], bit: int, most: int) -> None:
    hashes = {str(at): f"{value:064x}" for at, value in enumerate([*values, *(value ^ (1 << bit) for value in values)])}
    expected = [(a, b) for a in hashes for b in hashes if int(a) < int(b) and distance(hashes[a], hashes[b]) <= most]
    assert sorted(alike(hashes, most)) == sorted(expected)


def contaminated(crops: Path) -> list[str]:
    """Six crops, three of them of one plate; labels of every fault."""
    draw_crops(crops, TEXTS[:4])
    day = crops / "2026-11-20"
    (day / "CAM9_track1.jpg").write_bytes(jpeg_bytes(plate(TEXTS[1], 1), 60))
    (day / "CAM9_track2.jpg").write_bytes(jpeg_bytes(plate(TEXTS[1], 1), 70))
    rows = [
        ("2026-11-20/CAM1_track1.jpg", "EXIT"),
        ("2026-11-21/CAM1_track2.jpg", "8BXC9O7"),
        ("2026-11-20/CAM1_track3.jpg", "QW-631"),
        ("2026-11-21/CAM1_track4.jpg", "LMN5520123"),
        ("2026-11-20/CAM9_track1.jpg", "8BXC907"),
        ("2026-11-20/CAM9_track2.jpg", "8BXC901"),
    ]
    (crops / "labels.txt").write_text("".join(f"{name}\t{text}\n" for name, text in rows), encoding="utf-8")
    return [name for name, _ in rows]


def test_check_names_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contaminated(tmp_path)
    plain = check(open_dataset(str(tmp_path / "labels.txt")))
    report = check(open_dataset(str(tmp_path / "labels.txt")), further=plate_checks(PlateSettings()))
    added = [one for one in report.findings if one not in plain.findings]
    assert sorted((one.check, one.where.rpartition(":")[2]) for one in added) == [
        ("alphabet", "3"),
        ("long", "4"),
        ("plate-conflict", "6"),
        ("plate-conflict", "6"),
        ("plate-duplicate", "5"),
        ("sign", "1"),
    ]
    assert main(["check", str(tmp_path / "labels.txt"), "--plates", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["checks"]
    assert told["sign"] == 1 and told["plate-conflict"] == 2


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    contaminated(tmp_path / "crops")
    workspace = plate_workspace(tmp_path / "crops")
    assert workspace is not None
    opened = Desk.open(workspace)
    PlateBook(workspace, opened.store).refresh()
    yield opened
    opened.close()


def test_faults_come_with_fixes_that_mend_them(desk: Desk) -> None:
    book = PlateBook(desk.workspace, desk.store)
    while faults := find_faults(book):
        fault = faults[0]
        fix = fault.fixes[0]
        for unit in fix.plates:
            held = book.plate(unit).verdict
            assert held is not None
            text, verdict = (fix.text, Verdict.EDITED) if fix.name == "use" else (None, Verdict.SKIPPED)
            desk.save(unit, text, verdict, expected=held.version, author="ann")
        assert fault.key not in {one.key for one in find_faults(book)}
    assert sorted(one.verdict.text or "-" for one in book.plates() if one.verdict) == [
        "-", "-", "-", "-", "8BXC907", "QW631",
    ]  # fmt: skip


def test_what_is_kept_is_doubted_no_more_until_it_changes(desk: Desk) -> None:
    book = PlateBook(desk.workspace, desk.store)
    sign = next(one for one in find_faults(book) if one.kind == "sign")
    assert [one.kind for one in find_faults(book)][:1] == ["conflict"]
    keep(desk.store, sign.key, kept=True, author="ann")
    assert sign.key not in {one.key for one in find_faults(book)}
    keep(desk.store, sign.key, kept=False, author="ann")
    assert sign.key in {one.key for one in find_faults(book)}
    keep(desk.store, sign.key, kept=True, author="ann")
    unit = sign.plates[0].unit.id
    desk.save(unit, "EXIT9", Verdict.EDITED, expected=1, author="ann")
    assert [one.kind for one in find_faults(book) if one.plates[0].unit.id == unit] == ["sign"]
