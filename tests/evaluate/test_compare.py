from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from emendo.errors import DataError
from emendo.evaluate import compare, compare_reports, evaluate
from emendo.metrics import Counts

from .scripted import Scripted, lines, pixels

TEXTS = [f"ligne numéro {number}" for number in range(40)]
GOOD = [text if number % 4 else text[1:] for number, text in enumerate(TEXTS)]
BAD = [text[2:] if number % 2 else text for number, text in enumerate(TEXTS)]


def test_the_better_model_is_found_better() -> None:
    data = lines(TEXTS, writer=["a", "b"] * 20)
    found = compare(Scripted("bad", BAD), Scripted("good", GOOD), data, slices=["writer"], load=pixels)
    assert found.paired.difference < 0 < found.paired.confidence_better
    assert found.paired.confidence_better > 0.99
    figures = found.figures()
    assert figures["difference_high"] < 0
    assert (figures["lines_better"], figures["lines_worse"], figures["lines_same"]) == (20, 10, 10)
    assert figures["slices"]["writer"]["a"]["difference"] > 0 > figures["slices"]["writer"]["b"]["difference"]
    assert [b.counts.edits - a.counts.edits for a, b in found.worse] == [1] * 10
    json.dumps(figures, allow_nan=False)


def test_a_model_against_itself() -> None:
    found = compare(Scripted("x", BAD), Scripted("y", BAD), lines(TEXTS), load=pixels)
    assert (found.paired.difference, found.paired.confidence_better) == (0.0, 0.0)
    assert not found.better and not found.worse


def test_groups_are_resampled_whole() -> None:
    data = lines(TEXTS, group=[f"page{number // 4}" for number in range(40)])
    found = compare(Scripted("bad", BAD), Scripted("good", GOOD), data, load=pixels)
    assert (found.paired.unit, found.paired.units) == ("group", 10)


def test_reports_of_different_lines_do_not_compare() -> None:
    one = evaluate(Scripted("x", GOOD), lines(TEXTS), load=pixels)
    other = evaluate(Scripted("x", GOOD), lines(TEXTS[:39]), load=pixels)
    with pytest.raises(DataError, match="the reports differ in 1 line "):
        compare_reports(one, other)
    changed = dataclasses.replace(one.lines[0], reference="else", counts=Counts())
    with pytest.raises(DataError, match="differ in 2 lines"):
        compare_reports(one, dataclasses.replace(one, lines=(changed, *one.lines[1:])))


def test_written_files(tmp_path: Path) -> None:
    compare(Scripted("x", BAD), Scripted("y", GOOD), lines(TEXTS), load=pixels).write(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"a/lines.jsonl", "a/report.json", "b/lines.jsonl", "b/report.json", "comparison.json"}
