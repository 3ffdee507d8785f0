"""Hugging Face datasets folder ("imagefolder"): `metadata.jsonl` or `metadata.csv` with `file_name` and `text`.

The splits are the folders `train`, `validation` and `test`, each with its own metadata, or one metadata file for all.
Arrow and parquet files hold the images inside; they are refused with a sentence that tells the way round.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import FormatError
from ..tools.files import write_text
from ..types import Sample, Split
from .base import Collector, Content, Folder, ReadOptions, Refusal, bounded_lines
from .images import place_line
from .jsonl import parse, sample_of_row, to_row

NAMES = ("metadata.jsonl", "metadata.csv")
_FOLDERS = {"train": Split.TRAIN, "validation": Split.VAL, "val": Split.VAL, "dev": Split.VAL, "test": Split.TEST}
_WRITTEN = {Split.TRAIN: "train", Split.VAL: "validation", Split.TEST: "test", None: "train"}
_TEXT_KEYS = ("text", "transcription", "label")


def detect(path: Path) -> bool:
    """A folder with `metadata.jsonl`, `metadata.csv`, or arrow/parquet files, at the top or in split folders."""
    if path.is_file():
        return path.name in NAMES or path.suffix in (".parquet", ".arrow")
    return bool(_metadata(path)) or _inside(path) is not None


def _metadata(folder: Path) -> list[Path]:
    places = (folder, *(folder / name for name in _FOLDERS))
    return [place / name for place in places for name in NAMES if (place / name).is_file()]


def _inside(folder: Path) -> Path | None:
    found = (file for pattern in ("*.parquet", "*.arrow", "*/*.parquet", "*/*.arrow") for file in folder.glob(pattern))
    return next(found, None)


def read(path: Path, options: ReadOptions) -> Content:
    """The samples of all splits. Raises FormatError for arrow and parquet."""
    files = _metadata(path) if path.is_dir() else [path]
    held = path if path.suffix in (".parquet", ".arrow") else None if files else _inside(path)
    if held is not None:
        remedy = "save it once as imagefolder: one image file per row, and metadata.jsonl with file_name and text"
        raise FormatError("holds images inside an arrow or parquet file", where=held, remedy=remedy)
    top = path if path.is_dir() else path.parent
    collector = Collector(files[0] if len(files) == 1 else path, strict=options.strict)
    for file in files:
        split = _FOLDERS.get(file.parent.name) if file.parent != top else None
        prefix = "" if file.parent == top else f"{file.parent.name}/"
        folder = Folder(options.root or file.parent)
        rows = _csv_rows(file, options) if file.suffix == ".csv" else _jsonl_rows(file, options)
        for number, row in rows:
            try:
                if isinstance(row, Refusal):
                    raise row
                collector.add(_sample(row, folder, collector, number, split), number)
            except Refusal as refusal:
                collector.reject(number, (f"{prefix}{file.name}: " if prefix else "") + refusal.what, refusal.remedy)
    return collector.content()


def _sample(row: dict[str, Any], folder: Folder, collector: Collector, line: int, split: Split | None) -> Sample:
    name = row.pop("file_name", None)
    if name is None:
        raise Refusal("the row has no 'file_name'")
    key = next((key for key in _TEXT_KEYS if key in row), None)
    if key is not None:
        row["text"] = row.pop(key)
    sample = sample_of_row({**row, "image": name}, folder, collector, line)
    part = f"{folder.root.name}/" if split else ""
    return replace(sample, id=sample.id if "id" in row else part + sample.id, split=sample.split or split)


def _jsonl_rows(file: Path, options: ReadOptions) -> Iterator[tuple[int, dict[str, Any] | Refusal]]:
    limit = options.limits.manifest_line_bytes
    for number, line in bounded_lines(file, limit):
        try:
            if line is None:
                raise Refusal(f"the line is longer than {limit:,} bytes")
            if line.strip():
                yield number, parse(line)
        except Refusal as refusal:
            yield number, refusal


def _csv_rows(file: Path, options: ReadOptions) -> Iterator[tuple[int, dict[str, Any] | Refusal]]:
    limit = options.limits.manifest_line_bytes
    for number, line in bounded_lines(file, limit):
        if line is None:
            raise FormatError(f"the line is longer than {limit:,} bytes", where=file, line=number)
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    yield reader.line_num, Refusal("the row has not as many cells as the head")
                else:
                    yield (
                        reader.line_num,
                        {str(key): value for key, value in row.items() if value != "" or key == "text"},
                    )
        except (csv.Error, UnicodeDecodeError) as error:
            raise FormatError(f"is not a CSV file in UTF-8 ({error})", where=file, line=reader.line_num) from error


def write(samples: Sequence[Sample], target: Path) -> Path:
    """`train/`, `validation/`, `test/`, each with its images and `metadata.jsonl` (no split: `train`)."""
    parts: dict[str, list[Sample]] = {}
    for sample in samples:
        parts.setdefault(_WRITTEN[sample.split], []).append(sample)
    for name, members in parts.items():
        used: set[str] = set()
        out = io.StringIO()
        for sample in members:
            image = place_line(sample, target / name, used)
            row = to_row(replace(sample, polygon=None, frame=0, split=None), image.name)
            row = {"file_name": row.pop("image"), **row}
            out.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
        write_text(target / name / NAMES[0], out.getvalue())
    return target
