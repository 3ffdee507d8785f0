"""What a model that writes tokens is to write for a sample, and what it is asked: its text, or its fields as JSON."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from emendo.errors import DataError
from emendo.evaluate.fields.truth import Written, truth_of, written
from emendo.fields.regions import PAGE
from emendo.image.load import sample_image, sample_pages
from emendo.models.generative.asking import TEXT, Ask, answer_of, ask_for
from emendo.types import Image, Sample


@dataclass(frozen=True, slots=True)
class Target:
    """The right answer, and the question."""

    text: str
    ask: Ask = TEXT


def is_document(sample: Sample) -> bool:
    """Whether a sample is to be read into fields: it has some, and no text."""
    return sample.text is None and bool(sample.fields)


def region_of_sample(sample: Sample) -> str:
    """The region of a document that the sample shows, `PAGE` for whole pages."""
    return str(sample.attributes.get("region") or PAGE)


def targets_of(samples: Iterable[Sample]) -> Callable[[Sample], Target]:
    """How the target of each of some samples is told: amounts and dates are read as all of them together write them."""
    way = written(sample for sample in samples if is_document(sample))
    return lambda sample: target_of(sample, way)


def target_of(sample: Sample, way: Written) -> Target:
    """The target of one sample. The text is in NFC, fields are compact JSON in the order of the schema.

    Raises DataError or FormatError for fields that cannot be what they say, or that do not stand in the region.
    """
    if not is_document(sample):
        return Target(unicodedata.normalize("NFC", sample.text or "").strip())
    region = region_of_sample(sample)
    ask = ask_for(region)
    read = truth_of(sample, way)
    if read.faults:
        fault = read.faults[0]
        raise DataError(f"{fault.path}: {fault.what}", remedy="correct the field, or leave it out")
    text = answer_of(read.document, region)
    if text == "{}":
        what = f"no field of the region {region}" if region else "no field that the schema knows"
        raise DataError(what, remedy="leave the sample out")
    return Target(text, ask)


def picture_of(sample: Sample) -> Image:
    """The picture (H, W, 3) that the sample is read from: the page of a document, as reading shows it, or a crop.

    Raises ImageError or DocumentError, and DataError for a document of several pages, whose fields do not say on which
    of them they stand.
    """
    if not is_document(sample) or region_of_sample(sample) != PAGE:
        return sample_image(sample)
    pages = sample_pages(sample)
    told = sample.attributes.get("pages")
    number = max(len(pages), told if isinstance(told, int) else 1)
    if number > 1:
        what = f"has {number} pages, and its fields do not say on which they stand"
        raise DataError(what, remedy="train on the crops of its regions")
    return pages[0]
