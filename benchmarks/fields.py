"""Fields of receipts, invoices and made-up documents: models, a few rules, and invoice2data on the same pages.

    python benchmarks/fields.py [--model REF ...] [--split test] [--rules] [--peer PYTHON] [--reader REF]
                                [--synthetic N --seed S] [--out DIR] [--threads N]

`receipts` are the SROIE receipts (company, date, address, total), `invoices` the XML specimens and shop invoices, read
from page pictures without their text layer. Of both, only what the truth of a document names is counted (`--partial`
of `emendo evaluate`): it names some of the fields that stand there. F1 is told twice: `loose` (texts without case,
blanks and punctuation) and `strict` (case and the number of blanks aside every sign counts, the rule of the SROIE
task); dates and amounts are compared as what they are. The words are remembered between runs: seconds are those of a
first run only where the cache (EMENDO_CACHE) was empty.

The published figure beside is that of the repository from which the receipts come: 75.6 % Hmean of its own model on the
official test set, which is not the one here. `--rules` reads with keywords and regular expressions: a lower bar.
`--peer` names a Python that has invoice2data, whose templates were written for some of the shop invoices.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from field_rules import Invoice2data, Rules, Words

from emendo.datasets import open_dataset
from emendo.datasets.invoices.build import synth_invoices
from emendo.evaluate.fields import FieldReport, evaluate_fields
from emendo.evaluate.fields.figures import rates, summed
from emendo.fields.compare import FieldCounts
from emendo.models.detector import Detector
from emendo.models.references import load_recognizer
from emendo.pages.fields import load_document_reader
from emendo.pages.wordcache import cached_words
from emendo.settings import cores
from emendo.types import DocumentReader, Split

ROOT = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
RECEIPTS = ("seller", "date", "seller_address", "total")
INVOICES = ("total", "net", "tax", "number", "date", "seller", "buyer", "currency", "due")
HEADS = ("total", "number", "date", "seller", "buyer")
"""Fields of the invoices for which a figure is asked."""


def main() -> int:
    """Print a table for each set of documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", default=[], metavar="REF")
    parser.add_argument("--split", default="test")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--reader", default="base", metavar="REF", help="what reads the words of --rules and --peer")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--sets", default="receipts,invoices")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=cores())
    given = parser.parse_args()
    print(f"{date.today()}, {platform.machine()}, {given.threads} threads\n")
    readers = opened(given)
    told: dict[str, Any] = {}
    for name in filter(None, given.sets.split(",")):
        reports = evaluate_fields(readers, open_dataset(ROOT / name), split=Split(given.split), partial=True)
        told[name] = shown(name, reports, given.out)
    if given.synthetic:
        with tempfile.TemporaryDirectory(prefix="emendo-bench-fields-") as folder:
            made = synth_invoices(given.synthetic, given.seed, Path(folder) / "made")
            told["synthetic"] = shown("synthetic", evaluate_fields(readers, made), given.out)
    print(json.dumps(told, ensure_ascii=False))
    return 0


def opened(given: argparse.Namespace) -> list[DocumentReader]:
    """All readers that were asked for; the default model where none was."""
    names = given.model or ([] if given.rules or given.peer else [""])
    readers: list[DocumentReader] = [load_document_reader(ref, threads=given.threads, cache=True) for ref in names]
    if given.rules or given.peer:
        words = page_words(given.reader, given.threads)
        readers += [Rules(words)] if given.rules else []
        readers += [Invoice2data(words, given.peer)] if given.peer else []
    return readers


def page_words(ref: str, threads: int) -> Words:
    """The words of documents by a reader of lines."""
    recognizer = load_recognizer(ref, threads=threads, language="none")
    read = cached_words(recognizer, Detector(threads=threads), engine="onnxruntime")
    return lambda pages: [word for number, page in enumerate(pages, 1) for word in read(page, number)]


def shown(name: str, reports: Sequence[FieldReport], out: Path | None) -> dict[str, Any]:
    """Print the table of one set; the same figures for JSON."""
    told = {}
    names = RECEIPTS if name == "receipts" else INVOICES
    count = len(reports[0].documents)
    print(f"{name}: {count} documents")
    for report in reports:
        figures = report.figures()
        told[report.model] = row = line_of(report, figures, names)
        if out:
            report.write(out / name / report.model.partition("@")[0].replace("/", "-"))
        print(f"  {report.model}")
        print(f"    F1 of all values  loose {bounds(figures)}  strict {bounds(figures['strict'])}")
        fields = {key: figures["fields"][key] for key in names if key in figures["fields"]}
        print("    right  " + ", ".join(f"{key} {percent(one['accuracy'])}" for key, one in fields.items()))
        if "lines" in figures["rows"]:
            rows = figures["rows"]["lines"]
            print(
                f"    {', '.join(HEADS)} together {percent(row['heads'])} right; line items: cells F1 "
                f"{bounds(figures['cells'])}, whole rows F1 {bounds(rows)}, TEDS {percent(figures['teds'])}"
            )
        told_ece = figures["calibration"]["ece"]
        print(
            f"    wholly right {percent(figures['exact'])}, sums hold {percent(figures['valid'])}, "
            f"calibration error {percent(told_ece)}, {figures['seconds_per_page'] or 0:.2f} s a page"
        )
    if name == "receipts":
        print(
            "  published: 75.6 % Hmean, the model of the receipts' repository on the official test set (other receipts)"
        )
    print()
    return told


def line_of(report: FieldReport, figures: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The figures of one reader that are asked for."""

    def heads(one: Any) -> FieldCounts:
        return sum((one.of(name) for name in HEADS), FieldCounts())

    kept = {key: figures[key] for key in ("f1", "f1_low", "f1_high", "exact", "valid", "teds", "seconds_per_page")}
    fields = {key: figures["fields"][key]["accuracy"] for key in names if key in figures["fields"]}
    strict = {key: figures["fields"][key]["strict"]["f1"] for key in names if key in figures["fields"]}
    return {
        **kept,
        "documents": len(report.documents),
        "strict_f1": figures["strict"]["f1"],
        "accuracy": fields,
        "strict": strict,
        "heads": summed(report.documents, heads).accuracy,
        "heads_bounds": rates(report.documents, heads),
        "cells_f1": figures["cells"]["f1"],
        "rows_f1": {table: one["f1"] for table, one in figures["rows"].items()},
    }


def bounds(one: Mapping[str, Any]) -> str:
    """F1 with its interval."""
    return f"{percent(one['f1'])} ({percent(one['f1_low'])} to {percent(one['f1_high'])})"


def percent(value: float | None) -> str:
    """A share as percent."""
    return "-" if value is None else f"{100 * value:.1f} %"


if __name__ == "__main__":
    raise SystemExit(main())
