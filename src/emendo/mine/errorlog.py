"""The log of errors: one JSON object a line, appended whole, with a copy of each page by its content.

    errors.jsonl          what was read, when, by which model, the classes of error, the truth where it is known
    images/HASH.EXT       the first page of each document

A later entry on the same document holds. From the log come hard samples: documents, or regions of them, with errors of
chosen classes, drawn more often the worse they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..datasets.dataset import Dataset, open_dataset
from ..datasets.mix import Mix, mix
from ..errors import DataError, FormatError, UsageError
from ..fields.error_classes import ErrorClass, classify_error, regions_with_errors, severity, suspected
from ..fields.names import REGIONS
from ..fields.schema import Document
from ..fields.validate import validate_document
from ..formats.jsonl import row_text
from ..tools.files import append_line, new_folder, sha256_file, write_bytes
from ..types import Sample

LOG: Final = "errors.jsonl"
REPLAY_SHARE: Final = 0.2
"""Share of usual samples beside hard ones in what is trained on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document as it was read: classes of error (worst first), regions in which they are, and what was read."""

    id: str
    image: str
    classes: tuple[str, ...]
    severity: int
    at: str
    model: str = ""
    known: bool = False
    """Whether the truth was known, or the validator's findings stand for it."""
    regions: tuple[str, ...] = ()
    found: Mapping[str, Any] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)


def log_error(
    folder: Path, name: str, image: Path, found: Document | None, *, truth: Document | None = None, model: str = ""
) -> Entry:
    """Append what was read of a document to the log in `folder`, with a copy of its image; the entry.

    Also a reading without error is logged, as CORRECT: it ends what was logged of the document before.
    """
    if truth is None:
        classes = suspected(validate_document(found or Document()))
        regions: tuple[str, ...] = ()
    else:
        classes, regions = classify_error(truth, found), regions_with_errors(truth, found)
    kept = folder / "images" / f"{sha256_file(image)[:24]}{image.suffix.lower()}"
    if not kept.is_file():
        write_bytes(kept, image.read_bytes())
    entry = Entry(
        id=name,
        image=f"images/{kept.name}",
        classes=tuple(classes),
        severity=severity(classes),
        at=datetime.now(UTC).isoformat(),
        model=model,
        known=truth is not None,
        regions=regions,
        found=found.values() if found else {},
        truth=truth.values() if truth else {},
    )
    append_line(folder / LOG, json.dumps(asdict(entry), ensure_ascii=False, separators=(",", ":")))
    return entry


def read_log(folder: Path) -> list[Entry]:
    """The newest entry of each document, in the order of the log; a line that a crash cut off is left out.

    Raises FormatError for a line that is none of ours, DataError when there is no log.
    """
    path = folder / LOG
    if not path.is_file():
        raise DataError("holds no log of errors", where=folder, remedy="read documents with --error-log first")
    entries: dict[str, Entry] = {}
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            entry = Entry(**{**row, "classes": tuple(row["classes"]), "regions": tuple(row["regions"])})
        except (ValueError, TypeError, KeyError) as error:
            if not line.endswith(b"}"):
                continue  # a crash cut it off
            raise FormatError(
                "is no entry of a log of errors", where=path, line=number, remedy="remove the line"
            ) from error
        entries.pop(entry.id, None)
        entries[entry.id] = entry
    return list(entries.values())


def build_hard_sample_dataset(
    error_dir: Path,
    out: Path,
    *,
    region_type: str = "",
    classes: Collection[str] = (),
    most: int = 0,
    seed: int = 0,
) -> Dataset:
    """The documents of a log whose truth is known and in which something is wrong, as a manifest in the folder `out`.

    `region_type` keeps those with an error in that region, `classes` those with one of these errors; with `most` so
    many are drawn, each as likely as it is severe. Raises UsageError for a region or class that does not exist,
    DataError when no document is left.
    """
    if region_type and region_type not in REGIONS:
        raise UsageError(f"unknown region {region_type!r}", remedy=f"use {', '.join(REGIONS)}")
    unknown = [one for one in classes if one not in set(ErrorClass)]
    if unknown:
        raise UsageError(f"unknown class of error {unknown[0]!r}", remedy=f"use {', '.join(ErrorClass)}")
    wanted = [
        entry
        for entry in read_log(error_dir)
        if entry.known
        and entry.severity
        and (not region_type or region_type in entry.regions)
        and (not classes or set(classes) & set(entry.classes))
    ]
    if not wanted:
        raise DataError(
            "holds no error of this kind with a known truth", where=error_dir, remedy="correct some documents"
        )
    chosen = _drawn(wanted, most, seed)
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        rows = []
        for entry in chosen:
            shutil.copyfile(error_dir / entry.image, folder / entry.image)
            row = {
                "id": entry.id,
                "image": entry.image,
                "fields": entry.truth,
                "group": entry.id,
                "origin": "corrected",
            }
            rows.append(row_text({**row, "error": entry.classes[0], "severity": entry.severity, "subset": "hard"}))
        (folder / "documents.jsonl").write_text("".join(rows), encoding="utf-8")
    return open_dataset(str(out / "documents.jsonl"))


def with_replay(hard: Sequence[Sample], usual: Sequence[Sample], *, share: float = REPLAY_SHARE, seed: int = 0) -> Mix:
    """Hard samples with so many usual ones that these make `share` of the whole, drawn without repetition."""
    return mix(hard, usual, share, seed)


def _drawn(entries: Sequence[Entry], most: int, seed: int) -> list[Entry]:
    if not most or most >= len(entries):
        return list(entries)
    weights = np.array([entry.severity for entry in entries], float)
    chosen = np.random.default_rng(seed).choice(len(entries), most, replace=False, p=weights / weights.sum())
    return [entries[at] for at in sorted(chosen.tolist())]
