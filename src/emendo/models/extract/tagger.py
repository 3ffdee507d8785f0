"""What the network says of each word of a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError
from emendo.types import Word

from ..bundle import FIELDS_FAMILY, GRAPH_FILE, Bundle
from ..engine import EngineName, open_graph
from .features import BUCKETS, VERSION, encode, padded
from .graph import INPUTS
from .labels import LABELS, NONE, TYPES

Array = npt.NDArray[np.float32]
MOST_WORDS: Final = 1200
"""Words that are looked at together; longer documents are looked at page by page."""
SIZES: Final = (64, 128, 192, 256, 384, 512, 768, 1024, MOST_WORDS)
"""Numbers of words that a run time makes a plan for."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Of a document with N words, all float32 in [0, 1].

    `labels` (N, len(LABELS)) is the chance of each label, rows sum to 1; `rows` (N, N), symmetrical, the chance that
    two words stand in the same row of a table, of use where both are labelled with fields of the same table; `kinds`
    (len(TYPES),) the chance of each kind of document.
    """

    labels: Array
    rows: Array
    kinds: Array


class Tagger(Protocol):
    """Tags the words of whole documents."""

    @property
    def model(self) -> str:
        """Name and content id."""
        ...

    @property
    def decoding(self) -> dict[str, Any]:
        """What `decode.decode` needs to know of the documents that it was trained on (see there)."""
        ...

    def tag(self, words: Sequence[Word]) -> Tags:
        """The tags of a document's words, given page by page in reading order."""
        ...


class OnnxTagger:
    """The network of a bundle of family `fields`.

    Raises BundleError for a bundle of another family, or one that another version of this program made for other labels
    or other features; `tag` also where a graph says something else than such graphs do.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1, engine: EngineName = "onnxruntime") -> None:
        if bundle.info.family != FIELDS_FAMILY:
            what = f"is of the family {bundle.info.family!r} and tags no words"
            raise BundleError(what, where=bundle.folder, remedy="give a bundle of the family 'fields'")
        known = {"features": VERSION, "buckets": BUCKETS, "labels": list(LABELS)}
        for key, value in known.items():
            if bundle.info.preprocessing.get(key) != value:
                what = f"was made for other {key} than this version of emendo has"
                raise BundleError(what, where=bundle.folder, remedy="train it again, or use the version that wrote it")
        self._graph = open_graph(bundle.path(GRAPH_FILE), threads=threads, engine=engine)
        if {one.name for one in self._graph.inputs} != set(INPUTS):
            raise BundleError("its graph tags no words", where=bundle.folder, remedy="train it again")
        self.bundle = bundle
        self.model = f"{bundle.info.name}@{bundle.id}"

    @property
    def decoding(self) -> dict[str, Any]:
        """As it stands in the bundle."""
        return self.bundle.info.decoding

    def tag(self, words: Sequence[Word]) -> Tags:
        """The tags of a document's words, given page by page in reading order."""
        count = len(words)
        labels = np.zeros((count, len(LABELS)), np.float32)
        labels[:, LABELS.index(NONE)] = 1
        rows, kinds = np.zeros((count, count), np.float32), np.full(len(TYPES), 1 / len(TYPES), np.float32)
        for number, (first, last) in enumerate(_windows(words)):
            own, together, kind = self._window(words[first:last])
            labels[first:last], rows[first:last, first:last] = own, together
            if number == 0:
                kinds = kind
        return Tags(labels, rows, kinds)

    def _window(self, words: Sequence[Word]) -> tuple[Array, Array, Array]:
        count = len(words)
        size = next(size for size in SIZES if size >= count)
        told = self._graph(padded(encode(words), size).feeds())
        if [one.shape for one in told] != [(size, len(LABELS)), (size, size), (len(TYPES),)]:
            what = "its graph says other things than labels, rows and kinds"
            raise BundleError(what, where=self.bundle.folder, remedy="train it again, or use the version that wrote it")
        labels, rows, kinds = told
        return labels[:count], rows[:count, :count], kinds


def _windows(words: Sequence[Word]) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) words that are looked at together: the document, else each page, else parts of it."""
    ends = [at for at in range(1, len(words)) if words[at].page != words[at - 1].page]
    pieces = [(0, len(words))] if len(words) <= MOST_WORDS else zip([0, *ends], [*ends, len(words)], strict=True)
    for first, last in pieces:
        for at in range(first, last, MOST_WORDS):
            yield at, min(last, at + MOST_WORDS)
