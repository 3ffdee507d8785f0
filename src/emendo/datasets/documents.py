"""Annotated documents as data sets: crops of regions with their fields, and whole invoices by a manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput, DataError, UsageError
from ..fields.compare import equal
from ..fields.regions import UNSAID, regions_of
from ..fields.schema import ROWS, Document, read_document
from ..formats import ReadOptions
from ..formats.foreign import fields
from ..formats.images import safe_name
from ..image.encode import png_bytes
from ..image.load import sample_pages
from ..pages.regions import Region, RegionFinder
from ..settings import Limits
from ..tools.files import new_folder, write_bytes, write_text
from ..types import Sample
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


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of some documents: crops written, how many of them with fields, and what was left out and why."""

    crops: int
    annotated: int
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"crops": self.crops, "annotated": self.annotated, "left_out": list(self.left_out)}


def cut_regions(
    samples: Iterable[Sample],
    finder: RegionFinder,
    truth: Callable[[Sample], Document],
    out: Path,
    *,
    limits: Limits | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Cut:
    """Cut the regions out of documents into `out/crops`, with what is known to stand there in `out/annotations`.

    Of a document whose fields are known, a region is cut only where the finder found all of them with the right value,
    since nothing else says that the crop shows them; `truth` gives them. Of others the crop alone is written, to be
    annotated. Raises UsageError when `out` exists, DataError when nothing was cut.
    """
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    crops = annotated = 0
    left_out: list[str] = []
    listed = list(samples)
    with new_folder(out) as folder:
        for name in (fields.CROPS, fields.ANNOTATIONS):
            (folder / name).mkdir()
        for done, sample in enumerate(listed, start=1):
            try:
                pages = sample_pages(sample, limits)
                known = regions_of(truth(sample)) if sample.fields else None
                found = finder.find(pages)
            except (BadInput, DataError) as error:
                left_out.append(f"{sample.id}: {error}")
                continue
            for region in found:
                held = None if known is None else known.get(region.name, {})
                if held is not None and not _shows(region, held):
                    left_out.append(f"{sample.id}: not all fields of {region.name} were found where they stand")
                    continue
                name = f"{safe_name(sample.id)}_{region.name}"
                write_bytes(folder / fields.CROPS / f"{name}.png", png_bytes(region.crop(pages)))
                crops += 1
                if held:
                    row = {"region": region.name, "fields": held, **_about(sample)}
                    write_text(folder / fields.ANNOTATIONS / f"{name}.json", json.dumps(row, ensure_ascii=False) + "\n")
                    annotated += 1
            progress(done, len(listed), "")
        if not crops:
            first = f" ({left_out[0]})" if left_out else ""
            raise DataError(f"no region was found{first}", remedy="give a model that reads these documents")
    return Cut(crops, annotated, tuple(left_out))


def _shows(region: Region, known: Mapping[str, Any]) -> bool:
    """Whether everything that is known of a region was found in it."""
    truth, found = read_document(known).document, read_document(region.fields).document
    if not known:
        return False
    for name in known:
        one, other = getattr(truth, name, None), getattr(found, name, None)
        if name in ROWS:
            cells = [
                (row, cell) for row in zip(one or (), other or (), strict=False) for cell in ROWS[name].model_fields
            ]
            same = len(one or ()) == len(other or ()) and all(
                equal(getattr(a, cell), getattr(b, cell)) for (a, b), cell in cells if cell != "sources"
            )
        else:
            same = name in UNSAID or equal(one, other)
        if not same:
            return False
    return True


def _about(sample: Sample) -> dict[str, Any]:
    """What the annotation of a crop says of the document it is from."""
    about = {"split": str(sample.split) if sample.split else "", "group": sample.group or sample.id}
    about |= {"language": sample.language, "origin": str(sample.origin), "subset": sample.subset}
    return {key: value for key, value in about.items() if value}
