"""How a model is loaded, with emendo and without, and what a family reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ... import __version__
from ...models.bundle import FIELDS_FAMILY, Bundle
from ...models.generative.graphs import has_graphs


@dataclass(frozen=True, slots=True)
class Kind:
    """What the models of a family are, in the terms of model hubs: `task` is a pipeline tag, `reads` a sentence."""

    task: str
    tags: tuple[str, ...]
    reads: str
    read: str
    """What comes behind `emendo read`."""


LINE: Final = "pictures of single lines of text; pages by the line detector that comes with emendo"
KINDS: Final[Mapping[str, Kind]] = {
    "ctc": Kind("image-to-text", ("ocr", "ctc"), f"A line recogniser with a CTC head reads {LINE}.", "page.png"),
    "crnn": Kind("image-to-text", ("ocr", "ctc", "crnn"), f"A convolutional recurrent network reads {LINE}.", "l.png"),
    "trocr": Kind("image-to-text", ("ocr", "trocr"), f"An encoder-decoder of transformers reads {LINE}.", "page.png"),
    "vlm": Kind(
        "image-text-to-text", ("ocr", "vlm"), f"A vision-language model reads {LINE}, or what its prompt says.", "p.png"
    ),
    FIELDS_FAMILY: Kind(
        "token-classification",
        ("document-understanding", "invoices", "receipts", "key-information-extraction"),
        "A light network reads the fields of invoices and receipts from the words of their pages and the places of "
        "these; the words come from a recogniser.",
        "invoice.pdf --fields",
    ),
}
"""By family."""


def requirement(bundle: Bundle) -> str:
    """What reads it, as a requirement of pip."""
    if bundle.info.family in ("trocr", "vlm"):
        return f"emendo[{'trocr' if has_graphs(bundle) else 'train'}]>={__version__}"
    return f"emendo>={__version__}"


def elsewhere(bundle: Bundle) -> str:
    """How to load it without emendo."""
    if bundle.info.family in ("ctc", "crnn"):
        return (
            "Without emendo: `bundle/model.onnx` takes lines (N, 3, height, width) float32 in [-1, 1], channels blue, "
            "green, red, and gives (N, frames, classes) natural logarithms; class 0 is the CTC blank, class i + 1 is "
            "`alphabet[i]` of `bundle/bundle.yaml`, which also says how a line is brought to its height."
        )
    if bundle.info.family == FIELDS_FAMILY:
        return (
            "Without emendo: `bundle/model.onnx` is a plain ONNX graph, but the numbers that it takes are made from "
            "words and places by emendo (`models.extract.features`), and what it gives is read there too."
        )
    if has_graphs(bundle):
        return "Without emendo: `bundle` holds an encoder and a decoder as ONNX graphs and the tokenizer beside them."
    return "Without emendo: `bundle` is a model folder of transformers, which `from_pretrained` loads."
