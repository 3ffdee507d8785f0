"""The pages of reports of fields: what they show, and that nothing from outside is markup there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emendo.evaluate.fields import (
    FieldComparison,
    beside,
    compare_field_reports,
    evaluate_fields,
    read_both,
    two_readings_page,
    write_field_comparison_page,
    write_field_page,
)
from emendo.fields import read_document

from ...documents import Damaged, documents, pages

TRUTHS: list[dict[str, Any]] = [
    {
        "seller": f"<b>Mill</b> {number}",
        "date": "2024-03-21",
        "net": "10.00",
        "tax": "2.00",
        "total": "12.00",
        "currency": "EUR",
        "lines": [{"description": "Oak shelf", "amount": "10.00"}],
    }
    for number in range(6)
]


def worse(number: int, truth: dict[str, Any]) -> dict[str, Any] | None:
    if number < 3:
        truth["total"] = "13.00"
    return None if number == 4 else truth


def comparison() -> FieldComparison:
    readers = [Damaged("old", TRUTHS, worse), Damaged("new", TRUTHS, lambda n, t: t if n else t | {"seller": "X"})]
    return FieldComparison(*evaluate_fields(readers, documents(TRUTHS), load=pages))


def test_the_page_of_a_report_shows_the_worst_documents(tmp_path: Path) -> None:
    report = comparison().a
    write_field_page(tmp_path / "page.html", report, documents(TRUTHS), load=pages)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>Mill</b>" not in page and "&lt;b&gt;Mill" in page
    assert page.count("<article>") == 4 and page.count("data:image/jpeg") == 4
    assert "TOTAL_MISMATCH" in page and "nothing could be read" in page and "Expected calibration error" in page
    assert "make 12.00, total says 13.00" in page and "<del>3</del>" in page


def test_the_page_of_a_comparison_shows_what_changed(tmp_path: Path) -> None:
    both = comparison()
    figures = both.figures()
    assert (figures["documents_better"], figures["documents_worse"]) == (3, 0)
    assert figures["fields"]["seller"]["difference"] == 0 and figures["fields"]["total"]["difference"] < 0
    write_field_comparison_page(tmp_path / "page.html", both, documents(TRUTHS), load=pages)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Documents that got better (3)" in page and "lines 1 amount" in page
    both.write(tmp_path / "kept")
    assert (tmp_path / "kept" / "a" / "documents.jsonl").is_file() and (tmp_path / "kept" / "comparison.json").is_file()
    assert compare_field_reports(both.a, both.b) == both


def test_one_document_by_two_models() -> None:
    readers = Damaged("old", TRUTHS, worse), Damaged("new", TRUTHS)
    image = pages(documents(TRUTHS).samples[0])
    both = read_both(*readers, image)
    assert [(one.path, one.left, one.right) for one in both.differing] == [("total", "13.00", "12.00")]
    told = both.to_dict()
    assert told["differing"] == 1 and not told["a"]["exact"] and told["b"]["exact"]
    assert told["a"]["findings"][0]["rule"] == "total"
    page = two_readings_page("shop <1>.png", both, image[0])
    assert "shop &lt;1&gt;.png" in page and "1 of 8 values differ" in page and "every sum holds" in page
    nothing = read_both(*readers, pages(documents(TRUTHS).samples[4]))
    assert nothing.a.document is None and len(nothing.differing) == 8


def test_rows_are_set_side_by_side() -> None:
    left = read_document({"lines": [{"description": "a", "amount": 1}, {"description": "b", "amount": 2}]}).document
    right = read_document({"lines": [{"description": "b", "amount": 3}], "total": 4}).document
    assert [(one.path, one.left, one.right, one.verdict) for one in beside(left, right)] == [
        ("total", "", "4.00", "extra"),
        ("lines.0.description", "a", "", "missing"),
        ("lines.0.amount", "1.00", "", "missing"),
        ("lines.1.description", "b", "b", "same"),
        ("lines.1.amount", "2.00", "3.00", "other"),
    ]
