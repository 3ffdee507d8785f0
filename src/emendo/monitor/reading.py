"""Pages of a data set, read: the units that an estimator is fitted on, or that it is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ..image.load import sample_image
from ..image.quality import measure
from ..metrics.align import counts, total
from ..mine.queue import expected_cer
from ..settings import Limits
from ..types import Reading, Recognizer, Sample
from .seen import SeenLine
from .units import Unit

WHO: Final = ("writer", "book", "author")
"""Attributes of a sample, the first that it has, that say whose lines are alike."""
PIECE: Final = 40
"""Lines that are read at once, and at most make a unit: more are several."""


def read_units(
    recognizer: Recognizer,
    samples: Iterable[Sample],
    *,
    group: str = "",
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Unit]:
    """Read lines page by page; what has a text gets its truth.

    A page is what shares a `page` attribute, else a group. Units are alike that share the attribute `group`, by default
    the first of `WHO` that a sample has, else the page. Raises what reading an image raises.
    """
    pages: dict[tuple[str, bool], list[Sample]] = {}
    for sample in samples:
        name = str(sample.attributes.get("page") or sample.group or sample.image.stem)
        pages.setdefault((name, sample.text is not None), []).append(sample)
    lines = sum(map(len, pages.values()))
    found: list[Unit] = []
    done = 0
    for (page, _), held in pages.items():
        for start in range(0, len(held), PIECE):
            part = held[start : start + PIECE]
            found.append(_read(recognizer, page, part, group, limits or Limits()))
            done += len(part)
            if progress:
                progress(done, lines)
    return found


def seen_line(reading: Reading) -> SeenLine:
    """What is kept of the reading of a line."""
    doubt = expected_cer(reading) if reading.characters or not reading.text else None
    return SeenLine(reading.text, reading.confidence, doubt)


def alike(sample: Sample, attribute: str = "") -> str:
    """Whose lines these are: the attribute, or the first of `WHO`; empty where there is none."""
    names = (attribute,) if attribute else WHO
    return next((str(sample.attributes[name]) for name in names if sample.attributes.get(name)), "")


def _read(recognizer: Recognizer, page: str, samples: Sequence[Sample], group: str, limits: Limits) -> Unit:
    images = [sample_image(sample, limits) for sample in samples]
    readings = recognizer.read(images)
    texts = [sample.text for sample in samples]
    truth = total(counts(text, read.text) for text, read in zip(texts, readings, strict=True) if text is not None)
    return Unit(
        name=page,
        lines=tuple(map(seen_line, readings)),
        group=alike(samples[0], group) or page,
        document=page,
        model=readings[0].model,
        qualities=tuple(map(measure, images)),
        truth=truth if texts[0] is not None else None,
    )
