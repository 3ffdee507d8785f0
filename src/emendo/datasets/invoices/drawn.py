"""A few made-up documents that lie ready, for those who have none of their own at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emendo.types import Sample

from .build import VERSION, synth_invoices


def drawn_documents(count: int, cache: Path) -> Sequence[Sample]:
    """`count` documents of seed 0, kept in `cache`."""
    return synth_invoices(count, 0, cache / f"documents-{VERSION}-{count}", jobs=1).samples
