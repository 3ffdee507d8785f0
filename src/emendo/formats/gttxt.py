"""Folder of line images with `name.gt.txt` beside each (ocropy, kraken, Calamari, tesstrain).

The folder that a file stands in, when not the top, is its group. A text file holds one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import FormatError
from ..tools.files import write_text
from ..types import Sample
from .base import Collector, Content, Folder, ReadOptions, Refusal, clean_text
from .images import IMAGE_SUFFIXES, place_line

SUFFIX = ".gt.txt"
_IMAGES = tuple(f"{extra}{suffix}" for extra in ("", ".bin", ".nrm") for suffix in IMAGE_SUFFIXES)


def detect(path: Path) -> bool:
    """A folder with at least one `.gt.txt` file at any depth."""
    return path.is_dir() and next(path.rglob(f"*{SUFFIX}"), None) is not None


def read(path: Path, options: ReadOptions) -> Content:
    """One sample per text file, in the order of their names."""
    collector = Collector(path, strict=options.strict)
    folder = Folder(options.root or path)
    for file in sorted(path.rglob(f"*{SUFFIX}")):
        stem = file.relative_to(path).as_posix().removesuffix(SUFFIX)
        try:
            text, changed = clean_text(_one_line(file, options.limits.manifest_line_bytes))
            if changed:
                collector.note(None, f"{stem}{SUFFIX}: the text was not NFC and was normalised")
            parent = stem.rpartition("/")[0]
            collector.add(Sample(id=stem, image=_image(stem, folder), text=text, group=parent))
        except Refusal as refusal:
            collector.reject(None, f"{stem}{SUFFIX}: {refusal.what}", refusal.remedy)
    return collector.content()


def _one_line(file: Path, limit: int) -> str:
    if file.is_symlink() or not file.is_file():
        raise Refusal("is a link or no file")
    with file.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise Refusal(f"is longer than {limit:,} bytes")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Refusal("is not UTF-8", "save the file as UTF-8") from error
    text = text.removesuffix("\n").removesuffix("\r")
    if "\n" in text:
        raise Refusal("holds several lines", "one line of text belongs to one line image")
    return text


def _image(stem: str, folder: Folder) -> Path:
    for suffix in _IMAGES:
        if (folder.root / (stem + suffix)).exists():
            return folder.find(stem + suffix)
    raise Refusal("has no image beside it", f"put {stem}.png there")


def write(samples: Sequence[Sample], target: Path) -> Path:
    """An image and a text file per sample into `target`. Raises FormatError for a text of several lines or none."""
    used: set[str] = set()
    for sample in samples:
        image = place_line(sample, target, used)
        text = target / (image.stem + SUFFIX)
        if sample.text is None or "\n" in sample.text:
            what = "has no text" if sample.text is None else "has a text of several lines"
            raise FormatError(f"sample {sample.id!r} {what}", where=text, remedy="export page samples as alto or page")
        write_text(text, sample.text + "\n")
    return target
