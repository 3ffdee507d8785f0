"""PDFs with a text layer to fields: by the layer, and by OCR of the rendered pages; F1 and seconds of both.

    python benchmarks/text_layer.py [--model base-fields] [--split train] [--synthetic N --seed S] [--threads N]
                                    [--rounds R] [--out FILE]

`invoices` are the PDFs beside the pictures of the invoices, all pages; `synthetic` the PDFs that
`emendo synth invoices` writes. Only what the truth of a document names is counted. Seconds are those from an opened
file to its fields: rendering, reading the layer, words, fields; the best round of each document counts, for other work
on the machine falls into them. Processor seconds beside them are the mean of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emendo.datasets import open_dataset
from emendo.datasets.dataset import Dataset
from emendo.datasets.invoices.build import synth_invoices
from emendo.evaluate.fields import FieldReport, evaluate_fields
from emendo.image.load import Document, LayeredPages, open_document
from emendo.pages.fields import load_document_reader
from emendo.settings import cores
from emendo.types import DocumentReader, Image, Reading, Sample, Split

ROOT = Path(os.environ.get("EMENDO_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


class Lazy(Sequence[Image]):
    """The pages of a document, each rendered when it is asked for, so that its seconds count."""

    def __init__(self, opened: Document) -> None:
        self._opened = opened

    def __len__(self) -> int:
        return len(self._opened)

    def __getitem__(self, at: Any) -> Any:
        if at >= len(self):
            raise IndexError(at)
        return self._opened.frame(at)


class Way:
    """One of the two ways to the words; `used` counts the pages whose layer was used, `spent` processor seconds."""

    def __init__(self, inner: DocumentReader, *, layer: bool) -> None:
        self.inner, self.layer, self.used, self.spent = inner, layer, 0, 0.0
        self.model = "text layer" if layer else "OCR"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return self.inner.read(images)

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        began = time.process_time()
        if not self.layer:
            documents = [[*pages] for pages in documents]
        readings = self.inner.read_documents(documents)
        self.spent += time.process_time() - began
        self.used += sum(len(one.text_layer) for one in readings)
        return readings


def pdf_of(sample: Sample) -> Path:
    """The PDF of a sample of one of the two sets."""
    if sample.image.suffix == ".pdf":
        return sample.image
    return sample.image.parent.parent / "pdf" / f"{sample.id}.pdf"


def pages(sample: Sample) -> LayeredPages:
    """Its pages with their layers."""
    opened = open_document(pdf_of(sample))
    return LayeredPages(Lazy(opened), opened.layer)


def compared(
    name: str, reader: DocumentReader, data: Dataset, split: Split | None, rounds: int
) -> list[dict[str, Any]]:
    """Figures of both ways, printed."""
    told = []
    for way in (Way(reader, layer=True), Way(reader, layer=False)):
        reports = [evaluate_fields([way], data, split=split, partial=True, load=pages)[0] for _ in range(rounds)]
        told.append(shown(name, way, reports))
    return told


def shown(name: str, way: Way, reports: Sequence[FieldReport]) -> dict[str, Any]:
    """One line of the table."""
    figures = reports[0].figures()
    count = sum(one.pages for one in reports[0].documents)
    seconds = np.min([[one.seconds for one in report.documents] for report in reports], axis=0)
    row = {
        "set": name,
        "way": way.model,
        "documents": len(reports[0].documents),
        "pages": count,
        "pages by layer": way.used // len(reports),
        "f1": figures["f1"],
        "f1_low": figures["f1_low"],
        "f1_high": figures["f1_high"],
        "strict_f1": figures["strict"]["f1"],
        "exact": figures["exact"],
        "valid": figures["valid"],
        "seconds a page": float(seconds.sum()) / count,
        "processor seconds a page": way.spent / len(reports) / count,
    }
    fields = {key: one["accuracy"] for key, one in figures["fields"].items()}
    print(
        f"{name:10} {way.model:10} {row['documents']:3} documents, {count} pages ({row['pages by layer']} by layer): "
        f"F1 {100 * row['f1']:.1f} ({100 * row['f1_low']:.1f} to {100 * row['f1_high']:.1f}), "
        f"strict {100 * row['strict_f1']:.1f}, wholly right {100 * row['exact']:.1f} %, "
        f"{row['seconds a page']:.2f} s a page, processor {row['processor seconds a page']:.2f} s",
        flush=True,
    )
    print(
        "  " + ", ".join(f"{key} {100 * value:.0f}" for key, value in fields.items() if value is not None), flush=True
    )
    return row | {"accuracy": fields}


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base-fields", metavar="REF")
    parser.add_argument("--split", default="train")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    reader = load_document_reader(given.model, threads=given.threads)
    rows = compared("invoices", reader, open_dataset(ROOT / "invoices"), Split(given.split), given.rounds)
    if given.synthetic:
        with tempfile.TemporaryDirectory(prefix="emendo-bench-layer-") as folder:
            made = synth_invoices(given.synthetic, given.seed, Path(folder) / "made")
            rows += compared("synthetic", reader, made, None, given.rounds)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
