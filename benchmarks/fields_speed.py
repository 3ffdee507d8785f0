"""Seconds from a page to its checked fields: receipts and the first pages of invoices (150 dots per inch), by engine.

    python benchmarks/fields_speed.py [--model base-fields] [--reader REF] [--pages 20] [--threads 2] [--rounds 2]

Pages of val (receipts) and train (invoices), read from their files to JSON with findings. Wall seconds, median and 90th
percentile over the pages, the best round of each page, for other work on the machine falls into them; processor seconds
beside them, which grow little when others work, and what the steps take of those. The peer is rapidocr's own pipeline
on the same pages, which ends at texts and boxes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emendo.fields.schema import canonical, read_document
from emendo.fields.validate import validate_document
from emendo.image.load import read_image
from emendo.models.extract.tagger import Tags
from emendo.models.pieces import Piece
from emendo.pages.fields import PageFieldsReader, load_document_reader
from emendo.types import Image, Reading, Word

Step = Callable[[Path], object]
SETS = (("receipts", "val"), ("invoices", "train"))


class Timed:
    """The parts of a reader with the processor seconds that each took."""

    def __init__(self, reader: PageFieldsReader) -> None:
        self.inner, self.spent = reader, defaultdict[str, float](float)
        self.model, self.decoding = "timed", reader.tagger.decoding

    def __call__(self, page: Image) -> list[Piece]:
        return self._timed("detect", lambda: self.inner.finder(page) if self.inner.finder else [])

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return self._timed("recognise", lambda: self.inner.recognizer.read(images))

    def tag(self, words: Sequence[Word]) -> Tags:
        return self._timed("tag", lambda: self.inner.tagger.tag(words))

    def _timed(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        found = work()
        self.spent[name] += time.process_time() - began
        return found


def checked(reader: PageFieldsReader, path: Path) -> str:
    """A page's file to its canonical JSON and the findings."""
    (reading,) = reader.read([read_image(path)])
    document = read_document(reading.fields or {})
    return canonical(document.document) + json.dumps([one.to_dict() for one in validate_document(document).findings])


def steps(reader: PageFieldsReader, paths: Sequence[Path]) -> dict[str, float]:
    """Mean processor seconds of each step on one thread; `rest` is loading, cutting lines, decoding and checking."""
    timed = Timed(reader)
    alone = PageFieldsReader(timed, timed, timed)
    began = time.process_time()
    for path in paths:
        checked(alone, path)
    timed.spent["rest"] = time.process_time() - began - sum(timed.spent.values())
    return {name: seconds / len(paths) for name, seconds in timed.spent.items()}


def rapidocr(threads: int) -> Step:
    """The wheel's whole pipeline."""
    from rapidocr import RapidOCR

    own = {"intra_op_num_threads": threads, "inter_op_num_threads": 1}
    engine = RapidOCR(
        params={"Global.log_level": "error", **{f"EngineConfig.onnxruntime.{key}": own[key] for key in own}}
    )
    return lambda path: engine(str(path))


def measured(step: Step, paths: Sequence[Path], rounds: int) -> tuple[list[float], float]:
    """Best wall seconds of each page, and mean processor seconds of a page in the best round."""
    for path in paths[:2]:
        step(path)  # plans, caches
    best, cpu = [float("inf")] * len(paths), float("inf")
    for _ in range(rounds):
        spent = time.process_time()
        for at, path in enumerate(paths):
            began = time.perf_counter()
            step(path)
            best[at] = min(best[at], time.perf_counter() - began)
        cpu = min(cpu, (time.process_time() - spent) / len(paths))
    return best, cpu


def pages(root: Path, name: str, split: str, count: int) -> list[Path]:
    rows = map(json.loads, (root / name / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
    found = [root / name / (row.get("images") or [row["image"]])[0] for row in rows if row["split"] == split]
    return found[:count]


def told(name: str, what: str, wall: Sequence[float], cpu: float) -> dict[str, Any]:
    median, ninth = np.percentile(wall, [50, 90])
    print(
        f"{name:9} {what:22} {len(wall):3} pages  median {median:5.2f} s  p90 {ninth:5.2f} s  "
        f"within 2 s {100 * np.mean(np.array(wall) <= 2):5.1f} %  processor {cpu:5.2f} s",
        flush=True,
    )
    return {"set": name, "what": what, "pages": len(wall), "median": median, "p90": ninth, "processor": cpu}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="base-fields")
    parser.add_argument("--reader", default="", help="OCR reader in place of the model's own")
    parser.add_argument("--engines", default="onnxruntime,openvino")
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    given = parser.parse_args()
    root = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    rows = []
    for engine in given.engines.split(","):
        reader = load_document_reader(given.model, threads=given.threads, engine=engine, reader=given.reader)
        assert isinstance(reader, PageFieldsReader)
        for name, split in SETS:
            paths = pages(root, name, split, given.pages)
            wall, cpu = measured(lambda path, reader=reader: checked(reader, path), paths, given.rounds)
            rows.append(told(name, f"emendo, {engine}", wall, cpu))
            parts = steps(reader, paths)
            print("          processor: " + ", ".join(f"{step} {seconds:.2f} s" for step, seconds in parts.items()))
            rows[-1]["steps"] = parts
    if given.peer:
        peer = rapidocr(given.threads)
        for name, split in SETS:
            wall, cpu = measured(peer, pages(root, name, split, given.pages), given.rounds)
            rows.append(told(name, "rapidocr, texts only", wall, cpu))
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
