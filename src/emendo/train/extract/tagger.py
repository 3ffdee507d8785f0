"""The trained network itself as a tagger, on torch: what its graph is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from emendo.models.extract.features import encode
from emendo.models.extract.graph import Array
from emendo.models.extract.tagger import Looked, Tags, tags_by
from emendo.types import Word

from .batches import encoded_batch
from .network import network_of


class NetworkTagger:
    """Tags words with the network of some weights. Raises BundleError when they are of another network."""

    def __init__(self, weights: Mapping[str, Array], decoding: Mapping[str, Any], model: str) -> None:
        self._network = network_of(weights).eval()
        self.decoding, self.model = dict(decoding), model

    def tag(self, words: Sequence[Word]) -> Tags:
        """The tags of a document's words, given page by page in reading order."""
        return tags_by(self._look, words)

    @torch.inference_mode()
    def _look(self, words: Sequence[Word]) -> Looked:
        feeds = {name: torch.from_numpy(array) for name, array in encoded_batch(encode(words)).items()}
        seen = self._network(**feeds)
        return (
            seen.labels[0].softmax(-1).numpy(),
            seen.rows[0].sigmoid().numpy(),
            seen.kinds[0].softmax(-1).numpy(),
        )
