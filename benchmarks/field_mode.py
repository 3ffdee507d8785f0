"""What filling in a document costs with and without what fills it in ahead, and what each correction teaches.

    emendo bench field-mode [--data DIR/receipts.jsonl] [--split val] [--model REF|none]

A simulated author (see `emendo.label.filling`: keystroke-level model) goes through the documents one by one: typing
into an empty form; correcting what the model filled in; correcting what the model and the memory of sellers filled in,
which has learnt from the documents before. Beside it the errors by field, and those of documents whose seller was
corrected before. With `--model none` the memory works alone. `--also SPLIT` lets the memory begin with the documents of
another split. Peer: the empty form.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emendo.datasets import open_dataset
from emendo.evaluate.fields.run import known_truths
from emendo.fields import Document, read_document
from emendo.fields.compare import compare_documents, only
from emendo.image.load import sample_pages
from emendo.label.candidates import candidates
from emendo.label.filling import Filling, filling_effort
from emendo.label.remembered import together
from emendo.models.detector import Detector
from emendo.models.extract.memory import SellerMemory
from emendo.models.references import load_recognizer
from emendo.pages.fields import PageFieldsReader, load_document_reader
from emendo.pages.wordcache import cached_words
from emendo.settings import Limits, PrefillSettings
from emendo.types import Word

WAYS = ("empty form", "model", "model and memory")


@dataclass(frozen=True)
class Read:
    """A document as the author meets it."""

    key: str
    truth: Document
    words: list[Word]
    found: Document
    certainty: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    data = Path(os.environ.get("EMENDO_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data / "receipts" / "receipts.jsonl")
    parser.add_argument("--split", default="val")
    parser.add_argument("--also", default="", help="A split whose documents were corrected before.")
    parser.add_argument("--model", default="", help="Model of fields, or none.")
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    before = list(_documents(asked.data, asked.also, asked.model, asked.most)) if asked.also else []
    documents = list(_documents(asked.data, asked.split, asked.model, asked.most))
    told = _measured(before, documents)
    told |= {"data": str(asked.data.name), "split": asked.split, "also": asked.also, "model": asked.model or "default"}
    print(json.dumps(told, indent=1) if asked.json else _table(told))


def _documents(data: Path, split: str, model: str, most: int) -> Iterator[Read]:
    """The documents of a split, read by the model (words are remembered between runs)."""
    known = known_truths(open_dataset(str(data)))
    reader = None if model == "none" else load_document_reader(model, cache=True)
    assert reader is None or isinstance(reader, PageFieldsReader)
    words_of = cached_words(load_recognizer("base", language="none"), Detector()) if reader is None else None
    pairs = [pair for pair in zip(known.samples, known.documents, strict=True) if pair[0].split == split]
    for sample, truth in pairs[: most or None]:
        pages = sample_pages(sample, Limits())
        if reader is None:
            assert words_of is not None
            words = [word for at, page in enumerate(pages, 1) for word in words_of(page, at)]
            yield Read(sample.id, truth, words, Document(), {})
            continue
        words = reader.words(pages)
        read = reader.of_words(words, len(pages))
        found = read_document(read.fields or {}).document
        yield Read(sample.id, truth, words, only(found, known.given), dict(read.certainty))


def _measured(before: Sequence[Read], documents: Sequence[Read]) -> dict[str, Any]:
    unsure = PrefillSettings().unsure
    memory = SellerMemory()
    for one in before:
        memory.learn(one.key, one.truth, one.words)
    efforts = {way: Filling() for way in WAYS}
    errors = {way: Counter[str]() for way in WAYS[1:]}
    again = {way: Counter[str]() for way in WAYS[1:]}
    given = {name for one in documents for name in one.truth.values()}
    met = 0
    asked = 0.0
    for one in documents:
        began = time.perf_counter()
        recalled = {name: what for name, what in memory.recall(one.words).items() if name in given}
        asked += time.perf_counter() - began
        shown, sure, _ = together(one.found, one.certainty, recalled)
        met += bool(recalled)
        efforts[WAYS[0]] += filling_effort(one.truth)
        for way, fields, certainty in ((WAYS[1], one.found, one.certainty), (WAYS[2], shown, sure)):
            efforts[way] += filling_effort(
                one.truth,
                fields,
                unsure=[path for path, value in certainty.items() if value < unsure],
                offered={path: [row[0] for row in rows] for path, rows in candidates(fields, one.words).items()},
            )
            for name, counts in compare_documents(one.truth, fields).fields.items():
                errors[way][name] += counts.errors
                again[way][name] += counts.errors if recalled else 0
        memory.learn(one.key, one.truth, one.words)
    return {
        "documents": len(documents),
        "of_sellers_met_before": met,
        "recall_ms": 1000 * asked / max(1, len(documents)),
        "effort": {way: one.to_dict() for way, one in efforts.items()},
        "errors": {way: dict(counts) for way, counts in errors.items()},
        "errors_of_sellers_met_before": {way: dict(counts) for way, counts in again.items()},
    }


def _table(told: dict[str, Any]) -> str:
    lines = [f"{told['documents']} documents of {told['data']} {told['split']}, model {told['model']}"]
    lines += [f"{'':18} keys  seconds  accepted unchanged  errors  of sellers met before"]
    for way, one in told["effort"].items():
        errors = sum(told["errors"].get(way, {}).values())
        again = sum(told["errors_of_sellers_met_before"].get(way, {}).values())
        shown = f"{errors:6}  {again:6}" if way in told["errors"] else ""
        accepted = f"{one['accepted']:6} of {one['documents']:4}"
        lines.append(f"{way:18} {one['keys_each']:5.1f} {one['seconds_each']:7.1f}  {accepted}  {shown}")
    met = told["of_sellers_met_before"]
    lines.append(f"{met} documents are of sellers met before; the memory is asked in {told['recall_ms']:.1f} ms")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
