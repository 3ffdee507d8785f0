"""Cards are pages without a script; what comes from data stands there as text, right to left where it runs so."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from emendo.evaluate import Report
from emendo.evaluate.report import Line
from emendo.flows.cards import plots
from emendo.flows.cards.arabic import arabic_card, book_card
from emendo.flows.cards.batch import batch_card
from emendo.flows.cards.monitor import monitor_card
from emendo.flows.cards.train import folds_card, model_card, verdict_card
from emendo.metrics import counts
from emendo.train.crossval import CrossValidation, Fold
from emendo.train.curve import Curve

EVIL = "<script>alert(1)</script>"
ARABIC = "كتاب الحيوان"


def line(number: int, reference: str, hypothesis: str) -> Line:
    return Line(
        id=f"l{number}",
        reference=reference,
        hypothesis=hypothesis,
        confidence=0.5,
        counts=counts(reference, hypothesis),
    )


def report(*texts: tuple[str, str], name: str = "m") -> Report:
    return Report(name, "books", "0" * 16, "test", tuple(line(at, *pair) for at, pair in enumerate(texts)))


def safe(page: str) -> bool:
    return "<script" not in page and "default-src 'none'" in page and page.endswith("</body></html>\n")


def test_curves_and_columns() -> None:
    drawn = plots.curves({"fold <1>": [(1, 2.0), (2, math.nan), (3, 1.0)]}, across="step", up="loss")
    assert drawn.count("<polyline") == 2 and "fold &lt;1&gt;" in drawn and "nan" not in drawn
    assert plots.curves({"a": [], "b": [(1.0, math.inf)]}, across="x", up="y") == ""
    alone = plots.curves({"a": [(5.0, 0.0)]}, across="x", up="y", percent=True)
    assert "<polyline" in alone and "100 %" in alone
    assert plots.columns([], across="x", up="y") == ""
    assert plots.columns([("0.5", 3.0), (EVIL, 0.0)], across="x", up="y").count('class="column"') == 2


def test_the_folds_with_their_spread() -> None:
    folds = (Fold(2, report((ARABIC, "كتاب"), ("ab", "ab"))), Fold(2, report(("cd", "ce"))))
    page = folds_card(
        CrossValidation(EVIL, "documents", folds), {"fold 1": Curve(2, ((1, 2.0), (2, 1.0)), ((2, 0.5),))}
    )
    assert safe(page) and page.count("<polyline") == 4
    mean, spread = (8 / 14 + 1 / 2) / 2, abs(8 / 14 - 1 / 2) / math.sqrt(2)
    assert f"{100 * mean:.2f} %" in page and f"spread {100 * spread:.2f} points" in page


def test_the_model_shows_its_worst_lines() -> None:
    picture = np.full((20, 60, 3), 200, np.uint8)
    page = model_card(report((ARABIC, EVIL), ("ab", "ab")), {"l0": picture}, Curve())
    assert safe(page) and 'dir="rtl"' in page and page.count("data:image/jpeg") == 1 and "Loss" not in page


def test_the_verdict_tells_each_finding() -> None:
    verdict: dict[str, Any] = {
        "passed": False,
        "promoted": False,
        "registered": "",
        "model": "0123",
        "bundle": "out/final/bundle",
        "reason": EVIL,
        "cer": 0.25,
        "judged_on": "3 test lines",
        "folds": {"cer": 0.2},
        "spread": {"cer": 0.01},
        "findings": [
            {"name": "cer", "good": False, "what": "too high"},
            {"name": "bundle", "good": True, "what": "ok"},
        ],
    }
    page = verdict_card(verdict)
    assert safe(page) and "refused" in page and "kept beside the run" in page and "25.00 %" in page
    assert page.count('class="tag bad"') == 2 and page.count('class="tag good"') == 1


def test_a_batch_of_lines_and_pages(tmp_path: Path) -> None:
    page_row = {"id": "p", "file": "p.pdf", "page": 1, "text": ARABIC, "lines": [{"text": ARABIC, "confidence": 1.0}]}
    rows = [
        {"id": EVIL, "file": str(tmp_path / "gone.png"), "text": EVIL, "confidence": 0.01},
        page_row,
        {"id": "bad", "file": "bad.png", "error": f"bad.png: {EVIL}"},
    ]
    file = tmp_path / "readings.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = {"read": 2, "items": 3, "failed": 1, "failures": [rows[2]["error"]], "lines": 2, "model": "auto"}
    page = batch_card(file, {**result, "shards": 1, "shards_now": 1, "items_now": 3, "seconds": 0.0, "deaths": 0})
    assert safe(page) and 'dir="rtl"' in page and "Not read (1)" in page and "2 least sure lines" in page
    assert page.index("&lt;script&gt;") < page.index(ARABIC), "the least sure line comes first"


def test_the_monitor_tells_alerts_first() -> None:
    looks = [
        {
            "name": "traffic",
            "figures": [{"day": "2026-11-29", "read": 3}],
            "curves": {"read": [3.0]},
            "across": "day",
            "alerts": [EVIL],
        },
        {"name": "confidence", "figures": [], "curves": {"mean": []}, "across": "day", "alerts": []},
    ]
    page = monitor_card({"alerts": [f"traffic: {EVIL}"], "since": "", "readings": 3}, looks)
    assert safe(page) and "1 alerts" in page and "nothing to see" in page and page.count("<polyline") == 2


def test_books_stand_beside_each_other() -> None:
    figures = {"cer": 0.1, "wer": 0.4, "bleu": 51.4, "chrf": 96.1}
    side = {"raw": figures, "normalized": {**figures, "cer": 0.05}}
    one = {"book": ARABIC, "learned": 6, "passed": True, "reason": EVIL, "base": side, "adapted": side}
    broken = {**one, "book": EVIL, "passed": False, "base": None, "adapted": None}
    page = arabic_card({"books": [one, broken], "normalize": ["arabic"], "base": "base-ar"})
    assert (
        safe(page)
        and page.count("10.00 %") == 2
        and page.count("5.00 %") >= 2
        and "1 read better" in page
        and "<td>51.4</td>" in page
    )
    options = [{"name": "folded: alef", "cer": 0.05, "wer": 0.4, "lines": 2}]
    page = book_card({**one, "options": options, "signs": [ARABIC]}, report((ARABIC, "كتاب")), {}, Curve())
    assert safe(page) and 'dir="rtl"' in page and "folded: alef" in page and "Phrases that stand as one sign" in page
