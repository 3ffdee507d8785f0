"""`emendo evaluate` and `emendo compare` where documents are read into fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emendo.cli import main
from emendo.evaluate.fields import read_field_report

from ..documents import Damaged

TRUTHS: list[dict[str, Any]] = [
    {"seller": f"Mill {at}", "date": f"{at + 1:02}/04/2018", "total": f"{at}.50", "lines": [{"amount": f"{at}.50"}]}
    for at in range(13)
]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Thirteen documents, the last one day-first beyond doubt; the page of each carries its number."""
    rows = []
    for at, fields in enumerate(TRUTHS):
        cv2.imwrite(str(tmp_path / f"{at}.png"), np.full((30, 20, 3), at, np.uint8))
        rows.append(json.dumps({"image": f"{at}.png", "fields": fields, "split": "test", "shop": "ab"[at % 2]}) + "\n")
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(rows))
    return path


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """`good` reads all but one total right, `bad` loses every seller and a third of the totals."""

    def good(at: int, fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"date": f"2018-04-{at + 1:02}", **({"total": "99"} if at == 3 else {})}

    def bad(at: int, fields: dict[str, Any]) -> dict[str, Any]:
        return good(at, fields) | {"seller": None, **({"total": "98"} if at % 3 == 0 else {})}

    def load(ref: str, **_: object) -> Damaged:
        return Damaged(ref, TRUTHS, {"good": good, "bad": bad}[ref])

    monkeypatch.setattr("emendo.pages.fields.load_document_reader", load)


def run(capsys: pytest.CaptureFixture[str], arguments: Sequence[str | Path]) -> tuple[int, Mapping[str, Any], str]:
    status = main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return status, json.loads(captured.out) if captured.out.startswith("{") else {}, captured.out + captured.err


def test_documents_are_evaluated(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, page = tmp_path / "report", tmp_path / "page.html"
    common = ["evaluate", "--model", "good", "--data", manifest, "--slice", "shop"]
    status, told, _ = run(capsys, [*common, "--out", kept, "--html", page, "--json"])
    assert status == 0
    assert (told["samples"], told["wrong"], told["exact_samples"]) == (13, 1, 12)
    assert {"f1", "f1_low", "f1_high", "accuracy", "exact", "teds", "valid", "fields", "slices"} <= set(told)
    assert told["fields"]["date"]["accuracy"] == 1 and set(told["slices"]["shop"]) == {"a", "b"}
    assert read_field_report(kept).figures() == told
    assert "images/" not in page.read_text() and "Mill" in page.read_text()
    status, _, shown = run(capsys, [*common, "--fields", "total,date"])
    assert "total" in shown and "seller" not in shown and "13 documents, 92.3 % wholly right" in shown


def test_two_readers_are_compared(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, page = tmp_path / "kept", tmp_path / "page.html"
    status, told, _ = run(
        capsys, ["compare", "bad", "good", "--data", manifest, "--out", kept, "--html", page, "--json"]
    )
    assert status == 0 and told["confidence_better"] > 0.99 and told["documents_better"] == 13
    assert told["fields"]["seller"]["difference"] == -1 and told["fields"]["date"]["difference"] == 0
    assert (kept / "comparison.json").is_file() and "Documents that got better (13)" in page.read_text()
    _, _, shown = run(capsys, ["compare", "bad", "good", "--data", manifest])
    assert "13 documents better, 0 worse, 0 the same" in shown


def test_one_document_by_two_models(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, page = manifest.parent / "6.png", tmp_path / "page.html"
    status, told, _ = run(capsys, ["compare", "bad", "good", "--image", image, "--html", page, "--json"])
    assert status == 0 and told["differing"] == 2
    assert {"path": "total", "a": "98.00", "b": "6.50", "same": False} in told["values"]
    assert any(one["what"] == "who sells is missing" for one in told["a"]["findings"])
    _, _, shown = run(capsys, ["compare", "bad", "good", "--image", image])
    assert "≠ total" in shown and "A: missing: who sells is missing" in shown and "B: every sum holds" in shown
    assert "6.png" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["evaluate", "--fields", "totl"], "did you mean 'total'"),
        (["evaluate", "--metric", "bleu"], "--metric has no meaning for the fields of documents"),
        (["evaluate", "--split", "val"], "no document whose fields are known in split 'val'"),
        (["evaluate", "--slice", "shp"], "did you mean 'shop'"),
        (["compare", "good", "bad", "--image", "x.png"], "--image is one document without a truth"),
    ],
)
def test_bad_use_is_one_line(
    manifest: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", "good"] if arguments[0] == "evaluate" else []
    status, _, said = run(capsys, [*arguments, *model, "--data", manifest])
    assert status == 2 and said.startswith("error: ") and expected in said and said.count("\n") == 1


def test_a_comparison_needs_something_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, said = run(capsys, ["compare", "good", "bad"])
    assert status == 2 and "give --data REF, or --image FILE" in said
