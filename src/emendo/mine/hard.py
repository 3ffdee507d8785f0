"""Hard samples: what a log of errors holds that a model got wrong, to be learned with a share of usual samples."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..datasets.dataset import Dataset, open_dataset
from ..datasets.mix import Mix, mix
from ..errors import DataError, UsageError
from ..fields.error_classes import ErrorClass
from ..fields.names import REGIONS
from ..formats.jsonl import row_text
from ..tools.files import new_folder
from ..types import Sample
from .errorlog import Entry, read_log

MANIFEST: Final = "documents.jsonl"
REPLAY_SHARE: Final = 0.2
"""Share of usual samples beside hard ones in what is trained on."""


def check_wanted(region: str, classes: Collection[str]) -> None:
    """Raise UsageError for a region or a class of error that does not exist."""
    if region and region not in REGIONS:
        raise UsageError(f"unknown region {region!r}", remedy=f"use {', '.join(REGIONS)}")
    unknown = [one for one in classes if one not in set(ErrorClass)]
    if unknown:
        raise UsageError(f"unknown class of error {unknown[0]!r}", remedy=f"use {', '.join(ErrorClass)}")


def hard_entries(
    entries: Iterable[Entry], *, region: str = "", classes: Collection[str] = (), most: int = 0, seed: int = 0
) -> list[Entry]:
    """The entries whose truth is known and in which something is wrong.

    `region` keeps those with an error there, `classes` those with one of these errors; with `most` so many are drawn,
    each as likely as it is severe. Raises UsageError for a region or class that does not exist.
    """
    check_wanted(region, classes)
    wanted = [
        entry
        for entry in entries
        if entry.known
        and entry.severity
        and (not region or region in entry.regions)
        and (not classes or set(classes) & set(entry.classes))
    ]
    return _drawn(wanted, most, seed)


def build_hard_sample_dataset(
    error_dir: Path,
    out: Path,
    *,
    region_type: str = "",
    classes: Collection[str] = (),
    most: int = 0,
    seed: int = 0,
) -> Dataset:
    """The hard samples of a log (see `hard_entries`) as a manifest in the folder `out`.

    Raises UsageError for a region or class that does not exist, DataError when no document is left.
    """
    check_wanted(region_type, classes)
    chosen = hard_entries(read_log(error_dir), region=region_type, classes=classes, most=most, seed=seed)
    if not chosen:
        raise DataError(
            "holds no error of this kind with a known truth", where=error_dir, remedy="correct some documents"
        )
    return write_entries(error_dir, chosen, out, subset="hard")


def write_entries(error_dir: Path, entries: Sequence[Entry], out: Path, *, subset: str) -> Dataset:
    """Entries of a log with their truth as a data set of its own in the folder `out`, whole or not at all."""
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        for entry in entries:
            for file in (entry.image, *entry.images):
                shutil.copyfile(error_dir / file, folder / file)
        names = Counter(entry.id for entry in entries)
        rows = "".join(row_text({**_row(entry, alone=names[entry.id] == 1), "subset": subset}) for entry in entries)
        (folder / MANIFEST).write_text(rows, encoding="utf-8")
    return open_dataset(str(out / MANIFEST), strict=True)


def with_replay(hard: Sequence[Sample], usual: Sequence[Sample], *, share: float = REPLAY_SHARE, seed: int = 0) -> Mix:
    """Hard samples with so many usual ones that these make `share` of the whole, drawn without repetition."""
    return mix(hard, usual, share, seed)


def _row(entry: Entry, *, alone: bool) -> dict[str, Any]:
    """A manifest row; documents of one name are told apart by their content."""
    row: dict[str, Any] = {
        "id": entry.id if alone else f"{entry.id} {Path(entry.image).stem[:8]}#{entry.frame}",
        "image": entry.image,
        "fields": dict(entry.truth),
        "group": entry.group or entry.id,
        "split": "train",
        "origin": "corrected",
        "error": entry.classes[0],
        "severity": entry.severity,
    }
    if entry.frame:
        row["frame"] = entry.frame
    if entry.pages:
        row["pages"] = entry.pages
    if entry.images:
        row["images"] = [entry.image, *entry.images]
    if entry.told:
        row["told"] = list(entry.told)
    return row


def _drawn(entries: Sequence[Entry], most: int, seed: int) -> list[Entry]:
    if not most or most >= len(entries):
        return list(entries)
    weights = np.array([entry.severity for entry in entries], float)
    chosen = np.random.default_rng(seed).choice(len(entries), most, replace=False, p=weights / weights.sum())
    return [entries[at] for at in sorted(chosen.tolist())]
