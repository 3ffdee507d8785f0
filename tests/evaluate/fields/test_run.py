"""Reading documents whose fields are known: what counts, what cannot be read, and the figures that follow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emendo.errors import DataError, FormatError, UsageError
from emendo.evaluate.fields import evaluate_fields, read_field_report, truth_of, written
from emendo.evaluate.fields.report import DOCUMENTS
from emendo.fields.compare import FieldCounts
from emendo.types import Sample, Split

from ...documents import Damaged, documents, pages

ROW = {"description": "Oak shelf", "quantity": "2", "unit_price": "5.00", "amount": "10.00"}
OTHER = {"description": "Desk lamp", "quantity": "1", "unit_price": "2.00", "amount": "2.00"}


def invoice(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "seller": f"Mill {number} Ltd.",
        "number": f"N-{number}",
        "date": "2024-03-21",
        "currency": "EUR",
        "lines": [ROW, OTHER],
        "net": "12.00",
        "tax": "2.40",
        "total": "14.40",
        **changes,
    }


TRUTHS = [invoice(number) for number in range(12)]


def damage(number: int, truth: dict[str, Any]) -> dict[str, Any] | None:
    """Document 0 has another total, 1 no date, 2 a lost row, 3 is in capitals, of 4 nothing is read, 5 says more."""
    if number == 0:
        truth["total"] = "99.00"
    if number == 1:
        del truth["date"]
    if number == 2:
        truth["lines"] = [OTHER]
    if number == 3:
        truth["seller"] = "MILL 3 LTD"
    if number == 5:
        truth |= {"buyer": "Nobody", "due_date": "2024-04-21"}
    return None if number == 4 else truth


def test_values_rows_and_documents_are_counted() -> None:
    (report,) = evaluate_fields([Damaged("damaged", TRUTHS, damage)], documents(TRUTHS), load=pages)
    figures = report.figures()
    values = 7 + 2 * 4
    assert "buyer" not in report.fields and "lines[].tax_rate" not in report.fields
    assert report.counts == FieldCounts(12 * values - 1 - 1 - 4 - values, wrong=1, missed=1 + 4 + values)
    assert figures["fields"]["total"]["accuracy"] == pytest.approx(10 / 12)
    assert figures["fields"]["date"]["missed"] == 2
    assert figures["rows"]["lines"] == figures["rows"]["lines"] | {"right": 21, "missed": 3, "wrong": 0}
    assert (figures["samples"], figures["exact_samples"]) == (12, 8)
    assert figures["f1_low"] < figures["f1"] < figures["f1_high"] < 1
    assert [one["id"] for one in figures["unreadable"]] == ["d4"]
    assert figures["validity"] == {"exact": 8, "tolerance": 0, "faulty": 3, "nothing": 1}
    assert figures["classes"]["TOTAL_MISMATCH"] == 2 and figures["classes"]["CORRECT"] == 8
    assert figures["strict"]["wrong"] == 2 and figures["wrong"] == 1
    assert report.worst(1)[0].id == "d4"
    assert 0 < figures["teds"] < 1 and figures["tables"] == 12
    told = figures["calibration"]
    assert told["bins"][9]["values"] == told["values"] == report.counts.right + report.counts.wrong
    assert told["ece"] == pytest.approx(report.counts.right / told["values"] - 0.9)


def test_only_chosen_fields_count_and_a_truth_may_be_partial() -> None:
    truths = [invoice(0), {"company": "Mill 1", "total": "3"}]
    said = [invoice(0), invoice(1)]
    readers = [Damaged("a", said)]
    (report,) = evaluate_fields(readers, documents(truths), fields=["company", "grand_total"], load=pages)
    assert report.fields == ("seller", "total")
    assert report.counts == FieldCounts(right=2, wrong=2)
    (whole,) = evaluate_fields(readers, documents(truths), load=pages)
    (part,) = evaluate_fields(readers, documents(truths), partial=True, load=pages)
    assert whole.counts.invented == 5 + 8 and part.counts.invented == 0
    assert part.counts.right == whole.counts.right
    (rows,) = evaluate_fields(readers, documents(truths), fields=["lines"], partial=True, load=pages)
    assert rows.counts == FieldCounts(right=8)
    with pytest.raises(UsageError, match="did you mean 'total'"):
        evaluate_fields(readers, documents(truths), fields=["totl"], load=pages)


def test_a_document_that_cannot_be_loaded_is_missed_and_named() -> None:
    given = documents(TRUTHS[:2], broken=[False, True])
    first, second = evaluate_fields([Damaged("a", TRUTHS), Damaged("b", TRUTHS)], given, load=pages)
    for report in (first, second):
        assert report.counts.missed == report.counts.right == 15
        assert [one.reason for one in report.unreadable] == ["1.png: is not an image"]


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    given = documents(TRUTHS, shop=["x", "y"] * 6, group=[f"g{at // 2}" for at in range(12)])
    (report,) = evaluate_fields([Damaged("a", TRUTHS, damage)], given, slices=["shop"], load=pages)
    report.write(tmp_path)
    again = read_field_report(tmp_path)
    assert again == report and again.figures() == report.figures()
    assert set(report.figures()["slices"]["shop"]) == {"x", "y"}
    head = json.loads((tmp_path / "report.json").read_text())
    assert head["f1"] == report.figures()["f1"]
    (tmp_path / DOCUMENTS).write_text("{}\n")
    with pytest.raises(FormatError, match="is not a complete report"):
        read_field_report(tmp_path)
    (tmp_path / DOCUMENTS).unlink()
    with pytest.raises(FormatError, match="is missing"):
        read_field_report(tmp_path)


def sample(fields: dict[str, Any]) -> Sample:
    return Sample(id="x", image=Path("x.png"), fields=fields)


def test_the_truth_is_read_as_the_data_set_writes() -> None:
    given = [sample({"date": "25/12/2018", "total": "1,50"}), sample({"date": "05/04/2018"})]
    way = written(given)
    assert way == (",", "dmy")
    assert str(truth_of(given[1], way).document.date) == "2018-04-05"
    assert truth_of(given[1]).faults[0].path == "date"
    assert truth_of(sample({"records": [{"total": "1.20"}]})).document.values() == {"total": "1.20"}
    with pytest.raises(DataError, match="has 2 records"):
        truth_of(sample({"records": [{}, {}]}))


def test_without_any_fields_there_is_nothing_to_measure() -> None:
    with pytest.raises(DataError, match="give a data set of documents with their fields"):
        evaluate_fields([], documents([None]), load=pages)
    with pytest.raises(DataError, match="splits with fields: val"):
        evaluate_fields([], documents(TRUTHS[:1], Split.VAL), split=Split.TEST, load=pages)


def test_a_value_of_the_truth_that_cannot_be_read_is_told() -> None:
    given = documents([{"total": "1.2.3", "seller": "A"}, {"records": [{}, {}]}])
    (report,) = evaluate_fields([Damaged("a", [{"seller": "A"}])], given, load=pages)
    assert [one.id for one in report.rejected] == ["d0", "d1"] and report.counts == FieldCounts(right=1)
