"""Whether the graph says what the network says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch

from emendo.models.extract.features import encode
from emendo.models.extract.tagger import MOST_WORDS, OnnxTagger
from emendo.types import Word

from .batches import encoded_batch
from .network import FieldNetwork

TOLERANCE: Final = 1e-4
"""Greatest difference of a probability."""


@torch.no_grad()
def parity(network: FieldNetwork, tagger: OnnxTagger, documents: Sequence[Sequence[Word]]) -> dict[str, Any]:
    """The greatest difference of a probability on the first words of some documents."""
    worst = 0.0
    for words in documents:
        some = list(words[:MOST_WORDS])
        tags = tagger.tag(some)
        seen = network(**{name: torch.from_numpy(array) for name, array in encoded_batch(encode(some)).items()})
        for one, other in (
            (tags.labels, seen.labels[0].softmax(-1)),
            (tags.rows, seen.rows[0].sigmoid()),
            (tags.kinds, seen.kinds[0].softmax(-1)),
        ):
            worst = max(worst, float(np.abs(one - other.numpy()).max(initial=0.0)))
    return {"documents": len(documents), "difference": worst}
