"""Reading the span of a gate: with a model of this process, or by asking a service."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..client import Client
from ..errors import DocumentError, UsageError
from ..image.encode import png_bytes
from ..image.load import open_document
from ..serve.reading import DOCUMENT, Served, load_served
from ..settings import Settings
from ..tools.counts import counted
from ..types import Image
from .gates import Span


@dataclass(frozen=True, slots=True)
class Said:
    """What a span says: text, or of a document its fields; the chance in [0, 1] that it is right; by which model."""

    text: str | None
    fields: Mapping[str, Any] | None
    confidence: float
    model: str


ReadSpan = Callable[[Span, Path], Said]
"""Reads a span of a file, which is the one that it names below the root. Raises EmendoError."""


def local_reader(settings: Settings, workspace: Path | None) -> ReadSpan:
    """Reads with the model that the settings name; it is loaded now. Errors as for `load_served`."""
    served = load_served(settings.model, workspace, settings)

    def read(span: Span, path: Path) -> Said:
        return _said_by(served, span, images_of(span, path, settings))

    return read


def _said_by(served: Served, span: Span, images: list[Image]) -> Said:
    reader = served.readers.get(span.kind)
    if reader is None:
        known = ", ".join(served.readers)
        raise UsageError(
            f"the model reads no {span.kind}", remedy=f"it reads {known}; see `serve.kinds` of the settings"
        )
    reading = reader(images if span.kind == DOCUMENT else images[0], lambda: False).reading
    fields = dict(reading.fields) if reading.fields is not None else None
    return Said(None if span.kind == DOCUMENT else reading.text, fields, reading.confidence, reading.model)


def service_reader(address: str, settings: Settings) -> ReadSpan:
    """Asks the service at an address, with the key of EMENDO_API_KEY where it wants one. Raises UsageError."""
    client = Client(address, key=os.environ.get("EMENDO_API_KEY", ""), patience=2.0)

    def read(span: Span, path: Path) -> Said:
        if span.kind == DOCUMENT and span.box is None:
            seen = client.document(path, page=span.page).reading
        elif span.kind == DOCUMENT:
            seen = client.document(png_bytes(images_of(span, path, settings)[0])).reading
        else:
            seen = client.read(png_bytes(images_of(span, path, settings)[0]), kind=span.kind).reading
        fields = dict(seen.fields) if seen.fields is not None else None
        return Said(None if span.kind == DOCUMENT else seen.text, fields, seen.confidence, seen.model)

    return read


def images_of(span: Span, path: Path, settings: Settings) -> list[Image]:
    """The pages of a span, cut to its box, within the limits of the settings. Raises ImageError or DocumentError."""
    with open_document(path, settings.limits, dpi=settings.read.dpi) as opened:
        count = len(opened)
        if span.page is not None and span.page > count:
            raise DocumentError(f"has {counted(count, 'page')}, page {span.page} was asked for", where=span.source)
        every = span.kind == DOCUMENT and span.page is None and span.box is None
        return [_cut(opened.frame(at), span) for at in (range(count) if every else ((span.page or 1) - 1,))]


def _cut(page: Image, span: Span) -> Image:
    if span.box is None:
        return page
    height, width = page.shape[:2]
    left, top, right, bottom = span.box
    x0, y0 = int(left * width), int(top * height)
    x1, y1 = max(x0 + 1, round(right * width)), max(y0 + 1, round(bottom * height))
    return page[y0:y1, x0:x1]
