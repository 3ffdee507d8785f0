"""Classes of errors, their log, and the hard samples that come of it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.errors import DataError, FormatError, UsageError
from emendo.fields import Document, read_document, validate_document
from emendo.fields.error_classes import ErrorClass, classify_error, regions_with_errors, severity, suspected
from emendo.mine.errorlog import (
    LOG,
    build_hard_sample_dataset,
    log_error,
    read_log,
    with_replay,
)

VALUES = {
    "type": "invoice", "seller": "Mill Ltd", "number": "7", "date": "2024-03-21", "currency": "EUR", "net": "10",
    "taxes": [{"rate": "20", "base": "10", "amount": "2"}], "tax": "2", "total": "12", "order_number": "A1",
    "lines": [{"description": "Shelf", "quantity": "2", "unit_price": "5", "amount": "10"}],
}  # fmt: skip


def document(**changes: object) -> Document:
    read = read_document({key: value for key, value in {**VALUES, **changes}.items() if value is not None})
    assert not read.faults
    return read.document


TRUTH = document()


@pytest.mark.parametrize(
    ("changes", "classes"),
    [
        ({}, ("CORRECT",)),
        ({"total": "21"}, ("TOTAL_MISMATCH",)),
        ({"lines": []}, ("TABLE_STRUCTURE_ERROR",)),
        ({"currency": "USD"}, ("CURRENCY_ERROR",)),
        ({"date": "2024-03-12"}, ("DATE_ERROR",)),
        ({"seller": "Hill Ltd"}, ("VENDOR_INFO_ERROR",)),
        ({"order_number": None}, ("OTHER",)),
        ({"buyer": "nobody", "due_date": "2024-04-21", "tax": None}, ("TOTAL_MISMATCH", "DATE_ERROR", "OTHER")),
    ],
)
def test_an_error_is_of_the_class_of_what_is_wrong(changes: dict[str, object], classes: tuple[str, ...]) -> None:
    assert classify_error(TRUTH, document(**changes)) == classes
    assert (severity(classify_error(TRUTH, document(**changes))) == 0) is (classes == ("CORRECT",))


def test_nothing_read_is_every_error() -> None:
    found = classify_error(TRUTH, None)
    assert set(found) == set(ErrorClass) - {ErrorClass.CORRECT} and severity(found) == 5
    assert "totals_section" in regions_with_errors(TRUTH, None)


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, "CORRECT"),
        ({"total": "21"}, "TOTAL_MISMATCH"),
        ({"lines": [{"quantity": "2", "unit_price": "5", "amount": "11"}]}, "TABLE_STRUCTURE_ERROR"),
        ({"date": None}, "DATE_ERROR"),
        ({"seller": "777"}, "VENDOR_INFO_ERROR"),
        ({"number": None}, "OTHER"),
    ],
)
def test_without_truth_the_validator_says_what_is_suspected(changes: dict[str, object], first: str) -> None:
    assert suspected(validate_document(document(**changes)))[0] == first


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), np.full((20, 30, 3), 250, np.uint8))
    return path


def test_the_log_keeps_the_newest_entry_and_hard_samples_follow(tmp_path: Path, page: Path) -> None:
    log = tmp_path / "log"
    for number in range(8):
        log_error(
            log, f"d{number}", page, document(total="21" if number < 4 else "12", seller="X"), truth=TRUTH, model="m"
        )
    log_error(log, "d0", page, TRUTH, truth=TRUTH)
    log_error(log, "new", page, document(total="5"))
    entries = read_log(log)
    assert [entry.id for entry in entries][-2:] == ["d0", "new"] and not entries[-1].known
    worst = [entry.classes[0] for entry in entries]
    assert [worst.count(one) for one in ("TOTAL_MISMATCH", "VENDOR_INFO_ERROR", "CORRECT")] == [4, 4, 1]
    hard = build_hard_sample_dataset(log, tmp_path / "hard")
    assert {sample.id for sample in hard} == {f"d{number}" for number in range(1, 8)}
    assert hard.samples[0].fields == TRUTH.values()
    totals = build_hard_sample_dataset(log, tmp_path / "totals", region_type="totals_section")
    assert {sample.id for sample in totals} == {"d1", "d2", "d3"}
    vendors = build_hard_sample_dataset(log, tmp_path / "v", classes=["VENDOR_INFO_ERROR"], most=5, seed=1)
    assert len(vendors.samples) == 5
    usual = hard.samples[:4]
    assert with_replay(totals.samples, usual).share == 0.25


def test_worse_errors_are_drawn_more_often(tmp_path: Path, page: Path) -> None:
    for number in range(20):
        log_error(
            tmp_path,
            f"d{number}",
            page,
            document(**{"total": "21"} if number < 10 else {"order_number": "B"}),
            truth=TRUTH,
        )
    drawn = [
        sum(
            sample.attributes["severity"] == 5
            for sample in build_hard_sample_dataset(tmp_path, tmp_path / f"o{s}", most=8, seed=s)
        )
        for s in range(6)
    ]
    assert sum(drawn) > 6 * 8 * 0.6


def _append(folder: Path, page: Path, name: str) -> None:
    for number in range(10):
        log_error(folder, f"{name}{number}", page, None, truth=TRUTH)


def test_several_writers_and_a_crash_lose_no_whole_line(tmp_path: Path, page: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append, args=(tmp_path, page, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with (tmp_path / LOG).open("ab") as stream:
        stream.write(b'{"id": "half')
    assert len(read_log(tmp_path)) == 30
    _append(tmp_path, page, "d")
    assert len(read_log(tmp_path)) == 40


def test_what_cannot_be_is_told(tmp_path: Path, page: Path) -> None:
    with pytest.raises(DataError, match="holds no log of errors"):
        read_log(tmp_path)
    log_error(tmp_path, "d", page, TRUTH, truth=TRUTH)
    with pytest.raises(DataError, match="no error of this kind"):
        build_hard_sample_dataset(tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="unknown region 'x'"):
        build_hard_sample_dataset(tmp_path, tmp_path / "out", region_type="x")
    with pytest.raises(UsageError, match="unknown class of error 'x'"):
        build_hard_sample_dataset(tmp_path, tmp_path / "out", classes=["x"])
    (tmp_path / LOG).write_text("cut\n{}\n")
    with pytest.raises(FormatError, match=r"errors\.jsonl:2: is no entry"):
        read_log(tmp_path)
