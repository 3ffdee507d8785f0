"""Public data sets, fetched from their own sources: pinned commit, checksum, resumed download, safe unpacking.

Nothing is passed on by us. A row of `SOURCES` names the archive of one commit. Where its SHA-256 is known it stands in
the row; where it is not (None), the first fetch records what came, and every later fetch into the same cache must
bring the same bytes. That protects against change, not against a source that was wrong from the start; the address
is https and holds the commit's own hash. An archive host may also pack the same commit into other bytes one day: then
the message says so, and `--trust-new` records the new ones.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np

from emendo.image.pixels import cv2

from ..errors import BadInput, DataError, UsageError
from ..formats import ReadOptions, by_name
from ..formats.images import place_line
from ..formats.jsonl import row_text, to_row
from ..image.load import read_image
from ..settings import Limits
from ..tools.archives import unpack
from ..tools.files import PARTIAL, new_folder, sha256_file, write_bytes, write_json, write_text
from ..types import Image, Sample, Split
from .dataset import Dataset, open_dataset
from .notebook import to_pdf

PERAIRE_COMMIT = "61b321ed05fc1d40e6c6e4351fd2162fd5bff478"
_PIECE = 1 << 20
_TIMEOUT = 30.0
_TRIES = 4
_SCAN_SIDE = 2000
"""Longest side of a page in `notebook.pdf`, in pixels."""


@dataclass(frozen=True, slots=True)
class Source:
    """One row: the archive of a data set. `sha256` None means: trusted at the first fetch, then held to it."""

    name: str
    title: str
    url: str
    sha256: str | None
    licence: str
    credit: str
    language: str
    cut: Callable[[Path, Path, Source], Dataset]


class Progress(Protocol):
    """Told how many bytes are there and how many will be (0: unknown)."""

    def __call__(self, done: int, total: int) -> None:
        """Show it."""
        ...


def fetch(
    name: str,
    out: Path,
    *,
    cache: Path,
    limits: Limits | None = None,
    trust_new: bool = False,
    source: Source | None = None,
    mirror: str = "",
    token: str = "",
    progress: Progress | None = None,
) -> Dataset:
    """Download a data set of the table (or `source`), check it, and write line crops with a manifest to `out`.

    A cut connection is resumed, also by a later call. Raises UsageError for an unknown name or an existing `out`,
    DataError when the source is out of reach, BadInput for a wrong checksum or an archive that tries to escape.
    """
    source = source or next((row for row in SOURCES if row.name == name), None)
    if source is None:
        raise UsageError(f"unknown data set {name!r}", remedy=f"use {', '.join(row.name for row in SOURCES)}")
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    limits = limits or Limits()
    archive = obtain(source, cache, mirror=mirror, token=token, trust_new=trust_new, limits=limits, progress=progress)
    return prepare(archive, source, out, limits)


def obtain(
    source: Source,
    cache: Path,
    *,
    mirror: str = "",
    token: str = "",
    trust_new: bool = False,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Path:
    """The archive of a source in `cache`, downloaded when it is not there, and held to its checksum.

    `mirror`, a folder or a web address, holds the same archive as `NAME.zip` or `NAME.tar.gz`. `token` is sent to
    huggingface.co alone. Raises as `fetch`.
    """
    archive = archive_of(source, cache)
    if not archive.is_file():
        place = _place(source, archive.name, mirror)
        if isinstance(place, Path):
            write_bytes(archive, place.read_bytes())
        else:
            limit = (limits or Limits()).archive_bytes
            download(place, archive, limit=limit, token=token, progress=progress)
    verify(archive, source, trust_new=trust_new)
    return archive


def archive_of(source: Source, cache: Path) -> Path:
    """Where the archive of a source lies in `cache`."""
    zipped = urlsplit(source.url).path.endswith(".zip") or not source.url
    return cache / f"{source.name}{'.zip' if zipped else '.tar.gz'}"


def _place(source: Source, name: str, mirror: str) -> str | Path:
    """The address or the file that an archive comes from. Raises UsageError, DataError."""
    if not mirror:
        if source.url:
            return source.url
        raise UsageError(
            f"{source.name} is not published as one archive",
            remedy=f"pack it as {name} and name its folder by --mirror",
        )
    if urlsplit(mirror).scheme in ("http", "https"):
        return f"{mirror.rstrip('/')}/{name}"
    if not (Path(mirror) / name).is_file():
        raise DataError(f"holds no {name}", where=mirror, remedy="put the archive there")
    return Path(mirror) / name


def prepare(archive: Path, source: Source, out: Path, limits: Limits) -> Dataset:
    """Unpack an archive and cut its data set into `out`."""
    with TemporaryDirectory(dir=archive.parent, prefix=PARTIAL) as folder:
        unpack(archive, Path(folder), limits)
        return source.cut(Path(folder), out, source)


def download(url: str, target: Path, *, limit: int, token: str = "", progress: Progress | None = None) -> None:
    """Get `url` into `target`, which appears only when whole. A `.part` beside it is what a cut connection left."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"cannot fetch {url!r}", remedy="use an http or https address")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    last = ""
    for _ in range(_TRIES):
        have = part.stat().st_size if part.exists() else 0
        try:
            if _receive(url, part, have, limit, token, progress):
                part.replace(target)
                return
            last = "the connection was cut"
        except HTTPError as error:
            if error.code == 416 and have:  # the part does not fit what is there now: begin again
                part.unlink()
            elif error.code < 500:
                raise DataError(f"the server answers {error.code} {error.reason}", where=url) from error
            last = f"the server answers {error.code}"
        except (URLError, HTTPException, OSError) as error:
            last = str(getattr(error, "reason", error)) or type(error).__name__
    raise DataError(f"cannot be fetched ({last})", where=url, remedy="try again later: what came is kept and resumed")


