"""The benchmark table: reports of lines and of documents ranked and set in pairs, from their files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.evaluate.boards.benchmark import benchmark
from emendo.evaluate.boards.results import find_reports, read_results
from emendo.evaluate.fields import evaluate_fields
from emendo.metrics.table import Better

from ...documents import Damaged, documents, pages
from .made import report as made_report

ROW = {"description": "Oak shelf", "quantity": "2", "unit_price": "5.00", "amount": "10.00"}
TRUTHS = [
    {"seller": f"Mill {at}", "date": "2024-03-21", "lines": [ROW], "net": "10.00", "total": "10.00"} for at in range(20)
]


def damage(number: int, truth: dict[str, Any]) -> dict[str, Any] | None:
    """Every other total is another; of document 5 nothing is read."""
    if number % 2:
        truth["total"] = "99.00"
    return None if number == 5 else truth


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two readers of documents, and one of lines."""
    readers = [Damaged("worse@0123456789abcdef", TRUTHS, damage), Damaged("better", TRUTHS)]
    for report in evaluate_fields(readers, documents(TRUTHS, city=["A", "B"] * 10), slices=["city"], load=pages):
        report.write(tmp_path / "reports" / report.model)
    made_report([("abcd", "abcx")], model="lines").write(tmp_path / "reports" / "lines")
    return tmp_path / "reports"


def test_documents_are_ranked_with_intervals_and_set_against_the_first(reports: Path) -> None:
    made = benchmark([read_results(folder) for folder in find_reports([reports])])
    first = made.benches[0]
    assert (first.noun, first.dataset) == ("documents", "documents")
    assert [row.results.model for row in first.rows] == ["better", "worse@0123456789abcdef"]
    figures = first.rows[1].results.whole.figures
    assert list(figures) == ["f1", "accuracy", "line_items_f1", "teds", "exact", "valid", "ece"]
    held = json.loads((reports / "worse@0123456789abcdef" / "report.json").read_text(encoding="utf-8"))
    assert (figures["f1"].figure.value, figures["f1"].figure.low) == (held["f1"], held["f1_low"])
    assert figures["line_items_f1"].figure.value == held["rows"]["lines"]["f1"]
    assert (figures["ece"].figure.value, figures["ece"].figure.better) == (held["calibration"]["ece"], Better.LOWER)
    assert figures["line_items_f1"].key == "rows.lines.f1" and figures["f1"].figure.better is Better.HIGHER
    against = first.rows[1].against
    assert against is not None and against.apart and against.value == pytest.approx((10 + 7) / (20 * 8))
    fields = first.rows[1].results.parts["field"]
    assert fields["total"].figures["f1"].figure.value == held["fields"]["total"]["f1"] == pytest.approx(20 / 39)
    assert fields["total"].samples == 20 and set(first.rows[1].results.parts["city"]) == {"A", "B"}
    told = made.markdown()
    assert "| better | 100.00 % [100.00, 100.00] |" in told and "20 documents; hash `0123456789abcdef`" in told
    assert "| `total` | 100.00 % [100.00, 100.00] | 51.28 % [" in told and "errors per value +" in told
    assert [one.noun for one in made.benches] == ["documents", "lines"]


def test_reports_of_other_samples_are_not_compared(tmp_path: Path) -> None:
    for model, text in (("one", "abcd"), ("two", "abce")):
        made_report([(text, "abcd")], model=model).write(tmp_path / model)
    first = benchmark([read_results(folder) for folder in find_reports([tmp_path])]).benches[0]
    assert first.rows[1].against is None and "other samples" in "\n".join(first.markdown())


def test_the_command_writes_markdown_and_json_and_names_what_it_cannot_use(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table.md"
    assert main(["report", "table", str(reports), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(out.with_suffix(".json").read_text(encoding="utf-8")) and told["left_out"] == []
    assert [one["noun"] for one in told["benches"]] == ["documents", "lines"]
    row = told["benches"][0]["rows"][1]
    assert row["against_first"]["apart"] and row["parts"]["field"]["total"]["f1"]["value"] == pytest.approx(20 / 39)
    assert main(["report", "table", str(reports)]) == 0
    assert capsys.readouterr().out.strip() == out.read_text(encoding="utf-8").strip()
    content = json.loads((reports / "lines" / "report.json").read_text(encoding="utf-8"))
    del content["cer"]
    (reports / "lines" / "report.json").write_text(json.dumps(content), encoding="utf-8")
    assert main(["report", "table", str(reports)]) == 2
    said = capsys.readouterr()
    assert "lines/report.json: is not a complete report (KeyError('cer'))" in said.err and "## documents" in said.out
    assert main(["report", "table", str(tmp_path / "nothing")]) == 2
    assert "nothing holds no report; make some with" in capsys.readouterr().err
