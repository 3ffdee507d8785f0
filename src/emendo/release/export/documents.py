"""Documents as what the forms of a network of fields are measured on: their words, and the fields that follow.

The words of a document are read once, by the reader that the model names, and every form is shown the same: what is
compared is the network and what is decoded from it. Errors are values of the truth that are wrong or missed, and values
that were invented, of the fields that the truth of a document names; their rate is that of `emendo evaluate`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from emendo.errors import BadInput
from emendo.evaluate.fields import truth_of, written
from emendo.fields.compare import cells, counted, names_of, only
from emendo.fields.schema import canonical, read_document
from emendo.image.load import sample_pages
from emendo.metrics.align import Counts
from emendo.models.bundle import Bundle
from emendo.models.extract.decode import decode
from emendo.models.extract.tagger import OnnxTagger, Tagger
from emendo.pages.fields import Opening, open_fields
from emendo.types import Sample, Word

from .measure import Form, Seen, Subject

FLOOR: Final = 1e-3
"""Probabilities below this decide nothing and are not told apart."""


def words_of(bundle: Bundle, *, threads: int) -> Callable[[Sample], list[Word]]:
    """Reads the words of a sample's pages with the reader of a bundle of fields; remembers them."""
    reader = open_fields(Opening(bundle, None, threads, "onnxruntime", "", cache=True))
    return lambda sample: reader.words(sample_pages(sample))


def documents(bundle: Bundle, samples: Sequence[Sample], *, threads: int) -> Subject:
    """The subject of a bundle of fields; `samples` together tell how their amounts and dates are written."""
    way = written(samples)

    def errors(sample: Sample, text: str) -> Counts | None:
        if not sample.fields:
            return None
        truth = truth_of(sample, way).document
        names = names_of(truth)
        found = only(read_document(json.loads(text)).document, names) if text else None
        count = counted(cells(only(truth, names), found)).all
        return Counts(
            characters=count.values,
            substitutions=count.wrong,
            insertions=count.invented,
            deletions=count.missed,
            hits=count.right,
        )

    return Subject("document", "field errors", words_of(bundle, threads=threads), errors, _texts, "documents")


def _texts(bundle: Bundle, documents: Sequence[Sequence[Word]], threads: int) -> list[str]:
    form = tagger_form("", OnnxTagger(bundle, threads=threads), 0.0)
    return [form.see(words).text for words in documents]


def tagger_form(name: str, tagger: Tagger, megabytes: float) -> Form:
    """A tagger as a form: the fields of a document by canonical JSON, and the log-probabilities of its labels."""

    def see(words: Sequence[Word]) -> Seen:
        if not words:
            return Seen("", np.zeros((0, 0), np.float32))
        tags = tagger.tag(words)
        return Seen(canonical(decode(words, tags, tagger.decoding).document), np.log(np.maximum(tags.labels, FLOOR)))

    return Form(name, see, megabytes)


def known(sample: Sample) -> bool:
    """Whether the fields of a sample are known and can be read."""
    try:
        return bool(sample.fields) and bool(names_of(truth_of(sample).document))
    except BadInput:
        return False
