"""The model of fields that comes along: small, sound, and good at documents that it never saw."""

from __future__ import annotations

import numpy as np

from emendo.datasets.invoices.rehearsal import made_words
from emendo.fields.compare import Comparison, compare_documents
from emendo.fields.schema import read_document
from emendo.models.bundle import Bundle
from emendo.models.extract.decode import decode
from emendo.models.extract.tagger import OnnxTagger
from emendo.models.references import embedded_names, find_model
from emendo.models.shipped import CARD, SHIPPED_FIELDS
from emendo.train.extract.documents import exact_words
from emendo.train.extract.noise import noisy

UNSEEN = 77
"""A seed of made-up documents that neither trained nor were replayed."""


def test_it_comes_along_in_a_few_megabytes_and_reads_no_lines() -> None:
    bundle = find_model(SHIPPED_FIELDS)
    assert isinstance(bundle, Bundle) and bundle.info.family == "fields" and bundle.info.name == SHIPPED_FIELDS
    assert sum(entry.size for entry in bundle.info.files.values()) < 6_000_000 and CARD in bundle.info.files
    assert bundle.info.licences and not bundle.info.decoding.get("parties")
    assert SHIPPED_FIELDS not in embedded_names()


def test_it_tells_the_fields_of_documents_that_it_never_saw() -> None:
    bundle = find_model(SHIPPED_FIELDS)
    assert isinstance(bundle, Bundle)
    tagger, total = OnnxTagger(bundle), Comparison({})
    for index in range(12):
        made = made_words(UNSEEN, index)
        words = [one.word for one in noisy(exact_words(made["words"]), np.random.default_rng(index), strength=0.0)]
        found = decode(words, tagger.tag(words), tagger.decoding)
        total += compare_documents(read_document(made["fields"]).document, found.document)
    assert (total.of(total.fields).f1 or 0) > 0.85
    assert (total.of(["total", "date", "number"]).f1 or 0) > 0.85
