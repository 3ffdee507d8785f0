"""A data set: samples from any known source, with what was left out and why, and a hash of the content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from ..errors import FormatError, UsageError
from ..formats import Content, ReadOptions, Reject, Unit, by_name, detect
from ..formats.jsonl import to_row
from ..formats.rows import SPLIT_CODES, columns_of, take
from ..settings import Limits
from ..tools.files import sha256_file
from ..types import Sample, Split

MANIFEST = "manifest.jsonl"
CARD = "dataset.yaml"
IMAGES = "images"
"""Folder beside the built data sets that holds their images, named by content."""

FOLDER = Path(".emendo") / "datasets"
"""Where a workspace keeps its data sets."""

_ID = re.compile(r"^[0-9a-f]{6,64}$")


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples in order; those of a large manifest are made when asked for (`emendo.formats.rows`).

    `path` is the file or folder they were read from. `hash` (hexadecimal SHA-256) follows from the content of the
    manifest, not from its place. `lines[i]` is the line of `where` at which `samples[i]` stands, 0 when it has none.
    `rejects` are rows that were left out, `notes` what was mended while reading.
    """

    name: str
    path: Path
    where: Path
    hash: str
    samples: Sequence[Sample]
    lines: Sequence[int] = ()
    rejects: tuple[Reject, ...] = ()
    notes: tuple[Reject, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def split(self, split: Split | str) -> Sequence[Sample]:
        """The samples of one split, in order. Raises UsageError for an unknown name."""
        try:
            wanted = Split(split)
        except ValueError as error:
            raise UsageError(f"unknown split {str(split)!r}", remedy="use train, val or test") from error
        return take(self.samples, np.flatnonzero(columns_of(self.samples).splits == SPLIT_CODES[wanted]))

    def place(self, index: int) -> str:
        """`file:line` of a sample, for messages."""
        line = self.lines[index] if self.lines else 0
        return f"{self.where}:{line}" if line else str(self.samples[index].image)


def open_dataset(
    ref: str | Path,
    *,
    limits: Limits | None = None,
    workspace: Path | None = None,
    unit: Unit = "row",
    strict: bool = False,
) -> Dataset:
    """Open a data set by reference; no image is decoded, only looked for.

    `ref` is a file or folder in a known format, the id (or its beginning, six digits at least) of a data set of
    `workspace`, or `label=manifest:root`, where image paths are relative to `root`. With `unit="line"`, a row that
    holds a page with its lines gives one sample a line. With `strict`, the first wrong row raises; else it is in
    `rejects`.

    Raises UsageError for a reference that leads nowhere, FormatError for a source of which nothing can be used.
    """
    limits = limits or Limits()
    path = Path(ref)
    if _exists(path):
        return _open(path, path.name if path.is_dir() else path.stem, ReadOptions(None, unit, limits, strict))
    text = str(ref)
    built = _find_built(text, workspace)
    if built is not None:
        return _open(built, text, ReadOptions(None, unit, limits, strict))
    name, equals, rest = text.partition("=")
    if equals and name and "/" not in name:
        manifest, _, root = rest.rpartition(":")
        if not manifest or not _exists(Path(manifest)):
            raise UsageError(f"data set {text!r}: no manifest {manifest or rest!r}", remedy="write label=manifest:root")
        if not _exists(Path(root)) or not Path(root).is_dir():
            raise UsageError(f"data set {text!r}: root {root!r} is not a folder", remedy="write label=manifest:root")
        return _open(Path(manifest), name, ReadOptions(Path(root), unit, limits, strict))
    tried = "a file or folder" if workspace is None else f"a file or folder, or a data set in {workspace / FOLDER}"
    raise UsageError(f"no data set {text!r}", remedy=f"tried it as {tried}, and as label=manifest:root")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _find_built(text: str, workspace: Path | None) -> Path | None:
    if workspace is None or not _ID.match(text):
        return None
    found = sorted(path.parent for path in (workspace / FOLDER).glob(f"{text}*/{CARD}"))
    if len(found) > 1:
        raise UsageError(f"data set {text!r} means {len(found)} of them", remedy="write more of the id")
    return found[0] if found else None


def _open(path: Path, name: str, options: ReadOptions) -> Dataset:
    if path.is_dir() and (path / CARD).is_file():
        return _open_built(path, options)
    found = detect(path)
    try:
        content = found.read(path, options)
    except OSError as error:
        raise FormatError(f"cannot be read ({error.strerror or error})", where=path) from error
    return dataset_of(name, path, content)


def dataset_of(name: str, path: Path, content: Content) -> Dataset:
    """What a reader found at `path`, as a data set."""
    return Dataset(
        name=name,
        path=path,
        where=content.where,
        hash=sha256_file(content.where) if content.where.is_file() else content_hash(content.samples),
        samples=content.samples,
        lines=content.lines,
        rejects=content.rejects,
        notes=content.notes,
    )


def _open_built(folder: Path, options: ReadOptions) -> Dataset:
    try:
        card = yaml.safe_load((folder / CARD).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormatError("is not valid YAML", where=folder / CARD) from error
    if not isinstance(card, dict) or not isinstance(card.get("hash"), str):
        raise FormatError("is no data set card", where=folder / CARD)
    manifest = folder / MANIFEST
    if not manifest.is_file() or sha256_file(manifest) != card["hash"]:
        raise FormatError("is missing or was changed after it was built", where=manifest, remedy="build it again")
    shared = folder.parent / IMAGES
    root = options.root or (shared if card.get("images") == "shared" else folder)
    content: Content = by_name("jsonl").read(manifest, ReadOptions(root, options.unit, options.limits, options.strict))
    return Dataset(
        name=str(card.get("name", folder.name)),
        path=folder,
        where=manifest,
        hash=card["hash"],
        samples=content.samples,
        lines=content.lines,
        rejects=content.rejects,
        notes=content.notes,
    )


def content_hash(samples: Sequence[Sample]) -> str:
    """SHA-256 over the rows of a manifest of these samples, image paths by name."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(repr(sorted(to_row(sample, sample.image.name).items())).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
