"""Build data sets of a workspace: immutable folders named by content.

    .emendo/datasets/images/3f/3f9a...e1.png   every image once, named by its SHA-256, shared by all data sets
    .emendo/datasets/0c2b7d5e91aa34f0/         manifest.jsonl (rows sorted by id) and dataset.yaml
    .emendo/datasets/splits.json               the part of every group ever seen

The id is the beginning of the manifest's SHA-256; the manifest names images by content, so the same samples give the
same id, in whatever order and from whatever folder they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ..errors import DataError, UsageError
from ..formats import Reject, by_name
from ..formats.jsonl import row_text, to_row
from ..tools.files import new_folder, sha256_bytes, sha256_file, write_bytes, write_text
from ..types import Sample
from ..workspace.folder import Workspace
from .dataset import CARD, IMAGES, MANIFEST, Dataset, open_dataset
from .splits import Assignment, Shares, assign, load_state, save_state
from .summary import summarize

FORMAT = "emendo-dataset/1"
ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Built:
    """A data set of a workspace, how its groups were assigned, and whether this very content was there before."""

    id: str
    dataset: Dataset
    assignment: Assignment
    existed: bool


def build(
    samples: Sequence[Sample],
    workspace: Workspace,
    *,
    name: str,
    parents: Sequence[Dataset] = (),
    shares: Shares | None = None,
    keep_splits: bool = True,
    rejects: Sequence[Reject] = (),
) -> Built:
    """Copy the images, assign the parts, and write the data set; nothing is written twice.

    Samples without text or fields, or whose image is gone, go to the rejects of `dataset.yaml`. With `keep_splits`, a
    split that a sample brings is kept for its whole group. Raises DataError when nothing is left, Busy when another
    process builds here.
    """
    with workspace.lock("datasets"):
        folder = workspace.datasets
        left_out = [*rejects]
        rows: list[tuple[Sample, str]] = []
        for sample in samples:
            if sample.text is None and sample.fields is None:
                left_out.append(Reject(sample.image, None, f"sample {sample.id!r} has neither text nor fields"))
            elif not sample.image.is_file():
                left_out.append(Reject(sample.image, None, f"the image of sample {sample.id!r} is gone"))
            else:
                rows.append((sample, _keep_image(sample.image, folder / IMAGES)))
        if not rows:
            raise DataError(f"data set {name!r} would be empty: {len(left_out)} samples were left out", where=folder)
        assignment = assign([sample for sample, _ in rows], load_state(folder), shares, keep=keep_splits)
        placed = zip(assignment.samples, (image for _, image in rows), strict=True)
        lines = [row_text(to_row(sample, image)) for sample, image in sorted(placed, key=lambda pair: pair[0].id)]
        manifest = "".join(lines)
        digest = sha256_bytes(manifest.encode("utf-8"))
        target = folder / digest[:ID_DIGITS]
        existed = target.exists()
        save_state(folder, assignment.groups)
        if not existed:
            with new_folder(target) as fresh:
                write_text(fresh / MANIFEST, manifest)
                card = _card(name, digest, assignment.samples, parents, left_out)
                write_text(fresh / CARD, yaml.safe_dump(card, allow_unicode=True, sort_keys=False, width=120))
    return Built(target.name, open_dataset(target), assignment, existed)


def _keep_image(source: Path, store: Path) -> str:
    """Put an image into the store; its path there."""
    digest = sha256_file(source)
    name = f"{digest[:2]}/{digest}{source.suffix.lower()}"
    if not (store / name).exists():
        write_bytes(store / name, source.read_bytes())
    return name


def _card(
    name: str, digest: str, samples: Sequence[Sample], parents: Sequence[Dataset], rejects: Sequence[Reject]
) -> dict[str, Any]:
    summary = summarize(Dataset(name, Path(), Path(), digest, tuple(samples)))
    return {
        "format": FORMAT,
        "name": name,
        "id": digest[:ID_DIGITS],
        "hash": digest,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "images": "shared",
        "normalisation": "NFC",
        "samples": summary.samples,
        "characters": summary.characters,
        "groups": summary.groups,
        "splits": summary.splits,
        "languages": summary.languages,
        "subsets": summary.subsets,
        "origins": summary.origins,
        "alphabet": summary.alphabet,
        "parents": [{"name": parent.name, "hash": parent.hash, "path": str(parent.path)} for parent in parents],
        "rejects": [{"where": str(one.where), "line": one.line, "what": one.what} for one in rejects],
    }


def export(samples: Sequence[Sample], form: str, target: Path) -> Path:
    """Write samples in a format of the table into the new folder `target`, images included.

    Returns the path that opens them again. Raises UsageError (unknown format, `target` exists), FormatError.
    """
    row = by_name(form)
    if target.exists():
        raise UsageError(f"{target} exists", remedy="name a new folder")
    with new_folder(target) as folder:
        written = row.write(samples, folder)
        inside = written.relative_to(folder)
    return target / inside


def import_samples(source: Dataset, *, subset: str = "", language: str = "", group: str = "") -> tuple[Sample, ...]:
    """The samples of a foreign source with what its format cannot say: subset, language, group (empty: as they are)."""
    return tuple(
        replace(
            sample,
            subset=subset or sample.subset,
            language=language or sample.language,
            group=group or sample.group,
            source=sample.source or str(source.where),
        )
        for sample in source.samples
    )
