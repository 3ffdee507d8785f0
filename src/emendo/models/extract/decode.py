"""From tagged words to a document: values that can be read, sums that hold, and how sure each field is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emendo.fields.schema import Document, Fault
from emendo.types import Word

from .tagger import Tags


@dataclass(frozen=True, slots=True)
class Extraction:
    """The fields of a document with their `sources`, and the chance that each is right by its path.

    `faults` are values that a person would look at: words that were told to be a field and cannot be read as one.
    """

    document: Document
    certainty: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def decode(words: Sequence[Word], tags: Tags, decoding: Mapping[str, Any]) -> Extraction:
    """The document that the tags of its words tell."""
    raise NotImplementedError
