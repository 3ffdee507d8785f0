"""Annotation layouts that other projects publish, one module each, all turned into rows of the one manifest form.

A module has `detect(path)` and `rows(path)`; a row is what a line of our own manifest would hold, so there is one
dialect, one set of checks, and one way to cut a page into its lines.
"""

from __future__ import annotations

from functools import partial

from ..base import Layout
from . import coco, docvqa, facturx, fields, fox, icdar, omnidoc, sroie
from .common import read

LAYOUTS: tuple[Layout, ...] = (
    Layout("fox", "Fox benchmark (conversations)", fox.detect, partial(read, fox.rows)),
    Layout("omnidoc", "OmniDocBench (layout_dets)", omnidoc.detect, partial(read, omnidoc.rows)),
    Layout("docvqa", "DocVQA questions", docvqa.detect, partial(read, docvqa.rows)),
    Layout("publaynet", "PubLayNet and other COCO regions", coco.detect, partial(read, coco.rows)),
    Layout("sroie", "SROIE receipts (key files)", sroie.detect, partial(read, sroie.rows)),
    Layout("factur-x", "Factur-X and ZUGFeRD invoices", facturx.detect, partial(read, facturx.rows)),
    Layout("regions", "crops of invoices (annotations/*.json)", fields.detect_regions, fields.read_regions),
    Layout(
        "invoices", "invoices with ground truth (manifest)", fields.detect_manifest, fields.read_manifest, first=True
    ),
    Layout("icdar", "ICDAR text localisation (gt_*.txt)", icdar.detect, partial(read, icdar.rows)),
)
"""In the order in which a path is tried, after the formats that emendo writes too but for those that look like one."""
