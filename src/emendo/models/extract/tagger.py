"""What the network says of each word of a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emendo.types import Word

Array = npt.NDArray[np.float32]


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