def _receive(url: str, part: Path, have: int, limit: int, token: str, progress: Progress | None) -> bool:
    """One connection; True when all of it is there."""
    headers = {"User-Agent": "emendo", **({"Range": f"bytes={have}-"} if have else {})}
    request = Request(url, headers=headers)
    if token and _may_see_token(url):
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    with urlopen(request, timeout=_TIMEOUT) as answer:
        resumed = answer.status == 206 and _starts_at(answer, have)
        have = have if resumed else 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = have + length if length else 0
        if total > limit:
            raise BadInput(
                f"is {total:,} bytes long, the limit is {limit:,}", where=url, remedy="raise limits.archive_bytes"
            )
        with part.open("ab" if resumed else "wb") as stream:
            while piece := answer.read1(_PIECE):
                have += len(piece)
                if have > limit:
                    raise BadInput(f"is longer than {limit:,} bytes", where=url, remedy="raise limits.archive_bytes")
                stream.write(piece)
                if progress is not None:
                    progress(have, total)
            stream.flush()
            os.fsync(stream.fileno())
    return not total or have == total


def _may_see_token(url: str) -> bool:
    """The hub over https, and this machine itself; a redirect elsewhere does not take the token along."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return host in ("127.0.0.1", "localhost") or (
        parts.scheme == "https" and (host == "huggingface.co" or host.endswith(".huggingface.co"))
    )


def _starts_at(answer: HTTPResponse, have: int) -> bool:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range") or "")
    return found is not None and int(found[1]) == have


def verify(archive: Path, source: Source, *, trust_new: bool = False) -> str:
    """Hold an archive to its checksum, or record it when none was known. Returns it. Raises BadInput.

    A wrong archive is removed, so that the next fetch gets it anew.
    """
    digest = sha256_file(archive)
    record = archive.with_name("checksums.json")
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    expected = source.sha256 or (None if trust_new else known.get(source.url))
    if expected is not None and digest != expected:
        archive.unlink()
        remedy = "the archive was removed; fetch again, or use --trust-new when the source was packed anew"
        raise BadInput(f"has SHA-256 {digest[:16]}…, not {expected[:16]}…", where=source.url, remedy=remedy)
    if known.get(source.url) != digest:
        write_json(record, {**known, source.url: digest})
    return digest


def cut_alto_folders(folder: Path, out: Path, source: Source) -> Dataset:
    """Line crops from ALTO pages and their images, wherever in the archive they lie.

    Pages below a folder `test` are the test part, as the source has it; of the others every ninth in the order of their
    names is validation. Text: runs of blanks folded; lines without text are left out. The test pages are also written
    as `notebook.pdf` (page images, no text layer) with their truth in `notebook.json`.
    """
    pages = sorted(file for file in folder.rglob("*.xml") if by_name("alto").detect(file))
    if not pages:
        raise DataError("holds no ALTO page", where=source.url)
    training = [page for page in pages if "test" not in page.relative_to(folder).parts[:-1]]
    held = set(training[4::9])
    with new_folder(out) as fresh:
        used: set[str] = set()
        rows, scans, truth = [], [], list[dict[str, Any]]()
        for page in pages:
            split = Split.TEST if page not in training else Split.VAL if page in held else Split.TRAIN
            samples = by_name("alto").read(page, ReadOptions(unit="line")).samples
            for sample in samples:
                text = " ".join((sample.text or "").split())
                if text:
                    kept = _line(sample, text, split, source)
                    image = place_line(kept, fresh / "images", used)
                    rows.append(row_text(to_row(replace(kept, polygon=None), image.relative_to(fresh).as_posix())))
            if split is Split.TEST and samples:
                scans.append(_scan(samples[0].image))
                lines = [" ".join(sample.text.split()) for sample in samples if sample.text]
                truth.append({"pdf_page": len(scans), "page": page.stem, "lines": lines})
        write_text(fresh / "lines.jsonl", "".join(rows))
        if scans:
            write_bytes(fresh / "notebook.pdf", to_pdf(scans))
            write_json(fresh / "notebook.json", truth)
        write_text(
            fresh / "README.md",
            f"# {source.title}\n\n{source.credit}\n\n* Source: {source.url}\n* Licence: {source.licence}\n",
        )
    return open_dataset(out)


def _scan(image: Path) -> Image:
    pixels = read_image(image)
    scale = _SCAN_SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    shape = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return np.asarray(cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _line(sample: Sample, text: str, split: Split, source: Source) -> Sample:
    keep = {key: sample.attributes[key] for key in ("line",) if key in sample.attributes}
    kind = {"line_type": sample.attributes["type"]} if "type" in sample.attributes else {}
    attributes = {"page": sample.group, **keep, **kind}
    origin = f"{source.url}#{sample.source}"
    return replace(
        sample,
        text=text,
        split=split,
        language=source.language,
        subset="handwritten",
        source=origin,
        attributes=attributes,
    )


SOURCES: tuple[Source, ...] = (
    Source(
        name="peraire",
        title="Peraire Ground Truth: French handwriting, one writer",
        url=f"https://github.com/alix-tz/peraire-ground-truth/archive/{PERAIRE_COMMIT}.tar.gz",
        sha256=None,
        licence="CC-BY-4.0",
        credit=(
            "Chagué, A., & Pérez, G. (2023). Peraire Ground Truth. https://doi.org/10.5281/zenodo.7185907 . "
            "Originals: Bibliothèque Sébert, Espéranto-France, Paris."
        ),
        language="fr",
        cut=cut_alto_folders,
    ),
)
"""Every data set that `emendo dataset fetch` knows."""
