"""Classes of errors, their log, and the hard samples that come of it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.errors import DataError, FormatError, UsageError
from emendo.fields import Document, read_document, validate_document
from emendo.fields.error_classes import ErrorClass, classify_error, regions_with_errors, severity, suspected
from emendo.mine.errorlog import LOG, further_pages, log_error, log_sample, read_errors, read_log
from emendo.mine.hard import build_hard_sample_dataset, with_replay
from emendo.mine.logbook import summarize_log
from emendo.types import Sample

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


Pages = Callable[[int], Path]


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    """Pages of which each number has its own picture."""

    def page(number: int) -> Path:
        path = tmp_path / f"page{number}.png"
        picture = np.full((20, 30, 3), 250, np.uint8)
        picture[number % 20, number // 20] = 0
        cv2.imwrite(str(path), picture)
        return path

    return page


@pytest.fixture
def page(pages: Pages) -> Path:
    return pages(0)


def test_what_the_truth_does_not_speak_of_is_not_judged() -> None:
    found = document(total="21", buyer="nobody", lines=[])
    assert classify_error(TRUTH, found, ("seller", "date")) == ("CORRECT",)
    assert classify_error(TRUTH, found, ("seller", "total")) == ("TOTAL_MISMATCH",)
    assert regions_with_errors(TRUTH, found, ("lines",)) == ("line_items_table",)


def test_the_log_keeps_the_newest_entry_and_hard_samples_follow(tmp_path: Path, pages: Pages) -> None:
    log = tmp_path / "log"
    for number in range(8):
        read = document(total="21" if number < 4 else "12", seller="X")
        log_error(log, f"d{number}", pages(number), read, truth=TRUTH, model="m")
    log_error(log, "d0", pages(0), TRUTH, truth=TRUTH)
    log_error(log, "new", pages(8), document(total="5"))
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


def test_worse_errors_are_drawn_more_often(tmp_path: Path, pages: Pages) -> None:
    for number in range(20):
        read = document(**{"total": "21"} if number < 10 else {"order_number": "B"})
        log_error(tmp_path / "log", f"d{number}", pages(number), read, truth=TRUTH)
    drawn = [
        sum(
            sample.attributes["severity"] == 5
            for sample in build_hard_sample_dataset(tmp_path / "log", tmp_path / f"o{s}", most=8, seed=s)
        )
        for s in range(6)
    ]
    assert sum(drawn) > 6 * 8 * 0.6


def test_a_reading_is_judged_by_the_truth_that_is_known_of_its_document(tmp_path: Path, pages: Pages) -> None:
    log = tmp_path / "log"
    log_error(log, "scan", pages(0), document(total="21"), model="a")
    assert not read_log(log)[0].known
    log_error(log, "corrected", pages(0), document(total="21"), truth=TRUTH, model="a")
    log_error(log, "again", pages(0), document(seller="Hill Ltd"), model="b")
    (entry,) = read_log(log)
    assert (entry.known, entry.classes, entry.fields) == (True, ("VENDOR_INFO_ERROR",), ("seller",))
    log_error(log, "again", pages(0), TRUTH, model="c")
    assert read_log(log)[0].classes == ("CORRECT",)


def test_two_truths_of_one_document_are_named_and_the_newest_holds(tmp_path: Path, pages: Pages) -> None:
    log = tmp_path / "log"
    for name, total in (("first", "12"), ("second", "13"), ("second", "13")):
        log_error(log, name, pages(0), document(total="21"), truth=document(total=total))
    log_error(log, "other", pages(1), document(total="21"), truth=TRUTH)
    (found,) = read_errors(log).contradictions
    assert (found.id, found.other, found.fields) == ("second", "first", ("total",))
    assert str(found).startswith("second and first are one document and have two truths in total")
    hard = build_hard_sample_dataset(log, tmp_path / "hard")
    assert [(s.id, s.fields["total"]) for s in hard if s.fields] == [("second", "13.00"), ("other", "12.00")]


def test_a_document_keeps_all_of_its_pages(tmp_path: Path, pages: Pages) -> None:
    sample = Sample(id="two", image=pages(0), attributes={"images": [pages(0).name, pages(1).name]}, group="g")
    log_sample(tmp_path / "log", sample, None, truth=TRUTH, told=("total", "date"))
    (kept,) = build_hard_sample_dataset(tmp_path / "log", tmp_path / "hard")
    others = further_pages(kept)
    assert [one.read_bytes() for one in (kept.image, *others)] == [pages(0).read_bytes(), pages(1).read_bytes()]
    assert (kept.group, kept.attributes["told"]) == ("g", ["total", "date"])


def test_the_log_tells_what_is_wrong_where_and_how_it_went(tmp_path: Path, pages: Pages) -> None:
    log = tmp_path / "log"
    for number in range(4):
        changes = {"total": "21"} if number < 2 else {}
        log_error(log, f"d{number}", pages(number), document(seller="X", **changes), truth=TRUTH, model="old")
    for number in range(3):
        log_error(log, f"d{number}", pages(number), TRUTH, truth=TRUTH, model="new")
    told = summarize_log(log, worst=1)
    assert told.classes == {"VENDOR_INFO_ERROR": 1, "CORRECT": 3} and told.fields == {"seller": 1}
    assert [(one.name, one.readings, one.wrong, one.severity) for one in told.models] == [
        ("old", 4, 4, 3.5),
        ("new", 3, 0, 0.0),
    ]
    assert (told.documents, told.readings, len(told.days)) == (4, 7, 1)
    assert [one.id for one in told.worst] == ["d3"]
    assert json.loads(json.dumps(told.to_dict()))["severities"]["VENDOR_INFO_ERROR"] == 2
    assert "worst: d3  severity 2  seller" in told.sentences()


def _append(folder: Path, pages: Sequence[Path], name: str) -> None:
    for number, page in enumerate(pages):
        log_error(folder, f"{name}{number}", page, None, truth=TRUTH)


def test_several_writers_and_a_crash_lose_no_whole_line(tmp_path: Path, pages: Pages) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    parts = {name: [pages(10 * at + number) for number in range(10)] for at, name in enumerate("abcd")}
    writers = [context.Process(target=_append, args=(log, parts[name], name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with (log / LOG).open("ab") as stream:
        stream.write(b'{"id": "half", "found": {"total": "1"}')
    assert len(read_log(log)) == 30
    _append(log, parts["d"], "d")
    assert len(read_log(log)) == 40
    assert read_errors(log).torn == 1


def test_what_cannot_be_is_told(tmp_path: Path, page: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(DataError, match="holds no log of errors"):
        read_log(log)
    log_error(log, "d", page, TRUTH, truth=TRUTH)
    with pytest.raises(DataError, match="no error of this kind"):
        build_hard_sample_dataset(log, tmp_path / "out")
    with pytest.raises(UsageError, match="unknown region 'x'"):
        build_hard_sample_dataset(log, tmp_path / "out", region_type="x")
    with pytest.raises(UsageError, match="unknown class of error 'x'"):
        build_hard_sample_dataset(log, tmp_path / "out", classes=["x"])
    for content, error, what in (
        ("", DataError, "the log of errors is empty"),
        ("cut\n", FormatError, "is no log of errors"),
        ("cut\n{}\n", FormatError, r"errors\.jsonl:2: is no entry"),
        ("[]\n", FormatError, r"errors\.jsonl:1: is no entry"),
    ):
        (log / LOG).write_text(content)
        with pytest.raises(error, match=what):
            read_log(log)
