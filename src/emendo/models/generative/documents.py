"""Reading documents with a vision-language model: page by page, or crop by crop, into fields.

Each picture is asked for the fields that can stand on it, the answer keeps to their grammar while it is written, and
what the pages say becomes one document (`fields.merge`). What was mended, left out or contradictory is told with its
page.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, prod
from typing import Final

from emendo.errors import FormatError, UsageError
from emendo.fields.answers import Answer, read_answer
from emendo.fields.merge import Part, merged
from emendo.fields.regions import PAGE, names_of
from emendo.fields.repair import Span
from emendo.fields.schema import Document, Fault, canonical
from emendo.types import Image, Reading

from .asking import ask_for
from .graphs import Written
from .guide import Vocabulary
from .recognizer import GenerativeRecognizer

MOST_TOKENS: Final = 2048
"""Tokens of an answer at most, where the bundle does not say."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page (H, W, 3) uint8 RGB, or a crop of one of its regions, and its number from 1."""

    image: Image
    region: str = PAGE
    page: int = 1


class VlmDocumentReader:
    """A `types.DocumentReader` that asks one vision-language model; not to be shared by threads.

    `constrained` answers keep to the grammar of the schema; others are only mended. Raises UsageError for a model that
    cannot be asked anything.
    """

    def __init__(self, recognizer: GenerativeRecognizer, *, constrained: bool = True) -> None:
        if recognizer.source.family != "vlm":
            what = f"{recognizer.source.ref!r} reads lines and cannot be asked for fields"
            raise UsageError(what, remedy="give a vision-language model or a bundle of the family fields")
        self._network, self._constrained = recognizer.network, constrained
        self._name = recognizer.model
        told = recognizer.bundle.info.decoding if recognizer.bundle else {}
        self.most = min(int(told.get("most_tokens", MOST_TOKENS)), self._network.longest)

    @property
    def model(self) -> str:
        """Name and content id."""
        return self._name

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image, each a document of one page."""
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        """One reading per document, given as its pages; `text` is the canonical JSON of its fields.

        A document of which no page could be read has a reading without fields. `certainty` is the chance that the model
        itself gives a value, not yet calibrated; `faults` are told with their page.
        """
        return [self._reading(self.ask(_pages(pages))) for pages in documents]

    def read_regions(self, crops: Sequence[tuple[str, Image]]) -> Reading:
        """One reading of a document given as crops of its regions, in the order of its pages.

        Raises FormatError for an unknown region.
        """
        pictures = [Picture(image, region, number) for number, (region, image) in enumerate(crops, start=1)]
        return self._reading(self.ask(pictures))

    def ask(self, pictures: Sequence[Picture]) -> Part:
        """What the pages, or crops of them, say together, with all that was mended or left out.

        Raises FormatError for an unknown region.
        """
        for picture in pictures:
            names_of(picture.region)
        return merged([self._asked(picture) for picture in pictures])

    def _reading(self, part: Part) -> Reading:
        """The reading of a document; its confidence is the chance that all of its values are right."""
        faults: dict[str, str] = {}
        for fault in part.faults:
            page, _, said = fault.what.partition(": ")
            path, what = (fault.path, fault.what) if fault.path else (page, said)
            faults[path] = f"{faults[path]}; {what}" if path in faults else what
        if part.document == Document():
            return Reading("", 0.0, (), self.model, faults=faults)
        sure = prod(part.certainty.values())
        values = part.document.values(sources=True)
        return Reading(canonical(part.document), sure, (), self.model, values, part.certainty, faults)

    def _asked(self, picture: Picture) -> Part:
        asks = [ask_for(picture.region, constrained=self._constrained)]
        try:
            (written,) = self._network.write([picture.image], most=self.most, asks=asks)
            text, places = spelled(written, self._network.vocabulary)
            answer = read_answer(text, region=picture.region)
        except (
            FormatError,
            ValueError,
        ) as error:  # transformers raises the latter for pictures of a form that it refuses
            return Part(picture.page, Document(), {}, (Fault("", f"nothing was read ({_sentence(error)})"),))
        return Part(picture.page, answer.document, certainties(answer, places), answer.faults)


def _pages(pages: Sequence[Image]) -> list[Picture]:
    return [Picture(image, page=number) for number, image in enumerate(pages, start=1)]


def spelled(written: Written, vocabulary: Vocabulary) -> tuple[str, list[tuple[Span, float]]]:
    """The text of some tokens as they stand, and for each where it is in it, with the logarithm of its chance.

    A token that only begins a character stands with the one that ends it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    parts: list[str] = []
    places: list[tuple[Span, float]] = []
    at, waiting = 0, 0.0
    for token, log in zip(written.tokens, written.logs, strict=True):
        piece = decoder.decode(vocabulary.of(token) or b"")
        waiting += log
        if piece:
            places.append(((at, at + len(piece)), waiting))
            parts.append(piece)
            at, waiting = at + len(piece), 0.0
    parts.append(decoder.decode(b"", final=True))
    return "".join(parts), places


def certainties(answer: Answer, places: Sequence[tuple[Span, float]]) -> Mapping[str, float]:
    """The chance that the model gives each value of an answer: the product over the tokens that write it."""
    found = {}
    for path, (start, end) in answer.spans.items():
        found[path] = exp(min(0.0, sum(log for (first, last), log in places if first < end and last > start)))
    return found


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
