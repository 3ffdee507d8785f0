"""Published benchmarks that the pipeline downloads and turns into one manifest each.

A row names the archive where its makers put it. A mirror, a folder or a web address that holds the same archive as
`NAME.zip` or `NAME.tar.gz`, stands in for it; the bytes are held to the same checksum.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError, UsageError
from ..formats import LAYOUTS, Layout, ReadOptions
from ..formats.jsonl import write
from ..tools.files import new_folder, write_text
from .dataset import Dataset, open_dataset
from .fetch import SOURCES, Source

_HUB = "https://huggingface.co/datasets"


def cut_layout(folder: Path, out: Path, source: Source) -> Dataset:
    """A manifest and its images from the annotation layout that an unpacked archive holds. Raises DataError."""
    found = _layout_in(folder)
    if found is None:
        known = ", ".join(row.name for row in LAYOUTS)
        raise DataError("holds no annotation layout that is known", where=source.url or source.name, remedy=known)
    layout, place = found
    content = layout.read(place, ReadOptions())
    with new_folder(out) as fresh:
        write(content.samples, fresh)
        left = "".join(f"* {one.what}\n" for one in content.rejects)
        about = f"# {source.title}\n\n{source.credit}\n\n* Source: {source.url}\n* Licence: {source.licence}\n"
        write_text(fresh / "README.md", about + (f"\nLeft out:\n\n{left}" if left else ""))
    return open_dataset(out)


def _layout_in(folder: Path) -> tuple[Layout, Path] | None:
    """The layout of the folder itself, else of the first folder below it, level by level."""
    level = [folder]
    while level:
        for place in level:
            for layout in LAYOUTS:
                if layout.name != "icdar" and layout.detect(place):
                    return layout, place
        level = sorted(one for place in level for one in place.iterdir() if one.is_dir() and not one.is_symlink())
    icdar = next(row for row in LAYOUTS if row.name == "icdar")
    return (icdar, folder) if icdar.detect(folder) else None


PUBLISHED: tuple[Source, ...] = (
    Source(
        name="fox",
        title="Fox benchmark: English and Chinese pages",
        url=f"{_HUB}/ucaslcl/Fox_benchmark_data/resolve/main/focus_benchmark_test.zip",
        sha256=None,
        licence="CC-BY-NC-4.0",
        credit="Liu, C., et al. (2024). Focus Anywhere for Fine-grained Multi-page Document Understanding.",
        language="mul",
        cut=cut_layout,
    ),
    Source(
        name="omnidoc",
        title="OmniDocBench: pages of nine kinds with reading order",
        url="",
        sha256=None,
        licence="Apache-2.0 (annotations; pages by their owners)",
        credit="Ouyang, L., et al. (2025). OmniDocBench: Benchmarking Diverse PDF Document Parsing. CVPR.",
        language="mul",
        cut=cut_layout,
    ),
)
"""What `emendo pipeline` knows. OmniDocBench is published as single files: pack them once and name the mirror."""


def source_of(name: str) -> Source:
    """The row of that name, of any table. Raises UsageError naming the known ones."""
    known = (*SOURCES, *PUBLISHED)
    for row in known:
        if row.name == name:
            return row
    raise UsageError(f"unknown data set {name!r}", remedy=f"use {', '.join(row.name for row in known)}")
