"""Pages to fields in the process that tries a model (see `models.probe`): the whole way from pixels, as it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..fields.schema import canonical, read_document
from ..models.bundle import FIELDS_FAMILY, Bundle
from ..models.engine import EngineName
from ..types import Image
from .fields import Opening, open_fields

PAGES: Final = "emendo.pages.probed:page_texts"
"""The argument `by` of `models.probe.probe` for bundles of fields that are to read pictures of pages."""


def probed_by(bundle: Bundle) -> str:
    """What reads pictures with a bundle in the process that tries it; empty for bundles that read them as lines."""
    return PAGES if bundle.info.family == FIELDS_FAMILY else ""


def page_texts(bundle: Bundle, images: Sequence[Image], engine: EngineName) -> tuple[str, list[str]]:
    """The model as it calls itself, and of each page the canonical JSON of its fields, "" where none was found.

    Without the places of the values: another processor may find a line a pixel beside.
    """
    reader = open_fields(Opening(bundle, None, 1, engine, "", cache=False))
    texts = []
    for reading in reader.read_documents([[image] for image in images]):
        plain = {name: value for name, value in (reading.fields or {}).items() if name != "sources"}
        texts.append(canonical(read_document(plain).document) if plain else "")
    return reader.model, texts
