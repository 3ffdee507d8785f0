"""Made-up documents as a data set: pages, crops of regions, words with boxes, fields, and PDFs with a text layer.

    documents.jsonl                          a document a line: images, pdf, fields, language, split, layout
    part_00000/images/ID.jpg ID_2.jpg ...    its pages as they came in, grey
    part_00000/pdf/ID.pdf                    the same as a clean PDF with a text layer
    part_00000/truth/ID.json                 its fields
    part_00000/words/ID.json                 each word: text, page, box in pixels, the field it tells, its region
    part_00000/crops/ID_REGION.jpg           what a region covers on the page that has most of it
    part_00000/annotations/ID_REGION.json    {"region", "fields", "split", "language"}: what stands on that page

Document `i` of a seed is the same whenever it is made. A part is written whole or not at all, so a run that was stopped
goes on with the parts that are missing.
"""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pypdfium2

from emendo.image.pixels import cv2

from ...errors import UsageError
from ...fields.regions import regions_of, standing
from ...fields.schema import Document, canonical
from ...fields.validate import validate_document
from ...formats.jsonl import row_text
from ...image.encode import jpeg_bytes
from ...settings import cores
from ...tools.files import new_folder, write_text
from ..dataset import Dataset, open_dataset
from .content import draw_content
from .letters import set_document
from .places import Place
from .scan import DPI, Page, Scan, draw_kind, scan
from .sheet import Sheet, Word

