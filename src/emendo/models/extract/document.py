"""The words of a document to its fields: tagged, decoded, and known sellers recognised."""

from __future__ import annotations

from collections.abc import Sequence

from emendo.types import Word

from .decode import Extraction, decode
from .known import recognise
from .tagger import Tagger


def extract(words: Sequence[Word], tagger: Tagger) -> Extraction:
    """The fields that some words tell, given page by page in reading order."""
    return recognise(words, decode(words, tagger.tag(words), tagger.decoding), tagger.sellers)
