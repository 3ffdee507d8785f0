"""Which of the embedded models a run starts from: the one that reads its lines best."""

from __future__ import annotations

from collections.abc import Sequence

from emendo.errors import BadInput
from emendo.image.load import sample_image
from emendo.metrics.align import Counts, counts
from emendo.models.references import AUTO, embedded_names, load_recognizer
from emendo.types import Sample

LOOKED_AT = 40
"""Most lines that each model reads, spread evenly."""


def best_base(samples: Sequence[Sample], *, threads: int = 1) -> str:
    """Name of the embedded model that makes the fewest errors on some of these lines; of equally good ones the first.

    Samples without text or with an unreadable image do not count.
    """
    names = embedded_names()
    texts = [sample for sample in samples if sample.text]
    some = texts[:: max(1, -(-len(texts) // LOOKED_AT))]
    images, references = [], []
    for sample in some:
        try:
            images.append(sample_image(sample))
        except BadInput:
            continue
        references.append(sample.text or "")
    if len(names) == 1 or not images:
        return names[0]

    def errors(name: str) -> int:
        read = load_recognizer(name, threads=threads).read(images)
        total = sum((counts(text, one.text) for text, one in zip(references, read, strict=True)), Counts())
        return total.edits

    return min(names, key=errors)


def resolved(base: str, samples: Sequence[Sample], *, threads: int = 1) -> str:
    """The reference itself, or the name of the best embedded model where it says `auto`."""
    return best_base(samples, threads=threads or 1) if base == AUTO else base