VERSION: Final = 6
"""Of the generator: raised whenever a document would come out differently."""
PART: Final = 50
"""Documents of a part."""
MANIFEST: Final = "documents.jsonl"
_MARGIN = 12
QUALITY: Final = 80
"""Of the JPEG files."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """One document: what it says, its sheet, and its pages as they came in."""

    document: Document
    place: Place
    sheet: Sheet
    pdf: bytes
    scans: tuple[Scan, ...]

    def words(self) -> Iterator[tuple[Word, tuple[float, float, float, float]]]:
        """Each word with its box in pixels of its page."""
        for word in self.sheet.words:
            yield word, self.scans[word.page - 1].box(word)


def synth_invoices(
    count: int, seed: int, out: Path, *, jobs: int = 0, progress: Progress = lambda done, total, text: None
) -> Dataset:
    """Write `count` documents of a seed into the folder `out`, with `jobs` processes (0: one a core).

    A folder that holds parts of the same seed is completed. Split by document: 80 % train, 10 % val, 10 % test. Raises
    UsageError for numbers that cannot be and for a folder that holds something else.
    """
    if count < 1 or seed < 0:
        raise UsageError(f"cannot make {count} documents with seed {seed}", remedy="give -n 1 or more, a seed from 0")
    note = {"seed": seed, "version": VERSION, "count": count}
    place = out / "synth.json"
    if out.exists() and (not place.is_file() or json.loads(place.read_text(encoding="utf-8")) != note):
        raise UsageError(f"{out} holds something else", remedy="name a new folder")
    write_text(place, json.dumps(note) + "\n")
    parts = [(seed, first, min(PART, count - first), out) for first in range(0, count, PART)]
    waiting = [part for part in parts if not _folder(out, part[1]).is_dir()]
    done = count - sum(part[2] for part in waiting)
    progress(done, count, "")
    for made in _each(waiting, jobs or cores()):
        done += made
        progress(done, count, "")
    rows = [(_folder(out, first) / "rows.jsonl").read_text(encoding="utf-8") for _, first, _, _ in parts]
    write_text(out / MANIFEST, "".join(rows))
    return open_dataset(str(out / MANIFEST))


def make_document(seed: int, index: int) -> Made:
    """Document `index` of a seed. Raises AssertionError if its sums did not hold, which they do by construction."""
    rng = np.random.default_rng([VERSION, seed, index])
    content = draw_content(rng)
    sheet, document = set_document(content, rng)
    assert validate_document(document).exact, f"document {index} of seed {seed} does not add up"
    pdf, kind = sheet.pdf(), draw_kind(rng)
    return Made(document, content.place, sheet, pdf, tuple(scan(page, kind, rng) for page in _rendered(pdf)))


def _rendered(pdf: bytes) -> list[Page]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        bitmaps = [page.render(scale=DPI / 72, grayscale=True).to_numpy() for page in document]
        return [np.array(one, np.uint8).reshape(one.shape[0], one.shape[1], -1)[:, :, 0] for one in bitmaps]
    finally:
        document.close()


def _folder(out: Path, first: int) -> Path:
    return out / f"part_{first // PART:05}"


def _each(parts: Sequence[tuple[int, int, int, Path]], jobs: int) -> Iterator[int]:
    """Make parts side by side; how many documents each had, as they are done."""
    if jobs == 1 or len(parts) < 2:
        yield from map(_make_part, parts)
        return
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=multiprocessing.get_context("spawn")) as pool:
        for one in as_completed([pool.submit(_make_part, part) for part in parts]):
            yield one.result()


def _make_part(part: tuple[int, int, int, Path]) -> int:
    cv2.setNumThreads(1)
    seed, first, count, out = part
    target = _folder(out, first)
    with new_folder(target) as folder:
        for name in ("images", "pdf", "truth", "words", "crops", "annotations"):
            (folder / name).mkdir()
        rows = [_write(folder, target.name, seed, index) for index in range(first, first + count)]
        (folder / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
    return count


def _write(folder: Path, part: str, seed: int, index: int) -> str:
    """The files of one document; its row of the manifest."""
    made = make_document(seed, index)
    name = f"{seed}-{index:06}"
    images = [f"images/{name}.jpg" if at == 0 else f"images/{name}_{at + 1}.jpg" for at in range(len(made.scans))]
    for path, page in zip(images, made.scans, strict=True):
        (folder / path).write_bytes(jpeg_bytes(page.image, QUALITY))
    (folder / "pdf" / f"{name}.pdf").write_bytes(made.pdf)
    document, place = made.document, made.place
    (folder / "truth" / f"{name}.json").write_text(canonical(document) + "\n", encoding="utf-8")
    words = list(made.words())
    listed = [
        {"text": word.text, "page": word.page, "box": box, "meaning": word.meaning, "region": word.region}
        for word, box in words
    ]
    (folder / "words" / f"{name}.json").write_text(_compact(listed), encoding="utf-8")
    split = {8: "val", 9: "test"}.get(index % 10, "train")
    for region, fields in regions_of(document).items():
        number = _page_of(words, region)
        crop = _crop(made, words, region, number) if number else None
        there = standing(fields, {word.meaning for word, _ in words if word.page == number})
        if len(made.scans) == 1:
            there = fields
        if crop is not None and there:
            (folder / "crops" / f"{name}_{region}.jpg").write_bytes(jpeg_bytes(crop, QUALITY))
            text = _compact({"region": region, "fields": there, "split": split, "language": place.language})
            (folder / "annotations" / f"{name}_{region}.json").write_text(text, encoding="utf-8")
    row = {
        "id": name,
        "image": f"{part}/{images[0]}",
        "images": [f"{part}/{one}" for one in images],
        "fields": document.values(),
        "split": split,
        "language": place.language,
        "subset": "synthetic",
        "origin": "synthetic",
        "document": name,
        "country": place.code,
        "scan": made.scans[0].kind,
        "type": document.type,
    }
    return row_text(row)


def _page_of(words: Sequence[tuple[Word, Sequence[float]]], region: str) -> int:
    """The page (from 1) that has most of the words of a region; 0 where there are none."""
    counted = Counter(word.page for word, _ in words if word.region == region)
    return max(sorted(counted), key=lambda page: counted[page]) if counted else 0


def _crop(made: Made, words: Sequence[tuple[Word, Sequence[float]]], region: str, page: int) -> Page | None:
    """The part of a page that a region covers."""
    boxes = [box for word, box in words if word.region == region and word.page == page]
    image, held = made.scans[page - 1].image, np.array(boxes)
    x0, y0 = np.maximum(0, np.floor(held[:, :2].min(axis=0)).astype(int) - _MARGIN)
    x1, y1 = np.ceil(held[:, 2:].max(axis=0)).astype(int) + _MARGIN
    part = image[y0:y1, x0:x1]
    return part if part.size else None


def _compact(value: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
