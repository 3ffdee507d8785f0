"""Other people's files, one module a format, and the table of them."""

from __future__ import annotations

from pathlib import Path

from ..errors import FormatError, UsageError
from . import alto, gttxt, huggingface, jsonl, labels, page
from .base import Content, Format, Layout, ReadOptions, Reject, Unit
from .foreign import LAYOUTS

__all__ = ["FORMATS", "LAYOUTS", "Content", "Format", "Layout", "ReadOptions", "Reject", "Unit", "by_name", "detect"]

FORMATS: tuple[Format, ...] = (
    Format("jsonl", "manifest (one JSON object a line)", jsonl.detect, jsonl.read, jsonl.write),
    Format("huggingface", "Hugging Face imagefolder", huggingface.detect, huggingface.read, huggingface.write),
    Format("labels", "label file (path<TAB>text)", labels.detect, labels.read, labels.write),
    Format("alto", "ALTO 4 pages", alto.detect, alto.read, alto.write),
    Format("page", "PAGE 2019 pages", page.detect, page.read, page.write),
    Format("gt.txt", "folder of line images with .gt.txt", gttxt.detect, gttxt.read, gttxt.write),
)
"""In the order in which a path is tried."""


def by_name(name: str) -> Format:
    """The format of that name. Raises UsageError naming the known ones."""
    for row in FORMATS:
        if row.name == name:
            return row
    raise UsageError(f"unknown format {name!r}", remedy=f"use one of {', '.join(row.name for row in FORMATS)}")


def detect(path: Path) -> Layout:
    """The format of an existing file or folder. Raises FormatError naming what was tried."""
    for row in sorted((*FORMATS, *LAYOUTS), key=lambda row: not row.first):
        if row.detect(path):
            return row
    several = sorted(file.name for file in path.glob("*.jsonl")) if path.is_dir() else []
    if several:
        raise FormatError(f"holds several manifests ({', '.join(several)})", where=path, remedy="name the one you mean")
    raise FormatError(
        "is in no format that emendo knows",
        where=path,
        remedy=f"tried {', '.join(row.name for row in (*FORMATS, *LAYOUTS))}",
    )
