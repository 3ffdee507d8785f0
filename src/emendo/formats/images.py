"""Images that go along when samples are written: whole files are copied, parts of images are cut out as PNG."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from emendo.image.encode import png_bytes

from ..image.load import sample_image
from ..settings import Limits
from ..tools.files import write_bytes
from ..types import Sample

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")

_UNSAFE = re.compile(r"[^\w.-]+")


def safe_name(text: str) -> str:
    """A file name from an id: letters, digits, `_`, `-`, `.`; never empty, never hidden."""
    return _UNSAFE.sub("_", text).strip("._")[:120] or "sample"


def place_line(sample: Sample, folder: Path, used: set[str], limits: Limits | None = None) -> Path:
    """Put the image of a sample into `folder` under a name of its own; cut it out when it is part of an image."""
    whole = sample.polygon is None and sample.frame == 0 and sample.image.suffix.lower() in IMAGE_SUFFIXES
    suffix = sample.image.suffix.lower() if whole else ".png"
    stem = sample.id[: -len(sample.image.suffix)] if sample.id.lower().endswith(suffix) else sample.id
    target = folder / free_name(safe_name(stem), suffix, used)
    if whole:
        _copy(sample.image, target)
    else:
        _write_png(sample, target, limits)
    return target


def place_page(image: Path, frame: int, folder: Path, used: set[str], limits: Limits | None = None) -> Path:
    """Put a page image into `folder` under its own name (a page of a PDF or TIFF as PNG)."""
    if frame == 0 and image.suffix.lower() in IMAGE_SUFFIXES:
        return place_file(image, folder, used)
    target = folder / free_name(safe_name(f"{image.stem}_{frame + 1}"), ".png", used)
    _write_png(Sample(id=image.stem, image=image, frame=frame), target, limits)
    return target


def place_file(source: Path, folder: Path, used: set[str]) -> Path:
    """Copy a whole file (image, TIFF or PDF) into `folder` under a free name."""
    target = folder / free_name(safe_name(source.stem), source.suffix.lower(), used)
    _copy(source, target)
    return target


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write_png(sample: Sample, target: Path, limits: Limits | None) -> None:
    pixels = sample_image(sample, limits or Limits())
    write_bytes(target, png_bytes(pixels))


def free_name(stem: str, suffix: str, used: set[str]) -> str:
    """A stem that is not yet used (case and suffix apart), so that files beside the image do not clash either."""
    name, count = stem, 1
    while name.casefold() in used:
        count += 1
        name = f"{stem}-{count}"
    used.add(name.casefold())
    return name + suffix
