"""Annotated documents as data sets: crops of regions with their fields, and whole invoices by a manifest."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..formats import ReadOptions
from ..formats.foreign import fields
from ..settings import Limits
from .dataset import Dataset, dataset_of


def build_dataset(crops: Path, annotations: Path, *, limits: Limits | None = None, strict: bool = False) -> Dataset:
    """The crops of a folder, each with the annotation of the same name: `{"region": ..., "fields": {...}}`.

    A sample has its fields under the names of the schema, and its region as an attribute. What is contradictory is left
    out and named in `rejects`, or raised at once when `strict`; names that were others stand in `notes`. Raises
    UsageError when a folder is not there.
    """
    for folder in (crops, annotations):
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder", remedy="name the folders of the crops and of the annotations")
    options = ReadOptions(limits=limits or Limits(), strict=strict)
    content = fields.build(annotations, crops.resolve(), annotations.resolve(), options)
    return dataset_of(annotations.resolve().parent.name, annotations, content)


def build_dataset_from_manifest(manifest: Path, *, limits: Limits | None = None, strict: bool = False) -> Dataset:
    """The invoices of a manifest: `{"invoice_id": ..., "image_path": ..., "ground_truth_path": ...}`, one a line.

    As `build_dataset`, each sample a whole invoice. Raises UsageError when the file is no such manifest.
    """
    if not fields.detect_manifest(manifest):
        what = f"{manifest} is no manifest of invoices"
        raise UsageError(what, remedy='each line is {"invoice_id", "image_path", "ground_truth_path"}')
    options = ReadOptions(limits=limits or Limits(), strict=strict)
    return dataset_of(manifest.stem, manifest, fields.read_manifest(manifest, options))
