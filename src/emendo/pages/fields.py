"""Documents to fields: words by an OCR reader, labels by a network, and what agrees becomes the document.

A model that reads documents in another way (a vision-language model) is a row of `OPENERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from pydantic import ValidationError

from ..errors import BundleError, UsageError
from ..fields.schema import canonical
from ..image.load import LayeredPages
from ..models.bundle import FIELDS_FAMILY, Bundle
from ..models.engine import EngineName
from ..models.extract.customs import Decoding
from ..models.extract.decode import Extraction, decode
from ..models.extract.reader import nested_reader
from ..models.extract.tagger import Tagger
from ..models.generative.source import Source
from ..models.references import (
    AUTO,
    CHAMPION_FIELDS,
    champion_folder,
    embedded_names,
    find_model,
    load_recognizer,
    open_recognizer,
)
from ..types import DocumentReader, EvidenceRecognizer, Image, Reading, Recognizer, Word
from .layer import layer_words
from .segment import Finder
from .wordcache import PageWords, cached_words
from .words import read_words

DEFAULT: Final = "base-fields"
"""The model that comes with the package."""
READER: Final = "base"
"""The OCR reader of a model that names none."""
MAIN: Final = ("seller", "date", "total")
"""Fields that every document has; the least sure of them tells how sure the document is."""
OPENERS: Final[Mapping[str, str]] = {
    FIELDS_FAMILY: "emendo.pages.fields:open_fields",
    "vlm": "emendo.pages.fields:open_vlm",
}
"""Families that read documents, and the function (`Opening` -> DocumentReader) that opens a model of them."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is to be opened, and how: `reader` names an OCR reader in place of the model's own, `cache` remembers the
    words of pages.
    """

    model: Bundle | Source
    workspace: Path | None
    threads: int
    engine: EngineName
    reader: str
    cache: bool


class PageFieldsReader:
    """Reads documents into fields. `finder` finds the lines, `recognizer` reads them, `tagger` tells what words are.

    Of pages that are given with their text layer (`LayeredPages`) the words come from that where it can be believed.
    With `threads` above 1 so many lines of a page are read at the same time, by a recogniser that threads may share.
    `words` replaces how the words of a page are read (see `wordcache`). May be shared by threads if its parts may.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        finder: Finder | None,
        tagger: Tagger,
        *,
        threads: int = 1,
        words: PageWords | None = None,
    ) -> None:
        def read(page: Image, number: int) -> list[Word]:
            return read_words(page, recognizer, finder, number=number, threads=threads)

        self.recognizer, self.finder, self.tagger = recognizer, finder, tagger
        self._words = words or read

    @property
    def model(self) -> str:
        """The model of the fields, and in brackets that of the words."""
        return f"{self.tagger.model}({self.recognizer.model})"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image (H, W, 3) uint8 RGB, each a document of one page."""
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        """One reading per document, each given as its pages in order.

        `text` is the canonical JSON of the fields. A document without any has an empty text and no fields, and its
        `faults` tell the pages without words.
        """
        return [self._document(pages) for pages in documents]

    def words(self, pages: Sequence[Image]) -> list[Word]:
        """The words of a document, page by page in reading order."""
        return self._seen(pages)[0]

    def _seen(self, pages: Sequence[Image]) -> tuple[list[Word], tuple[int, ...]]:
        """The same, with the numbers of the pages whose words are those of their text layer."""
        words: list[Word] = []
        layered: list[int] = []
        for number, page in enumerate(pages, 1):
            layer = pages.layer(number - 1) if isinstance(pages, LayeredPages) else None
            told = layer_words(page, layer, self.recognizer, number=number)
            layered += [number] if told is not None else []
            words += told if told is not None else self._words(page, number)
        return words, tuple(layered)

    def extract(self, words: Sequence[Word]) -> Extraction:
        """The fields that some words tell, with the values that cannot be read."""
        return decode(words, self.tagger.tag(words), self.tagger.decoding)

    def _document(self, pages: Sequence[Image]) -> Reading:
        words, layered = self._seen(pages)
        return replace(self.of_words(words, len(pages)), text_layer=layered)

    def of_words(self, words: Sequence[Word], pages: int) -> Reading:
        """The reading of a document of so many pages whose words are known."""
        seen = {word.page for word in words}
        faults = {f"page {at}": "no words were found" for at in range(1, pages + 1) if at not in seen}
        if not words:
            return Reading("", 0.0, model=self.model, faults=faults)
        found = self.extract(words)
        faults |= {fault.path: fault.what for fault in found.faults}
        values = found.document.values(sources=True)
        if not set(values) - {"type", "currency", "sources"}:
            return Reading("", 0.0, model=self.model, faults=faults)
        return Reading(
            canonical(found.document),
            min(found.certainty.get(name, 0.0) for name in MAIN),
            model=self.model,
            fields=values,
            certainty=dict(found.certainty),
            faults=faults,
        )


def load_document_reader(
    ref: str,
    *,
    workspace: Path | None = None,
    threads: int = 1,
    engine: EngineName = "onnxruntime",
    reader: str = "",
    cache: bool = False,
) -> DocumentReader:
    """The reader of documents that `ref` names, of whatever family.

    An empty reference means the champion of the workspace for fields, else `base-fields`. `reader` names the OCR
    reader that gives the words; without it a model takes its own. `cache` remembers the words of pages, for work that
    reads them again and again. Raises UsageError when the model reads no documents, and as
    `models.references.load_recognizer` does.
    """
    model = _model(ref, workspace)
    family = model.info.family if isinstance(model, Bundle) else model.family
    opener = OPENERS.get(family)
    if opener is None:
        what = f"the model {ref or 'champion'!r} is of the family {family!r} and reads no documents"
        raise UsageError(what, remedy=f"give {DEFAULT} or a model of the family {' or '.join(OPENERS)}")
    module, _, name = opener.partition(":")
    opened = cast("Callable[[Opening], DocumentReader]", getattr(import_module(module), name))
    return opened(Opening(model, workspace, threads, engine, reader, cache))


def open_fields(opening: Opening) -> PageFieldsReader:
    """The reader of a bundle of family `fields`, with its OCR reader and the line finder."""
    from ..models.detector import Detector
    from ..models.extract.tagger import OnnxTagger

    bundle = cast("Bundle", opening.model)
    try:
        Decoding.model_validate(bundle.info.decoding)
    except ValidationError as error:
        place = ".".join(map(str, ("decoding", *error.errors()[0]["loc"])))
        what = f"{place}: {error.errors()[0]['msg'].lower()}"
        raise BundleError(what, where=bundle.folder, remedy="use the version that wrote it, or train again") from error
    tagger = OnnxTagger(bundle, threads=opening.threads, engine=opening.engine)
    finder = Detector(threads=opening.threads, engine=opening.engine)
    # lines are short: two at a time on a core each take less time than one by one on both
    recognizer, threads = _reader(bundle, opening, threads=1), opening.threads
    if threads > 1 and not isinstance(recognizer, EvidenceRecognizer):  # not to be shared by threads
        recognizer, threads = _reader(bundle, opening, threads=threads), 1
    words = cached_words(recognizer, finder, threads=threads, engine=opening.engine) if opening.cache else None
    return PageFieldsReader(recognizer, finder, tagger, threads=threads, words=words)


def open_vlm(opening: Opening) -> DocumentReader:
    """A vision-language model, asked for fields; it sees the pages itself and takes no OCR reader."""
    from ..models.generative.documents import VlmDocumentReader
    from ..models.generative.recognizer import GenerativeRecognizer
    from ..models.generative.source import from_bundle

    if opening.reader:
        what = f"a vision-language model reads the pages itself, not the words of {opening.reader!r}"
        raise UsageError(what, remedy="leave the OCR reader out")
    model = opening.model
    source = from_bundle(model) if isinstance(model, Bundle) else model
    return VlmDocumentReader(GenerativeRecognizer(source, threads=opening.threads))


def _reader(bundle: Bundle, opening: Opening, *, threads: int) -> Recognizer:
    """The OCR reader: the one that was asked for, else the bundle that lies in this one, else the one that it names."""
    nested = None if opening.reader else nested_reader(bundle)
    if nested is not None:
        return open_recognizer(nested, threads=threads, engine=opening.engine)
    own = bundle.info.preprocessing.get("reader", READER)
    if own not in embedded_names():
        what = f"names the OCR reader {str(own)[:80]!r}, which does not come with this installation"
        raise BundleError(what, where=bundle.folder, remedy="fetch or train the model again")
    named = opening.reader or own
    return load_recognizer(named, workspace=opening.workspace, threads=threads, language="none", engine=opening.engine)


def _model(ref: str, workspace: Path | None) -> Bundle | Source:
    if ref not in {"", AUTO, "champion"}:
        return find_model(ref, workspace=workspace)
    named = workspace is not None and ref != AUTO and champion_folder(workspace, kind="fields") is not None
    return find_model(CHAMPION_FIELDS if named or ref == "champion" else DEFAULT, workspace=workspace)
