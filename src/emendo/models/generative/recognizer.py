"""Reading line images with a generative model: TrOCR or a vision-language model, on torch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from emendo.errors import BundleError, EngineError
from emendo.types import Image, Reading

from .source import Source

if TYPE_CHECKING:
    from .network import Loading, Network

MOST_TOKENS = 256
"""Tokens of a reading at most, where the bundle does not say."""


class GenerativeRecognizer:
    """Reads lines with one model; not to be shared by threads. `bits` as for `Loading`.

    Raises EngineError when torch, transformers or (for `bits`) bitsandbytes are not installed, UsageError or
    BundleError for a model that cannot be loaded.
    """

    def __init__(self, source: Source, *, threads: int = 1, bits: int = 0) -> None:
        needs(f"the {source.family} model {source.ref!r}")
        import torch

        from .network import Loading

        torch.set_num_threads(max(1, threads))
        self.source, self.bundle = source, source.bundle
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = load_network(source, Loading(bits=bits, device=device))
        told = source.bundle.info.decoding if source.bundle else {}
        self.most = int(told.get("most_tokens", MOST_TOKENS))

    @property
    def model(self) -> str:
        """Name and content id."""
        if self.bundle is not None:
            return f"{self.bundle.info.name or self.bundle.info.family}@{self.bundle.id}"
        return self.source.ref

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per line image (H, W, 3) uint8 RGB, in order."""
        written = self.network.write(images, most=self.most)
        return [Reading(one.text, one.confidence, (), self.model) for one in written]


def load_network(source: Source, loading: Loading) -> Network:
    """The network of a source, by its family. Raises BundleError for a bundle that only reads."""
    if not source.weight_bytes:
        what = "holds graphs that only read, and no weights"
        raise BundleError(what, where=source.folder, remedy="give the model that it was exported from")
    if source.family == "trocr":
        from .trocr import Trocr

        return Trocr.load(source, loading)
    from .vlm import Vlm

    return Vlm.load(source, loading)


def needs(what: str) -> None:
    """Raise EngineError when torch and transformers are not installed."""
    if any(find_spec(name) is None for name in ("torch", "transformers")):
        raise EngineError(f"{what} needs torch and transformers", remedy="pip install 'emendo[train]'")
